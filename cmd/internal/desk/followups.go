package desk

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// FollowUp is a line of the support desk's list, with the company to call.
type FollowUp struct {
	store.FollowUp
	Company string
}

// FollowUpColumns are those of the list as a file, whoever it is for.
var FollowUpColumns = []string{"contract", "company", "endpoint", "name", "result", "count", "first", "last", "feature"}

// Cells are a line of that file; result and feature are in the words of its reader.
func (f FollowUp) Cells(result, feature string) []any {
	return []any{f.Contract, f.Company, f.Endpoint, f.Name, result, f.Count, f.From, f.To, feature}
}

// FollowUps lists what the support desk must follow up of a period, by contract. The lines of frozen reports were
// written with them; a report that is not frozen yet is computed, and one that cannot be is missing from the list.
func FollowUps(ctx context.Context, composer *daemon.Composer, p store.Period) (list []FollowUp, missing []store.RunError, err error) {
	reports, err := composer.Ledger.FrozenReports(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	frozen := make(map[string]bool, len(reports))
	for _, r := range reports {
		frozen[r.Contract] = true
	}
	lines, err := composer.Ledger.FollowUps(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	companies, todo := map[string]string{}, []string{}
	err = composer.Detections.EachContract(ctx, func(c store.Contract) error {
		companies[c.ID] = c.Name
		if !frozen[c.ID] && daemon.Active(c, p) {
			todo = append(todo, c.ID)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	computed, missing, err := computeFollowUps(ctx, composer, p, todo)
	for _, line := range append(lines, computed...) {
		list = append(list, FollowUp{line, companies[line.Contract]})
	}
	slices.SortStableFunc(list, func(a, b FollowUp) int { return strings.Compare(a.Contract, b.Contract) })
	return list, missing, err
}

// computeFollowUps are those of contracts whose report is not frozen.
func computeFollowUps(ctx context.Context, composer *daemon.Composer, p store.Period, contracts []string) (lines []store.FollowUp, missing []store.RunError, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, id := range contracts {
		group.Go(func() error {
			report, err := composer.Fresh(ctx, id, p, 1)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				missing = append(missing, store.RunError{Contract: id, Reason: err.Error()})
				return nil
			}
			lines = append(lines, daemon.FollowUpsOf(report)...)
			return nil
		})
	}
	err = group.Wait()
	slices.SortFunc(missing, func(a, b store.RunError) int { return strings.Compare(a.Contract, b.Contract) })
	return lines, missing, err
}
