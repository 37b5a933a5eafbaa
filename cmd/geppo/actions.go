package main

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/store"
	"geppo/store/sqlstore"
)

type actionJSON struct {
	ID         int64     `json:"id"`
	At         time.Time `json:"at"`
	By         string    `json:"by"`
	Action     string    `json:"action"`
	What       string    `json:"what"`
	Reason     string    `json:"reason"`
	Deliveries int       `json:"deliveries"`
}

func toActionJSON(x store.Action) actionJSON {
	return actionJSON{x.ID, x.At, x.By, x.Action, x.What, x.Reason, x.Deliveries}
}

// mostActions are listed without --lines.
const mostActions = 50

func (a *app) logCommand() *cobra.Command {
	lines := mostActions
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "log [DELIVERY]",
		Short:   "List who did what, when and why",
		Long:    "Lists what operators did, the newest first: to everything, or to one delivery.",
		Example: "  geppo log\n  geppo log 17",
		Args:    cobra.MaximumNArgs(1),
	}
	cmd.Flags().IntVarP(&lines, "lines", "n", lines, "at most `N` actions")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		if lines < 1 {
			return exitWith(exitUsage, "--lines must be at least 1")
		}
		ids, err := deliveryIDs(args)
		if err != nil {
			return err
		}
		var actions []store.Action
		if len(ids) == 1 {
			actions, err = db.ledger.ActionsOf(ctx, ids[0])
		} else {
			actions, err = db.ledger.Actions(ctx, lines)
		}
		if err != nil {
			return err
		}
		return a.printActions(actions[:min(len(actions), lines)], asJSON)
	})
	return cmd
}

func (a *app) printActions(actions []store.Action, asJSON bool) error {
	if asJSON {
		list := []actionJSON{}
		for _, x := range actions {
			list = append(list, toActionJSON(x))
		}
		return writeJSON(a.stdout, list)
	}
	return printList(a.stdout, false, actionColumns, actions, actionCells)
}

var actionColumns = columnsAbove("when", "who", "action", "mails", "what and why")

func actionCells(x store.Action) []any {
	what := cmp.Or(x.What, x.Reason)
	if x.What != "" && x.Reason != "" {
		what = x.What + ": " + x.Reason
	}
	var mails any = x.Deliveries
	if x.Deliveries == 0 {
		mails = "" // it was about none
	}
	return []any{x.At, x.By, x.Action, mails, what}
}
