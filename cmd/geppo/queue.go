package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlite"
)

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

func (a *app) cancelCommand() *cobra.Command {
	var periodFlag, reason string
	cmd := &cobra.Command{
		Use:   "cancel (DELIVERY… | --period P)",
		Short: "Stop what is pending or held",
		Example: `  geppo cancel 17 18
  geppo cancel --period 2026-10 --reason "wrong data"`,
	}
	cmd.Flags().StringVar(&periodFlag, "period", "", "everything pending of this month, `YYYY-MM`")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		if (periodFlag == "") == (len(args) == 0) {
			return exitWith(exitUsage, "name deliveries, or a month with --period")
		}
		var filter store.Filter
		var err error
		if periodFlag != "" {
			filter.Period, err = period(periodFlag)
		} else {
			filter.IDs, err = deliveryIDs(args)
		}
		if err != nil {
			return err
		}
		n, err := db.ledger.Cancel(ctx, filter, order(args, periodFlag, reason), time.Now())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%d deliveries cancelled\n", n); err != nil {
			return err
		}
		if n < len(filter.IDs) {
			return fmt.Errorf("%d of them are neither pending nor held, or are under way; see geppo show", len(filter.IDs)-n)
		}
		return nil
	})
	return cmd
}

// order is who asks for an action on deliveries or on a month, and why.
func order(ids []string, periodFlag, reason string) store.Order {
	what := strings.Join(ids, " ")
	if periodFlag != "" {
		what = "--period " + periodFlag
	}
	return store.Order{By: operator(), What: what, Reason: reason}
}

func (a *app) releaseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "release DELIVERY…",
		Short: "Let go what is held or cancelled",
		Long: `Puts held and cancelled deliveries back into the queue: the daemon, or the next geppo run of their period, sends
them. One whose address is gone, or that a resend took the place of, stays as it is.`,
		Example: "  geppo release 17 --reason \"the customer has called\"",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		ids, err := deliveryIDs(args)
		if err != nil {
			return err
		}
		if err := refuseGone(ctx, db, ids); err != nil {
			return err
		}
		n, err := db.ledger.Release(ctx, store.Filter{IDs: ids}, order(args, "", reason), time.Now())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%d deliveries released\n", n); err != nil {
			return err
		}
		if n < len(ids) {
			return fmt.Errorf("%d of them are not held or cancelled, or a resend took their place; see geppo show", len(ids)-n)
		}
		return nil
	})
	return cmd
}

// refuseGone refuses to let go what the sender would cancel again.
func refuseGone(ctx context.Context, db *databases, ids []int64) error {
	eligibility := daemon.Eligibility{Detections: db.detections, Ledger: db.ledger}
	deliveries, err := db.ledger.Deliveries(ctx, store.Filter{IDs: ids})
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		reason, err := eligibility.Reason(ctx, d)
		if err != nil {
			return err
		}
		if reason != "" {
			return fmt.Errorf("delivery %d: %s; mend it by geppo recipients, then run its period again", d.ID, reason)
		}
	}
	return nil
}

func (a *app) pauseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pause [REASON]", Short: "Stop the queue",
		Long:    "Stops the queue until geppo resume. What is under way is finished; waiting does not count as trying.",
		Example: "  geppo pause the relay is being moved",
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		reason := strings.Join(args, " ")
		if reason == "" {
			reason = "no reason given"
		}
		return db.ledger.Pause(ctx, store.CauseOperator, reason, operator(), time.Now())
	})
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "resume", Short: "Let the queue go on",
		Long:    "Ends every pause, and lets the queue try at once whatever could not reach the relay.",
		Example: "  geppo resume",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		return db.ledger.Resume(ctx, operator(), time.Now())
	})
	return cmd
}
