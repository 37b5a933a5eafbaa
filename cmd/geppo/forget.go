package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
)

type forgetFlags struct {
	contracts         []string
	dryRun, yes, json bool
	reason            string
}

type forgottenJSON struct {
	Contract   string     `json:"contract"`
	Company    string     `json:"company"`
	Rows       store.Rows `json:"rows"`
	Addresses  int        `json:"addresses"`
	Shared     int        `json:"shared_addresses"`
	Reports    int        `json:"reports"`
	Deliveries int        `json:"deliveries"`
	Copies     int64      `json:"copies"`
}

func (a *app) forgetCommand() *cobra.Command {
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget --contract C",
		Short: "Remove a contract's personal data",
		Long: `Removes what is known of a contract: its company, addresses, machines, detections, events and snapshots, what was said of
its addresses (marks, stops, changes), its frozen reports and the support desk's notes, the replies and reasons of its
mails, and the copies in the archive. An address that another contract has too keeps its mark or stop. What stays is to
be counted and tells no name: the contract's id, how many mails of which month are in which state, and when. geppo log
keeps who forgot it, when and why. What went wrong counts as dealt with.

It says first how much that is, and asks; without a terminal it wants --yes. It is refused while mail of the contract is
on its way, awaits approval or is held. At the end both files are written anew, so that no byte of it is left in them:
that takes as much room again meanwhile, and makes imports and the sender wait. A later import of the contract begins
anew. Not touched are copies that geppo did not make or does not know any more: backups, the files that were imported
(those of the inbox lie in its done folder), and the journal.`,
		Example: `  geppo forget --contract C000001 --dry-run
  geppo forget --contract C000001 --reason "the contract has ended" --yes`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.contracts, "contract", nil, "this contract `ID`; may be repeated")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would go, change nothing")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	bindReason(cmd, &f.reason)
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.RunE = a.withDesk(func(ctx context.Context, _ config.Config, d desk.Desk, _ []string) error {
		return a.forget(ctx, d, f)
	})
	return cmd
}

func (a *app) forget(ctx context.Context, d desk.Desk, f forgetFlags) error {
	p, err := d.PlanForget(ctx, f.contracts)
	if err != nil {
		return err
	}
	if err := a.printForgetting(p, f.json); err != nil {
		return err
	}
	if f.dryRun {
		_, err := fmt.Fprintln(a.stderr, "nothing was changed")
		return err
	}
	if !f.yes {
		if err := a.ask(ctx, "what is forgotten cannot be brought back"); err != nil {
			return err
		}
	}
	if err := d.Forget(ctx, p, desk.Operator(), f.reason); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stderr, "%s forgotten; backups and the files that were imported are not touched\n", desk.Count(len(p.Contracts), "contract", "contracts"))
	return err
}

func (a *app) printForgetting(p desk.ForgetPlan, asJSON bool) error {
	if asJSON {
		list := []forgottenJSON{}
		for _, f := range p.Contracts {
			list = append(list, forgottenJSON{f.Contract, f.Company, f.Rows, f.Addresses, f.Shared, len(f.Traces.Frozen), f.Traces.Deliveries, f.Archive.Copies})
		}
		return writeJSON(a.stdout, list)
	}
	for _, f := range p.Contracts {
		shared := ""
		if f.Shared > 0 {
			shared = fmt.Sprintf(" (%d of other contracts too)", f.Shared)
		}
		_, err := fmt.Fprintf(a.stdout, `contract %s, %s
  goes:   %d detections, %d events, %d snapshots of %d machines; %d addresses%s;
          %s, %s
  stays:  %s without names
`, f.Contract, printable(f.Company), f.Rows.Detections, f.Rows.Events, f.Rows.Statuses, f.Rows.Machines, f.Addresses, shared,
			desk.Count(len(f.Traces.Frozen), "frozen report", "frozen reports"), desk.Count(int(f.Archive.Copies), "archived copy", "archived copies"),
			desk.Count(f.Traces.Deliveries, "delivery", "deliveries"))
		if err != nil {
			return err
		}
	}
	return nil
}
