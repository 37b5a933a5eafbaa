package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Why a run of nothing is no success.
var (
	ErrNothingToPlan = errors.New("no contract is active in the period")
	ErrNoSuchPeriod  = errors.New("no data of that time: the detections begin after the period")
)

// wait is why a contract is not planned yet; the zero wait: it is.
type wait struct {
	reason   string
	code     string    // of the refusal that says so
	notEnded time.Time // where the period still runs in the contract's zone: its end
	notBegun bool      // the contract has no row up to the period's end
}

// waits tells why a contract must wait: its own zone has not ended the period, or its own rows do not
// say that its feed has lived to the period's end. One contract's zone or feed is no other's.
func (p Planner) waits(request Request, c store.Contract, e store.Evidence, zones zones) (w wait, err error) {
	if request.Force {
		return w, nil
	}
	zone, err := zones.of(c.Timezone)
	if err != nil {
		return w, fmt.Errorf("contract %s: %w", c.ID, err)
	}
	w.notBegun = !e.Begun
	if _, end := request.Period.Bounds(zone); p.Now().Before(end) {
		w.notEnded, w.code = end, "contract-runs"
		w.reason = fmt.Sprintf("%s ends on %s in its zone", request.Period, end.Format(time.RFC3339))
	} else if !e.Complete {
		w.code = "no-data"
		w.reason = fmt.Sprintf("no data of the last day of %s or later has come in", request.Period)
	}
	return w, nil
}

// zones are those of contracts, each read once: to read one takes longer than to plan a contract.
type zones map[string]*time.Location

func (z zones) of(name string) (*time.Location, error) {
	if zone, known := z[name]; known {
		return zone, nil
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		z[name] = zone
	}
	return zone, err
}

// readiness sums up a request's contracts.
type readiness struct {
	contracts, running, begun int
	end                       time.Time // of the period, where it ends last
}

func (r *readiness) note(w wait) {
	r.contracts++
	if !w.notEnded.IsZero() {
		r.running++
		if w.notEnded.After(r.end) {
			r.end = w.notEnded
		}
	}
	if !w.notBegun {
		r.begun++
	}
}

// fault is why a request cannot be carried out for anybody.
func (r readiness) fault(request Request) error {
	switch {
	case r.contracts == 0:
		return Refuse("nothing-to-plan", "%s: %w; import the contracts, or see their since and ends in geppo contracts", request.Period, ErrNothingToPlan)
	case r.running == r.contracts:
		return Misuse("period-runs", "%s ends on %s; wait, or use --force", request.Period, r.end.Format(time.RFC3339))
	case r.begun == 0:
		return Refuse("no-such-period", "%s: %w; see --period, import its data, or use --force", request.Period, ErrNoSuchPeriod)
	}
	return nil
}

// Begun refuses a month that has not begun: that there is nothing in it says nothing, and would read as an all-clear.
func (p Planner) Begun(period store.Period) error {
	if period.Begun(p.Now()) {
		return nil
	}
	return Misuse("period-ahead", "%s has not begun; name an earlier month", period)
}

// Ready refuses a request of which a contract would have to wait.
func (p Planner) Ready(ctx context.Context, request Request) error {
	var seen readiness
	var first error
	err := p.eachReady(ctx, request, func(c store.Contract, w wait) error {
		seen.note(w)
		if w.reason != "" && first == nil {
			first = Misuse(w.code, "contract %s: %s; wait, or use --force", c.ID, w.reason)
		}
		return nil
	})
	if err == nil {
		err = seen.fault(request)
	}
	if err == nil {
		err = first
	}
	return err
}

// Waiting tells how far the deliveries of a filter are: how many will not move by themselves any
// more, and whether one of the others could be sent at once.
func Waiting(ctx context.Context, ledger *sqlstore.Ledger, filter store.Filter, now time.Time) (done int, waiting bool, err error) {
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
