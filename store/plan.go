package store

import (
	"context"
	"fmt"
	"time"
)

// Target is one address that shall get a contract's reports. MessageID is derived from contract,
// period, revision, address and resend number by the caller, so that every try has the same.
type Target struct {
	Contract  string
	Address   string
	Name      string
	MessageID string
	NotBefore time.Time // zero: at once
}

// Plan is what a run wants of the ledger.
type Plan struct {
	Kind        string // schedule or run
	Period      Period
	RequestedBy string
	Targets     []Target
	// Contracts names those planned, all of them if nil: mail still pending to one of their
	// addresses that is not among the targets any more is cancelled.
	Contracts []string
	Errors    []RunError
}

const (
	insertRun = `INSERT INTO runs (kind, period, started_at, requested_by, reason) VALUES (?, ?, ?, ?, ?)`

	insertRunError = `INSERT INTO run_errors (run, contract, reason) VALUES (?, ?, ?)`

	insertDelivery = `
INSERT INTO deliveries (run, contract, period, revision, recipient, recipient_name, resend, message_id,
                        state, next_attempt_at, created_at, updated_at)
VALUES (?1, ?2, ?3, 1, ?4, ?5, 0, ?6, 'queued', max(?7, ?8), ?7, ?7)
ON CONFLICT (period, contract, recipient, resend) DO NOTHING`

	createTargets = `CREATE TEMP TABLE targets (contract TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (contract, address)) WITHOUT ROWID`
	createPlanned = `CREATE TEMP TABLE planned (contract TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID`
	insertTarget  = `INSERT OR IGNORE INTO temp.targets (contract, address) VALUES (?, ?)`
	insertPlanned = `INSERT OR IGNORE INTO temp.planned (contract) VALUES (?)`
	dropTemporary = `DROP TABLE temp.targets; DROP TABLE temp.planned`

	cancelRemoved = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, reason = 'the address was removed', updated_at = ?2
WHERE period = ?1 AND resend = 0 AND state IN ('queued', 'deferred')
  AND (?3 OR contract IN (SELECT contract FROM temp.planned))
  AND NOT EXISTS (SELECT 1 FROM temp.targets AS t
                  WHERE t.contract = deliveries.contract AND t.address = deliveries.recipient)`

	finishPlanning = `UPDATE runs SET planned = ?2, cancelled = ?3 WHERE id = ?1`

	finishRun = `UPDATE runs SET finished_at = max(?2, started_at) WHERE id = ?1`
)

// Plan records a run and adds the deliveries that its period still lacks; planning again adds
// nothing twice. The run it returns counts what was new.
func (l *Ledger) Plan(ctx context.Context, plan Plan, now time.Time) (Run, error) {
	run := Run{
		Kind: plan.Kind, Period: plan.Period, StartedAt: now,
		RequestedBy: plan.RequestedBy, Errors: plan.Errors,
	}
	err := l.write(ctx, func(tx ledgerTx) error {
		var err error
		if run.ID, err = insert(ctx, tx, insertRun, run.Kind, run.Period.String(), now.UnixMilli(), run.RequestedBy, run.Reason); err != nil {
			return err
		}
		for _, e := range plan.Errors {
			if _, err := tx.exec(ctx, insertRunError, run.ID, e.Contract, e.Reason); err != nil {
				return err
			}
		}
		if run.Planned, err = addDeliveries(ctx, tx, run, plan.Targets, now); err != nil {
			return err
		}
		if run.Cancelled, err = cancelOthers(ctx, tx, plan, now); err != nil {
			return err
		}
		_, err = tx.exec(ctx, finishPlanning, run.ID, run.Planned, run.Cancelled)
		return err
	})
	if err != nil {
		return Run{}, fmt.Errorf("plan %s: %w", plan.Period, err)
	}
	return run, nil
}

func addDeliveries(ctx context.Context, tx ledgerTx, run Run, targets []Target, now time.Time) (added int, err error) {
	for _, t := range targets {
		result, err := tx.exec(ctx, insertDelivery, run.ID, t.Contract, run.Period.String(), t.Address, t.Name, t.MessageID, now.UnixMilli(), millis(t.NotBefore).Int64)
		if err != nil {
			return 0, fmt.Errorf("contract %s: %w", t.Contract, err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		added += int(n)
	}
	return added, nil
}

func cancelOthers(ctx context.Context, tx ledgerTx, plan Plan, now time.Time) (int, error) {
	for _, create := range []string{createTargets, createPlanned} {
		if _, err := tx.exec(ctx, create); err != nil {
			return 0, err
		}
	}
	for _, t := range plan.Targets {
		if _, err := tx.exec(ctx, insertTarget, t.Contract, t.Address); err != nil {
			return 0, err
		}
	}
	for _, contract := range plan.Contracts {
		if _, err := tx.exec(ctx, insertPlanned, contract); err != nil {
			return 0, err
		}
	}
	result, err := tx.exec(ctx, cancelRemoved, plan.Period.String(), now.UnixMilli(), plan.Contracts == nil)
	if err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, dropTemporary); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
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
