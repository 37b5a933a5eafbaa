package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"geppo/store"
)

// where is the filter's condition over the deliveries' columns, and its arguments.
func where(f store.Filter) (string, []any) {
	var conditions []string
	var args []any
	is := func(condition string, arg any) { conditions, args = append(conditions, condition), append(args, arg) }
	if f.Period != (store.Period{}) {
		is("period = +?", f.Period.String())
	}
	if len(f.Contracts) > 0 && len(f.Mailboxes) > 0 {
		conditions = append(conditions, "(contract IN (SELECT value FROM json_each(?)) OR mailbox IN (SELECT value FROM json_each(?)))")
		args = append(args, list(f.Contracts), list(f.Mailboxes))
	} else if len(f.Contracts) > 0 {
		is("contract IN (SELECT value FROM json_each(?))", list(f.Contracts))
		if f.Period == (store.Period{}) { // or all deliveries would be read: the index begins with the period
			conditions = append(conditions, "period IN (SELECT period FROM runs)")
		}
	} else if len(f.Mailboxes) > 0 {
		is("mailbox IN (SELECT value FROM json_each(?))", list(f.Mailboxes))
	}
	if len(f.States) > 0 {
		is("state IN (SELECT value FROM json_each(?))", list(f.States))
	}
	if len(f.IDs) > 0 {
		is("id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))", list(f.IDs))
	}
	if f.Run != 0 {
		is("run = +?", f.Run)
	}
	if f.Unacknowledged {
		conditions = append(conditions, "acknowledged_at IS NULL")
	}
	if f.Standing {
		conditions = append(conditions, standing)
	}
	if f.Unreplaced {
		conditions = append(conditions, "replaced_by IS NULL")
	}
	if conditions == nil {
		return "true", nil
	}
	return strings.Join(conditions, " AND "), args
}

const standing = `replaced_by IS NULL AND NOT EXISTS (
  SELECT 1 FROM deliveries AS n WHERE n.period = deliveries.period AND n.contract = deliveries.contract
    AND n.mailbox = deliveries.mailbox AND n.resend > deliveries.resend)`

// perList bounds a list that could be of a million.
const perList = 10_000

// list is one parameter for json_each, however long: SQLite takes 32,766 of them at the most.
func list[T any](values []T) string {
	text, err := json.Marshal(values)
	if err != nil {
		return "[]" // strings, numbers and structs of them always have a JSON form
	}
	return string(text)
}

const (
	// A bare ? in a place that the planner looks at, LIMIT among them, has the statement planned anew
	// at each use: a third of all processor time that a delivery takes in the ledger. Hence "+?".
	dueDeliveries  = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_due` + areDue
	dueOfContracts = `SELECT ` + deliveryColumns + ` FROM deliveries` + areDue // of few, by their own index

	areDue = `
WHERE state IN ('queued', 'deferred') AND next_attempt_at <= +?
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND cause = 'operator') AND `

	// Of what another claims at this moment each takes other rows.
	dueFirst = ` ORDER BY next_attempt_at, id LIMIT +? /*pg FOR UPDATE SKIP LOCKED*/`

	claimDeliveries = `
UPDATE deliveries
SET state = 'sending', next_attempt_at = NULL, attempts = attempts + 1, dated_at = coalesce(dated_at, ?2), updated_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`

	startAttempts = `
INSERT INTO attempts (delivery, number, started_at, stage, outcome)
SELECT id, attempts, ?2, 'compose', 'running' FROM deliveries WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`

	// That it has been done already for the same attempt changes nothing.
	markHandingOver = `
UPDATE deliveries SET state = 'handing_over', sha256 = ?3, updated_at = ?4
WHERE id = ?1 AND attempts = ?2 AND state IN ('sending', 'handing_over') AND (sha256 IS NULL OR sha256 = ?3)`

	attemptIsOpen = `
SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND attempts = ?2 AND state IN ('sending', 'handing_over'))`

	endAttempt = `
