package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"geppo/store"
)

const (
	insertRun = `INSERT INTO runs (kind, period, started_at, requested_by, reason) VALUES (?, ?, ?, ?, ?)`

	insertRunError = `INSERT INTO run_errors (run, contract, reason) VALUES (?, ?, ?)`

	// pendingBefore are the deliveries that earlier runs planned and that may still be cancelled.
	pendingBefore = `
SELECT id, contract, recipient FROM deliveries INDEXED BY deliveries_due
WHERE state IN ('queued', 'deferred') AND period = ? AND resend = 0 AND run <> ?`

	cancelRemoved = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, reason = 'the address was removed', updated_at = ?2
WHERE id = ?1 AND state IN ('queued', 'deferred')`

	finishPlanning = `UPDATE runs SET planned = ?2, cancelled = ?3 WHERE id = ?1`

	// What a run by hand has planned in full is not missed any more, nor waited for.
	settleFires = `
UPDATE fires INDEXED BY fires_open SET state = 'planned', run = ?1
WHERE state IN ('waiting', 'missed') AND period = ?2`

	finishRun = `UPDATE runs SET finished_at = max(?2, started_at) WHERE id = ?1`
)

// insertDeliveries adds so many deliveries. Rows go in by rowsPerStatement, because a call of SQLite
// for each would be most of the time that planning takes.
func insertDeliveries(rows int) string {
	const row = `(?, ?, ?, 1, ?, ?, 0, ?, 'queued', ?, ?, ?)`
	return `
INSERT INTO deliveries (run, contract, period, revision, recipient, recipient_name, resend, message_id,
                        state, next_attempt_at, created_at, updated_at)
VALUES ` + row + strings.Repeat(", "+row, rows-1) + `
ON CONFLICT (period, contract, recipient, resend) DO NOTHING`
}

// Plan records a run and adds the deliveries that its period still lacks; planning again adds
// nothing twice. A plan of all contracts settles the period's open fires. The run it returns counts what was new.
func (l *Ledger) Plan(ctx context.Context, plan store.Plan, now time.Time) (store.Run, error) {
	run := store.Run{
		Kind: plan.Kind, Period: plan.Period, StartedAt: now,
		RequestedBy: plan.RequestedBy, Errors: plan.Errors,
	}
	err := l.write(ctx, func(tx ledgerTx) error {
		var err error
		if run.ID, err = insert(ctx, tx, insertRun, run.Kind, run.Period.String(), now.UnixMilli(), run.RequestedBy, run.Reason); err != nil {
			return err
		}
		if err := insertRunErrors(ctx, tx, run); err != nil {
			return err
		}
		if run.Planned, err = addDeliveries(ctx, tx, run, plan.Targets, now); err != nil {
			return err
		}
		if run.Cancelled, err = cancelOthers(ctx, tx, run, plan, now); err != nil {
			return err
		}
		if plan.Contracts == nil {
			if _, err := tx.exec(ctx, settleFires, run.ID, run.Period.String()); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, finishPlanning, run.ID, run.Planned, run.Cancelled)
		return err
	})
	if err != nil {
		return store.Run{}, fmt.Errorf("plan %s: %w", plan.Period, err)
	}
	return run, nil
}

func insertRunErrors(ctx context.Context, tx ledgerTx, run store.Run) error {
	for _, e := range run.Errors {
		if _, err := tx.exec(ctx, insertRunError, run.ID, e.Contract, e.Reason); err != nil {
			return err
		}
	}
	return nil
}

func addDeliveries(ctx context.Context, tx ledgerTx, run store.Run, targets []store.Target, now time.Time) (added int, err error) {
	many, one := insertDeliveries(rowsPerStatement), insertDeliveries(1)
	var args []any
	for chunk := range slices.Chunk(targets, rowsPerStatement) {
		statement, size := many, len(chunk)
		if size < rowsPerStatement {
			statement, size = one, 1
		}
		for part := range slices.Chunk(chunk, size) {
			args = args[:0]
			for _, t := range part {
				due := now
				if t.NotBefore.After(now) {
					due = t.NotBefore
				}
				args = append(args, run.ID, t.Contract, run.Period.String(), t.Address, t.Name, t.MessageID,
					due.UnixMilli(), now.UnixMilli(), now.UnixMilli())
			}
			result, err := tx.exec(ctx, statement, args...)
			if err != nil {
				return 0, fmt.Errorf("contracts %s to %s: %w", part[0].Contract, part[len(part)-1].Contract, err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return 0, err
			}
			added += int(n)
		}
	}
	return added, nil
}

// cancelOthers cancels what earlier runs planned and this one does not want any more.
func cancelOthers(ctx context.Context, tx ledgerTx, run store.Run, plan store.Plan, now time.Time) (cancelled int, err error) {
	type target struct{ contract, address string }
	var ids []int64
	var wanted map[target]bool
	covered := map[string]bool{}
	for _, contract := range plan.Contracts {
		covered[contract] = true
	}
	err = tx.each(ctx, pendingBefore, func(row scanner) error {
		var id int64
		var t target
		if err := row.Scan(&id, &t.contract, &t.address); err != nil {
			return err
		}
		if wanted == nil { // a first planning has no need of it
			wanted = make(map[target]bool, len(plan.Targets))
			for _, t := range plan.Targets {
				wanted[target{t.Contract, t.Address}] = true
			}
		}
		if (plan.Contracts == nil || covered[t.contract]) && !wanted[t] {
			ids = append(ids, id)
		}
		return nil
	}, run.Period.String(), run.ID)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := mustChangeOne(tx.exec(ctx, cancelRemoved, id, now.UnixMilli())); err != nil {
			return 0, fmt.Errorf("cancel delivery %d: %w", id, err)
		}
	}
	return len(ids), nil
}

// FinishRun records that a run has nothing left that could be sent at once.
func (l *Ledger) FinishRun(ctx context.Context, id int64, now time.Time) error {
	return l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, finishRun, id, now.UnixMilli())
		return err
	})
}

func insert(ctx context.Context, tx ledgerTx, query string, args ...any) (id int64, err error) {
	result, err := tx.exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}
