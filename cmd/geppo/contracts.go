package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/desk"
	"geppo/store"
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
	cmd.RunE = a.withRoster(func(ctx context.Context, d desk.Desk, _ []string) error {
		list := newListing(a.stdout, asJSON, contractColumns, contractJSON.cells)
		err := d.EachFound(ctx, search, func(m desk.Member) error {
			c := toContractJSON(m)
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
		a.stopCommand(store.StopContract, "C…", "  geppo contracts stop C000001 --reason \"asked by telephone\""),
		a.startCommand(store.StopContract, "C…", "  geppo contracts start C000001 --reason \"asked by mail\""))
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

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func toContractJSON(m desk.Member) contractJSON {
	j := contractJSON{m.ID, m.Name, m.Product, m.EDR, m.URLFiltering, m.Licences, m.Timezone, m.Since, nil, m.Stopped, recipientsOf(m)}
	if m.Ends != "" {
		j.Ends = &m.Ends
	}
	return j
}
