package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

const (
	openPauses = `SELECT cause, reason, started_by, started_at FROM pauses WHERE ended_at IS NULL ORDER BY id DESC`

	insertPause = `
INSERT INTO pauses (started_at, cause, reason, started_by) VALUES (?, ?, ?, ?)
ON CONFLICT (cause, worker) WHERE ended_at IS NULL DO NOTHING`

	endPause = `UPDATE pauses SET ended_at = CASE WHEN ?2 > started_at THEN ?2 ELSE started_at END WHERE ended_at IS NULL AND cause = ?1`

	endPauses = `UPDATE pauses SET ended_at = CASE WHEN ?1 > started_at THEN ?1 ELSE started_at END, ended_by = ?2 WHERE ended_at IS NULL`

	// What a fault of the set-up has put off is tried at once when somebody has mended it. What a relay
	// has put off by its own word waits on.
	hastenUnreached = `
UPDATE deliveries SET next_attempt_at = ?1, updated_at = ?1
WHERE state = 'deferred' AND next_attempt_at > ?1 AND EXISTS (
  SELECT 1 FROM attempts AS a WHERE a.delivery = deliveries.id AND a.number = deliveries.attempts AND a.stage IN ('connect', 'tls', 'auth'))`
)

// Pauses lists the open pauses, the newest first; none while the queue may run.
func (l *Ledger) Pauses(ctx context.Context) (pauses []store.Pause, err error) {
	err = query(ctx, l.r, openPauses, nil, func(row scanner) error {
		var p store.Pause
		var started sql.NullInt64
		err := row.Scan(&p.Cause, &p.Reason, &p.By, &started)
		p.StartedAt = fromMillis(started)
		pauses = append(pauses, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	return pauses, nil
}

// Pause stops the queue; a pause of the same cause that is already open stays as it is.
func (l *Ledger) Pause(ctx context.Context, cause store.Cause, reason, by string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		if _, err := tx.exec(ctx, insertPause, now.UnixMilli(), string(cause), reason, by); err != nil {
			return err
		}
		if cause != store.CauseOperator {
			return nil
		}
		_, err := tx.note(ctx, "pause", store.Order{By: by, Reason: reason}, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	return nil
}

// EndPause ends the open pause of a cause: the fault is gone. The others stay.
func (l *Ledger) EndPause(ctx context.Context, cause store.Cause, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, endPause, string(cause), now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("end pause: %w", err)
	}
	return nil
}

// Resume ends every pause at an operator's word. What failed because the relay could not be reached is due at once.
func (l *Ledger) Resume(ctx context.Context, order store.Order, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		if _, err := tx.exec(ctx, endPauses, now.UnixMilli(), order.By); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, hastenUnreached, now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.note(ctx, "resume", order, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}
