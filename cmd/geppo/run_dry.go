package main

import (
	"context"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// dryRun says what a run would plan. It looks at as many contracts at a time as a plan does: a month of a million is
// told in the memory that a few hundred take.
type dryRun struct {
	ledger  *sqlstore.Ledger
	period  store.Period
	batch   []store.Chosen
	list    *listing[store.Pick] // nil: only the outcome is told
	outcome outcome
}

// contractsAtATime are decided together.
const contractsAtATime = 500

func (a *app) dryRun(ctx context.Context, planner daemon.Planner, request daemon.Request, asJSON bool) error {
	d := dryRun{ledger: planner.Ledger, period: request.Period}
	d.outcome = outcome{Period: request.Period, States: map[store.State]int{}, Errors: []runError{}, Waiting: []runError{}}
	if !asJSON {
		d.list = newListing(a.stdout, false, columns("contract", "recipient"), func(p store.Pick) []any { return []any{p.Contract, p.Recipient} })
	}
	err := planner.Preview(ctx, request, func(c store.Chosen) error { return d.take(ctx, c) })
	if err == nil {
		err = d.decide(ctx)
	}
	switch {
	case err != nil:
		return err
	case asJSON:
		return writeJSON(a.stdout, d.outcome)
	}
	if err := d.list.end(); err != nil {
		return err
	}
	if err := printContracts(a.stdout, "", d.outcome); err != nil {
		return err
	}
	return say(a.stdout, "%s would be planned; nothing was changed", desk.Count(d.outcome.Planned, "delivery", "deliveries"))
}

func (d *dryRun) take(ctx context.Context, c store.Chosen) error {
	if d.batch = append(d.batch, c); len(d.batch) < contractsAtATime {
		return nil
	}
	return d.decide(ctx)
}

// decide tells what planning a batch would add: what has no delivery, or one that lapsed.
func (d *dryRun) decide(ctx context.Context) error {
	if len(d.batch) == 0 {
		return nil
	}
	filter := store.Filter{Period: d.period}
	for _, c := range d.batch {
		filter.Contracts = append(filter.Contracts, c.Contract)
	}
	present, err := d.ledger.Picks(ctx, filter)
	if err != nil {
		return err
	}
	there, known := map[[2]string]bool{}, map[string]bool{}
	for _, p := range present { // a mailbox's newest last
		there[[2]string{p.Contract, store.Mailbox(p.Recipient)}], known[p.Contract] = !p.Lapsed, true
	}
	for _, c := range d.batch {
		if err := d.one(c, there, known[c.Contract]); err != nil {
			return err
		}
	}
	d.batch = d.batch[:0]
	return nil
}

func (d *dryRun) one(c store.Chosen, there map[[2]string]bool, known bool) error {
	switch {
	case c.Waits != "" && known:
		return nil
	case c.Waits != "":
		d.outcome.Waiting = append(d.outcome.Waiting, runError{c.Contract, c.Waits})
		return nil
	case c.Error != "":
		d.outcome.Errors = append(d.outcome.Errors, runError{c.Contract, c.Error})
	}
	for _, t := range c.Targets {
		if there[[2]string{c.Contract, store.Mailbox(t.Address)}] {
			continue
		}
		d.outcome.Planned++
		if d.list == nil {
			continue
		}
		if err := d.list.add(store.Pick{Contract: c.Contract, Recipient: t.Address}); err != nil {
			return err
		}
	}
	return nil
}
