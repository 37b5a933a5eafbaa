package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

const (
	insertRun = `INSERT INTO runs (kind, period, started_at, requested_by, reason, approval, whole) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`

	insertRunError = `INSERT INTO run_errors (run, contract, kind, reason) VALUES (?, ?, ?, ?)`

	// undecided are the deliveries that planning decides anew: those that wait, and those that lapsed.
	undecided = undecidedColumns + ` INDEXED BY deliveries_due WHERE state IN ('queued', 'deferred') AND period = ?1
UNION ALL ` + undecidedColumns + ` WHERE state = 'awaiting' AND period = ?1
UNION ALL ` + undecidedColumns + ` WHERE lapsed = 1 AND period = ?1`

	undecidedColumns = `SELECT id, contract, mailbox, lapsed, forced FROM deliveries`

	cancelRemoved = `
UPDATE deliveries SET state = 'cancelled', lapsed = 1, acknowledged_at = ` + nobodysWork + `, next_attempt_at = NULL, reason = ?3, updated_at = ?2
WHERE id = ?1 AND state IN ('awaiting', 'queued', 'deferred')`

	// What lapsed because a customer has left, or asked for no more, is nobody's work; where the mailbox refuses mail,
	// somebody must find another. ?2 is the time.
	nobodysWork = `CASE WHEN NOT EXISTS (SELECT 1 FROM marks AS m WHERE m.mailbox = deliveries.mailbox AND m.cleared_at IS NULL) THEN CAST(?2 AS BIGINT) END`

	// An address that is back is planned again, by its own delivery: a copy that a lost reply may have left
	// with the relay has the same Message-ID. A later resend decides by itself.
	revive = `
UPDATE deliveries SET state = ?5, lapsed = 0, run = ?2, next_attempt_at = ?3, reason = '', acknowledged_at = NULL, updated_at = ?4
WHERE id = ?1 AND lapsed = 1 AND replaced_by IS NULL AND NOT EXISTS (
  SELECT 1 FROM deliveries AS n WHERE n.period = deliveries.period AND n.contract = deliveries.contract
    AND n.mailbox = deliveries.mailbox AND n.resend > deliveries.resend)`

	contractPlanned = `SELECT EXISTS (SELECT 1 FROM deliveries WHERE period = +? AND contract = +?)`

	finishPlanning = `UPDATE runs SET planned = ?2, cancelled = ?3 WHERE id = ?1`

	// What a run by hand has planned in full is not missed any more, nor waited for.
	settleFires = `
UPDATE fires INDEXED BY fires_open SET state = 'planned', run = ?1
WHERE state IN ('waiting', 'missed') AND period = ?2`
)

// The kinds of a run's errors.
const (
	runErrorUnreachable = "unreachable"
	runErrorWaiting     = "waiting"
)

// insertDeliveries adds so many deliveries, but for those of a mailbox that has one already, perhaps by a resend.
// Rows go in by rowsPerStatement, because a call of SQLite for each would be most of the time that planning takes.
func insertDeliveries(rows int) string {
	return `
INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id,
                        state, canary, next_attempt_at, created_at, updated_at)
SELECT column1, column2, column3, 1, column4, column5, column6, 0, column7, column8, column9, column10, column11, column12
FROM (VALUES ` + repeated(deliveryAdded, rows) + `) AS v
WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE period = column3 AND contract = column2 AND mailbox = column5)`
}

