package sqlite

import (
	"context"
	"fmt"
	"time"

	"geppo/store"
)

// What operators do to deliveries.

const (
	nextResend = `SELECT coalesce(max(resend), -1) + 1 FROM deliveries WHERE period = ? AND contract = ?`

	insertResent = `
INSERT INTO deliveries (run, contract, period, revision, recipient, recipient_name, resend, message_id, forced,
                        state, next_attempt_at, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', ?10, ?10, ?10)`

	cancelDeliveries = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, reason = ?, updated_at = ?
WHERE state IN ('queued', 'deferred', 'held') AND `

	replaceDelivery = `
UPDATE deliveries SET state = 'cancelled', sent_at = NULL, replaced_by = ?2, reason = ?3, updated_at = ?4
WHERE id = ?1 AND state IN ('failed', 'held', 'bounced')`

	releaseDelivery = `
UPDATE deliveries SET state = 'queued', next_attempt_at = ?2, reason = '', updated_at = ?2 WHERE id = ?1 AND state = 'held'`

	insertTestSend = `
INSERT INTO test_sends (contract, period, recipient, message_id, requested_by, sent_at, outcome, code, reply)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// Resend records the request as a run and adds its deliveries beside the old ones, one for each
// contract and address.
func (l *Ledger) Resend(ctx context.Context, request store.Resend, now time.Time) (run store.Run, ids []int64, err error) {
	run = store.Run{Kind: "resend", Period: request.Period, StartedAt: now, RequestedBy: request.RequestedBy, Reason: request.Reason, Errors: request.Errors}
	err = l.write(ctx, func(tx ledgerTx) error {
		var err error
		if run.ID, err = insert(ctx, tx, insertRun, run.Kind, run.Period.String(), now.UnixMilli(), run.RequestedBy, run.Reason); err != nil {
			return err
		}
		if err := insertRunErrors(ctx, tx, run); err != nil {
			return err
		}
		numbers := map[string]int{}
		made := map[[2]string]int64{}
		for _, t := range request.Targets {
			if err := resendNumber(ctx, tx, numbers, request.Period, t.Contract); err != nil {
				return err
			}
			resend := numbers[t.Contract]
			id, again := made[[2]string{t.Contract, t.Address}]
			if !again { // a mail and its resend may both have failed: one new mail replaces them
				id, err = insert(ctx, tx, insertResent, run.ID, t.Contract, request.Period.String(), t.Revision, t.Address, t.Name,
					resend, request.MessageID(t, resend), t.Forced, now.UnixMilli())
				if err != nil {
					return fmt.Errorf("contract %s: %w", t.Contract, err)
				}
				made[[2]string{t.Contract, t.Address}] = id
				ids = append(ids, id)
			}
			if err := cancelReplaced(ctx, tx, t, id, now); err != nil {
				return err
			}
		}
		run.Planned = len(ids)
		_, err = tx.exec(ctx, finishPlanning, run.ID, run.Planned, 0)
		return err
	})
	if err != nil {
		return store.Run{}, nil, fmt.Errorf("resend %s: %w", request.Period, err)
	}
	return run, ids, nil
}

// resendNumber numbers a contract's new deliveries, the same for all its addresses.
func resendNumber(ctx context.Context, tx ledgerTx, numbers map[string]int, p store.Period, contract string) error {
	if _, known := numbers[contract]; known {
		return nil
	}
	var n int
	err := tx.row(ctx, nextResend, p.String(), contract).Scan(&n)
	numbers[contract] = n
	return err
}

func cancelReplaced(ctx context.Context, tx ledgerTx, t store.ResendTarget, by int64, now time.Time) error {
	if t.Replaces == 0 {
		return nil
	}
	reason := fmt.Sprintf("replaced by delivery %d", by)
	// A delivery that was sent in the meantime is not touched, and the resend is refused.
	err := mustChangeOne(tx.exec(ctx, replaceDelivery, t.Replaces, by, reason, now.UnixMilli()))
	if err != nil {
		return fmt.Errorf("delivery %d has changed meanwhile: %w", t.Replaces, err)
	}
	return nil
}

// Cancel stops what is pending or held among the filter's deliveries, but for those under way, and
// tells how many.
func (l *Ledger) Cancel(ctx context.Context, filter store.Filter, reason string, now time.Time) (n int, err error) {
	condition, args := where(filter)
	err = l.write(ctx, func(tx ledgerTx) error {
		result, err := tx.exec(ctx, cancelDeliveries+condition, append([]any{reason, now.UnixMilli()}, args...)...)
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		n = int(changed)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cancel: %w", err)
	}
	return n, nil
}

// Release lets a held delivery go; ErrNotFound if it is not held.
func (l *Ledger) Release(ctx context.Context, id int64, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		return mustChangeOne(tx.exec(ctx, releaseDelivery, id, now.UnixMilli()))
	})
	if err != nil {
		return fmt.Errorf("release delivery %d: %w", id, err)
	}
	return nil
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
