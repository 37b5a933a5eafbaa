package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

const (
	lastFire = `SELECT due_at, period, state, tried_at, coalesce(run, 0) FROM fires WHERE due_at <= ? ORDER BY due_at DESC LIMIT 1`

	openFires = `
SELECT due_at, period, state, tried_at, coalesce(run, 0) FROM fires INDEXED BY fires_open
WHERE state IN ('waiting', 'missed') ORDER BY due_at`

	putFire = `
INSERT INTO fires (due_at, period, state, tried_at, run) VALUES (?, ?, ?, ?, nullif(CAST(? AS BIGINT), 0))
ON CONFLICT (due_at) DO UPDATE SET state = excluded.state, tried_at = excluded.tried_at, run = excluded.run`

	nextDue = `
SELECT min(next_attempt_at) FROM deliveries INDEXED BY deliveries_due WHERE state IN ('queued', 'deferred')`

	// All deliveries of a run were planned when it started.
	oldestPending = `
SELECT min(started_at) FROM runs WHERE id IN (
  SELECT run FROM tallies WHERE state IN ('queued', 'deferred') GROUP BY run HAVING sum(deliveries) > 0)`
)

// LastFire is the newest fire recorded that was due by a time, or ErrNotFound before a daemon's first start.
func (l *Ledger) LastFire(ctx context.Context, by time.Time) (store.Fire, error) {
	fire, err := scanFire(l.r.QueryRowContext(ctx, lastFire, by.UnixMilli()))
	if errors.Is(err, sql.ErrNoRows) {
		return store.Fire{}, store.ErrNotFound
	}
	if err != nil {
		return store.Fire{}, fmt.Errorf("last fire: %w", err)
	}
	return fire, nil
}

// OpenFires lists the fires that wait for an import or for an operator, the oldest first.
func (l *Ledger) OpenFires(ctx context.Context) (fires []store.Fire, err error) {
	err = query(ctx, l.r, openFires, nil, func(row scanner) error {
		fire, err := scanFire(row)
		fires = append(fires, fire)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open fires: %w", err)
	}
	return fires, nil
}

// PutFire records a fire, or what became of it.
func (l *Ledger) PutFire(ctx context.Context, f store.Fire) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, putFire, f.DueAt.UnixMilli(), f.Period.String(), string(f.State), millis(f.TriedAt), f.Run)
		return err
	})
	if err != nil {
		return fmt.Errorf("record fire: %w", err)
	}
	return nil
}

func scanFire(row scanner) (f store.Fire, err error) {
	var due, tried sql.NullInt64
	var period string
	if err := row.Scan(&due, &period, &f.State, &tried, &f.Run); err != nil {
		return store.Fire{}, err
	}
	f.DueAt, f.TriedAt = fromMillis(due), fromMillis(tried)
	f.Period, err = store.ParsePeriod(period)
	return f, err
}

// NextDue is when the next delivery may be claimed, or ErrNotFound if none waits.
func (l *Ledger) NextDue(ctx context.Context) (time.Time, error) { return l.oneTime(ctx, nextDue) }

// OldestPending is when the oldest delivery that still waits was planned, or ErrNotFound.
func (l *Ledger) OldestPending(ctx context.Context) (time.Time, error) {
	return l.oneTime(ctx, oldestPending)
}

func (l *Ledger) oneTime(ctx context.Context, statement string) (time.Time, error) {
	var at sql.NullInt64
	if err := l.r.QueryRowContext(ctx, statement).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("read the queue: %w", err)
	}
	if !at.Valid {
		return time.Time{}, store.ErrNotFound
	}
	return fromMillis(at), nil
}
