package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

type runOptions struct {
	period    string
	contracts []string
	dryRun    bool
	force     bool
	json      bool
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run --period P [--contract C]…",
		Short: "Plan and send a period now, until nothing more can be sent at once",
		Long: `Plans the period (adding only what is missing), sends what is due, and waits until nothing more can be
sent at once. While a daemon sends, run only plans, and follows it to the end; while its queue is paused there is
nothing to follow, and run says who paused it.

Exit codes: 0 nothing is left that a person must do; 75 something is still on its way: run again later;
76 something failed, is held, bounced or cancelled and was not acknowledged, or a contract has no valid address or waits:
its own zone has not ended the month, or its own data do not reach the month's end (schedule.require_data);
1 there is nothing to plan: no contract, or no data of that time.`,
		Example: "  geppo run --period 2026-10\n  geppo run --period 2026-10 --contract C000001 --dry-run",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&o.period, "period", "", "month to report on, `YYYY-MM`")
	cmd.Flags().StringArrayVar(&o.contracts, "contract", nil, "only this contract `ID`; may be repeated")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be planned, change nothing")
	cmd.Flags().BoolVar(&o.force, "force", false, "also contracts that would wait, and a period that has not ended")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	cmd.RunE = a.withDatabases(sqlstore.Upgrade, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		return a.run(ctx, c, db, o)
	})
	return cmd
}

func (a *app) run(ctx context.Context, c config.Config, db *databases, o runOptions) error {
	a.quiet = true
	p, err := period(o.period)
	if err != nil {
		return err
	}
	if err := c.Sending(); err != nil {
		return err
	}
	if err := refusePrunedRun(ctx, db, p); err != nil {
		return err
	}
	planner := newPlanner(c, db)
	planner.Crash = a.crash
	request := daemon.Request{Kind: "run", Period: p, Contracts: o.contracts, By: desk.Operator(), Force: o.force}
	now, _, err := newClock(c, db, a.logger(c.Log)).Check(ctx)
	if err != nil {
		return err
	}
	planner = planner.At(now)
	if o.dryRun {
		return a.dryRun(ctx, planner, request, o.json)
	}
	sender, err := a.newSender(c, db)
	if err != nil {
		return err
	}
	run, err := planner.Plan(ctx, request)
	if err != nil {
		return err
	}
	return a.sendAndConclude(ctx, c, sender, run, store.Filter{Period: p, Contracts: o.contracts}, o.json)
}

// newSender builds all that sending needs, so that a fault of the configuration stops a command
// before it has planned anything.
func (a *app) newSender(c config.Config, db *databases) (*daemon.Dispatcher, error) {
	if err := c.Sending(); err != nil {
		return nil, err
	}
	log := a.logger(c.Log)
	composer, err := newComposer(c, db, log)
	if err != nil {
		return nil, err
	}
	client, err := newClient(c, a.environ)
	if err != nil {
		return nil, err
	}
	if _, err := newHooks(c); err != nil {
		return nil, err
	}
	sender := a.newDispatcher(c, composer, client, log)
	sender.Crash, composer.Crash = a.crash, a.crash
	return sender, nil
}

// sendAndConclude sends what a run planned, and turns how it stands into output and exit code.
func (a *app) sendAndConclude(ctx context.Context, c config.Config, d *daemon.Dispatcher, run store.Run, filter store.Filter, asJSON bool) error {
	operators, err := a.operators(c, d)
	if err != nil {
		return err // newSender has read the same
	}
	if err := operators.Planned(run); err != nil {
		d.Log.Error("the webhooks could not be told of a plan", "run", run.ID, "error", err)
	}
	stopped := a.dispatch(ctx, d, run.Period, filter)
	// The end is recorded and told even if geppo was told to stop.
	ctx = context.WithoutCancel(ctx)
	stopped = errors.Join(stopped, finishRun(ctx, operators, run))
	a.askApproval(ctx, c, operators)
	return a.conclude(ctx, d.Ledger, run, filter, stopped, asJSON)
}

// askApproval tells the operators what awaits their word, where no daemon beside us does.
func (a *app) askApproval(ctx context.Context, c config.Config, operators daemon.Operators) {
	others, err := operators.Dispatcher.Ledger.Manned(ctx)
	if others {
		return
	}
	var zone *time.Location
	if err == nil {
		zone, err = time.LoadLocation(c.Timezone)
	}
	if err == nil {
		asker := daemon.Asker{Operators: &operators, Zone: zone}
		err = asker.Ask(ctx)
	}
	if err != nil {
		a.logger(c.Log).Error("the operators could not be told what awaits their approval", "error", err)
	}
}

// finishRun records the end of a run and tells the operators, unless a daemon beside us was quicker.
func finishRun(ctx context.Context, operators daemon.Operators, run store.Run) error {
	d := operators.Dispatcher
	first, err := d.Ledger.FinishRun(ctx, run.ID, time.Now())
	if err != nil || !first {
		return err
	}
	if err := tellWebhooks(ctx, operators, run); err != nil {
		d.Log.Error("the webhooks could not be told of a run's end", "run", run.ID, "error", err)
	}
	// The reports are what the exit code is about; a summary that is lost must be seen all the same.
	if err := newSummarizer(operators, followups).Send(ctx, run); err != nil {
		d.Log.Error("the summary could not be sent", "run", run.ID, "error", err)
		return nil
	}
	return d.Ledger.SummariseRun(ctx, run.ID, time.Now())
}

// tellWebhooks tells how a run ended, and what has stopped it; of pauses a daemon beside us tells.
func tellWebhooks(ctx context.Context, operators daemon.Operators, run store.Run) error {
	finished := operators.Finished(ctx, run)
	others, err := operators.Dispatcher.Ledger.Manned(ctx)
	if err != nil || others {
		return errors.Join(finished, err)
	}
	return errors.Join(finished, operators.Paused(ctx, run.StartedAt))
}
