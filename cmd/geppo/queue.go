package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
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
		n, err := db.ledger.Cancel(ctx, filter, strings.TrimSpace("cancelled by "+operator()+" "+reason), time.Now())
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

func (a *app) releaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "release DELIVERY…",
		Short:   "Let go what is held",
		Long:    "Puts held deliveries back into the queue: the daemon, or the next geppo run of their period, sends them.",
		Example: "  geppo release 17",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		ids, err := deliveryIDs(args)
		if err != nil {
			return err
		}
		for _, id := range ids {
			err := db.ledger.Release(ctx, id, time.Now())
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("delivery %d is not held; see geppo show %d", id, id)
			}
			if err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(a.stdout, "%d deliveries released\n", len(ids))
		return err
	})
	return cmd
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
		return db.ledger.Pause(ctx, "operator", reason+" ("+operator()+")", time.Now())
	})
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "resume", Short: "Let the queue go on",
		Example: "  geppo resume",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		return db.ledger.Resume(ctx, time.Now())
	})
	return cmd
}
