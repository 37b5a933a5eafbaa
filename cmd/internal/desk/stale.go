package desk

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/aggregate"
	"geppo/store"
)

// StaleReport is a frozen report whose figures would differ today: data came late, or were corrected.
type StaleReport struct {
	Contract   string
	Revision   int
	ComputedAt time.Time
	Changes    []Change
	Fault      string // why it cannot be compared; "": it was
}

// Change is one figure that would differ.
type Change struct {
	Figure   string
	Was, Now string
}

// Stale lists the stale reports of a period, of all contracts or of those that are named, by contract. Only what
// data have come for since is computed afresh: with 100,000 contracts everything would take minutes. progress is
// told of each that was; nil: nobody is.
func (d Desk) Stale(ctx context.Context, p store.Period, contracts []string, progress func(done, of int)) ([]StaleReport, error) {
	if err := d.Planner.Begun(p); err != nil {
		return nil, err
	}
	if err := d.NotPruned(ctx, p); err != nil {
		return nil, err
	}
	candidates, err := d.candidates(ctx, p, contracts)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var stale []StaleReport
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, frozen := range candidates {
		group.Go(func() error {
			report, differs, err := d.compare(ctx, p, frozen)
			mu.Lock()
			defer mu.Unlock()
			done++
			if progress != nil {
				progress(done, len(candidates))
			}
			if err == nil && differs {
				stale = append(stale, report)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(stale, func(a, b StaleReport) int { return strings.Compare(a.Contract, b.Contract) })
	return stale, nil
}

// candidates are the frozen reports that may differ: something of their months was imported since, or an earlier
// month, whose totals they show, was corrected.
func (d Desk) candidates(ctx context.Context, p store.Period, contracts []string) ([]store.FrozenReport, error) {
	frozen, err := d.Ledger.FrozenReports(ctx, p)
	if err != nil {
		return nil, err
	}
	changed, err := d.Detections.ChangedUntil(ctx, p)
	if err != nil {
		return nil, err
	}
	months := p.Before(aggregate.HistoryMonths - 1)
	corrected, err := d.Ledger.LastFrozen(ctx, months[0], p.Previous())
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, id := range contracts {
		named[id] = true
	}
	return slices.DeleteFunc(frozen, func(f store.FrozenReport) bool {
		change := changed[f.Contract]
		// The time too: the detections may be a restored file, which counts its imports anew.
		fresh := change.Import <= f.Import && change.At.Before(f.ComputedAt) && !corrected[f.Contract].After(f.ComputedAt)
		return fresh || len(named) > 0 && !named[f.Contract]
	}), nil
}

// compare computes one report afresh. One whose contract is gone is no fault of the others; it has nothing to be
// compared with, and is not stale. One that can be computed no more, or not be read, is told with the reason.
func (d Desk) compare(ctx context.Context, p store.Period, f store.FrozenReport) (report StaleReport, differs bool, err error) {
	report = StaleReport{Contract: f.Contract, Revision: f.Revision, ComputedAt: f.ComputedAt}
	was, err := d.Composer.Frozen(ctx, f.Contract, p, f.Revision)
	if err == nil {
		var now aggregate.Report
		if now, err = d.Composer.Fresh(ctx, f.Contract, p, f.Revision); err == nil {
			report.Changes = changes(was, now)
			return report, len(report.Changes) > 0, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return report, false, ctx.Err()
	case errors.Is(err, store.ErrNotFound):
		return report, false, nil
	}
	report.Fault = err.Error()
	return report, true, nil
}

// changes lists the figures that differ; what differs in no figure is told by its list.
func changes(was, now aggregate.Report) (list []Change) {
	add := func(figure string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			list = append(list, Change{figure, x, y})
		}
	}
	for i, feature := range now.Antivirus {
		if i < len(was.Antivirus) {
			add(string(feature.Feature), was.Antivirus[i].Total, feature.Total)
		}
	}
	add("edr", events(was), events(now))
	add("licences", was.Overview.Licences, now.Overview.Licences)
	add("installed", was.Overview.Installed.Total(), now.Overview.Installed.Total())
	add("to confirm", toConfirm(was), toConfirm(now))
	add("asks", len(was.Asks), len(now.Asks))
	add("judgement", was.Judgement, now.Judgement)
	add("late", was.Late, now.Late)
	add("company", was.Contract.Name, now.Contract.Name)
	if len(list) > 0 {
		return list
	}
	for _, part := range parts {
		if !same(part.of(was), part.of(now)) {
			add(part.name, "as sent", "otherwise")
		}
	}
	return list
}

func events(r aggregate.Report) int64 {
	if r.EDR == nil {
		return 0
	}
	return r.EDR.Total
}

func toConfirm(r aggregate.Report) (n int64) {
	for _, c := range r.ToConfirm {
		n += c.Count
	}
	return n
}
