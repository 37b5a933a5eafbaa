package desk

import (
	"context"
	"errors"
	"slices"
	"strings"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

// ResendOptions say how reports are sent again.
type ResendOptions struct {
	To      string // to this address instead
	Rebuild bool   // a corrected report (訂正版) instead of the frozen one
	Force   bool   // also to an address that is not registered, or of a month that has not ended
}

// ResendPlan is what a resend would make.
type ResendPlan struct {
	Extent
	What        string
	Period      store.Period
	Targets     []store.ResendTarget
	Unreachable []Unreachable         // contracts of which not everybody can be written to
	ids         map[string]mailer.IDs // by contract
	Waiting     int                   // how many that still wait it would take the place of
}

// PlanResend says what would be sent again, and changes nothing. Where contracts are named and nothing of their
// deliveries is, their addresses as they are now get the report; otherwise those of the deliveries do, but for
// what was cancelled. What has a later delivery to the same mailbox is not taken: that one tells how it stands.
func (d Desk) PlanResend(ctx context.Context, s Selection, o ResendOptions) (p ResendPlan, err error) {
	p.What, p.Period = o.words(s), s.Period
	wanted, err := d.wanted(ctx, s, o, &p)
	if err != nil || len(wanted) == 0 {
		return p, err
	}
	if o.To != "" {
		if wanted, err = redirected(wanted, o.To); err != nil {
			return p, err
		}
	}
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	if err != nil {
		return p, err
	}
	r := resolver{desk: d, addresses: addresses, period: p.Period, options: o, contracts: map[string]*resolved{}}
	one := s.bareContracts() && len(s.Contracts) == 1
	var contracts []string
	for _, t := range wanted {
		err := r.resolve(ctx, &t)
		var unreachable *unreachableError
		var notReady *Refusal
		switch {
		case errors.As(err, &unreachable) && o.To != "":
			unreachable.Misuse = true
			return p, unreachable.Refusal
		case errors.As(err, &unreachable):
			p.Unreachable = addRefusal(p.Unreachable, t.Contract, unreachable.Refusal)
			continue
		case errors.As(err, &notReady) && !one:
			p.Unreachable = addRefusal(p.Unreachable, t.Contract, notReady)
			continue
		case err != nil:
			return p, err
		}
		p.Targets, contracts = append(p.Targets, t), append(contracts, t.Contract)
	}
	p.Extent, p.ids = extentOf(contracts), map[string]mailer.IDs{}
	for id, known := range r.contracts {
		p.ids[id] = known.ids
	}
	return p, nil
}

// words is what was asked for, for the list of actions.
func (o ResendOptions) words(s Selection) string {
	what := s.String()
	if o.To != "" {
		what += " --to " + o.To
	}
	if o.Rebuild {
		what += " --rebuild"
	}
	if o.Force {
		what += " --force"
	}
	return what
}

// wanted says what shall go to whom, before it is known whether it may.
func (d Desk) wanted(ctx context.Context, s Selection, o ResendOptions, p *ResendPlan) ([]store.ResendTarget, error) {
	if !s.Named() && !s.narrowed() && !s.All {
		return nil, daemon.Misuse("selection", "name deliveries, or narrow --period by --contract, --from-file, --state, --stale or --failed; --all sends the whole month again")
	}
	filter, err := d.filter(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.bareContracts() {
		return d.ofContracts(ctx, s, o)
	}
	if s.Stale && len(filter.Contracts) == 0 {
		return nil, nil
	}
	return d.ofDeliveries(ctx, s, filter, p)
}

// ofContracts are the contracts' addresses as they are now.
func (d Desk) ofContracts(ctx context.Context, s Selection, o ResendOptions) (targets []store.ResendTarget, err error) {
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	if err != nil {
		return nil, err
	}
	for _, id := range s.Contracts {
		contract, err := d.Detections.Contract(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, daemon.Misuse("contract-gone", "contract %s is not known any more; no report of it can be sent", id)
		}
		if err != nil {
			return nil, err
		}
		if o.To != "" {
			targets = append(targets, store.ResendTarget{Contract: id, Address: o.To})
			continue
		}
		usable, _ := addresses.Of(contract)
		for _, r := range usable {
			targets = append(targets, store.ResendTarget{Contract: id, Address: r.Address, Name: r.Name})
		}
		if len(usable) == 0 { // told as what cannot be sent
			targets = append(targets, store.ResendTarget{Contract: id})
		}
	}
	return targets, nil
}

// ofDeliveries are the deliveries' own addresses.
func (d Desk) ofDeliveries(ctx context.Context, s Selection, filter store.Filter, p *ResendPlan) (targets []store.ResendTarget, err error) {
	filter.Standing = !s.Named()
	found, err := d.Ledger.Deliveries(ctx, filter)
	if err != nil {
		return nil, err
	}
	if s.Named() && len(found) < len(s.IDs) {
		return nil, daemon.Refuse("no-delivery", "%d of the deliveries do not exist; geppo status lists them", len(s.IDs)-len(found))
	}
	for _, delivery := range found {
		if p.Period == (store.Period{}) {
			p.Period = delivery.Period
		}
		switch {
		case p.Period != delivery.Period:
			return nil, daemon.Misuse("several-months", "the deliveries are of several months: resend those of one at a time")
		case delivery.State == store.Cancelled && !s.Named() && !slices.Contains(s.States, store.Cancelled):
			continue
		case delivery.ReplacedBy != 0:
			return nil, daemon.Misuse("replaced", "delivery %d was replaced by %d: resend that one", delivery.ID, delivery.ReplacedBy)
		}
		if delivery.State.Pending() {
			p.Waiting++
		}
		t := store.ResendTarget{Contract: delivery.Contract, Address: delivery.Recipient, Name: delivery.RecipientName, Forced: delivery.Forced && s.Named()}
		if slices.Contains(failedStates, delivery.State) {
			t.Replaces = delivery.ID
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// redirected sends to another address, which must be one contract's.
func redirected(targets []store.ResendTarget, to string) ([]store.ResendTarget, error) {
	for i := range targets {
		if targets[i].Contract != targets[0].Contract {
			return nil, daemon.Misuse("selection", "--to is one contract's address: narrow the selection by --contract")
		}
		targets[i].Address, targets[i].Name, targets[i].Forced = to, "", false
	}
	return targets, nil
}

// Unreachable is a contract of which not everybody can be written to, with each reason once.
type Unreachable struct {
	Contract string
	Refusals []*Refusal
}

// Reason is all that is said of it.
func (u Unreachable) Reason() string {
	words := make([]string, len(u.Refusals))
	for i, r := range u.Refusals {
		words[i] = r.Error()
	}
	return strings.Join(words, "; ")
}

func addRefusal(list []Unreachable, contract string, r *Refusal) []Unreachable {
	i := slices.IndexFunc(list, func(u Unreachable) bool { return u.Contract == contract })
	if i < 0 {
		return append(list, Unreachable{contract, []*Refusal{r}})
	}
	// A mail and its resend may both have failed.
	if !slices.ContainsFunc(list[i].Refusals, func(known *Refusal) bool { return known.Error() == r.Error() }) {
		list[i].Refusals = append(list[i].Refusals, r)
	}
	return list
}

// Resend makes the new deliveries of a plan, and cancels what they take the place of.
func (d Desk) Resend(ctx context.Context, p ResendPlan, by, reason string) (store.Run, []int64, error) {
	faults := make([]store.RunError, len(p.Unreachable))
	for i, u := range p.Unreachable {
		faults[i] = store.RunError{Contract: u.Contract, Reason: u.Reason()}
	}
	return d.Ledger.Resend(ctx, store.Resend{
		Period: p.Period, RequestedBy: by, What: p.What, Reason: reason, Targets: p.Targets, Errors: faults,
		MessageID: func(t store.ResendTarget, resend int) string {
			return daemon.MessageID(p.ids[t.Contract], t.Contract, p.Period, t.Revision, t.Address, resend)
		},
	}, d.Now())
}
