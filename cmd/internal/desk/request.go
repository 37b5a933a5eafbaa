package desk

import (
	"context"
	"errors"
	"fmt"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// Request is an action by its name, as a form asks for it: one of the actions of this package, on a selection that a
// page can name. What an action has no use for is left empty.
type Request struct {
	Action   string
	Delivery int64
	Period   store.Period
	Contract string
	Address  string // of the contract, or that a test mail goes to
	Name     string // of the address
	Failed   bool   // of the period, what is failed, held or bounced
	Stale    bool   // of the period, whose report would differ today
	Canary   int    // approve the first of so many contracts only; 0: all
	By       string
	Reason   string
}

// Outline is what a request would do.
type Outline struct {
	Extent
	Left []*Refusal // what would be left out, with the reason
}

// Done is what was done.
type Done struct {
	Deliveries int
	Reply      string // the relay's, to a test mail
}

func (r Request) order() store.Order { return store.Order{By: r.By, Reason: r.Reason} }

// selection is what it is about.
func (r Request) selection() (s Selection) {
	if r.Delivery != 0 {
		s.IDs = []int64{r.Delivery}
		return s
	}
	s.Period, s.Failed, s.Stale = r.Period, r.Failed, r.Stale
	if r.Contract != "" {
		s.Contracts = []string{r.Contract}
	}
	return s
}

// Consider says what a request would do, and changes nothing.
func (d Desk) Consider(ctx context.Context, r Request) (o Outline, err error) {
	if _, ok := takes[Action(r.Action)]; ok {
		plan, err := d.planOf(ctx, r)
		o.Extent = plan.Extent
		for _, gone := range plan.Gone {
			o.Left = append(o.Left, daemon.Refuse("left", "%v: %s", gone.Delivery, gone.Refusal))
		}
		return o, err
	}
	switch r.Action {
	case "resend", "rebuild":
		plan, err := d.resendOf(ctx, r)
		o.Extent = plan.Extent
		for _, u := range plan.Unreachable {
			for _, refusal := range u.Refusals {
				o.Left = append(o.Left, daemon.Refuse("left", "%v: %s", u.Contract, refusal))
			}
		}
		return o, err
	case "pause", "resume":
		return o, nil
	}
	o.Contracts, o.Names = 1, []string{r.Contract}
	_, err = d.contract(ctx, r.Contract)
	return o, err
}

func (d Desk) planOf(ctx context.Context, r Request) (Plan, error) {
	if action := Action(r.Action); action != Approve || r.Canary == 0 {
		return d.Plan(ctx, action, r.selection())
	}
	return d.PlanCanary(ctx, r.selection(), r.Canary)
}

func (d Desk) resendOf(ctx context.Context, r Request) (ResendPlan, error) {
	return d.PlanResend(ctx, r.selection(), ResendOptions{Rebuild: r.Action == "rebuild"})
}

// Do does it. What nothing can be done about is a *Refusal.
func (d Desk) Do(ctx context.Context, r Request) (done Done, err error) {
	if _, ok := takes[Action(r.Action)]; ok {
		done.Deliveries, err = d.act(ctx, r)
		return done, err
	}
	switch r.Action {
	case "resend", "rebuild":
		done.Deliveries, err = d.resend(ctx, r)
	case "test-send":
		reply, sendErr := d.TestSend(ctx, r.Contract, r.Period, r.Address, r.order())
		done.Reply, err = reply.String(), sendErr
	case "pause":
		err = d.Pause(ctx, r.order())
	case "resume":
		err = d.Resume(ctx, r.order())
	default:
		err = d.mend(ctx, r)
	}
	return done, refused(err)
}

// act does one of those that change deliveries as they stand.
func (d Desk) act(ctx context.Context, r Request) (n int, err error) {
	plan, err := d.planOf(ctx, r)
	if err == nil {
		n, err = d.Act(ctx, plan, r.By, r.Reason)
	}
	if err == nil && n == 0 {
		if err = plan.Fault(); err == nil {
			err = daemon.Refuse("nothing-left", "there is nothing to be done any more")
		}
	}
	return n, err
}

func (d Desk) resend(ctx context.Context, r Request) (int, error) {
	plan, err := d.resendOf(ctx, r)
	switch {
	case err != nil:
		return 0, err
	case len(plan.Targets) == 0 && len(plan.Unreachable) > 0:
		return 0, plan.Unreachable[0].Refusals[0]
	case len(plan.Targets) == 0:
		return 0, daemon.Refuse("nothing-left", "the selection is empty")
	}
	_, ids, err := d.Resend(ctx, plan, r.By, r.Reason)
	return len(ids), err
}

// mend changes who gets reports.
func (d Desk) mend(ctx context.Context, r Request) error {
	contracts, addresses := []string{r.Contract}, []string{r.Address}
	switch r.Action {
	case "add":
		return d.AddAddress(ctx, contracts, store.Recipient{Address: r.Address, Name: r.Name}, r.order())
	case "remove":
		return d.RemoveAddress(ctx, contracts, r.Address, r.order())
	case "stop":
		return d.Stop(ctx, StopOptions{Kind: store.StopAddress, Names: addresses}, r.order())
	case "start":
		return d.Start(ctx, store.StopAddress, addresses, r.order())
	case "stop-contract":
		return d.Stop(ctx, StopOptions{Kind: store.StopContract, Names: contracts}, r.order())
	case "start-contract":
		return d.Start(ctx, store.StopContract, contracts, r.order())
	}
	return fmt.Errorf("there is no action %q", r.Action)
}

// refused makes what is to be read by whoever asked a refusal; the rest is a fault of ours.
func refused(err error) error {
	var hold *daemon.HoldError
	var refusal *Refusal
	if errors.As(err, &hold) && !errors.As(err, &refusal) {
		return daemon.Refuse("held", "%w", err)
	}
	return err
}
