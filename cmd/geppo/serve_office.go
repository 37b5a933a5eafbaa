package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"geppo/cmd/internal/console"
	geppod "geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
)

// office is the desk as the console asks it, with the settings in force.
type office struct {
	s     *service
	first geppod.Settings
}

func (o office) settings() geppod.Settings {
	if now := o.s.daemon.Current(); now != nil {
		return *now
	}
	return o.first
}

func (o office) sender() *geppod.Dispatcher { return o.settings().Dispatcher }

func (o office) desk() desk.Desk {
	settings := o.settings()
	return desk.Desk{
		Ledger: o.s.db.ledger, Detections: o.s.db.detections, Composer: settings.Dispatcher.Composer,
		Planner: settings.Scheduler.Planner, Now: time.Now,
	}
}

// selectionOf is what a request is about.
func selectionOf(r console.Request) (s desk.Selection) {
	switch {
	case r.Delivery != 0:
		s.IDs = []int64{r.Delivery}
	default:
		s.Period, s.Failed, s.Stale = r.Period, r.Failed, r.Stale
		if r.Contract != "" {
			s.Contracts = []string{r.Contract}
		}
	}
	return s
}

var deskActions = map[string]desk.Action{
	"cancel": desk.Cancel, "release": desk.Release, "approve": desk.Approve, "retry": desk.Retry, "ack": desk.Acknowledge,
}

// Plan says what a request would do.
func (o office) Plan(ctx context.Context, r console.Request) (p console.Plan, err error) {
	if action, ok := deskActions[r.Action]; ok {
		plan, err := o.plan(ctx, action, r)
		p = console.Plan{Deliveries: plan.Deliveries, Contracts: plan.Contracts, Names: plan.Names}
		for _, gone := range plan.Gone {
			p.Left = append(p.Left, fmt.Sprintf("%d: %s", gone.Delivery, gone.Refusal))
		}
		return p, refused(err)
	}
	switch r.Action {
	case "resend", "rebuild":
		plan, err := o.desk().PlanResend(ctx, selectionOf(r), desk.ResendOptions{Rebuild: r.Action == "rebuild"})
		p = console.Plan{Deliveries: plan.Deliveries, Contracts: plan.Contracts, Names: plan.Names}
		for _, e := range plan.Unreachable {
			p.Left = append(p.Left, e.Contract+": "+e.Reason())
		}
		return p, refused(err)
	case "pause", "resume":
		return p, nil
	}
	p.Contracts, p.Names = 1, []string{r.Contract}
	_, err = o.s.db.detections.Contract(ctx, r.Contract)
	return p, refused(err)
}

func (o office) plan(ctx context.Context, action desk.Action, r console.Request) (desk.Plan, error) {
	if action == desk.Approve && r.Canary > 0 {
		return o.desk().PlanCanary(ctx, selectionOf(r), r.Canary)
	}
	return o.desk().Plan(ctx, action, selectionOf(r))
}

// Do does it.
func (o office) Do(ctx context.Context, r console.Request) (done console.Done, err error) {
	if action, ok := deskActions[r.Action]; ok {
		plan, err := o.plan(ctx, action, r)
		if err == nil {
			done.Deliveries, err = o.desk().Act(ctx, plan, r.By, r.Reason)
		}
		if err == nil && done.Deliveries == 0 {
			err = refusal(plan.Fault(), "there is nothing to be done any more")
		}
		return done, refused(err)
	}
	switch r.Action {
	case "resend", "rebuild":
		done.Deliveries, err = o.resend(ctx, r)
	case "test-send":
		done.Reply, err = o.testSend(ctx, r)
	case "pause":
		err = o.s.db.ledger.Pause(ctx, store.CauseOperator, r.Reason, r.By, time.Now())
	case "resume":
		err = o.s.db.ledger.Resume(ctx, r.By, time.Now())
	default:
		err = o.mend(ctx, r)
	}
	return done, refused(err)
}