// Plan records a run and adds the deliveries that its period still lacks; planning again adds
// nothing twice. What was decided for an earlier run is decided again: mail that waits for an address that
// is not wanted any more is cancelled, and comes back with its address. A plan of all contracts, of
// which none waits, settles the period's open fires. The run it returns counts what was new.
func (l *Ledger) Plan(ctx context.Context, plan store.Plan, now time.Time) (store.Run, error) {
	run := store.Run{Kind: plan.Kind, Period: plan.Period, StartedAt: now, RequestedBy: plan.RequestedBy}
	approval := cmp.Or(plan.Approval, store.ApprovalNone)
	err := l.write(ctx, func(tx ledgerTx) error {
		var err error
		if run.ID, err = insert(ctx, tx, insertRun, run.Kind, run.Period.String(), now.UnixMilli(), run.RequestedBy, run.Reason, string(approval), plan.Contracts == nil); err != nil {
			return err
		}
		p := planning{tx: tx, run: &run, now: now, open: map[string][]openDelivery{}, approval: approval}
		if err := errors.Join(p.readUndecided(ctx), p.countCanaries(ctx, plan.Canary)); err != nil {
			return err
		}
		if err := plan.Each(func(c store.Chosen) error { return p.contract(ctx, c) }); err != nil {
			return err
		}
		if err := p.add(ctx); err != nil {
			return err
		}
		if plan.Contracts == nil {
			if err := p.dropTheRest(ctx); err != nil {
				return err
			}
		}
		if plan.Contracts == nil && len(run.Waiting) == 0 {
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

// planning is one plan under way.
type planning struct {
	tx    ledgerTx
	run   *store.Run
	now   time.Time
	open  map[string][]openDelivery // of contracts that are still to come
	batch []any                     // columns of deliveries that are still to be added

	approval store.Approval
	canaries int // how many more contracts' first deliveries go at once
}

// openDelivery is one that planning decides anew.
type openDelivery struct {
	id             int64
	mailbox        string
	lapsed, forced bool
}

func (p *planning) readUndecided(ctx context.Context) error {
	return p.tx.each(ctx, undecided, func(row scanner) error {
		var d openDelivery
		var contract string
		err := row.Scan(&d.id, &contract, &d.mailbox, &d.lapsed, &d.forced)
		p.open[contract] = append(p.open[contract], d)
		return err
	}, p.run.Period.String())
}

const (
	// PostgreSQL cannot know from the columns what these parameters are: it would take all for texts.
	deliveryAdded = `(CAST(? AS BIGINT), ?, ?, ?, ?, ?, ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))`
	// deliveryColumnsAdded is how many they are.
	deliveryColumnsAdded = 12
)

// contract plans one contract.
func (p *planning) contract(ctx context.Context, c store.Chosen) error {
	open := p.open[c.Contract]
	delete(p.open, c.Contract)
	if c.Waits != "" {
		if planned, err := p.isPlanned(ctx, c.Contract); err != nil || planned { // by force: nothing is waited for
			return err
		}
		p.run.Waiting = append(p.run.Waiting, store.RunError{Contract: c.Contract, Reason: c.Waits})
		_, err := p.tx.exec(ctx, insertRunError, p.run.ID, c.Contract, runErrorWaiting, c.Waits)
		return err
	}
	if c.Error != "" {
		p.run.Errors = append(p.run.Errors, store.RunError{Contract: c.Contract, Reason: c.Error})
		if _, err := p.tx.exec(ctx, insertRunError, p.run.ID, c.Contract, runErrorUnreachable, c.Error); err != nil {
			return err
		}
	}
	canary, err := p.isCanary(ctx, c)
	if err != nil {
		return err
	}
	for n, t := range c.Targets {
		mailbox, due := store.Mailbox(t.Address), later(p.now, t.NotBefore)
		i := slices.IndexFunc(open, func(d openDelivery) bool { return d.mailbox == mailbox && d.lapsed })
		if i >= 0 {
			if err := p.revive(ctx, open[i].id, due); err != nil {
				return err
			}
		}
		first := canary && n == 0
		p.batch = append(p.batch, p.run.ID, c.Contract, p.run.Period.String(), t.Address, mailbox, t.Name, t.MessageID,
			string(p.state(first)), first, due.UnixMilli(), p.now.UnixMilli(), p.now.UnixMilli())
	}
	for _, d := range open {
		wanted := slices.ContainsFunc(c.Targets, func(t store.Target) bool { return store.Mailbox(t.Address) == d.mailbox })
		if wanted || d.lapsed || d.forced {
			continue
		}
		if err := p.cancel(ctx, d.id, "its address is not the contract's any more, or refuses mail"); err != nil {
			return err
		}
	}
	if len(p.batch) >= rowsPerStatement*deliveryColumnsAdded {
		return p.add(ctx)
	}
	return nil
}

func (p *planning) isPlanned(ctx context.Context, contract string) (planned bool, err error) {
	err = p.tx.row(ctx, contractPlanned, p.run.Period.String(), contract).Scan(&planned)
	return planned, err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// add writes the batch.
func (p *planning) add(ctx context.Context) error {
	many, one := insertDeliveries(rowsPerStatement), insertDeliveries(1)
	for len(p.batch) > 0 {
		statement, size := many, rowsPerStatement*deliveryColumnsAdded
		if len(p.batch) < size {
			statement, size = one, deliveryColumnsAdded
		}
		n, err := changed(p.tx.exec(ctx, statement, p.batch[:size]...))
		if err != nil {
			return fmt.Errorf("contracts from %s on: %w", p.batch[1], err)
		}
		p.run.Planned += int(n)
		p.batch = slices.Delete(p.batch, 0, size)
	}
	return nil
}

func (p *planning) revive(ctx context.Context, id int64, due time.Time) error {
	n, err := changed(p.tx.exec(ctx, revive, id, p.run.ID, due.UnixMilli(), p.now.UnixMilli(), string(p.state(false))))
	p.run.Planned += int(n)
	if err != nil {
		return fmt.Errorf("revive delivery %d: %w", id, err)
	}
	return nil
}

func (p *planning) cancel(ctx context.Context, id int64, reason string) error {
	n, err := changed(p.tx.exec(ctx, cancelRemoved, id, p.now.UnixMilli(), reason))
	if err != nil {
		return fmt.Errorf("cancel delivery %d: %w", id, err)
	}
	p.run.Cancelled += int(n) // none: it was claimed meanwhile, and whoever has it asks before it goes out
	return nil
}

// dropTheRest cancels what waits for contracts that a plan of all has not named.
func (p *planning) dropTheRest(ctx context.Context) error {
	for _, open := range p.open {
		for _, d := range open {
			if d.lapsed || d.forced {
				continue
			}
			if err := p.cancel(ctx, d.id, "its contract is not active any more"); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert runs a statement that returns the new row's id.
func insert(ctx context.Context, tx ledgerTx, query string, args ...any) (id int64, err error) {
	*tx.changed = true
	err = tx.row(ctx, query, args...).Scan(&id)
	return id, err
}
