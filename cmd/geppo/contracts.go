package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlite"
)

type contractJSON struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Product      store.Product   `json:"product"`
	EDR          bool            `json:"edr"`
	URLFiltering bool            `json:"url_filtering"`
	Licences     int             `json:"licences"`
	Timezone     string          `json:"timezone"`
	Since        store.Day       `json:"since"`
	Ends         *store.Day      `json:"ends"`
	Recipients   []recipientJSON `json:"recipients"`
}

type recipientJSON struct {
	Contract string `json:"contract"`
	Address  string `json:"address"`
	Name     string `json:"name"`
	Marked   bool   `json:"marked"` // refused mail for good; not planned
}

func (a *app) contractsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "contracts", Short: "List the contracts and their addresses",
		Example: "  geppo contracts --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		contracts, err := listContracts(ctx, db, "")
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(a.stdout, contracts)
		}
		rows := make([][]string, len(contracts))
		for i, c := range contracts {
			ends := "-"
			if c.Ends != nil {
				ends = string(*c.Ends)
			}
			rows[i] = []string{
				c.ID, c.Name, string(c.Product), yesNo(c.EDR), strconv.Itoa(c.Licences), string(c.Since), ends,
				strconv.Itoa(len(c.Recipients)),
			}
		}
		return writeTable(a.stdout, []string{"contract", "name", "product", "edr", "licences", "since", "ends", "addresses"}, rows)
	})
	return cmd
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// listContracts lists the contracts, or the one of that id, with their addresses as they are now.
func listContracts(ctx context.Context, db *databases, id string) ([]contractJSON, error) {
	contracts, err := db.detections.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	if id != "" {
		contracts = slices.DeleteFunc(contracts, func(c store.Contract) bool { return c.ID != id })
		if len(contracts) == 0 {
			return nil, exitWith(exitUsage, "contract %s is unknown; geppo contracts lists them", id)
		}
	}
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return nil, err
	}
	list := []contractJSON{}
	for _, c := range contracts {
		j := contractJSON{c.ID, c.Name, c.Product, c.EDR, c.URLFiltering, c.Licences, c.Timezone, c.Since, nil, []recipientJSON{}}
		if c.Ends != "" {
			j.Ends = &c.Ends
		}
		usable, marked := addresses.Of(c)
		for _, r := range usable {
			j.Recipients = append(j.Recipients, recipientJSON{c.ID, r.Address, r.Name, false})
		}
		for _, r := range marked {
			j.Recipients = append(j.Recipients, recipientJSON{c.ID, r.Address, r.Name, true})
		}
		list = append(list, j)
	}
	return list, nil
}

func (a *app) recipientsCommand() *cobra.Command {
	var contract string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "recipients", Short: "List and mend the addresses that reports go to",
		Long: `Lists the addresses. What add and remove change lives in the ledger: no import undoes it.
Adding an address that was marked as refusing mail also clears the mark.`,
		Example: "  geppo recipients --contract C000001\n  geppo recipients add --contract C000001 kanri@example.jp --name 情報システム",
		Args:    cobra.NoArgs,
	}
	cmd.PersistentFlags().StringVar(&contract, "contract", "", "contract `ID`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		contracts, err := listContracts(ctx, db, contract)
		if err != nil {
			return err
		}
		list := []recipientJSON{}
		for _, c := range contracts {
			list = append(list, c.Recipients...)
		}
		if asJSON {
			return writeJSON(a.stdout, list)
		}
		rows := make([][]string, len(list))
		for i, r := range list {
			rows[i] = []string{r.Contract, r.Address, r.Name, yesNo(r.Marked)}
		}
		return writeTable(a.stdout, []string{"contract", "address", "name", "marked"}, rows)
	})
	cmd.AddCommand(a.recipientsAddCommand(&contract), a.recipientsRemoveCommand(&contract))
	return cmd
}

// contractAndAddress takes the contract from --contract or from the first of two arguments.
func contractAndAddress(contract string, args []string) (string, string, error) {
	switch {
	case contract == "" && len(args) == 2:
		return args[0], args[1], nil
	case contract != "" && len(args) == 1:
		return contract, args[0], nil
	}
	return "", "", exitWith(exitUsage, "name one contract (--contract ID) and one address")
}

func (a *app) recipientsAddCommand(contract *string) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "add --contract C ADDRESS", Short: "Add an address to a contract",
		Example: "  geppo recipients add --contract C000001 kanri@example.jp --name 情報システム",
		Args:    cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&name, "name", "", "display `NAME` of the recipient")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		id, address, err := contractAndAddress(*contract, args)
		if err != nil {
			return err
		}
		if err := store.CheckAddress(address); err != nil {
			return &codedError{exitUsage, err}
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) || len([]rune(name)) > 1000 {
			return exitWith(exitUsage, "the name has a control character or more than 1,000 characters")
		}
		if _, err := listContracts(ctx, db, id); err != nil {
			return err
		}
		now := time.Now()
		if err := db.ledger.ClearMarks(ctx, address, now); err != nil {
			return err
		}
		return db.ledger.ChangeRecipient(ctx, store.RecipientChange{
			Contract: id, Recipient: store.Recipient{Address: address, Name: name}, By: operator(), At: now,
		})
	})
	return cmd
}

func (a *app) recipientsRemoveCommand(contract *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove --contract C ADDRESS", Short: "Remove an address from a contract",
		Long:    "Removes an address. Mail still pending to it is cancelled when its period is planned again.",
		Example: "  geppo recipients remove --contract C000001 kanri@example.jp",
		Args:    cobra.RangeArgs(1, 2),
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		id, address, err := contractAndAddress(*contract, args)
		if err != nil {
			return err
		}
		contracts, err := listContracts(ctx, db, id)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(contracts[0].Recipients, func(r recipientJSON) bool { return r.Address == address }) {
			return fmt.Errorf("contract %s has no address %s; geppo recipients --contract %s lists them", id, address, id)
		}
		return db.ledger.ChangeRecipient(ctx, store.RecipientChange{
			Contract: id, Recipient: store.Recipient{Address: address}, Removed: true, By: operator(), At: time.Now(),
		})
	})
	return cmd
}
