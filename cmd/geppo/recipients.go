package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

func (a *app) recipientsCommand() *cobra.Command {
	var contract string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "recipients", Short: "List and mend the addresses that reports go to",
		Long: `Lists the addresses. What add and remove change lives in the ledger: no import undoes it.
Adding an address that was marked as refusing mail also clears the mark. Addresses are compared as mailboxes: case and
needless quotes make no other address.`,
		Example: "  geppo recipients --contract C000001\n  geppo recipients add --contract C000001 kanri@example.jp --name 情報システム",
		Args:    cobra.NoArgs,
	}
	cmd.PersistentFlags().StringVar(&contract, "contract", "", "contract `ID`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		list := newListing(a.stdout, asJSON, columns("contract", "address", "name", "marked", "stopped"), func(r recipientJSON) []any {
			return []any{r.Contract, r.Address, r.Name, yesNo(r.Marked), yesNo(r.Stopped)}
		})
		addAll := func(c contractJSON) (err error) {
			for i := 0; err == nil && i < len(c.Recipients); i++ {
				err = list.add(c.Recipients[i])
			}
			return err
		}
		if contract == "" {
			if err := eachContract(ctx, db, addAll); err != nil {
				return err
			}
			return list.end()
		}
		one, err := oneContract(ctx, db, contract)
		if err == nil {
			err = addAll(one)
		}
		if err != nil {
			return err
		}
		return list.end()
	})
	cmd.AddCommand(a.recipientsAddCommand(&contract), a.recipientsRemoveCommand(&contract),
		a.stopCommand(store.StopAddress, "ADDRESS", "address", "  geppo recipients stop kanri@example.jp --reason \"asked by mail\""),
		a.startCommand(store.StopAddress, "ADDRESS", "address", "  geppo recipients start kanri@example.jp"))
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
	var name, reason string
	cmd := &cobra.Command{
		Use: "add --contract C ADDRESS", Short: "Add an address to a contract",
		Example: "  geppo recipients add --contract C000001 kanri@example.jp --name 情報システム",
		Args:    cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&name, "name", "", "display `NAME` of the recipient")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
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
		if _, err := knownContract(ctx, db, id); err != nil {
			return err
		}
		if err := refuseStopped(ctx, db, id, address); err != nil {
			return err
		}
		return db.ledger.ChangeRecipient(ctx, store.RecipientChange{
			Contract: id, Recipient: store.Recipient{Address: address, Name: name}, By: desk.Operator(), Reason: reason, At: time.Now(),
		})
	})
	return cmd
}

func (a *app) recipientsRemoveCommand(contract *string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "remove --contract C ADDRESS", Short: "Remove an address from a contract",
		Long:    "Removes an address, however it is spelled, and cancels what waits for it. If it is added again, the next geppo run plans it again.",
		Example: "  geppo recipients remove --contract C000001 kanri@example.jp",
		Args:    cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		id, address, err := contractAndAddress(*contract, args)
		if err != nil {
			return err
		}
		known, err := oneContract(ctx, db, id)
		if err != nil {
			return err
		}
		mailbox := store.Mailbox(address)
		if !slices.ContainsFunc(known.Recipients, func(r recipientJSON) bool { return store.Mailbox(r.Address) == mailbox }) {
			return fmt.Errorf("contract %s has no address %s; geppo recipients --contract %s lists them", id, address, id)
		}
		return db.ledger.ChangeRecipient(ctx, store.RecipientChange{
			Contract: id, Recipient: store.Recipient{Address: address}, Removed: true, By: desk.Operator(), Reason: reason, At: time.Now(),
		})
	})
	return cmd
}

// refuseStopped refuses to add an address that asked to get no reports: it would get none.
func refuseStopped(ctx context.Context, db *databases, contract, address string) error {
	bars, err := db.ledger.Bars(ctx, contract, address)
	if err != nil {
		return err
	}
	for _, bar := range bars {
		if bar.Kind == string(store.StopAddress) {
			return fmt.Errorf("%s asked to get no reports: %s; geppo recipients start %s undoes that", address, bar.Reason, address)
		}
	}
	return nil
}

// stopCommand keeps a contract, or an address of all contracts, from getting reports.
func (a *app) stopCommand(kind store.StopKind, arg, noun, example string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "stop " + arg,
		Short:   "Send no more reports to this " + noun + ", at its own wish",
		Long:    "Records that the " + noun + " asked to get no reports. What waits for it is cancelled, and it is planned no more, which is no error.",
		Example: example,
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		if err := checkStopped(ctx, db, kind, args[0]); err != nil {
			return err
		}
		return db.ledger.Stop(ctx, store.Stop{Kind: kind, Name: args[0], By: desk.Operator(), Reason: reason, At: time.Now()})
	})
	return cmd
}

// checkStopped refuses what nobody could mean.
func checkStopped(ctx context.Context, db *databases, kind store.StopKind, name string) error {
	if kind == store.StopContract {
		_, err := knownContract(ctx, db, name)
		return err
	}
	if err := store.CheckAddress(name); err != nil {
		return &codedError{exitUsage, err}
	}
	return nil
}

// startCommand ends what stopCommand began.
func (a *app) startCommand(kind store.StopKind, arg, noun, example string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "start " + arg, Short: "Send reports to this " + noun + " again",
		Long:    "Ends a stop. The next geppo run plans the " + noun + " again.",
		Example: example,
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the ledger")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		err := db.ledger.Start(ctx, kind, args[0], store.Order{By: desk.Operator(), Reason: reason}, time.Now())
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%s %s is not stopped; geppo %ss lists them", noun, args[0], map[store.StopKind]string{store.StopContract: "contract", store.StopAddress: "recipient"}[kind])
		}
		return err
	})
	return cmd
}
