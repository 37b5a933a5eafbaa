package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// selectionFlags are how every operator's action is told what to take.
type selectionFlags struct {
	period, fromFile   string
	contracts, states  []string
	failed, stale, all bool
	yes                bool
	reason             string
}

// selectionHelp is the end of the long text of every command that takes a selection.
const selectionHelp = `

Name deliveries, or a month with --period, narrowed by --contract, --from-file, --state, --stale or --failed. Without
numbers it is said first how many deliveries of how many contracts are meant, and asked on a terminal; --yes answers,
and is required above 20 where there is nobody to ask.`

const selectionUse = "(DELIVERY… | --period P [--contract C]… [--state S]… [--failed | --stale])"

func (f *selectionFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.period, "period", "", "those of this month, `YYYY-MM`")
	flags.StringArrayVar(&f.contracts, "contract", nil, "only of this contract `ID`; may be repeated")
	flags.StringVar(&f.fromFile, "from-file", "", "only of the contracts or addresses in this `LIST`, one a line; - is standard input")
	flags.StringArrayVar(&f.states, "state", nil, "only in this state; may be repeated")
	flags.BoolVar(&f.failed, "failed", false, "only what failed, is held or bounced")
	flags.BoolVar(&f.stale, "stale", false, "only of contracts whose frozen report would differ today (geppo stale)")
	flags.BoolVar(&f.all, "all", false, "all of the month, or of every month")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	bindReason(cmd, &f.reason)
}

// selection is what the flags and arguments name together.
func (f *selectionFlags) selection(a *app, args []string) (s desk.Selection, err error) {
	if s.IDs, err = deliveryIDs(args); err != nil {
		return s, err
	}
	if f.period != "" {
		if s.Period, err = period(f.period); err != nil {
			return s, err
		}
	}
	s.Contracts, s.Failed, s.Stale, s.All = f.contracts, f.failed, f.stale, f.all
	for _, state := range f.states {
		s.States = append(s.States, store.State(state))
	}
	return s, a.readList(&s, f.fromFile)
}

// readList adds what a file names.
func (a *app) readList(s *desk.Selection, name string) (err error) {
	if name == "" {
		return nil
	}
	in, err := a.openInput(name)
	if err != nil {
		return fmt.Errorf("--from-file: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := s.ReadList(in); err != nil {
		return fmt.Errorf("--from-file %s: %w", name, err)
	}
	return nil
}

func deliveryIDs(args []string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = strconv.ParseInt(arg, 10, 64); err != nil {
			return nil, exitWith(exitUsage, "%q is not the number of a delivery; geppo status lists them", arg)
		}
	}
	return ids, nil
}

// mostUnasked is how many deliveries are changed without a question where nobody can be asked.
const mostUnasked = 20

// confirm says what is about to be done, and asks. Those named by their numbers are known to whoever named them.
func (a *app) confirm(ctx context.Context, f *selectionFlags, s desk.Selection, what string, extent desk.Extent) error {
	if s.Named() || extent.Deliveries == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(a.stderr, "%s: %s\n", what, printable(extent.String())); err != nil || f.yes {
		return err
	}
	if extent.Deliveries <= mostUnasked && !a.answers() {
		return nil
	}
	return a.ask(ctx, fmt.Sprintf("these are more than %d", mostUnasked))
}

// ask wants a yes on a terminal; elsewhere there is nobody to ask, and because says why it must be said beforehand.
// An interrupt is no yes: what reads is left behind, for nothing ends a read from a terminal.
func (a *app) ask(ctx context.Context, because string) error {
	if !a.answers() {
		return exitWith(exitUsage, "nobody can be asked, and %s: say --yes; nothing was changed", because)
	}
	if _, err := fmt.Fprint(a.stderr, "Go on? [y/N] "); err != nil {
		return err
	}
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n') // what cannot be read is no yes either
		said <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-said:
		if answer == "y" || answer == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return errors.New("nothing was changed")
}

// answers tells whether somebody sits there who can be asked.
func (a *app) answers() bool {
	in, ok := a.stdin.(*os.File)
	return ok && terminal(in) && terminal(a.stderr)
}

func (a *app) newDesk(c config.Config, db *databases) (desk.Desk, error) {
	composer, err := newComposer(c, db, a.logger(c.Log))
	if err != nil {
		return desk.Desk{}, err
	}
	return desk.Desk{Ledger: db.ledger, Detections: db.detections, Composer: composer, Planner: newPlanner(c, db), Now: time.Now}, nil
}

// withDesk is the frame of every operator's command.
func (a *app) withDesk(action func(ctx context.Context, c config.Config, d desk.Desk, args []string) error) func(*cobra.Command, []string) error {
	return a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, args []string) error {
		d, err := a.newDesk(c, db)
		if err != nil {
			return err
		}
		return action(ctx, c, d, args)
	})
}

// withRoster is the frame of commands that send nothing and compute nothing: they need neither a relay nor templates.
func (a *app) withRoster(action func(ctx context.Context, d desk.Desk, args []string) error) func(*cobra.Command, []string) error {
	return a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		return action(ctx, desk.Desk{Ledger: db.ledger, Detections: db.detections, Now: time.Now}, args)
	})
}

// bindReason adds the flag that every action has.
func bindReason(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "reason", "", "why, for geppo log")
}

// order is an action as whoever typed the command asks for it.
func order(reason string) store.Order { return store.Order{By: desk.Operator(), Reason: reason} }