func (o office) resend(ctx context.Context, r console.Request) (int, error) {
	plan, err := o.desk().PlanResend(ctx, selectionOf(r), desk.ResendOptions{Rebuild: r.Action == "rebuild"})
	if err != nil {
		return 0, err
	}
	if len(plan.Targets) == 0 {
		if len(plan.Unreachable) > 0 {
			return 0, &console.Refusal{Reason: plan.Unreachable[0].Reason()}
		}
		return 0, &console.Refusal{Reason: "the selection is empty"}
	}
	_, ids, err := o.desk().Resend(ctx, plan, r.By, r.Reason)
	return len(ids), err
}

func (o office) testSend(ctx context.Context, r console.Request) (string, error) {
	to, err := mail.ParseAddress(r.Address)
	if err == nil {
		err = store.CheckAddress(to.Address)
	}
	if err != nil {
		return "", &console.Refusal{Reason: fmt.Sprintf("%q is not an address such as me@example.jp", r.Address)}
	}
	sender := o.sender()
	record := store.TestSend{Contract: r.Contract, Period: r.Period, RequestedBy: r.By}
	reply, err := testSend(ctx, sender, o.settings().Scheduler.Planner, record, *to)
	if err != nil {
		return "", err
	}
	order := store.Order{By: r.By, Reason: r.Reason, What: fmt.Sprintf("--contract %s --period %s --to %s", r.Contract, r.Period, to.Address)}
	return reply.String(), o.s.db.ledger.Note(ctx, "test-send", order, time.Now())
}

// mend changes who gets reports.
func (o office) mend(ctx context.Context, r console.Request) error {
	l, now := o.s.db.ledger, time.Now()
	order := store.Order{By: r.By, Reason: r.Reason}
	change := store.RecipientChange{Contract: r.Contract, Recipient: store.Recipient{Address: r.Address, Name: r.Name}, By: r.By, Reason: r.Reason, At: now}
	switch r.Action {
	case "stop-contract":
		return l.Stop(ctx, store.Stop{Kind: store.StopContract, Name: r.Contract, By: r.By, Reason: r.Reason, At: now})
	case "start-contract":
		return l.Start(ctx, store.StopContract, r.Contract, order, now)
	}
	if err := store.CheckAddress(r.Address); err != nil {
		return &console.Refusal{Reason: err.Error()}
	}
	switch r.Action {
	case "add":
		if strings.ContainsFunc(r.Name, func(c rune) bool { return c < ' ' }) || len([]rune(r.Name)) > 1000 {
			return &console.Refusal{Reason: "the name has a control character or more than 1,000 characters"}
		}
		if err := refuseStopped(ctx, o.s.db, r.Contract, r.Address); err != nil {
			return &console.Refusal{Reason: err.Error()}
		}
		return l.ChangeRecipient(ctx, change)
	case "remove":
		change.Removed = true
		return l.ChangeRecipient(ctx, change)
	case "stop":
		return l.Stop(ctx, store.Stop{Kind: store.StopAddress, Name: r.Address, By: r.By, Reason: r.Reason, At: now})
	case "start":
		return l.Start(ctx, store.StopAddress, r.Address, order, now)
	}
	return &console.Refusal{Reason: "there is no such action"}
}

// refusal is what a person is told where nothing was done.
func refusal(err error, otherwise string) error {
	if err != nil {
		return &console.Refusal{Reason: err.Error()}
	}
	return &console.Refusal{Reason: otherwise}
}

// refused makes what is to be read by whoever asked a refusal; the rest is a fault of ours.
func refused(err error) error {
	var refusal *desk.Refusal
	var coded *codedError
	var hold *geppod.HoldError
	if errors.As(err, &refusal) || errors.As(err, &coded) || errors.As(err, &hold) {
		return &console.Refusal{Reason: err.Error()}
	}
	return err
}

