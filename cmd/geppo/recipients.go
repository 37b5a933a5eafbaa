package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/harmless"
	"geppo/store"
)

func (a *app) recipientsCommand() *cobra.Command {
	var contracts []string
	var asJSON, asCSV bool
	cmd := &cobra.Command{
		Use: "recipients", Short: "List and mend the addresses that reports go to",
		Long: `Lists the addresses. What add, remove and import change lives in the ledger: no import of detections undoes it.
Adding an address that was marked as refusing mail also clears the mark. Addresses are compared as mailboxes: case and
needless quotes make no other address.`,
		Example: `  geppo recipients --contract C000001
  geppo recipients --csv > recipients.csv`,
		Args: cobra.NoArgs,
	}
	bindContracts(cmd, &contracts)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV, as geppo recipients import reads it")
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, _ []string) error {
		header := []string{"contract", "address", "name", "marked", "stopped"}
		list := newListing(a.stdout, asJSON, columns(header...), recipientJSON.cells)
		if asCSV {
			list.table = harmless.NewCSV(a.stdout, header)
		}
		err := d.EachMember(ctx, contracts, func(m desk.Member) (err error) {
			for _, r := range recipientsOf(m) {
				err = errors.Join(err, list.add(r))
			}
			return err
		})
		if err != nil {
			return err
		}
		return list.end()
	})
	cmd.AddCommand(a.recipientsAddCommand(), a.recipientsRemoveCommand(), a.recipientsImportCommand(),
		a.stopCommand(store.StopAddress, "ADDRESS…", "  geppo recipients stop kanri@example.jp --reason \"asked by mail\""),
		a.startCommand(store.StopAddress, "ADDRESS…", "  geppo recipients start kanri@example.jp --reason \"asked by telephone\""))
	return cmd
}

func bindContracts(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringArrayVar(to, "contract", nil, "of this contract `ID`; may be repeated")
}

func recipientsOf(m desk.Member) []recipientJSON {
	list := []recipientJSON{}
	for _, r := range m.Registered {
		list = append(list, recipientJSON{m.ID, r.Address, r.Name, r.Marked != "", r.Stopped})
	}
	return list
}

func (r recipientJSON) cells() []any {
	return []any{r.Contract, r.Address, r.Name, yesNo(r.Marked), yesNo(r.Stopped)}
}

// contractsAndAddress takes the contracts from --contract, or one from the first of two arguments.
func contractsAndAddress(contracts, args []string) ([]string, string, error) {
	switch {
	case len(contracts) == 0 && len(args) == 2:
		return args[:1], args[1], nil
	case len(contracts) > 0 && len(args) == 1:
		return contracts, args[0], nil
	}
	return nil, "", exitWith(exitUsage, "name the contract (--contract ID) and one address")
}

func (a *app) recipientsAddCommand() *cobra.Command {
	var contracts []string
	var name, reason string
	cmd := &cobra.Command{
		Use: "add --contract C ADDRESS", Short: "Add an address to a contract",
		Long:    "Adds an address, or gives it another name; without --name it keeps the one that it has.",
		Example: "  geppo recipients add --contract C000001 soumu@example.jp --name 情報システム",
		Args:    cobra.RangeArgs(1, 2),
	}
	bindContracts(cmd, &contracts)
	cmd.Flags().StringVar(&name, "name", "", "display `NAME` of the recipient")
	bindReason(cmd, &reason)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, args []string) error {
		ids, address, err := contractsAndAddress(contracts, args)
		if err != nil {
			return err
		}
		return d.AddAddress(ctx, ids, store.Recipient{Address: address, Name: name}, order(reason))
	})
	return cmd
}

func (a *app) recipientsRemoveCommand() *cobra.Command {
	var contracts []string
	var reason string
	cmd := &cobra.Command{
		Use: "remove --contract C ADDRESS", Short: "Remove an address from a contract",
		Long:    "Removes an address, however it is spelled, and cancels what waits for it. If it is added again, the next geppo run plans it again.",
		Example: "  geppo recipients remove --contract C000001 kanri@example.jp --reason \"has left\"",
		Args:    cobra.RangeArgs(1, 2),
	}
	bindContracts(cmd, &contracts)
	bindReason(cmd, &reason)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, args []string) error {
		ids, address, err := contractsAndAddress(contracts, args)
		if err != nil {
			return err
		}
		return d.RemoveAddress(ctx, ids, address, order(reason))
	})
	return cmd
}

func (a *app) recipientsImportCommand() *cobra.Command {
	var replace, dryRun, yes bool
	var reason string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Add and rename addresses by a list",
		Long: `Reads a table (CSV, in UTF-8 or CP932) with contract, address and name in this order, or with a heading that says where
they stand (contract, address, name; 契約, メールアドレス, 氏名); - is standard input. It shows what would change, and asks.
An address that its contract does not have is added, and one with another name is renamed; one without a name keeps it.
What the list does not name stays, unless --replace removes it from the contracts that the list names. A faulty row is
named by its line, and then nothing is changed.`,
		Example: `  geppo recipients import addresses.csv --dry-run
  geppo recipients import addresses.csv --reason "list of the sales department" --yes`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "remove what the list does not name of the contracts that it names")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, change nothing")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	bindReason(cmd, &reason)
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, args []string) (err error) {
		in, err := a.openInput(args[0])
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer func() { err = errors.Join(err, in.Close()) }()
		p, err := d.PlanAddresses(ctx, in, in.label, replace)
		if err != nil {
			return err
		}
		if err := a.printAddresses(p); err != nil || dryRun || len(p.Changes) == 0 {
			return err
		}
		if !yes && (a.answers() || len(p.Changes) > mostUnasked) {
			if err := a.ask(ctx, fmt.Sprintf("these are more than %d", mostUnasked)); err != nil {
				return err
			}
		}
		return d.ChangeAddresses(ctx, p, desk.Operator(), reason)
	})
	return cmd
}

// mostShown is how many changes of addresses are shown one by one.
const mostShown = 100

func (a *app) printAddresses(p desk.AddressPlan) error {
	marks := map[desk.ChangeKind]string{desk.Added: "+", desk.Renamed: "~", desk.Removed: "-"}
	var text strings.Builder
	for _, c := range p.Changes[:min(len(p.Changes), mostShown)] {
		name := c.Recipient.Name
		if c.Kind == desk.Renamed {
			name = cmp.Or(c.Was, "-") + " → " + name
		}
		fmt.Fprintln(&text, strings.TrimRight(printable(strings.Join([]string{marks[c.Kind], c.Contract, c.Recipient.Address, name}, " ")), " "))
	}
	if more := len(p.Changes) - mostShown; more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	fmt.Fprintln(&text, p.Numbers())
	if p.Unlisted > 0 {
		fmt.Fprintf(&text, "%s not in the list, and stay; --replace removes them\n", desk.Count(p.Unlisted, "address of these contracts is", "addresses of these contracts are"))
	}
	_, err := fmt.Fprint(a.stdout, text.String())
	return err
}
