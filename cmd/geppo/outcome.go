package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// outcome is the end of a run as --json prints it.
type outcome struct {
	Run     int64               `json:"run"`
	Period  store.Period        `json:"period"`
	Planned int                 `json:"planned"`
	States  map[store.State]int `json:"states"`
	Errors  []runError          `json:"errors"`
	Waiting []runError          `json:"waiting"`

	acknowledged map[store.State]int // of States
}

type runError struct {
	Contract string `json:"contract"`
	Reason   string `json:"reason"`
}

// conclude says how the period stands and turns it into the exit code.
func (a *app) conclude(ctx context.Context, ledger *sqlstore.Ledger, run store.Run, filter store.Filter, stopped error, asJSON bool) error {
	counts, err := ledger.CountStates(ctx, filter)
	if err != nil {
		return errors.Join(stopped, err)
	}
	filter.Unacknowledged = true
	undone, err := ledger.CountStates(ctx, filter)
	if err != nil {
		return errors.Join(stopped, err)
	}
	o := outcome{Run: run.ID, Period: run.Period, Planned: run.Planned, States: counts, Errors: []runError{}, Waiting: []runError{}, acknowledged: map[store.State]int{}}
	for state, n := range counts {
		o.acknowledged[state] = n - undone[state]
	}
	for _, e := range run.Errors {
		o.Errors = append(o.Errors, runError(e))
	}
	for _, w := range run.Waiting {
		o.Waiting = append(o.Waiting, runError(w))
	}
	if asJSON {
		err = writeJSON(a.stdout, o)
	} else {
		err = a.printOutcome(o)
	}
	if err != nil {
		return errors.Join(stopped, err)
	}
	return o.verdict(stopped)
}

func (a *app) printOutcome(o outcome) error {
	total := 0
	for _, n := range o.States {
		total += n
	}
	if err := say(a.stdout, "%s: %d of %d deliveries sent (%d newly planned)", o.Period, o.States[store.Sent], total, o.Planned); err != nil {
		return err
	}
	for _, state := range store.States {
		if n := o.States[state]; n > 0 && state != store.Sent {
			if err := say(a.stdout, "  %-12s %d", state, n); err != nil {
				return err
			}
		}
	}
	return printContracts(a.stdout, "  ", o)
}

// printContracts says of which contracts not everybody gets the report yet.
func printContracts(w io.Writer, indent string, o outcome) error {
	for _, e := range o.Errors {
		if err := say(w, "%scontract %s: %s", indent, printable(e.Contract), printable(e.Reason)); err != nil {
			return err
		}
	}
	for _, e := range o.Waiting {
		if err := say(w, "%scontract %s waits: %s", indent, printable(e.Contract), printable(e.Reason)); err != nil {
			return err
		}
	}
	return nil
}

func unsent(n int) string {
	return desk.Count(n, "delivery is", "deliveries are") + " still to be sent"
}

// verdict is the exit code of run and resend, as geppo run --help tells it.
func (o outcome) verdict(stopped error) error {
	pending, bad, awaiting := 0, len(o.Errors)+len(o.Waiting), o.States[store.Awaiting]
	for state, n := range o.States {
		switch {
		case state.Pending():
			pending += n
		case state != store.Sent:
			bad += n - o.acknowledged[state]
		}
	}
	switch {
	case pending > 0 && errors.Is(stopped, context.Canceled):
		return exitWith(exitPending, "stopped: %s; geppo run --period %s goes on", unsent(pending), o.Period)
	case pending > 0 && stopped != nil:
		return &codedError{exitPending, fmt.Errorf("%s: %w", unsent(pending), stopped)}
	case awaiting > 0 && awaiting == pending:
		return exitWith(exitPending, "%s approval; see geppo status --period %s, then geppo approve --period %s", desk.Count(awaiting, "delivery awaits", "deliveries await"), o.Period, o.Period)
	case pending > 0:
		return exitWith(exitPending, "%s; see geppo status --period %s and run again later", unsent(pending), o.Period)
	case stopped != nil && !errors.Is(stopped, daemon.ErrPaused): // nothing waits for the end of a pause
		return stopped
	case bad == len(o.Waiting) && bad > 0:
		return exitWith(exitIncomplete, "contracts that wait for data or their month's end: %d; import the data, or use --force", bad)
	case bad > 0:
		return exitWith(exitIncomplete, "not everything could be sent; see geppo status --period %s", o.Period)
	}
	return nil
}
