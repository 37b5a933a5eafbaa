package main

import (
	"context"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/desk"
	"geppo/store"
)

// stopCommand keeps contracts, or addresses of all contracts, from getting reports.
func (a *app) stopCommand(kind store.StopKind, args, example string) *cobra.Command {
	o := desk.StopOptions{Kind: kind}
	var reason string
	noun := string(kind)
	cmd := &cobra.Command{
		Use:     "stop " + args,
		Short:   "Send no more reports to this " + noun + ", at its own wish",
		Long:    "Records that the " + noun + " asked to get no reports. What waits for it is cancelled, and it is planned no more, which is no error.",
		Example: example,
		Args:    cobra.MinimumNArgs(1),
	}
	bindReason(cmd, &reason)
	if kind == store.StopAddress {
		cmd.Flags().BoolVar(&o.Ahead, "ahead", false, "also an address that no contract has yet")
	}
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, names []string) error {
		o.Names = names
		return d.Stop(ctx, o, order(reason))
	})
	return cmd
}

// startCommand ends what stopCommand began.
func (a *app) startCommand(kind store.StopKind, args, example string) *cobra.Command {
	var reason string
	noun := string(kind)
	cmd := &cobra.Command{
		Use: "start " + args, Short: "Send reports to this " + noun + " again",
		Long:    "Ends a stop. The next geppo run plans the " + noun + " again.",
		Example: example,
		Args:    cobra.MinimumNArgs(1),
	}
	bindReason(cmd, &reason)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, names []string) error {
		return d.Start(ctx, kind, names, order(reason))
	})
	return cmd
}
