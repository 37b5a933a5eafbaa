package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"geppo/cmd/internal/console"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
)

// A shell asks geppo itself what may stand next, each time that somebody presses Tab: the databases are read for it and never
// changed, and where there are none nothing is said.

// mostCompleted are listed at once; of more contracts the beginnings are.
const mostCompleted = 100

type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// addCompletion tells the shells what each flag and argument takes. What is not told here is a file.
func (a *app) addCompletion(cmd *cobra.Command) {
	known := map[string]completion{
		"contract": a.contractsBegun, "period": a.completePeriods, "state": oneOf(store.States), "format": oneOf(ingest.Formats()),
		"role": oneOf([]console.Role{console.Viewer, console.Clerk, console.Operator}),
	}
	for _, name := range []string{"reason", "search", "to", "name", "zone", "time", "date", "day", "endpoint", "lines", "canary"} {
		known[name] = nothing
	}
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		flags.VisitAll(func(flag *pflag.Flag) {
			if of := known[flag.Name]; of != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag.Name, of) // fails where a parent's flag has one
			}
		})
	}
	switch {
	case len(cmd.ValidArgs) > 0 || strings.Contains(cmd.Use, "FILE"):
	case strings.Contains(cmd.Use, "DELIVERY"):
		cmd.ValidArgsFunction = a.completeDeliveries
	case cmd.HasParent() && cmd.Parent().Name() == "contracts":
		cmd.ValidArgsFunction = a.contractsBegun
	case cmd.HasParent() && cmd.Parent().Name() == "recipients" && cmd.Name() == "remove":
		cmd.ValidArgsFunction = a.completeAddresses
	default:
		cmd.ValidArgsFunction = nothing
	}
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" {
			a.addCompletion(sub)
		}
	}
}

func nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func oneOf[T ~string](values []T) completion {
	return func(*cobra.Command, []string, string) (list []string, _ cobra.ShellCompDirective) {
		for _, value := range values {
			list = append(list, string(value))
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// asked reads the databases for a completion; nothing where there are none, or they are of another geppo.
func (a *app) asked(ctx context.Context, read func(context.Context, *databases) error) {
	c, err := a.config()
	if err != nil {
		return
	}
	db, err := openDatabases(ctx, c, sqlstore.Existing)
	if err != nil {
		return
	}
	_ = read(ctx, db)
	_ = db.close()
}

// described is a value with what a shell shows beside it.
func described(value, text string) string {
	return value + "\t" + strings.Join(strings.Fields(printable(text)), " ")
}

func (a *app) contractsBegun(cmd *cobra.Command, _ []string, begun string) (list []string, directive cobra.ShellCompDirective) {
	directive = cobra.ShellCompDirectiveNoFileComp
	a.asked(cmd.Context(), func(ctx context.Context, db *databases) error {
		found, err := db.detections.Begin(ctx, begun, mostCompleted)
		if len(found.Beginnings) > 0 {
			list, directive = found.Beginnings, directive|cobra.ShellCompDirectiveNoSpace
		}
		for _, c := range found.Contracts {
			list = append(list, described(c.ID, c.Name))
		}
		return err
	})
	return list, directive
}

// completePeriods are the months that were planned, the newest first, and the last month that is over.
func (a *app) completePeriods(cmd *cobra.Command, _ []string, _ string) (list []string, _ cobra.ShellCompDirective) {
	a.asked(cmd.Context(), func(ctx context.Context, db *databases) error {
		runs, err := db.ledger.Runs(ctx, store.Period{})
		for _, run := range runs {
			list = append(list, run.Period.String())
		}
		return err
	})
	list = append(list, store.PeriodOf(time.Now(), time.Local).Previous().String())
	slices.Sort(list)
	slices.Reverse(list)
	return slices.Compact(list), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeDeliveries are those that somebody would deal with by their numbers.
func (a *app) completeDeliveries(cmd *cobra.Command, _ []string, _ string) (list []string, _ cobra.ShellCompDirective) {
	a.asked(cmd.Context(), func(ctx context.Context, db *databases) error {
		undone := store.Filter{Unacknowledged: true, Standing: true, States: append([]store.State{store.Deferred}, wentWrong...)}
		deliveries, err := db.ledger.SomeDeliveries(ctx, undone, mostCompleted)
		for _, d := range deliveries {
			list = append(list, described(fmt.Sprint(d.ID), fmt.Sprintf("%s %s %s %s", d.Period, d.Contract, d.State, d.Recipient)))
		}
		return err
	})
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeAddresses are those of the contract that is named.
func (a *app) completeAddresses(cmd *cobra.Command, args []string, begun string) (list []string, _ cobra.ShellCompDirective) {
	contracts, err := cmd.Flags().GetStringArray("contract")
	if err != nil || len(contracts)+len(args) == 0 {
		return a.contractsBegun(cmd, args, begun)
	}
	a.asked(cmd.Context(), func(ctx context.Context, db *databases) error {
		d := desk.Desk{Ledger: db.ledger, Detections: db.detections}
		return d.EachMember(ctx, append(contracts, args...), func(m desk.Member) error {
			for _, r := range m.Registered {
				list = append(list, described(r.Address, r.Name))
			}
			return nil
		})
	})
	return list, cobra.ShellCompDirectiveNoFileComp
}
