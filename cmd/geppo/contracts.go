package main

import (
	"context"
	"errors"
	"slices"
	"strconv"

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
		contracts, err := searchContracts(ctx, db, search)
		if err != nil {
			return err
		}
		contracts = slices.DeleteFunc(contracts, func(c contractJSON) bool { return noAddress && (c.Stopped || c.reachable()) })
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
				strconv.Itoa(len(c.Recipients)), yesNo(c.Stopped),
			}
		}
		return writeTable(a.stdout, []string{"contract", "name", "product", "edr", "licences", "since", "ends", "addresses", "stopped"}, rows)
	})
	cmd.AddCommand(
		a.stopCommand(store.StopContract, "C", "contract", "  geppo contracts stop C000001 --reason \"asked by telephone\""),
		a.startCommand(store.StopContract, "C", "contract", "  geppo contracts start C000001"))
	return cmd
}

// reachable tells whether mail can go to one of its addresses, or one asked for none.
func (c contractJSON) reachable() bool {
	return slices.ContainsFunc(c.Recipients, func(r recipientJSON) bool { return !r.Marked || r.Stopped })
}

// mostFound is up to how many found contracts are read one by one.
const mostFound = 1000

// searchContracts lists what a search finds, all for "".
func searchContracts(ctx context.Context, db *databases, search string) ([]contractJSON, error) {
	if search == "" {
		return listContracts(ctx, db, "")
	}
	ids, err := desk.Desk{Ledger: db.ledger, Detections: db.detections}.Find(ctx, search)
	if err != nil {
		return nil, err
	}
	if len(ids) > mostFound {
		all, err := listContracts(ctx, db, "")
		return slices.DeleteFunc(all, func(c contractJSON) bool {
			_, found := slices.BinarySearch(ids, c.ID)
			return !found
		}), err
	}
	list := []contractJSON{}
	for _, id := range ids {
		one, err := listContracts(ctx, db, id)
		if err != nil {
			return nil, err
		}
		list = append(list, one...)
	}
	return list, nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// namedContracts are all, or the one of that id.
func namedContracts(ctx context.Context, db *databases, id string) ([]store.Contract, error) {
	if id == "" {
		return db.detections.Contracts(ctx)
	}
	contract, err := db.detections.Contract(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, exitWith(exitUsage, "contract %s is unknown; geppo contracts lists them", id)
	}
	return []store.Contract{contract}, err
}

// listContracts lists the contracts, or the one of that id, with their addresses as they are now.
func listContracts(ctx context.Context, db *databases, id string) ([]contractJSON, error) {
	contracts, err := namedContracts(ctx, db, id)
	if err != nil {
		return nil, err
	}
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return nil, err
	}
	list := []contractJSON{}
	for _, c := range contracts {
		j := contractJSON{c.ID, c.Name, c.Product, c.EDR, c.URLFiltering, c.Licences, c.Timezone, c.Since, nil, addresses.Stopped(c.ID), []recipientJSON{}}
		if c.Ends != "" {
			j.Ends = &c.Ends
		}
		for _, r := range addresses.Registered(c) {
			j.Recipients = append(j.Recipients, recipientJSON{c.ID, r.Address, r.Name, r.Marked != "", r.Stopped})
		}
		list = append(list, j)
	}
	return list, nil
}
