package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

// testMark stands before the subject of a test mail.
const testMark = "【テスト】"

func (a *app) testSendCommand() *cobra.Command {
	var contract, periodFlag, to string
	cmd := &cobra.Command{
		Use:   "test-send --contract C --period P --to A",
		Short: "Send a contract's mail to an address of yours",
		Long: `Sends the same message with 【テスト】 before the subject, kept apart from the deliveries: it changes no delivery, freezes no
report, and may be used while a daemon sends.`,
		Example: "  geppo test-send --contract C000001 --period 2026-10 --to me@example.jp",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&contract, "contract", "", "contract `ID`")
	cmd.Flags().StringVar(&periodFlag, "period", "", "month of the report, `YYYY-MM`")
	cmd.Flags().StringVar(&to, "to", "", "`ADDRESS` to send to")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		p, err := period(periodFlag)
		if err != nil {
			return err
		}
		address, err := mail.ParseAddress(to)
		if err != nil {
			return exitWith(exitUsage, "--to %q is not an address such as me@example.jp", to)
		}
		if _, err := db.detections.Contract(ctx, contract); errors.Is(err, store.ErrNotFound) {
			return exitWith(exitUsage, "contract %q is unknown; geppo contracts lists them", contract)
		} else if err != nil {
			return err
		}
		if err := c.Sending(); err != nil {
			return err
		}
		s, err := a.newSender(c, db)
		if err != nil {
			return err
		}
		reply, err := testSend(ctx, s, newPlanner(c, db), store.TestSend{Contract: contract, Period: p, RequestedBy: desk.Operator()}, *address)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "sent to %s: %s\n", printable(address.Address), reply)
		return err
	})
	return cmd
}

// testSend sends the mail of a record's contract and period to an address, and keeps the record with what came of it.
func testSend(ctx context.Context, s *daemon.Dispatcher, planner daemon.Planner, record store.TestSend, to mail.Address) (mailer.Reply, error) {
	report, err := s.Composer.Newest(ctx, record.Contract, record.Period)
	if err != nil {
		return mailer.Reply{}, err
	}
	parts, err := s.Composer.Parts(report)
	if err != nil {
		return mailer.Reply{}, err
	}
	parts.Subject = testMark + parts.Subject
	now := time.Now()
	record.SentAt, record.Recipient, record.Outcome = now, to.Address, store.OutcomeSent
	ids, _ := planner.IDsOf(report.Contract.Brand) // the composer knows the brand
	record.MessageID = ids.MessageID("test", record.Contract, record.Period.String(), to.Address, now.Format(time.RFC3339Nano))
	message, err := s.Composer.Address(report.Contract.Brand, parts, to, record.MessageID, now)
	if err != nil {
		return mailer.Reply{}, err
	}
	reply, err := sendOne(ctx, s, message)
	var failure *mailer.Error
	if errors.As(err, &failure) {
		record.Outcome, reply = store.Outcome(failure.Verdict), failure.Reply
	}
	record.Code, record.Reply = reply.Code, reply.Text
	if err := s.Ledger.RecordTestSend(context.WithoutCancel(ctx), record); err != nil {
		return reply, err
	}
	if failure != nil {
		return reply, &codedError{exitUnavailable, fmt.Errorf("test mail to %s: %w; check [smtp]", to.Address, failure)}
	}
	return reply, err
}

// sendOne hands a message over a connection of its own.
func sendOne(ctx context.Context, d *daemon.Dispatcher, m mailer.Message) (mailer.Reply, error) {
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
