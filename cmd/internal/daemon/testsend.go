package daemon

import (
	"context"
	"errors"
	"net/mail"
	"time"

	"geppo/mailer"
	"geppo/store"
)

// testMark stands before the subject of a test mail.
const testMark = "【テスト】"

// TestSend sends the mail of a record's contract and period to an address, over a connection of its own, and keeps the
// record with what came of it. It freezes no report and touches no delivery. A relay that does not take it is told by
// its *mailer.Error.
func (d *Dispatcher) TestSend(ctx context.Context, planner Planner, record store.TestSend, to mail.Address) (mailer.Reply, error) {
	report, err := d.Composer.Newest(ctx, record.Contract, record.Period)
	if err != nil {
		return mailer.Reply{}, err
	}
	parts, err := d.Composer.Parts(report)
	if err != nil {
		return mailer.Reply{}, err
	}
	parts.Subject = testMark + parts.Subject
	now := d.Now()
	record.SentAt, record.Recipient, record.Outcome = now, to.Address, store.OutcomeSent
	ids, _ := planner.IDsOf(report.Contract.Brand) // the composer knows the brand
	record.MessageID = ids.MessageID("test", record.Contract, record.Period.String(), to.Address, now.Format(time.RFC3339Nano))
	message, err := d.Composer.Address(report.Contract.Brand, parts, to, record.MessageID, now)
	if err != nil {
		return mailer.Reply{}, err
	}
	reply, err := d.sendApart(ctx, message)
	var failure *mailer.Error
	if errors.As(err, &failure) {
		record.Outcome, reply = store.Outcome(failure.Verdict), failure.Reply
	}
	record.Code, record.Reply = reply.Code, reply.Text
	return reply, errors.Join(err, d.Ledger.RecordTestSend(context.WithoutCancel(ctx), record))
}

// sendApart hands a message over a connection of its own.
func (d *Dispatcher) sendApart(ctx context.Context, m mailer.Message) (mailer.Reply, error) {
	conn, err := d.Client.Connect(ctx)
	if err != nil {
		return mailer.Reply{}, err
	}
	reply, err := conn.Send(ctx, m, func() error { return nil })
	// The reply has been given; a lost QUIT changes nothing.
	if closeErr := conn.Close(); closeErr != nil {
		d.Log.Debug("closing the connection failed", "error", closeErr)
	}
	return reply, err
}