UPDATE attempts SET ended_at = CASE WHEN ?3 > started_at THEN ?3 ELSE started_at END, stage = ?4, code = ?5, enhanced = ?6, reply = ?7, tls = ?8, outcome = ?9
WHERE delivery = ?1 AND number = ?2 AND outcome = 'running'`

	settleDelivery = `
UPDATE deliveries SET state = ?2, next_attempt_at = ?3, ambiguous = ambiguous + ?4,
                      waited_ms = waited_ms + ?10, last_code = ?5, last_reply = ?6,
                      reason = ?7, sent_at = ?8, updated_at = ?9, lapsed = CASE WHEN ?2 = 'cancelled' THEN 1 ELSE 0 END,
                      acknowledged_at = CASE WHEN ?2 = 'cancelled' AND NOT EXISTS (
                        SELECT 1 FROM marks AS m WHERE m.mailbox = deliveries.mailbox AND m.cleared_at IS NULL) THEN CAST(?9 AS BIGINT) END
WHERE id = ?1 AND attempts = ?11 AND state IN ('sending', 'handing_over')`

	// What was under way when a later resend was made gives way to it if it comes back.
	giveWay = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, lapsed = 0, replaced_by = newer.id, reason = 'replaced by delivery ' || newer.id
FROM (SELECT n.id FROM deliveries AS d JOIN deliveries AS n
        ON n.period = d.period AND n.contract = d.contract AND n.mailbox = d.mailbox AND n.resend > d.resend
      WHERE d.id = ?1 ORDER BY n.resend DESC LIMIT 1) AS newer
WHERE deliveries.id = ?1 AND replaced_by IS NULL AND (state IN ('queued', 'deferred', 'held') OR lapsed = 1)`

	// As a bounce does; of two in one millisecond one is enough.
	markRefused = `
INSERT INTO marks (mailbox, address, marked_at, reason)
SELECT mailbox, recipient, ?2, ?3 FROM deliveries WHERE id = ?1 ON CONFLICT DO NOTHING`

	settledAs = `SELECT outcome FROM attempts WHERE delivery = ? AND number = ? AND outcome <> 'running'`

	underWay = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_under_way
