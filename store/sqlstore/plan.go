package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

const (
	insertRun = `INSERT INTO runs (kind, period, started_at, requested_by, reason, approval, whole) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`

	insertRunError = `INSERT INTO run_errors (run, contract, kind, reason) VALUES (?, ?, ?, ?)`

	// What a period has of contracts: of a plan of all, between the contract before and the last of a batch; else of
	// those that are named.
	presentColumns = `SELECT id, contract, mailbox, state, lapsed, forced FROM deliveries WHERE period = +?1 AND `
	presentBetween = presentColumns + `contract > +?2 AND contract <= +?3`
	presentOf      = presentColumns + `contract IN (SELECT value FROM json_each(?2))`

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

// insertDeliveries adds so many deliveries. Rows go in by rowsPerStatement, because a call of SQLite for each would be most
// of the time that planning takes.
func insertDeliveries(rows int) string {
	return `
INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id,
                        state, canary, next_attempt_at, created_at, updated_at)
VALUES ` + values(rows, deliveryColumnsAdded)
}

// deliveryColumnsAdded is how many parameters it takes for a row.
const deliveryColumnsAdded = 14

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
		p := planning{tx: tx, run: &run, now: now, whole: plan.Contracts == nil, approval: approval}
		if err := p.countCanaries(ctx, plan.Canary); err != nil {
			return err
		}
		if err := plan.Each(func(c store.Chosen) error { return p.contract(ctx, c) }); err != nil {
			return err
		}
		if err := p.decide(ctx, behindAll); err != nil {
			return err
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

// planning is one plan under way. It takes the contracts by batches, each with what the period has of them already, so
// that a million of them take no more memory than one batch does.
type planning struct {
	tx    ledgerTx
	run   *store.Run
	now   time.Time
	whole bool           // of all contracts, which come by their ids
	batch []store.Chosen // those that are still to be decided
	last  string         // the last that was taken
	rows  []any          // columns of deliveries that are still to be added

	decided string // of a plan of all, up to which contract it was decided

	approval store.Approval
	canaries int // how many more contracts' first deliveries go at once
}

const (
	contractsPerBatch = 500
	// behindAll comes after every contract: their ids are of ASCII.
	behindAll = "\x7f"
)

// presentDelivery is one that the period has already.
type presentDelivery struct {
	id             int64
	mailbox        string
	state          store.State
	lapsed, forced bool
}

// drops tells whether a delivery is cancelled where its address is not wanted any more.
func (d presentDelivery) drops() bool {
	return !d.lapsed && !d.forced && (d.state == store.Awaiting || d.state == store.Queued || d.state == store.Deferred)
}

// contract takes one contract.
func (p *planning) contract(ctx context.Context, c store.Chosen) error {
	if p.whole && c.Contract <= p.last {
		return fmt.Errorf("contract %s comes after %s", c.Contract, p.last)
	}
	p.batch, p.last = append(p.batch, c), c.Contract
	if len(p.batch) < contractsPerBatch {
		return nil
	}
	return p.decide(ctx, p.last)
}

// decide plans a batch, whose contracts of a plan of all are the next up to one; add writes what comes of it.
func (p *planning) decide(ctx context.Context, upTo string) error {
	present, err := p.present(ctx, upTo)
	if err != nil {
		return err
	}
	for _, c := range p.batch {
		if err := p.one(ctx, c, present[c.Contract]); err != nil {
			return fmt.Errorf("contract %s: %w", c.Contract, err)
		}
		delete(present, c.Contract)
	}
	for _, deliveries := range present {
		if err := p.cancel(ctx, deliveries, "its contract is not active any more"); err != nil {
			return err
		}
	}
	p.batch, p.decided = p.batch[:0], upTo
	return p.add(ctx)
}

// present is what the period has of a batch, by contract; of a plan of all also of contracts that are not among them.
func (p *planning) present(ctx context.Context, upTo string) (map[string][]presentDelivery, error) {
	statement, args := presentBetween, []any{p.run.Period.String(), p.decided, upTo}
	if !p.whole {
		named := make([]string, len(p.batch))
		for i, c := range p.batch {
			named[i] = c.Contract
		}
		statement, args = presentOf, []any{p.run.Period.String(), list(named)}
	}
	present := map[string][]presentDelivery{}
	err := p.tx.each(ctx, statement, func(row scanner) error {
		var d presentDelivery
		var contract string
		err := row.Scan(&d.id, &contract, &d.mailbox, &d.state, &d.lapsed, &d.forced)
		present[contract] = append(present[contract], d)
		return err
	}, args...)
	return present, err
}

// one plans one contract.
func (p *planning) one(ctx context.Context, c store.Chosen, present []presentDelivery) error {
	switch {
	case c.Waits != "" && len(present) > 0: // planned by force: nothing is waited for
		return nil
	case c.Waits != "":
		return p.fault(ctx, runErrorWaiting, &p.run.Waiting, store.RunError{Contract: c.Contract, Reason: c.Waits})
	case c.Error != "":
		if err := p.fault(ctx, runErrorUnreachable, &p.run.Errors, store.RunError{Contract: c.Contract, Reason: c.Error}); err != nil {
			return err
		}
	}
	canary := p.canaries > 0 && len(c.Targets) > 0 && len(present) == 0 // what is there already stays as it is
	if canary {
		p.canaries--
	}
	unwanted := present
	for n, t := range c.Targets {
		mailbox := store.Mailbox(t.Address)
		its := func(d presentDelivery) bool { return d.mailbox == mailbox }
		if !slices.ContainsFunc(present, its) {
			p.plan(c.Contract, mailbox, t, canary && n == 0)
		}
		for _, d := range present {
			if its(d) && d.lapsed {
				if err := p.revive(ctx, d.id, later(p.now, t.NotBefore)); err != nil {
					return err
				}
			}
		}
		unwanted = slices.DeleteFunc(slices.Clone(unwanted), its)
	}
	return p.cancel(ctx, unwanted, "its address is not the contract's any more, or refuses mail")
}

// fault records that a contract, or a part of it, could not be planned.
func (p *planning) fault(ctx context.Context, kind string, list *[]store.RunError, e store.RunError) error {
	*list = append(*list, e)
	_, err := p.tx.exec(ctx, insertRunError, p.run.ID, e.Contract, kind, e.Reason)
	return err
}

// plan makes a row of a delivery.
func (p *planning) plan(contract, mailbox string, t store.Target, canary bool) {
	now := p.now.UnixMilli()
	p.rows = append(p.rows, p.run.ID, contract, p.run.Period.String(), 1, t.Address, mailbox, t.Name, 0, t.MessageID,
		string(p.state(canary)), canary, later(p.now, t.NotBefore).UnixMilli(), now, now)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// add writes the rows.
func (p *planning) add(ctx context.Context) error {
	many, one := insertDeliveries(rowsPerStatement), insertDeliveries(1)
	for rest := p.rows; len(rest) > 0; {
		statement, size := many, rowsPerStatement*deliveryColumnsAdded
		if len(rest) < size {
			statement, size = one, deliveryColumnsAdded
		}
		n, err := changed(p.tx.exec(ctx, statement, rest[:size]...))
		if err != nil {
			return fmt.Errorf("contracts from %s on: %w", rest[1], err)
		}
		p.run.Planned += int(n)
		rest = rest[size:]
	}
	p.rows = p.rows[:0]
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

// cancel cancels those of deliveries that wait.
func (p *planning) cancel(ctx context.Context, deliveries []presentDelivery, reason string) error {
	for _, d := range deliveries {
		if !d.drops() {
			continue
		}
		n, err := changed(p.tx.exec(ctx, cancelRemoved, d.id, p.now.UnixMilli(), reason))
		if err != nil {
			return fmt.Errorf("cancel delivery %d: %w", d.id, err)
		}
		p.run.Cancelled += int(n) // none: it was claimed meanwhile, and whoever has it asks before it goes out
	}
	return nil
}

// insert runs a statement that returns the new row's id.
func insert(ctx context.Context, tx ledgerTx, query string, args ...any) (id int64, err error) {
	*tx.changed = true
	err = tx.row(ctx, query, args...).Scan(&id)
	return id, err
}
