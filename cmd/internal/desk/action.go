package desk

import (
	"context"
	"fmt"
	"slices"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// Action is one of those that change deliveries as they stand. Resend, which makes new ones, is apart.
type Action string

// The actions.
const (
	Cancel      Action = "cancel"  // stops what is pending, awaiting or held
	Release     Action = "release" // lets go what is held or cancelled
	Approve     Action = "approve" // lets go what is awaiting
	Retry       Action = "retry"   // makes what is deferred due now
	Acknowledge Action = "ack"     // what failed, is held, bounced or was cancelled has been dealt with
)

// takes says which states an action can be done to, and how it is told.
var takes = map[Action]struct {
	states []store.State
	done   string // "3 deliveries cancelled"
	not    string // "2 of them are …"
}{
	Cancel: {
		[]store.State{store.Awaiting, store.Queued, store.Deferred, store.Held},
		"cancelled", "are neither pending nor held, or are under way",
	},
	Release:     {[]store.State{store.Held, store.Cancelled}, "released", "are not held or cancelled, or a resend took their place"},
	Approve:     {[]store.State{store.Awaiting}, "approved", "do not await approval"},
	Retry:       {[]store.State{store.Deferred}, "due now", "are not deferred"},
	Acknowledge: {[]store.State{store.Failed, store.Held, store.Bounced, store.Cancelled}, "acknowledged", "have nothing to be acknowledged"},
}

// taken narrows a filter to what the action can be done to; false: to nothing.
func (a Action) taken(f store.Filter) (store.Filter, bool) {
	f.States = both(f.States, takes[a].states)
	f.Unreplaced = a == Release || a == Acknowledge
	f.Unacknowledged = a == Acknowledge
	return f, len(f.States) > 0
}

// Plan is what an action would do.
type Plan struct {
	Extent
	Action Action
	What   string       // the selection, as it was asked for
	Left   int          // of those named one by one, those that the action cannot be done to
	Gone   []Gone       // those that must not be let go
	whole  bool         // all that there is of a period, or of every one
	picks  []store.Pick // what it takes
}

// Gone is a delivery that must not be let go: the sender would cancel it again.
type Gone struct {
	Delivery int64
	Refusal  *Refusal
}

// Plan says what an action would do to a selection, and changes nothing.
func (d Desk) Plan(ctx context.Context, action Action, s Selection) (Plan, error) {
	filter, err := d.filter(ctx, s)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Action: action, What: s.String(), whole: !s.Named() && !s.narrowed()}
	if s.Stale && len(filter.Contracts) == 0 {
		return p, nil
	}
	filter, any := action.taken(filter)
	if any {
		if p.picks, err = d.Ledger.Picks(ctx, filter); err != nil {
			return p, err
		}
	}
	if action == Release {
		if p.picks, p.Gone, err = d.stillWanted(ctx, p.picks); err != nil {
			return p, err
		}
	}
	p.Left = max(0, len(s.IDs)-len(p.picks)-len(p.Gone))
	p.Extent = extentOf(contractsOf(p.picks))
	return p, nil
}

// both are the states that two lists share; none narrows nothing.
func both(asked, possible []store.State) (list []store.State) {
	if len(asked) == 0 {
		return possible
	}
	for _, state := range possible {
		if slices.Contains(asked, state) {
			list = append(list, state)
		}
	}
	return list
}

// stillWanted parts deliveries whose address is gone from the others.
func (d Desk) stillWanted(ctx context.Context, picks []store.Pick) (wanted []store.Pick, gone []Gone, err error) {
	eligibility := daemon.Eligibility{Detections: d.Detections, Ledger: d.Ledger}
	doubtful, err := eligibility.Doubtful(ctx, picks)
	if err != nil {
		return nil, nil, err
	}
	for _, pick := range picks {
		var refusal *daemon.Refusal
		if doubtful[pick.ID] {
			delivery, err := d.Ledger.Delivery(ctx, pick.ID)
			if err == nil {
				refusal, err = eligibility.Refusal(ctx, delivery)
			}
			if err != nil {
				return nil, nil, err
			}
		}
		if refusal != nil {
			gone = append(gone, Gone{pick.ID, refusal})
			continue
		}
		wanted = append(wanted, pick)
	}
	return wanted, gone, nil
}

// PlanCanary is the plan of approving the first of so many contracts only, one delivery of each.
func (d Desk) PlanCanary(ctx context.Context, s Selection, most int) (Plan, error) {
	if most < 1 {
		return Plan{}, daemon.Misuse("canary", "--canary %d: must be at least 1", most)
	}
	p, err := d.Plan(ctx, Approve, s)
	if err != nil || len(p.picks) == 0 {
		return p, err
	}
	var first []store.Pick
	seen := map[string]bool{}
	for _, pick := range p.picks {
		if len(first) < most && !seen[pick.Contract] {
			first, seen[pick.Contract] = append(first, pick), true
		}
	}
	p.What, p.whole = fmt.Sprintf("%s --canary %d", p.What, most), false
	p.picks, p.Extent = first, extentOf(contractsOf(first))
	return p, nil
}

// Act does what a plan says to what it was shown to be about, and tells to how many: one that moved on meanwhile is
// left as it is.
func (d Desk) Act(ctx context.Context, p Plan, by, reason string) (n int, err error) {
	if len(p.picks) == 0 {
		return 0, nil
	}
	ids := make([]int64, len(p.picks))
	for i, pick := range p.picks {
		ids[i] = pick.ID
	}
	filter, order := store.Filter{IDs: ids}, store.Order{By: by, What: p.What, Reason: reason}
	switch p.Action {
	case Cancel:
		return d.Ledger.Cancel(ctx, filter, order, d.Now())
	case Release:
		return d.Ledger.Release(ctx, filter, order, d.Now())
	case Approve:
		return d.Ledger.Approve(ctx, filter, p.whole, order, d.Now())
	case Retry:
		return d.Ledger.Retry(ctx, filter, order, d.Now())
	case Acknowledge:
		return d.Ledger.Acknowledge(ctx, filter, order, d.Now())
	}
	return 0, fmt.Errorf("there is no action %q", p.Action)
}

// Done tells what was done.
func (p Plan) Done(n int) string {
	return Count(n, "delivery", "deliveries") + " " + takes[p.Action].done
}

// Fault is what is to be said of those named one by one to which the action could not be done; nil: nothing.
func (p Plan) Fault() error {
	if len(p.Gone) > 0 {
		g := p.Gone[0]
		return daemon.Refuse("cannot-go", "%d of them cannot be let go; delivery %d: %s; mend it by geppo recipients, then run its period again",
			len(p.Gone), g.Delivery, g.Refusal)
	}
	if p.Left > 0 {
		return daemon.Refuse("not-"+string(p.Action), "%d of them "+takes[p.Action].not+"; see geppo show", p.Left)
	}
	return nil
}
