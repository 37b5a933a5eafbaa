// Package daemon runs a month: it plans deliveries, claims them one by one, composes, sends and
// records them. It holds the only clock and no formats.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Planner decides who gets a period's reports.
type Planner struct {
	Detections *sqlstore.Detections
	Ledger     *sqlstore.Ledger
	IDs        mailer.IDs
	Domains    Domains
	// RequireData keeps a contract waiting until its own rows say that its feed has lived to the period's
	// end: a report made before could call a dead feed an all-clear.
	RequireData bool
	Approval    store.Approval // whether what is planned waits for an operator's word; "": it does not
	Canary      int            // with canaries, of how many contracts
	Now         func() time.Time
	Crash       Crash
}

// At is the planner at a time that the clock gave once.
func (p Planner) At(now time.Time) Planner {
	p.Now = func() time.Time { return now }
	return p
}

// Request is what a run was asked to plan.
type Request struct {
	Kind      string // schedule or run
	Period    store.Period
	Contracts []string // empty: all that are active in the period
	By        string
	Spread    time.Duration // start times are spread over this; 0: all at once
	Force     bool          // also contracts that would wait, and a period that has not ended
}

// Plan writes the deliveries that the period still lacks. A contract that nobody can be written
// to is an error of the run it returns, never silence; one that is not ready waits, see Planner.waits.
func (p Planner) Plan(ctx context.Context, request Request) (store.Run, error) {
	addresses, err := ReadAddresses(ctx, p.Ledger)
	if err != nil {
		return store.Run{}, err
	}
	plan := store.Plan{Kind: request.Kind, Period: request.Period, RequestedBy: request.By, Contracts: request.Contracts, Approval: p.Approval, Canary: p.Canary}
	plan.Each = func(take func(store.Chosen) error) error { return p.choose(ctx, request, addresses, take) }
	p.Crash.at(BeforePlan)
	defer p.Crash.at(AfterPlan)
	return p.Ledger.Plan(ctx, plan, p.Now())
}

// Preview gives what Plan would ask for, contract by contract.
func (p Planner) Preview(ctx context.Context, request Request, take func(store.Chosen) error) error {
	addresses, err := ReadAddresses(ctx, p.Ledger)
	if err != nil {
		return err
	}
	return p.choose(ctx, request, addresses, take)
}

// choose decides contract by contract who gets the reports.
func (p Planner) choose(ctx context.Context, request Request, addresses Addresses, take func(store.Chosen) error) error {
	now := p.Now()
	var seen readiness
	err := p.eachReady(ctx, request, func(contract store.Contract, waits wait) error {
		seen.note(waits)
		chosen := store.Chosen{Contract: contract.ID, Waits: waits.reason}
		if addresses.Stopped(contract.ID) {
			return take(store.Chosen{Contract: contract.ID})
		}
		usable, marked := addresses.Of(contract)
		chosen.Error = unreachable(usable, marked, len(addresses.Registered(contract)))
		ids, ok := p.IDsOf(contract.Brand)
		if !ok { // a message keeps its name, which has the sender's domain
			chosen.Error, usable = NoBrand(contract.Brand), nil
		}
		for _, r := range usable {
			chosen.Targets = append(chosen.Targets, store.Target{
				Address: r.Address, Name: r.Name,
				MessageID: MessageID(ids, contract.ID, request.Period, 1, r.Address, 0),
				NotBefore: now.Add(spread(contract.ID, request.Spread)),
			})
		}
		if len(chosen.Targets) == 0 { // no data would help
			chosen.Waits = ""
		}
		return take(chosen)
	})
	if err != nil {
		return err
	}
	return seen.fault(request)
}

// unreachable says why not everybody can be written to; an address that asked for no mail is no fault.
func unreachable(usable, marked []store.Recipient, registered int) string {
	switch {
	case len(marked) > 0:
		reason := "marked as refusing mail:"
		for _, r := range marked {
			reason += " " + r.Address
		}
		return reason + "; mend it and add it again by geppo recipients add"
	case len(usable) == 0 && registered == 0:
		return "no registered address; add one by geppo recipients add"
	}
	return ""
}

// Contracts are those of a request that are active in its period, by id or as they are named.
func (p Planner) Contracts(ctx context.Context, request Request) (list []store.Contract, err error) {
	if err := p.Begun(request.Period); err != nil {
		return nil, err
	}
	err = p.eachContract(ctx, request, func(c store.Contract) error {
		list = append(list, c)
		return nil
	})
	return list, err
}

// eachReady gives the contracts of a request one by one, each with why it must wait.
func (p Planner) eachReady(ctx context.Context, request Request, take func(store.Contract, wait) error) error {
	zones := zones{}
	judge := func(c store.Contract, e store.Evidence) error {
		w, err := p.waits(request, c, e, zones)
		if err != nil {
			return err
		}
		return take(c, w)
	}
	guarded := p.RequireData && !request.Force
	active := func(c store.Contract) bool { return Active(c, request.Period) }
	if guarded && len(request.Contracts) == 0 {
		return p.Detections.EachEvidence(ctx, request.Period, p.Now(), active, judge)
	}
	return p.eachContract(ctx, request, func(c store.Contract) error {
		e := store.Evidence{Begun: true, Complete: true}
		if guarded {
			var err error
			if e, err = p.Detections.Evidence(ctx, c.ID, request.Period, p.Now()); err != nil {
				return err
			}
		}
		return judge(c, e)
	})
}

// eachContract gives what Contracts lists one by one: 100,000 of them take 80 MB.
func (p Planner) eachContract(ctx context.Context, request Request, take func(store.Contract) error) error {
	if len(request.Contracts) == 0 {
		return p.Detections.EachContract(ctx, func(c store.Contract) error {
			if !Active(c, request.Period) {
				return nil
			}
			return take(c)
		})
	}
	for i, id := range request.Contracts {
		if slices.Contains(request.Contracts[:i], id) {
			continue
		}
		contract, err := p.Detections.Contract(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return NoContract(id)
		}
		if err != nil {
			return err
		}
		if !Active(contract, request.Period) {
			return Misuse("contract-inactive", "contract %s is not active in %s; see its since and ends in geppo contracts", id, request.Period)
		}
		if err := take(contract); err != nil {
			return err
		}
	}
	return nil
}

// NoContract refuses a contract that nobody knows.
func NoContract(id string) *Refusal {
	return Misuse("contract-unknown", "contract %s is unknown; geppo contracts lists them", id)
}

// Active tells whether a contract is planned for a period: it began before the period's end, and
// had not ended before its first day.
func Active(c store.Contract, p store.Period) bool {
	first, last := store.Day(p.String()+"-01"), store.Day(p.String()+"-31") // no day of p sorts outside
	return c.Since <= last && (c.Ends == "" || c.Ends >= first)
}

// IDsOf names the messages of a brand; the second value is false for a brand that there is none of.
func (p Planner) IDsOf(brand string) (mailer.IDs, bool) {
	if brand == "" {
		return p.IDs, true
	}
	domain, ok := p.Domains[brand]
	return mailer.IDs{Domain: domain, Key: p.IDs.Key}, ok
}

// MessageID is the same for every try of a delivery, and for no two deliveries.
func MessageID(ids mailer.IDs, contract string, p store.Period, revision int, address string, resend int) string {
	return ids.MessageID(contract, p.String(), fmt.Sprint(revision), address, fmt.Sprint(resend))
}
