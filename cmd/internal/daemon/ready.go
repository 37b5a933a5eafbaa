package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"geppo/store"
	"geppo/store/sqlite"
)

// ErrNoImport says that no data has come in since the period ended: a report made now could call a
// dead feed an all-clear.
var ErrNoImport = errors.New("no import has finished since the period's end")

// Ready refuses a period that has not ended in some planned contract's zone (*UsageError), and,
// where it is required, one after whose end no import has finished (ErrNoImport).
func (p Planner) Ready(ctx context.Context, request Request, requireImport bool) error {
	zones := map[string]string{} // the contracts' → the first contract there
	err := p.eachContract(ctx, request, func(c store.Contract) error {
		if zones[c.Timezone] == "" {
			zones[c.Timezone] = c.ID
		}
		return nil
	})
	if err != nil {
		return err
	}
	var last time.Time
	for _, name := range slices.Sorted(maps.Keys(zones)) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return fmt.Errorf("contract %s: %w", zones[name], err)
		}
		_, end := request.Period.Bounds(zone)
		if end.After(last) {
			last = end
		}
		if p.Now().Before(end) {
			return &UsageError{fmt.Sprintf("%s ends on %s in contract %s's zone; wait, or use --force", request.Period, end.Format(time.RFC3339), zones[name])}
		}
	}
	if !requireImport || len(zones) == 0 {
		return nil
	}
	imported, err := p.Detections.LastImport(ctx)
	if err != nil {
		return err
	}
	if imported.Before(last) {
		return fmt.Errorf("%w (%s): import the month's data first, or use --force", ErrNoImport, last.Format(time.RFC3339))
	}
	return nil
}

// Waiting tells how far the deliveries of a filter are: how many will not move by themselves any
// more, and whether one of the others could be sent at once.
func Waiting(ctx context.Context, ledger *sqlite.Ledger, filter store.Filter, now time.Time) (done int, waiting bool, err error) {
	counts, err := ledger.CountStates(ctx, filter)
	if err != nil {
		return 0, false, err
	}
	for state, n := range counts {
		if !state.Pending() {
			done += n
		}
	}
	if counts[store.Sending]+counts[store.HandingOver] > 0 {
		return done, true, nil
	}
	waiting, err = ledger.AnyDue(ctx, filter, now)
	return done, waiting, err
}