WHERE state IN ('sending', 'handing_over') ORDER BY id`
)

// Claim takes the deliveries that have been due longest, at most so many, registers an attempt of
// each and returns them, or ErrNotFound if none of the filter's is due or an operator has paused the
// queue. Their state is then sending.
func (l *Ledger) Claim(ctx context.Context, filter store.Filter, now time.Time, most int) (claimed []store.Delivery, err error) {
	if err := l.InPlace(); err != nil {
		return nil, err
	}
	condition, args := where(filter)
	due := dueDeliveries
	if len(filter.Contracts) > 0 || len(filter.IDs) > 0 {
		due = dueOfContracts
	}
	args = append(append([]any{now.UnixMilli()}, args...), most)
	err = l.writeTogether(ctx, func(tx ledgerTx) error {
		var err error
		if claimed, err = tx.deliveries(ctx, due+condition+dueFirst, args...); err != nil {
			return err
		}
		if len(claimed) == 0 {
			return store.ErrNotFound
		}
		ids := make([]int64, len(claimed))
		for i := range claimed {
			d := &claimed[i]
			ids[i], d.State, d.NextAttemptAt, d.Attempts = d.ID, store.Sending, time.Time{}, d.Attempts+1
			if d.DatedAt.IsZero() {
				d.DatedAt = now.UTC().Truncate(time.Millisecond)
			}
		}
		for _, statement := range []string{claimDeliveries, startAttempts} {
			if _, err := tx.exec(ctx, statement, list(ids), now.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("claim: %w", err)
	}
	return claimed, err
}

// HandOver commits that the final dot of a delivery's attempt is about to be written; saying it again
// for the same attempt is no fault. It refuses bytes that differ from an earlier handing over of the same
// delivery with ErrBytesDiffer, and an attempt that is not the delivery's open one with ErrStale.
func (l *Ledger) HandOver(ctx context.Context, id int64, attempt int, sum [sha256.Size]byte, now time.Time) error {
	if err := l.InPlace(); err != nil {
		return err
	}
	err := l.writeTogether(ctx, func(tx ledgerTx) error {
		err := mustChangeOne(tx.exec(ctx, markHandingOver, id, attempt, sum[:], now.UnixMilli()))
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		var open bool
		if err := tx.row(ctx, attemptIsOpen, id, attempt).Scan(&open); err != nil {
			return err
		}
		if open {
			return store.ErrBytesDiffer
		}
		return store.ErrStale
	})
	if err != nil {
		return fmt.Errorf("hand over delivery %d, attempt %d: %w", id, attempt, err)
	}
	return nil
}

// Settle records an attempt's end and its delivery's new state in one transaction. Saying the same of the
// same attempt again is no fault; of an attempt that ended in another way, or is not the delivery's, it is ErrStale.
// The outcome is known and must not be lost: while another process locks the ledger it is tried again and again.
func (l *Ledger) Settle(ctx context.Context, s store.Settlement) error {
	err := l.patiently(ctx, func() error {
		return l.writeTogether(ctx, func(tx ledgerTx) error { return tx.settle(ctx, s) })
	})
	if err != nil {
		return fmt.Errorf("settle delivery %d, attempt %d: %w", s.Attempt.Delivery, s.Attempt.Number, err)
	}
	return nil
}

func (tx ledgerTx) settle(ctx context.Context, s store.Settlement) error {
	a := s.Attempt
	err := mustChangeOne(tx.exec(ctx, endAttempt, a.Delivery, a.Number, a.EndedAt.UnixMilli(),
		a.Stage, a.Code, a.Enhanced, a.Reply, a.TLS, string(a.Outcome)))
	if errors.Is(err, store.ErrNotFound) {
		return tx.settledBefore(ctx, a)
	}
	if err != nil {
		return err
	}
	var sentAt time.Time
	if s.State == store.Sent {
		sentAt = a.EndedAt
	}
	ambiguous := 0
	if a.Outcome == store.OutcomeAmbiguous {
		ambiguous = 1
	}
	err = mustChangeOne(tx.exec(ctx, settleDelivery, a.Delivery, string(s.State), millis(s.NextAttemptAt),
		ambiguous, a.Code, a.Reply, s.Reason, millis(sentAt), a.EndedAt.UnixMilli(), s.Waited.Milliseconds(), a.Number))
	if err != nil || s.State == store.Sent {
		return err
	}
	if s.Mark {
		if _, err := tx.exec(ctx, markRefused, a.Delivery, a.EndedAt.UnixMilli(), a.Reply); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, giveWay, a.Delivery)
	return err
}

// settledBefore tells a repeat, which is no fault, from an attempt that is over or never was.
func (tx ledgerTx) settledBefore(ctx context.Context, a store.Attempt) error {
	var outcome store.Outcome
	err := tx.row(ctx, settledAs, a.Delivery, a.Number).Scan(&outcome)
	if err == nil && outcome == a.Outcome {
		return nil
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return store.ErrStale
	}
	return err
}

// UnderWay lists deliveries in the states sending and handing_over: while no sender lives, those
// that a crash left behind.
func (l *Ledger) UnderWay(ctx context.Context) ([]store.Delivery, error) {
	return l.queryDeliveries(ctx, underWay)
}

// maxTries bounds patience: it is ten minutes and more.
const maxTries = 20

// patiently repeats a write for as long as its error may be gone at the next try.
func (l *Ledger) patiently(ctx context.Context, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		if err == nil || !l.passing(err) || try == maxTries || ctx.Err() != nil {
			return err
		}
	}
}

func mustChangeOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return err
	case n != 1:
		return store.ErrNotFound
	}
	return nil
}
