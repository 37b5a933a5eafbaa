package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

const (
	runColumns = `SELECT id, kind, period, started_at, finished_at, requested_by, reason, planned, cancelled FROM runs`

	selectRuns = runColumns + ` WHERE ?1 = '' OR period = ?1 ORDER BY id`

	selectRunErrors = `SELECT contract, reason, kind FROM run_errors WHERE run = ? ORDER BY contract`

	// Whoever finishes a run tells how it ended: a run by hand and the daemon beside it may both see the end.
	// What awaits approval is still to come.
	finishRun = `
UPDATE runs SET finished_at = CASE WHEN ?2 > started_at THEN ?2 ELSE started_at END WHERE id = ?1 AND finished_at IS NULL
  AND coalesce((SELECT sum(deliveries) FROM tallies WHERE run = ?1 AND state = 'awaiting'), 0) = 0`

	summariseRun = `UPDATE runs SET summarised_at = ?2 WHERE id = ?1 AND finished_at IS NOT NULL AND summarised_at IS NULL`

	unfinishedRuns = runColumns + ` AS r INDEXED BY runs_open
WHERE summarised_at IS NULL AND finished_at IS NULL AND coalesce((
  SELECT sum(t.deliveries) FROM tallies AS t WHERE t.run = r.id AND t.state IN ('queued', 'awaiting')), 0) = 0 ORDER BY id`

	untoldRuns = runColumns + ` INDEXED BY runs_open WHERE summarised_at IS NULL AND finished_at <= ? ORDER BY id`
)

// Runs lists the runs of a period, or all for a zero period, the oldest first.
func (l *Ledger) Runs(ctx context.Context, period store.Period) ([]store.Run, error) {
	runs, err := l.runs(ctx, selectRuns, periodKey(store.Filter{Period: period}))
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	return runs, nil
}

// UnfinishedRuns lists the runs that have nothing left to be sent at once and whose end is not
// recorded yet.
func (l *Ledger) UnfinishedRuns(ctx context.Context) ([]store.Run, error) {
	runs, err := l.runs(ctx, unfinishedRuns)
	if err != nil {
		return nil, fmt.Errorf("unfinished runs: %w", err)
	}
	return runs, nil
}

// UntoldRuns lists the runs that had ended by a time and of whose end the operators were not told.
func (l *Ledger) UntoldRuns(ctx context.Context, ended time.Time) ([]store.Run, error) {
	runs, err := l.runs(ctx, untoldRuns, ended.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("runs without a summary: %w", err)
	}
	return runs, nil
}

func (l *Ledger) runs(ctx context.Context, statement string, args ...any) (runs []store.Run, err error) {
	err = query(ctx, l.r, statement, args, func(row scanner) error {
		run, err := scanRun(row)
		runs = append(runs, run)
		return err
	})
	if err != nil {
		return nil, err
	}
	return runs, l.addErrors(ctx, runs)
}

// addErrors reads what each run could not plan.
func (l *Ledger) addErrors(ctx context.Context, runs []store.Run) error {
	for i := range runs {
		err := query(ctx, l.r, selectRunErrors, []any{runs[i].ID}, func(row scanner) error {
			var e store.RunError
			var kind string
			err := row.Scan(&e.Contract, &e.Reason, &kind)
			if kind == runErrorWaiting {
				runs[i].Waiting = append(runs[i].Waiting, e)
			} else {
				runs[i].Errors = append(runs[i].Errors, e)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func scanRun(row scanner) (r store.Run, err error) {
	var started, finished sql.NullInt64
	var period string
	err = row.Scan(&r.ID, &r.Kind, &period, &started, &finished, &r.RequestedBy, &r.Reason, &r.Planned, &r.Cancelled)
	if err != nil {
		return store.Run{}, err
	}
	r.StartedAt, r.FinishedAt = fromMillis(started), fromMillis(finished)
	r.Period, err = store.ParsePeriod(period)
	return r, err
}

// FinishRun records that a run has nothing left that could be sent at once, and tells whether it was the
// first to do so: that one tells the operators. A run of which something awaits approval is not at its end.
func (l *Ledger) FinishRun(ctx context.Context, id int64, now time.Time) (first bool, err error) {
	return l.changeRun(ctx, finishRun, id, now)
}

// SummariseRun records that the operators were told how a run ended.
func (l *Ledger) SummariseRun(ctx context.Context, id int64, now time.Time) error {
	_, err := l.changeRun(ctx, summariseRun, id, now)
	return err
}

func (l *Ledger) changeRun(ctx context.Context, statement string, id int64, now time.Time) (did bool, err error) {
	err = l.write(ctx, func(tx ledgerTx) error {
		n, err := changed(tx.exec(ctx, statement, id, now.UnixMilli()))
		did = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("end run %d: %w", id, err)
	}
	return did, nil
}
