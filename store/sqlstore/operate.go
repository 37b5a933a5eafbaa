package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

// What operators do to deliveries.

const (
	nextResend = `SELECT coalesce(max(resend), -1) + 1 FROM deliveries WHERE period = ? AND contract = ?`

	insertResent = `
INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id, forced,
                        state, next_attempt_at, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'queued', ?11, ?11, ?11) RETURNING id`

	// What is being settled at this moment must be, or supersede would not see that it waits again.
	holdMailbox = `SELECT id FROM deliveries WHERE period = ? AND contract = ? AND mailbox = ? ORDER BY id /*pg FOR UPDATE*/`

	// What still waits for the same mailbox, or could be let go, must not arrive after the newer one; what went wrong
	// is dealt with by it. What is under way gives way when it is settled.
	supersede = `
UPDATE deliveries SET state = 'cancelled', lapsed = 0, next_attempt_at = NULL, sent_at = NULL, acknowledged_at = NULL,
                      replaced_by = ?1, reason = ?2, updated_at = ?3
WHERE period = ?4 AND contract = ?5 AND mailbox = ?6 AND id <> ?1 AND replaced_by IS NULL
  AND state IN ('awaiting', 'queued', 'deferred', 'held', 'cancelled', 'failed', 'bounced')`

	replaceDelivery = `
UPDATE deliveries SET state = 'cancelled', sent_at = NULL, replaced_by = ?2, reason = ?3, updated_at = ?4
WHERE id = ?1 AND state IN ('failed', 'held', 'bounced') AND replaced_by IS NULL`

	isReplaced = `SELECT replaced_by = ?2 FROM deliveries WHERE id = ?1 AND replaced_by IS NOT NULL`

	insertTestSend = `
INSERT INTO test_sends (contract, period, recipient, message_id, requested_by, sent_at, outcome, code, reply)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// Resend records the request as a run and adds its deliveries beside the old ones, one for each
// contract and mailbox. What still waits for the same contract, period and mailbox is cancelled.
func (l *Ledger) Resend(ctx context.Context, request store.Resend, now time.Time) (run store.Run, ids []int64, err error) {
	run = store.Run{Kind: "resend", Period: request.Period, StartedAt: now, RequestedBy: request.RequestedBy, Reason: request.Reason, Errors: request.Errors}
	err = l.write(ctx, func(tx ledgerTx) error {
		var err error
		if run.ID, err = insert(ctx, tx, insertRun, run.Kind, run.Period.String(), now.UnixMilli(), run.RequestedBy, run.Reason, string(store.ApprovalNone), false); err != nil {
			return err
		}
		for _, e := range run.Errors {
			if _, err := tx.exec(ctx, insertRunError, run.ID, e.Contract, runErrorUnreachable, e.Reason); err != nil {
				return err
			}
		}
		r := resending{tx: tx, run: run.ID, request: request, now: now, numbers: map[string]int{}, made: map[[2]string]int64{}}
		for _, t := range request.Targets {
			if err := r.add(ctx, t); err != nil {
				return fmt.Errorf("contract %s: %w", t.Contract, err)
			}
		}
		ids, run.Planned = r.ids, len(r.ids)
		if _, err = tx.exec(ctx, finishPlanning, run.ID, run.Planned, 0); err != nil {
			return err
		}
		return r.note(ctx)
	})
	if err != nil {
		return store.Run{}, nil, fmt.Errorf("resend %s: %w", request.Period, err)
	}
	return run, ids, nil
}

// resending is one request under way.
type resending struct {
	tx      ledgerTx
	run     int64
	request store.Resend
	now     time.Time
	numbers map[string]int      // of the new deliveries, by contract
	made    map[[2]string]int64 // by contract and mailbox
	ids     []int64
}

// add makes a target's new delivery, and puts it in the place of the older ones.
func (r *resending) add(ctx context.Context, t store.ResendTarget) error {
	if err := r.number(ctx, t.Contract); err != nil {
		return err
	}
	p, mailbox, resend := r.request.Period.String(), store.Mailbox(t.Address), r.numbers[t.Contract]
	id, again := r.made[[2]string{t.Contract, mailbox}]
	if !again { // a mail and its resend may both have failed: one new mail replaces them
		if err := r.tx.each(ctx, holdMailbox, func(scanner) error { return nil }, p, t.Contract, mailbox); err != nil {
			return err
		}
		var err error
		id, err = insert(ctx, r.tx, insertResent, r.run, t.Contract, p, t.Revision, t.Address, mailbox, t.Name,
			resend, r.request.MessageID(t, resend), t.Forced, r.now.UnixMilli())
		if err != nil {
			return err
		}
		r.made[[2]string{t.Contract, mailbox}] = id
		r.ids = append(r.ids, id)
		reason := fmt.Sprintf("replaced by delivery %d", id)
		if _, err := r.tx.exec(ctx, supersede, id, reason, r.now.UnixMilli(), p, t.Contract, mailbox); err != nil {
			return err
		}
		if _, err := r.tx.exec(ctx, inheritCanary, id); err != nil {
			return err
		}
	}
	return r.replace(ctx, t.Replaces, id)
}

// number numbers a contract's new deliveries, the same for all its addresses.
func (r *resending) number(ctx context.Context, contract string) error {
	if _, known := r.numbers[contract]; known {
		return nil
	}
	var n int
	err := r.tx.row(ctx, nextResend, r.request.Period.String(), contract).Scan(&n)
	r.numbers[contract] = n
	return err
}

// replace cancels a delivery that went wrong. One that was sent in the meantime is not touched, and the
// resend is refused.
func (r *resending) replace(ctx context.Context, old, by int64) error {
	if old == 0 {
		return nil
	}
	err := mustChangeOne(r.tx.exec(ctx, replaceDelivery, old, by, fmt.Sprintf("replaced by delivery %d", by), r.now.UnixMilli()))
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var done bool // it was held, and superseded
	if err := r.tx.row(ctx, isReplaced, old, by).Scan(&done); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if !done {
		return fmt.Errorf("delivery %d has changed meanwhile: %w", old, store.ErrNotFound)
	}
	return nil
}

// note writes the line of the action.
func (r *resending) note(ctx context.Context) error {
	order := store.Order{By: r.request.RequestedBy, What: r.request.What, Reason: r.request.Reason}
	action, err := r.tx.note(ctx, "resend", order, r.now)
	for i := 0; err == nil && i < len(r.ids); i++ {
		_, err = r.tx.exec(ctx, takeDelivery, action, r.ids[i])
	}
	if err == nil {
		_, err = r.tx.exec(ctx, countTaken, action)
	}
	return err
}

// RecordTestSend records a test mail apart from the deliveries.
func (l *Ledger) RecordTestSend(ctx context.Context, t store.TestSend) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, insertTestSend, t.Contract, t.Period.String(), t.Recipient, t.MessageID, t.RequestedBy,
			t.SentAt.UnixMilli(), string(t.Outcome), t.Code, t.Reply)
		return err
	})
	if err != nil {
		return fmt.Errorf("record test mail: %w", err)
	}
	return nil
}
