package daemon

import (
	"context"
	"errors"
	"fmt"

	"geppo/aggregate"
	"geppo/store"
)

// Fresh computes a worded report from the detections as they are now. Their rows are read while they
// are counted: a month of millions takes no more memory than one of its endpoints does.
func (c *Composer) Fresh(ctx context.Context, contract string, p store.Period, revision int) (report aggregate.Report, err error) {
	opts := aggregate.Options{Revision: revision}
	var brand Brand
	if opts.FrozenPrevious, err = c.before(ctx, contract, p.Previous()); err != nil {
		return aggregate.Report{}, err
	}
	if opts.History, err = c.history(ctx, contract, p, opts.FrozenPrevious); err != nil {
		return aggregate.Report{}, err
	}
	defer c.Watch.start("compute")()
	err = c.Detections.ReadMonth(ctx, contract, p, func(rows store.MonthRows) (err error) {
		if brand, err = c.Brands.Of(rows.Month.Contract.Brand); err != nil {
			return err
		}
		opts.Families = brand.Renderer.Families()
		report, err = aggregate.Compute(rows, opts)
		return err
	})
	switch {
	case errors.Is(err, aggregate.ErrRefused):
		return aggregate.Report{}, &HoldError{fmt.Sprintf("compute: %v", err)}
	case err != nil:
		return aggregate.Report{}, err
	}
	return brand.Renderer.Word(report), nil
}

// before is the newest frozen report of the month before, which the reader was told; nil if none.
func (c *Composer) before(ctx context.Context, contract string, p store.Period) (*aggregate.Report, error) {
	revision, err := c.Ledger.NewestRevision(ctx, contract, p)
	if err != nil || revision == 0 {
		return nil, err
	}
	report, err := c.Frozen(ctx, contract, p, revision)
	if err != nil {
		return nil, err
	}
	return &report, nil
}

// history are the totals of the months before p, as their newest frozen reports have them. The report
// of the month before has most of them already; what was corrected since is read from its own report.
// Where there is none, as in the first month of geppo, they are summed up once, and frozen with p.
func (c *Composer) history(ctx context.Context, contract string, p store.Period, before *aggregate.Report) (list []aggregate.MonthTotals, err error) {
	months := p.Before(aggregate.HistoryMonths - 1)
	revisions, err := c.Ledger.NewestRevisions(ctx, contract, months[0], p.Previous())
	if err != nil {
		return nil, err
	}
	known := map[store.Period]aggregate.MonthTotals{}
	if before != nil {
		for _, m := range before.History {
			known[m.Period] = m
		}
	}
	var unreported []store.Period
	for _, month := range months {
		revision := revisions[month]
		totals, found := known[month]
		switch {
		case found && totals.Revision == revision:
		case revision > 0:
			report, err := c.Frozen(ctx, contract, month, revision)
			if err != nil {
				return nil, err
			}
			totals, found = report.Totals(), true
		case before == nil:
			unreported = append(unreported, month)
		}
		if found {
			list = append(list, totals)
		}
	}
	if len(unreported) == 0 {
		return list, nil
	}
	sums, err := c.Detections.Totals(ctx, contract, unreported)
	for _, m := range sums {
		list = append(list, aggregate.Sum(m))
	}
	return list, err
}
