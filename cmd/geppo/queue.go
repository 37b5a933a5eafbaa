package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
)

// actionCommand is a command that does one action to a selection.
func (a *app) actionCommand(action desk.Action, short, long, example string) *cobra.Command {
	return a.plannedCommand(action, short, long, example, func(ctx context.Context, d desk.Desk, s desk.Selection) (desk.Plan, error) {
		return d.Plan(ctx, action, s)
	})
}

func (a *app) plannedCommand(action desk.Action, short, long, example string,
	plan func(context.Context, desk.Desk, desk.Selection) (desk.Plan, error),
) *cobra.Command {
	var f selectionFlags
	cmd := &cobra.Command{Use: string(action) + " " + selectionUse, Short: short, Long: long + selectionHelp, Example: example}
	f.bind(cmd)
	cmd.RunE = a.withDesk(func(ctx context.Context, _ config.Config, d desk.Desk, args []string) error {
		s, err := f.selection(a, args)
		if err != nil {
			return err
		}
		p, err := plan(ctx, d, s)
		if err != nil {
			return err
		}
		if err := a.confirm(ctx, &f, s, string(action), p.Extent); err != nil {
			return err
		}
		n, err := d.Act(ctx, p, desk.Operator(), f.reason)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(a.stdout, p.Done(n)); err != nil {
			return err
		}
		return p.Fault()
	})
	return cmd
}

func (a *app) cancelCommand() *cobra.Command {
	return a.actionCommand(desk.Cancel, "Stop what is pending, awaiting or held",
		"Stops what is pending, awaits approval or is held; what is under way is finished. geppo release undoes it.",
		`  geppo cancel 17 18
  geppo cancel --period 2026-10 --reason "wrong data" --yes`)
}

func (a *app) releaseCommand() *cobra.Command {
	return a.actionCommand(desk.Release, "Let go what is held or cancelled",
		`Puts held and cancelled deliveries back into the queue: the daemon, or the next geppo run of their period, sends
them. One whose address is gone, or that a resend took the place of, stays as it is. It undoes geppo cancel.`,
		`  geppo release 17 --reason "the customer has called"
  geppo release --period 2026-10 --state cancelled --yes`)
}

func (a *app) retryCommand() *cobra.Command {
	return a.actionCommand(desk.Retry, "Make what is deferred due now",
		"Makes what waits after a temporary failure due now: the daemon, or the next geppo run of its period, tries it.",
		`  geppo retry 17
  geppo retry --period 2026-10 --yes`)
}

func (a *app) ackCommand() *cobra.Command {
	return a.actionCommand(desk.Acknowledge, "Say that what went wrong has been dealt with",
		`Records that what failed, is held, bounced or was cancelled has been dealt with: it is listed as such, and counts
neither in exit codes nor in alerts any more.`,
		`  geppo ack 17 --reason "sent by post"
  geppo ack --period 2026-10 --failed --reason "these customers have left" --yes`)
}

func (a *app) approveCommand() *cobra.Command {
	var canary int
	var cmd *cobra.Command
	cmd = a.plannedCommand(desk.Approve, "Let go what awaits approval",
		`Lets go what was planned with schedule.approval and waits for it; without a selection, everything that does.
--canary lets go the first of so many contracts only.`,
		`  geppo approve --canary 20 --yes
  geppo approve --period 2026-10 --reason "looked at by the desk" --yes`,
		func(ctx context.Context, d desk.Desk, s desk.Selection) (desk.Plan, error) {
			if !s.Named() && s.Period == (store.Period{}) {
				s.All = true
			}
			if cmd.Flags().Changed("canary") {
				return d.PlanCanary(ctx, s, canary)
			}
			return d.Plan(ctx, desk.Approve, s)
		})
	cmd.Flags().IntVar(&canary, "canary", 0, "only one delivery of each of the first `N` contracts")
	return cmd
}

func (a *app) pauseCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "pause [REASON]", Short: "Stop the queue",
		Long:    "Stops the queue until geppo resume. What is under way is finished; waiting does not count as trying.",
		Example: "  geppo pause the relay is being moved",
	}
	bindReason(cmd, &why)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, args []string) error {
		reason, err := wordsOrFlag(args, why)
		if err != nil {
			return err
		}
		return d.Pause(ctx, order(reason))
	})
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "resume [REASON]", Short: "Let the queue go on",
		Long:    "Ends every pause, and lets the queue try at once whatever could not reach the relay.",
		Example: "  geppo resume\n  geppo resume --reason \"the relay is back\"",
	}
	bindReason(cmd, &why)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, args []string) error {
		reason, err := wordsOrFlag(args, why)
		if err != nil {
			return err
		}
		return d.Resume(ctx, order(reason))
	})
	return cmd
}

// wordsOrFlag is a reason that may stand behind the command or after --reason.
func wordsOrFlag(args []string, flag string) (string, error) {
	words := strings.Join(args, " ")
	if words != "" && flag != "" {
		return "", exitWith(exitUsage, "give the reason once")
	}
	return words + flag, nil
}
