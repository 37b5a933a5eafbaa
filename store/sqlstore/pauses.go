package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

const (
	// openPauses are those that hold for worker ?1; for 0 those of all that live.
	openPauses = `
SELECT cause, reason, started_by, started_at FROM pauses AS p WHERE ended_at IS NULL AND (worker IN (0, ?1)
  OR ?1 = 0 AND EXISTS (SELECT 1 FROM workers AS w WHERE w.id = p.worker /*pg AND w.beat_at >= now_ms() - 30000*/)) ORDER BY id DESC`

	insertPause = `
INSERT INTO pauses (started_at, cause, reason, started_by, worker) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (cause, worker) WHERE ended_at IS NULL DO NOTHING`

	endPause = `UPDATE pauses SET ended_at = CASE WHEN ?2 > started_at THEN ?2 ELSE started_at END WHERE ended_at IS NULL AND cause = ?1 AND worker = ?3`

	endPauses = `UPDATE pauses SET ended_at = CASE WHEN ?1 > started_at THEN ?1 ELSE started_at END, ended_by = ?2 WHERE ended_at IS NULL`

	// What a fault of the set-up has put off is tried at once when somebody has mended it. What a relay
	// has put off by its own word waits on.
	hastenUnreached = `
UPDATE deliveries SET next_attempt_at = ?1, updated_at = ?1
WHERE state = 'deferred' AND next_attempt_at > ?1 AND EXISTS (
  SELECT 1 FROM attempts AS a WHERE a.delivery = deliveries.id AND a.number = deliveries.attempts AND a.stage IN ('connect', 'tls', 'auth'))`
)

// Pauses lists the open pauses, the newest first; none while the queue may run. Some may be of one worker only.
func (l *Ledger) Pauses(ctx context.Context) ([]store.Pause, error) { return l.pauses(ctx, 0) }

// Pauses lists those that hold for the worker.
func (s *Seat) Pauses(ctx context.Context) ([]store.Pause, error) {
	return s.l.pauses(ctx, s.id.Load())
}

func (l *Ledger) pauses(ctx context.Context, worker int64) (pauses []store.Pause, err error) {
	err = query(ctx, l.r, openPauses, []any{worker}, func(row scanner) error {
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
	return l.pause(ctx, 0, cause, reason, by, now)
}

// Pause stops the queue for a fault that the worker has met: for all, or for itself where others may not meet it.
func (s *Seat) Pause(ctx context.Context, cause store.Cause, reason string, now time.Time) error {
	worker, by := s.whose(cause), "geppo"
	if worker != 0 {
		by += " on " + s.who.Name
	}
	return s.l.patiently(ctx, handOverWithin, func() error { return s.l.pause(ctx, worker, cause, reason, by, now) })
}

// EndPause ends what Pause has begun: the fault is gone. The others stay.
func (s *Seat) EndPause(ctx context.Context, cause store.Cause, now time.Time) error {
	return s.l.patiently(ctx, handOverWithin, func() error { return s.l.endPause(ctx, s.whose(cause), cause, now) })
}

// whose pause a fault makes: a password, a network and a disk are a machine's own, and a healthy one would else end the
// pause that a broken one has made, again and again.
func (s *Seat) whose(cause store.Cause) (worker int64) {
	if s.Shared() && (cause == store.CauseSetup || cause == store.CauseStorage) {
		return s.id.Load()
	}
	return 0
}

func (l *Ledger) pause(ctx context.Context, worker int64, cause store.Cause, reason, by string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		if _, err := tx.exec(ctx, insertPause, now.UnixMilli(), string(cause), reason, by, worker); err != nil {
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
	return l.endPause(ctx, 0, cause, now)
}

func (l *Ledger) endPause(ctx context.Context, worker int64, cause store.Cause, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, endPause, string(cause), now.UnixMilli(), worker)
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
