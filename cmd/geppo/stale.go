package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
)

type (
	staleJSON struct {
		Contract   string       `json:"contract"`
		Period     store.Period `json:"period"`
		Revision   int          `json:"revision"`
		ComputedAt time.Time    `json:"computed_at"`
		Changes    []changeJSON `json:"changes"`
		Fault      string       `json:"fault,omitempty"`
	}
	changeJSON struct {
		Figure string `json:"figure"`
		Was    string `json:"was"`
		Now    string `json:"now"`
	}
)

func (a *app) staleCommand() *cobra.Command {
	var periodFlag string
	var contracts []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stale --period P [--contract C]…",
		Short: "List the frozen reports whose figures would differ today",
		Long: `Lists the reports that were frozen before data came late or were corrected, with what changed. Nothing is sent:
geppo resend --period P --stale --rebuild sends a corrected report (訂正版) to just these.`,
		Example: "  geppo stale --period 2026-10",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&periodFlag, "period", "", "month, `YYYY-MM`")
	cmd.Flags().StringArrayVar(&contracts, "contract", nil, "only of this contract `ID`; may be repeated")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDesk(func(ctx context.Context, _ config.Config, d desk.Desk, _ []string) error {
		p, err := period(periodFlag)
		if err != nil {
			return err
		}
		var bar meter
		stale, err := d.Stale(ctx, p, contracts, func(done, of int) {
			if done == 1 {
				bar = newMeter(a.stderr, int64(of), "comparing", false)
			}
			bar.set(done)
		})
		bar.end()
		if err != nil {
			return err
		}
		if asJSON {
			return a.staleAsJSON(p, stale)
		}
		return a.staleTable(p, stale)
	})
	return cmd
}

func (a *app) staleAsJSON(p store.Period, stale []desk.StaleReport) error {
	list := []staleJSON{}
	for _, s := range stale {
		j := staleJSON{s.Contract, p, s.Revision, s.ComputedAt, []changeJSON{}, s.Fault}
		for _, c := range s.Changes {
			j.Changes = append(j.Changes, changeJSON(c))
		}
		list = append(list, j)
	}
	return writeJSON(a.stdout, list)
}

func (a *app) staleTable(p store.Period, stale []desk.StaleReport) error {
	if len(stale) == 0 {
		return say(a.stdout, "no frozen report of %s would differ today", p)
	}
	rows := make([][]any, len(stale))
	for i, s := range stale {
		var changes []string
		for _, c := range s.Changes {
			changes = append(changes, fmt.Sprintf("%s %s→%s", c.Figure, c.Was, c.Now))
		}
		if s.Fault != "" {
			changes = []string{s.Fault}
		}
		rows[i] = []any{s.Contract, s.Revision, s.ComputedAt, strings.Join(changes, ", ")}
	}
	if err := writeTable(a.stdout, columnsAbove("contract", "revision", "frozen", "what changed"), rows); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	return say(a.stdout, "%s: geppo resend --period %s --stale --rebuild", desk.Count(len(stale), "report would differ", "reports would differ"), p)
}
