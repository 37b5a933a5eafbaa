package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
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
	Stopped      bool            `json:"stopped"` // asked to get no reports
	Recipients   []recipientJSON `json:"recipients"`
}

type recipientJSON struct {
	Contract string `json:"contract"`
	Address  string `json:"address"`
	Name     string `json:"name"`
	Marked   bool   `json:"marked"`  // refused mail for good; not planned
	Stopped  bool   `json:"stopped"` // asked to get no reports; not planned
}

func (a *app) contractsCommand() *cobra.Command {
	var asJSON, noAddress bool
	var search string
	cmd := &cobra.Command{
		Use: "contracts", Short: "List the contracts and their addresses",
		Example: "  geppo contracts --search サンプル\n  geppo contracts --no-address --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&noAddress, "no-address", false, "only those that no mail can go to, and that have not asked for that")
	cmd.Flags().StringVar(&search, "search", "", "only what has this `TEXT` in its id, company or an address")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		list := newListing(a.stdout, asJSON, contractColumns, contractJSON.cells)
		err := eachFound(ctx, db, search, func(c contractJSON) error {
			if noAddress && (c.Stopped || c.reachable()) {
				return nil
			}
			return list.add(c)
		})
		if err != nil {
			return err
		}
		return list.end()
	})
	cmd.AddCommand(
		a.stopCommand(store.StopContract, "C", "contract", "  geppo contracts stop C000001 --reason \"asked by telephone\""),
		a.startCommand(store.StopContract, "C", "contract", "  geppo contracts start C000001"))
	return cmd
}

var contractColumns = columns("contract", "name", "product", "edr", "seats", "since", "ends", "to", "stopped")

func (c contractJSON) cells() []any {
	ends := "-"
	if c.Ends != nil {
		ends = string(*c.Ends)
	}
	return []any{c.ID, c.Name, c.Product, yesNo(c.EDR), c.Licences, c.Since, ends, len(c.Recipients), yesNo(c.Stopped)}
}

// reachable tells whether mail can go to one of its addresses, or one asked for none.
func (c contractJSON) reachable() bool {
	return slices.ContainsFunc(c.Recipients, func(r recipientJSON) bool { return !r.Marked || r.Stopped })
}

// mostFound is up to how many found contracts are read one by one.
const mostFound = 1000

// eachFound gives what a search finds, all contracts for "".
func eachFound(ctx context.Context, db *databases, search string, take func(contractJSON) error) error {
	if search == "" {
		return eachContract(ctx, db, take)
	}
	ids, err := desk.Desk{Ledger: db.ledger, Detections: db.detections}.Find(ctx, search)
	if err != nil {
		return err
	}
	if len(ids) > mostFound {
		return eachContract(ctx, db, func(c contractJSON) error {
			if _, found := slices.BinarySearch(ids, c.ID); !found {
				return nil
			}
			return take(c)
		})
	}
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	for i := 0; err == nil && i < len(ids); i++ {
		var c store.Contract
		if c, err = db.detections.Contract(ctx, ids[i]); err == nil {
			err = take(toContractJSON(c, addresses))
		}
	}
	return err
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// knownContract reads the contract of that id.
func knownContract(ctx context.Context, db *databases, id string) (store.Contract, error) {
	contract, err := db.detections.Contract(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return contract, exitWith(exitUsage, "contract %s is unknown; geppo contracts lists them", id)
	}
	return contract, err
}

// oneContract is the contract of that id, with its addresses as they are now.
func oneContract(ctx context.Context, db *databases, id string) (c contractJSON, err error) {
	contract, err := knownContract(ctx, db, id)
	if err != nil {
		return c, err
	}
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return c, err
	}
	return toContractJSON(contract, addresses), nil
}

// eachContract gives all of them.
func eachContract(ctx context.Context, db *databases, take func(contractJSON) error) error {
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return err
	}
	return db.detections.EachContract(ctx, func(c store.Contract) error { return take(toContractJSON(c, addresses)) })
}

func toContractJSON(c store.Contract, addresses daemon.Addresses) contractJSON {
	j := contractJSON{c.ID, c.Name, c.Product, c.EDR, c.URLFiltering, c.Licences, c.Timezone, c.Since, nil, addresses.Stopped(c.ID), []recipientJSON{}}
	if c.Ends != "" {
		j.Ends = &c.Ends
	}
	for _, r := range addresses.Registered(c) {
		j.Recipients = append(j.Recipients, recipientJSON{c.ID, r.Address, r.Name, r.Marked != "", r.Stopped})
	}
	return j
}