// Letter gives the mail of a delivery, and how it is known.
func (o office) Letter(ctx context.Context, d store.Delivery) (console.Letter, error) {
	l, err := o.sender().Composer.Letter(ctx, d)
	if err != nil {
		return console.Letter{}, err
	}
	shown := console.Letter{Message: l.Message, Source: console.Unsent}
	switch {
	case l.Archived:
		shown.Source = console.Archived
	case l.Same(d):
		shown.Source = console.Same
	case d.SHA256 != nil:
		shown.Source = console.Differs
	}
	return shown, nil
}

// Preview gives the mail that a contract would get of a period, to the first of its addresses.
func (o office) Preview(ctx context.Context, id string, p store.Period) (console.Letter, error) {
	contract, err := o.s.db.detections.Contract(ctx, id)
	if err != nil {
		return console.Letter{}, err
	}
	addresses, err := geppod.ReadAddresses(ctx, o.s.db.ledger)
	if err != nil {
		return console.Letter{}, err
	}
	to := store.Recipient{Address: "nobody@localhost"} // a report can be looked at before there is anybody to get it
	if usable, _ := addresses.Of(contract); len(usable) > 0 {
		to = usable[0]
	}
	ids, _ := o.settings().Scheduler.Planner.IDsOf(contract.Brand) // the composer knows the brand
	l, err := o.sender().Composer.Preview(ctx, store.Delivery{
		Contract: id, Period: p, Recipient: to.Address, RecipientName: to.Name, DatedAt: previewDate(contract, p),
		MessageID: geppod.MessageID(ids, id, p, 1, to.Address, 0),
	})
	return console.Letter{Message: l.Message, Source: console.Unsent}, err
}

// Addresses are those of a contract, with what keeps mail from each.
func (o office) Addresses(ctx context.Context, contract store.Contract) (list []console.Address, stopped string, err error) {
	addresses, err := geppod.ReadAddresses(ctx, o.s.db.ledger)
	if err != nil {
		return nil, "", err
	}
	for _, r := range addresses.Registered(contract) {
		list = append(list, console.Address{Address: r.Address, Name: r.Name, Marked: r.Marked, Stopped: r.Stopped})
	}
	if !addresses.Stopped(contract.ID) {
		return list, "", nil
	}
	stops, err := o.s.db.ledger.Stops(ctx)
	i := slices.IndexFunc(stops, func(s store.Stop) bool { return s.Kind == store.StopContract && s.Name == contract.ID })
	if err != nil || i < 0 {
		return list, "-", err
	}
	return list, stops[i].By + ": " + stops[i].Reason, nil
}

// Stale are the reports that would differ today.
func (o office) Stale(ctx context.Context, p store.Period) (list []console.Stale, err error) {
	reports, err := o.desk().Stale(ctx, p, nil, nil)
	for _, r := range reports {
		s := console.Stale{Contract: r.Contract, Revision: r.Revision}
		for _, change := range r.Changes {
			s.Changes = append(s.Changes, fmt.Sprintf("%s: %s → %s", change.Figure, change.Was, change.Now))
		}
		if r.Fault != "" {
			s.Changes = append(s.Changes, r.Fault)
		}
		list = append(list, s)
	}
	return list, refused(err)
}

// Feeds are the sources of files, with those that have fallen silent.
func (o office) Feeds(ctx context.Context) (list []console.Feed, err error) {
	feeds, err := o.s.db.detections.Feeds(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, record := range feeds {
		list = append(list, console.Feed{ImportRecord: record})
	}
	inbox := o.settings().Inbox
	if inbox == nil {
		return list, nil
	}
	for _, silent := range inbox.Silent() {
		for i := range list {
			if list[i].Feed == silent.Feed {
				list[i].Silent, list[i].Usual = true, silent.Usual
			}
		}
	}
	return list, nil
}

// Fires are the next ones of the schedule.
func (o office) Fires(most int) (list []time.Time) {
	schedule, at := o.settings().Scheduler.Schedule, time.Now()
	for range most {
		if at = schedule.Next(at); at.IsZero() {
			break
		}
		list = append(list, at)
	}
	return list
}
