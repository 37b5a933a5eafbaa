package sqlite

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
	in := func(column string, n int) {
		conditions = append(conditions, column+" IN (?"+strings.Repeat(", ?", n-1)+")")
	}
	if f.Period != (store.Period{}) {
		conditions, args = append(conditions, "period = +?"), append(args, f.Period.String())
	}
	if len(f.Contracts) > 0 {
		in("contract", len(f.Contracts))
		for _, contract := range f.Contracts {
			args = append(args, contract)
		}
		if f.Period == (store.Period{}) { // or all deliveries would be read: the index begins with the period
			conditions = append(conditions, "period IN (SELECT period FROM runs)")
		}
	}
	if len(f.States) > 0 {
		in("state", len(f.States))
		for _, state := range f.States {
			args = append(args, string(state))
		}
	}
	if len(f.IDs) > 0 {
		in("id", len(f.IDs))
		for _, id := range f.IDs {
			args = append(args, id)
		}
	}
	if f.Run != 0 {
		conditions, args = append(conditions, "run = +?"), append(args, f.Run)
	}
	if conditions == nil {
		return "true", nil
	}
	return strings.Join(conditions, " AND "), args
}

const (
	// A bare ? in a place that the planner looks at, LIMIT among them, has the statement planned anew
	// at each use: a third of all processor time that a delivery takes in the ledger. Hence "+?".
	dueDeliveries  = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_due` + areDue
	dueOfContracts = `SELECT ` + deliveryColumns + ` FROM deliveries` + areDue // of few, by their own index

	areDue = `
WHERE state IN ('queued', 'deferred') AND next_attempt_at <= +?
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND cause = 'operator') AND `

	dueFirst = ` ORDER BY next_attempt_at, id LIMIT +?`

	claimDeliveries = `
UPDATE deliveries
SET state = 'sending', next_attempt_at = NULL, attempts = attempts + 1, dated_at = coalesce(dated_at, ?2), updated_at = ?2
WHERE id IN (SELECT value FROM json_each(?1))`

	startAttempts = `
INSERT INTO attempts (delivery, number, started_at, stage, outcome)
SELECT id, attempts, ?2, 'compose', 'running' FROM deliveries WHERE id IN (SELECT value FROM json_each(?1))`

	markHandingOver = `
UPDATE deliveries SET state = 'handing_over', sha256 = ?2, updated_at = ?3
WHERE id = ?1 AND state = 'sending' AND (sha256 IS NULL OR sha256 = ?2)`

	endAttempt = `
UPDATE attempts SET ended_at = max(?3, started_at), stage = ?4, code = ?5, enhanced = ?6, reply = ?7, tls = ?8, outcome = ?9
WHERE delivery = ?1 AND number = ?2 AND outcome = 'running'`

	settleDelivery = `
UPDATE deliveries SET state = ?2, next_attempt_at = ?3, ambiguous = ambiguous + ?4,
                      waited_ms = waited_ms + ?10, last_code = ?5, last_reply = ?6,
                      reason = ?7, sent_at = ?8, updated_at = ?9
WHERE id = ?1 AND state IN ('sending', 'handing_over')`

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
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		for _, statement := range []string{claimDeliveries, startAttempts} {
			if _, err := tx.exec(ctx, statement, string(list), now.UnixMilli()); err != nil {
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

// HandOver commits that the message's final dot is about to be written. It refuses bytes that
// differ from an earlier handing over of the same delivery with ErrBytesDiffer.
func (l *Ledger) HandOver(ctx context.Context, id int64, sum [sha256.Size]byte, now time.Time) error {
	if err := l.InPlace(); err != nil {
		return err
	}
	err := l.writeTogether(ctx, func(tx ledgerTx) error {
		return mustChangeOne(tx.exec(ctx, markHandingOver, id, sum[:], now.UnixMilli()))
	})
	if errors.Is(err, store.ErrNotFound) {
		err = store.ErrBytesDiffer
	}
	if err != nil {
		return fmt.Errorf("hand over delivery %d: %w", id, err)
	}
	return nil
}

// Settle records an attempt's end and its delivery's new state in one transaction.
func (l *Ledger) Settle(ctx context.Context, s store.Settlement) error {
	a := s.Attempt
	var sentAt time.Time
	if s.State == store.Sent {
		sentAt = a.EndedAt
	}
	ambiguous := 0
	if a.Outcome == store.OutcomeAmbiguous {
		ambiguous = 1
	}
	err := l.writeTogether(ctx, func(tx ledgerTx) error {
		if err := mustChangeOne(tx.exec(ctx, endAttempt, a.Delivery, a.Number, a.EndedAt.UnixMilli(),
			a.Stage, a.Code, a.Enhanced, a.Reply, a.TLS, string(a.Outcome))); err != nil {
			return fmt.Errorf("attempt %d: %w", a.Number, err)
		}
		return mustChangeOne(tx.exec(ctx, settleDelivery, a.Delivery, string(s.State), millis(s.NextAttemptAt),
			ambiguous, a.Code, a.Reply, s.Reason, millis(sentAt), a.EndedAt.UnixMilli(), s.Waited.Milliseconds()))
	})
	if err != nil {
		return fmt.Errorf("settle delivery %d: %w", a.Delivery, err)
	}
	return nil
}

// UnderWay lists deliveries in the states sending and handing_over: while no sender lives, those
// that a crash left behind.
func (l *Ledger) UnderWay(ctx context.Context) ([]store.Delivery, error) {
	return l.queryDeliveries(ctx, underWay)
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
