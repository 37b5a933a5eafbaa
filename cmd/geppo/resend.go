package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

type resendFlags struct {
	selectionFlags
	desk.ResendOptions
	queue, json bool
}

func (a *app) resendCommand() *cobra.Command {
	var f resendFlags
	cmd := &cobra.Command{
		Use:   "resend " + selectionUse + " [--to ADDRESS] [--rebuild]",
		Short: "Send reports again",
		Long: `Makes new deliveries beside the old ones, with the same frozen report, and follows them to the end. What still waits for
the same contract, month and address is cancelled, so that no older report arrives after a newer one. Contracts that are
named alone get the report at their addresses of today; otherwise the chosen deliveries' addresses do. --failed takes what
failed, is held or bounced, and puts new deliveries in its place; what was sent is not touched.
An address that is marked or was removed gets nothing, and counts as an error.
--rebuild computes a corrected report (訂正版) from the detections as they are now, and keeps the old one; with --stale
it corrects just those reports that would differ.` + selectionHelp + `

Exit codes are those of geppo run.`,
		Example: `  geppo resend --period 2026-10 --contract C000001 --reason "asked by telephone"
  geppo resend --period 2026-10 --failed
  geppo resend --period 2026-10 --contract C000001 --rebuild --to kanri@example.jp
  geppo resend --period 2026-10 --stale --rebuild --yes`,
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&f.Rebuild, "rebuild", false, "a corrected report instead of the frozen one")
	cmd.Flags().StringVar(&f.To, "to", "", "to this `ADDRESS` instead, of one contract's reports")
	cmd.Flags().BoolVar(&f.Force, "force", false, "also to an address that is not registered, or of a month that has not ended")
	cmd.Flags().BoolVar(&f.queue, "queue", false, "return at once; a daemon, or the next geppo run, sends it")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, args []string) error {
		return a.resend(ctx, c, db, &f, args)
	})
	return cmd
}

func (a *app) resend(ctx context.Context, c config.Config, db *databases, f *resendFlags, args []string) error {
	s, err := f.selection(a, args)
	if err != nil {
		return err
	}
	if err := c.Sending(); err != nil {
		return err
	}
	a.quiet = true
	sender, err := a.newSender(c, db)
	if err != nil {
		return err
	}
	d, err := a.newDesk(c, db)
	if err != nil {
		return err
	}
	p, err := d.PlanResend(ctx, s, f.ResendOptions)
	if err != nil {
		return err
	}
	if len(p.Targets) == 0 && len(p.Unreachable) > 0 {
		return exitWith(exitIncomplete, "nothing can be resent: contract %s: %s", p.Unreachable[0].Contract, p.Unreachable[0].Reason())
	}
	if len(p.Targets) == 0 {
		_, err := fmt.Fprintln(a.stdout, "the selection is empty: nothing to resend")
		return err
	}
	if err := a.confirmResend(ctx, f, s, p); err != nil {
		return err
	}
	run, ids, err := d.Resend(ctx, p, desk.Operator(), f.reason)
	if err != nil {
		return err
	}
	if f.queue {
		_, err := fmt.Fprintf(a.stdout, "%s queued: geppo show %d and following\n", desk.Count(len(ids), "delivery", "deliveries"), ids[0])
		return err
	}
	return a.sendAndConclude(ctx, c, sender, run, store.Filter{Run: run.ID}, f.json)
}

// confirmResend asks before mails are sent again.
func (a *app) confirmResend(ctx context.Context, f *resendFlags, s desk.Selection, p desk.ResendPlan) error {
	what := "resend"
	if f.Rebuild {
		what = "resend, corrected"
	}
	if p.Waiting > 0 {
		what += fmt.Sprintf(", in the place of %d that still wait", p.Waiting)
	}
	return a.confirm(ctx, &f.selectionFlags, s, what, p.Extent)
}
