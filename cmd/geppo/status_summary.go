package main

import (
	"context"
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
		fmt.Fprintf(a.stdout, "PAUSED since %s by %s (%s): %s\n\n", clockTime(p.StartedAt), printable(p.By), p.Cause, printable(p.Reason))
	}
	fires, err := ledger.OpenFires(ctx)
	for _, fire := range fires {
		fmt.Fprintf(a.stdout, "%s\n\n", openFire(fire))
	}
	return err
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
		a.summarisePeriod(p)
	}
	if closed > 0 {
		fmt.Fprintf(a.stdout, "%s: nothing left to do\n", desk.Count(closed, "earlier month", "earlier months"))
	}
	if len(periods) == 0 {
		fmt.Fprintln(a.stdout, "nothing was planned yet")
	}
	return a.printNextFire(c)
}

func (a *app) summarisePeriod(p sqlstore.PeriodState) {
	total := 0
	for _, n := range p.States {
		total += n
	}
	fmt.Fprintf(a.stdout, "%s  %s", p.Period, desk.Count(total, "delivery", "deliveries"))
	for _, state := range store.States {
		if n := p.States[state]; n > 0 {
			fmt.Fprintf(a.stdout, " · %s %d", state, n)
			if dealt := n - p.Unacknowledged[state]; dealt > 0 {
				fmt.Fprintf(a.stdout, " (%d dealt with)", dealt)
			}
		}
	}
	fmt.Fprintln(a.stdout)
	for _, todo := range []struct {
		n    int
		what string
	}{
		{p.Failed, "deliveries went wrong      geppo status --period %[2]s --state failed --state held --state bounced --state cancelled"},
		{p.Awaiting, "deliveries await approval  geppo approve --period %[2]s"},
		{p.Unreachable, "contracts have no usable address  geppo run --period %[2]s --dry-run"},
		{p.Waiting, "contracts wait for data    geppo run --period %[2]s --dry-run"},
	} {
		if todo.n > 0 {
			fmt.Fprintf(a.stdout, "  %6d "+todo.what+"\n", todo.n, p.Period)
		}
	}
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
	_, err = fmt.Fprintf(a.stdout, "next fire: %s, for %s\n", next.Format("Mon 2006-01-02 15:04 MST"), store.PeriodOf(next, zone).Previous())
	return err
}
