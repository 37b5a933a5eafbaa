package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

// spans are the stretches of months, [from, to), that may go; from is zero in the first one.
func spansOf(r store.Retention) (spans []span) {
	keep := slices.SortedFunc(slices.Values(r.Keep), store.Period.Compare)
	var from store.Period
	for _, k := range slices.Compact(keep) {
		if k.Compare(r.Before) >= 0 {
			break
		}
		if from != k {
			spans = append(spans, span{from, k})
		}
		from = k.Next()
	}
	if from.Compare(r.Before) < 0 {
		spans = append(spans, span{from, r.Before})
	}
	return spans
}

type span struct{ from, to store.Period }

// PrunedMonth counts the rows of a month that go.
type PrunedMonth struct {
	Period     store.Period
	Detections int64
	Statuses   int64 // but for each endpoint's newest before the next month that stays: later reports begin with it
	Events     int64
	Coverage   int64 // but for each contract's newest, which tells that it has a feed
}

// Rows is their sum.
func (m PrunedMonth) Rows() int64 { return m.Detections + m.Statuses + m.Events + m.Coverage }

// Pruning is what a retention would remove.
type Pruning struct {
	Months []PrunedMonth // with rows to remove, the oldest first
	units  []pruneUnit

	// On PostgreSQL, see stretch: as one parameter, and when the last ends.
	stretches string
	until     int64
}

// Rows is the sum over all months.
func (p Pruning) Rows() (n int64) {
	for _, m := range p.Months {
		n += m.Rows()
	}
	return n
}

type pruneStatements struct {
	keys, isPruned, oldest, count, record   *sql.Stmt
	changed                                 *sql.Stmt
	detections, statuses, events, coverages *sql.Stmt
}

func (s *pruneStatements) list(r, w *sql.DB) []statement {
	return []statement{
		{&s.keys, r, selectContractKeys},
		{&s.isPruned, r, selectIsPruned},
		{&s.record, w, insertPruned},
		{&s.changed, w, forgetChanged},
	}
}

const (
	selectContractKeys = `SELECT key, timezone FROM contracts ORDER BY key`

	selectIsPruned = `SELECT coalesce(max(period), '') FROM pruned WHERE period IN (?, ?)`

	insertPruned = `INSERT INTO pruned (period, pruned_at) VALUES (?, ?) ON CONFLICT DO NOTHING`

	forgetChanged = `DELETE FROM changed WHERE month IN (SELECT period FROM pruned)`
)

// Pruned tells whether a report of p can no longer be computed, by ErrPruned.
func (d *Detections) Pruned(ctx context.Context, p store.Period) error {
	return pruned(d.prune.isPruned.QueryRowContext(ctx, p.String(), p.Previous().String()))
}

func pruned(row *sql.Row) error {
	var period string
	if err := row.Scan(&period); err != nil || period == "" {
		return err
	}
	return fmt.Errorf("%s: %w", period, store.ErrPruned)
}

// Prunable finds what a retention removes, and changes nothing.
func (d *Detections) Prunable(ctx context.Context, retention store.Retention) (p Pruning, err error) {
	if d.f.file == nil {
		p, err = d.prunableMonths(ctx, retention)
	} else {
		p, err = d.prunableUnits(ctx, retention)
	}
	if err != nil {
		return Pruning{}, fmt.Errorf("find what can be pruned: %w", err)
	}
	return p, nil
}

func sorted(months map[store.Period]*PrunedMonth) (list []PrunedMonth) {
	for _, m := range months {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b PrunedMonth) int { return a.Period.Compare(b.Period) })
	return list
}

// Prune removes what Prunable has found and tells how many rows went after each transaction. Its
// months are marked first; cut off anywhere, it can be begun again by another Prunable.
func (d *Detections) Prune(ctx context.Context, p Pruning, now time.Time, progress func(rows int64)) error {
	err := d.markPruned(ctx, p, now)
	if err == nil && d.f.file == nil {
		err = d.prunedPartitions(ctx, p, progress)
	} else if err == nil {
		err = d.prunedUnits(ctx, p, progress)
	}
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	return nil
}

func (d *Detections) markPruned(ctx context.Context, p Pruning, now time.Time) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		for _, m := range p.Months {
			if _, err := tx.StmtContext(ctx, d.prune.record).ExecContext(ctx, m.Period.String(), now.UnixMilli()); err != nil {
				return err
			}
		}
		_, err := tx.StmtContext(ctx, d.prune.changed).ExecContext(ctx)
		return err
	})
}

// update runs write in one transaction, which waits for an import in another process.
func (d *Detections) update(ctx context.Context, write func(*sql.Tx) error) error {
	tx, err := d.f.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin (an import may be running; try again when it has ended): %w", err)
	}
	if err := d.alone(ctx, tx); err != nil {
		return errors.Join(fmt.Errorf("begin (an import may be running; try again when it has ended): %w", err), tx.Rollback())
	}
	if err := write(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
