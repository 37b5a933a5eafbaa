// Package daemon runs a month: it plans deliveries, claims them one by one, composes, sends and
// records them. It holds the only clock and no formats.
package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlite"
)

// Planner decides who gets a period's reports.
type Planner struct {
	Detections *sqlite.Detections
	Ledger     *sqlite.Ledger
	IDs        mailer.IDs
	Now        func() time.Time
	Crash      Crash
}

// Request is what a run was asked to plan.
type Request struct {
	Kind      string // schedule or run
	Period    store.Period
	Contracts []string // empty: all that are active in the period
	By        string
	Spread    time.Duration // start times are spread over this; 0: all at once
}

// Plan writes the deliveries that the period still lacks. A contract that nobody can be written
// to is an error of the run it returns, never silence.
func (p Planner) Plan(ctx context.Context, request Request) (store.Run, error) {
	plan, err := p.Preview(ctx, request)
	if err != nil {
		return store.Run{}, err
	}
	p.Crash.at(BeforePlan)
	defer p.Crash.at(AfterPlan)
	return p.Ledger.Plan(ctx, plan, p.Now())
}

// Preview is what Plan would write.
func (p Planner) Preview(ctx context.Context, request Request) (store.Plan, error) {
	addresses, err := ReadAddresses(ctx, p.Ledger)
	if err != nil {
		return store.Plan{}, err
	}
	plan := store.Plan{Kind: request.Kind, Period: request.Period, RequestedBy: request.By, Contracts: request.Contracts}
	now := p.Now()
	err = p.eachContract(ctx, request, func(contract store.Contract) {
		usable, marked := addresses.Of(contract)
		for _, r := range usable {
			plan.Targets = append(plan.Targets, store.Target{
				Contract: contract.ID, Address: r.Address, Name: r.Name,
				MessageID: MessageID(p.IDs, contract.ID, request.Period, 1, r.Address, 0),
				NotBefore: now.Add(spread(contract.ID, request.Spread)),
			})
		}
		if reason := unreachable(usable, marked); reason != "" {
			plan.Errors = append(plan.Errors, store.RunError{Contract: contract.ID, Reason: reason})
		}
	})
	if err != nil {
		return store.Plan{}, err
	}
	return plan, nil
}

func unreachable(usable, marked []store.Recipient) string {
	switch {
	case len(marked) > 0:
		reason := "marked as refusing mail:"
		for _, r := range marked {
			reason += " " + r.Address
		}
		return reason + "; mend it and add it again by geppo recipients add"
	case len(usable) == 0:
		return "no registered address; add one by geppo recipients add"
	}
	return ""
}

// Contracts are those of a request that are active in its period, by id or as they are named.
func (p Planner) Contracts(ctx context.Context, request Request) (list []store.Contract, err error) {
	err = p.eachContract(ctx, request, func(c store.Contract) { list = append(list, c) })
	return list, err
}

// eachContract gives what Contracts lists one by one: 100,000 of them take 80 MB.
func (p Planner) eachContract(ctx context.Context, request Request, take func(store.Contract)) error {
	if len(request.Contracts) == 0 {
		return p.Detections.EachContract(ctx, func(c store.Contract) error {
			if Active(c, request.Period) {
				take(c)
			}
			return nil
		})
	}
	chosen, err := p.chosen(ctx, request)
	for _, c := range chosen {
		take(c)
	}
	return err
}

// chosen are the contracts that a request names.
func (p Planner) chosen(ctx context.Context, request Request) ([]store.Contract, error) {
	all, err := p.Detections.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	var chosen []store.Contract
	for _, id := range request.Contracts {
		i, found := slices.BinarySearchFunc(all, id, func(c store.Contract, id string) int { return strings.Compare(c.ID, id) })
		if !found {
			return nil, &UsageError{fmt.Sprintf("contract %s is unknown; geppo contracts lists them", id)}
		}
		if !Active(all[i], request.Period) {
			return nil, &UsageError{fmt.Sprintf("contract %s is not active in %s; see its since and ends in geppo contracts", id, request.Period)}
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// UsageError is a request that cannot be carried out as it was put.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

// Active tells whether a contract is planned for a period: it began before the period's end, and
// had not ended before its first day.
func Active(c store.Contract, p store.Period) bool {
	first, last := store.Day(p.String()+"-01"), store.Day(p.String()+"-31") // no day of p sorts outside
	return c.Since <= last && (c.Ends == "" || c.Ends >= first)
}

// MessageID is the same for every try of a delivery, and for no two deliveries.
func MessageID(ids mailer.IDs, contract string, p store.Period, revision int, address string, resend int) string {
	return ids.MessageID(contract, p.String(), fmt.Sprint(revision), address, fmt.Sprint(resend))
}

// Addresses knows every contract's addresses as operators and bounces left them.
type Addresses struct {
	changes map[string][]store.RecipientChange
	marks   map[string]string
}

// ReadAddresses reads what the ledger holds of addresses.
func ReadAddresses(ctx context.Context, ledger *sqlite.Ledger) (Addresses, error) {
	changes, err := ledger.RecipientChanges(ctx, "")
	if err != nil {
		return Addresses{}, err
	}
	marks, err := ledger.Marks(ctx)
	if err != nil {
		return Addresses{}, err
	}
	a := Addresses{changes: map[string][]store.RecipientChange{}, marks: marks}
	for _, change := range changes {
		a.changes[change.Contract] = append(a.changes[change.Contract], change)
	}
	return a, nil
}

// Of lists a contract's addresses in code-point order: those mail may go to, and those marked.
func (a Addresses) Of(c store.Contract) (usable, marked []store.Recipient) {
	registered := slices.Clone(c.Recipients)
	for _, change := range a.changes[c.ID] {
		registered = slices.DeleteFunc(registered, func(r store.Recipient) bool { return r.Address == change.Recipient.Address })
		if !change.Removed {
			registered = append(registered, change.Recipient)
		}
	}
	slices.SortFunc(registered, func(x, y store.Recipient) int { return strings.Compare(x.Address, y.Address) })
	for _, r := range registered {
		if _, bad := a.marks[r.Address]; bad {
			marked = append(marked, r)
		} else {
			usable = append(usable, r)
		}
	}
	return usable, marked
}
