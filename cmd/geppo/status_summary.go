package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// printStops tells what keeps mail from going out: pauses, and fires of the schedule that wait.
func (a *app) printStops(ctx context.Context, ledger *sqlstore.Ledger) error {
	pauses, err := ledger.Pauses(ctx)
	if err != nil {
		return err
	}
	for _, p := range pauses {
		err = errors.Join(err, say(a.stdout, "PAUSED since %s by %s (%s): %s", clockTime(p.StartedAt), printable(p.By), p.Cause, printable(p.Reason)), say(a.stdout, ""))
	}
	fires, fault := ledger.OpenFires(ctx)
	for _, fire := range fires {
		err = errors.Join(err, say(a.stdout, "%s", openFire(fire)), say(a.stdout, ""))
	}
	return errors.Join(err, fault)
}

// summariseStatus says on one screen how each open month stands, what a person must do, and when the next one begins.
func (a *app) summariseStatus(ctx context.Context, c config.Config, ledger *sqlstore.Ledger) error {
	if err := a.printStops(ctx, ledger); err != nil {
		return err
	}
	periods, err := ledger.Periods(ctx)
	if err != nil {
		return err
	}
	closed := 0
	for i, p := range periods {
		if i < len(periods)-1 && !p.Open() {
			closed++
			continue
		}
		err = errors.Join(err, a.summarisePeriod(p))
	}
	if closed > 0 {
		err = errors.Join(err, say(a.stdout, "%s: nothing left to do", desk.Count(closed, "earlier month", "earlier months")))
	}
	if len(periods) == 0 {
		err = errors.Join(err, say(a.stdout, "nothing was planned yet"))
	}
	return errors.Join(err, a.printCanaries(ctx, c, ledger), a.printNextFire(c), a.printSilent(ctx, ledger))
}

// printCanaries says when what waits for canaries follows by itself; what waits for a person stands with its month.
func (a *app) printCanaries(ctx context.Context, c config.Config, ledger *sqlstore.Ledger) error {
	canaries, err := ledger.Canaries(ctx)
	for _, canary := range canaries {
		if at := canary.Follows(c.Schedule.CanaryWait.Duration); !at.IsZero() {
			err = errors.Join(err, say(a.stdout, "%s: the canaries are out, and the others follow at %s; geppo approve lets them go now, geppo pause objects", canary.Period, clockTime(at)))
		}
	}
	return err
}

// printSilent names the processes that have fallen silent with deliveries in their hands.
func (a *app) printSilent(ctx context.Context, ledger *sqlstore.Ledger) error {
	workers, err := ledger.Workers(ctx)
	for _, w := range workers {
		if !w.Lives && w.UnderWay > 0 {
			err = errors.Join(err, say(a.stdout, "%s is silent and has left %s under way; another process takes them over (geppo workers)", w.Name, desk.Count(w.UnderWay, "delivery", "deliveries")))
		}
	}
	return err
}

func (a *app) summarisePeriod(p sqlstore.PeriodState) error {
	total := 0
	for _, n := range p.States {
		total += n
	}
	line := fmt.Sprintf("%s  %s", p.Period, desk.Count(total, "delivery", "deliveries"))
	for _, state := range store.States {
		if n := p.States[state]; n > 0 {
			line += fmt.Sprintf(" · %s %d", state, n)
			if dealt := n - p.Unacknowledged[state]; dealt > 0 {
				line += fmt.Sprintf(" (%d dealt with)", dealt)
			}
		}
	}
	err := say(a.stdout, "%s", line)
	for _, todo := range []struct {
		n                 int
		one, many, advice string
	}{
		{p.Failed, "delivery went wrong", "deliveries went wrong", "status --period %s --undone"},
		{p.Awaiting, "delivery awaits approval", "deliveries await approval", "approve --period %s"},
		{p.Unreachable, "contract has no usable address", "contracts have no usable address", "run --period %s --dry-run"},
		{p.Waiting, "contract waits for data", "contracts wait for data", "run --period %s --dry-run"},
	} {
		if todo.n > 0 {
			err = errors.Join(err, say(a.stdout, "  %s: geppo "+todo.advice, desk.Count(todo.n, todo.one, todo.many), p.Period))
		}
	}
	return err
}

func (a *app) printNextFire(c config.Config) error {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return err
	}
	schedule, err := daemon.NewSchedule(c.Schedule.Monthly, zone, c.Schedule.ClosedDays()...)
	if err != nil {
		return err
	}
	next := schedule.Next(time.Now().In(zone))
	return say(a.stdout, "next fire: %s, for %s", next.Format("Mon 2006-01-02 15:04 MST"), store.PeriodOf(next, zone).Previous())
}
