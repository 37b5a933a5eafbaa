package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"geppo/store"
)

// What every period comes to, from the tallies and not from the deliveries: this is asked for by each scrape.

const (
	// What is under way is tallied as queued.
	periodStates = `
SELECT r.period, t.state, sum(t.deliveries), coalesce(sum(t.deliveries) FILTER (WHERE t.acknowledged = 0), 0)
FROM tallies AS t JOIN runs AS r ON r.id = t.run GROUP BY r.period, t.state HAVING sum(t.deliveries) > 0`

	// What a run could not plan stands until a run of all contracts, which tells it again, or until the contract got a
	// delivery or asked for none.
	standingErrors = `
WITH whole AS (SELECT period, max(id) AS run FROM runs WHERE whole = 1 GROUP BY period)
SELECT r.period, e.contract, e.kind FROM runs AS r LEFT JOIN whole AS w ON w.period = r.period CROSS JOIN run_errors AS e ON e.run = r.id
WHERE r.kind <> 'resend' AND r.id >= coalesce(w.run, 0)
  AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.period = r.period AND d.contract = e.contract AND d.run > e.run)
  AND NOT EXISTS (SELECT 1 FROM stops AS s WHERE s.kind = 'contract' AND s.key = e.contract AND s.ended_at IS NULL)
ORDER BY e.run`

	awaitingFull = `
SELECT r.period, sum(t.deliveries) FROM tallies AS t JOIN runs AS r ON r.id = t.run
WHERE t.state = 'awaiting' AND r.approval = 'full' GROUP BY r.period HAVING sum(t.deliveries) > 0`
)

// PeriodState is how a period stands.
type PeriodState struct {
	store.Undone
	States         map[store.State]int // sending and handing over as queued
	Unacknowledged map[store.State]int // of them
}

// Open tells whether anything of the period is still to come, or to be done.
func (p PeriodState) Open() bool {
	pending := 0
	for state, n := range p.States {
		if state.Pending() {
			pending += n
		}
	}
	return pending > 0 || p.Total() > 0
}

// Periods tells how every period stands that was planned, the oldest first.
func (l *Ledger) Periods(ctx context.Context) ([]PeriodState, error) {
	b := periodsBuilder{known: map[string]*PeriodState{}}
	err := b.states(ctx, l.r)
	if err == nil {
		err = b.errors(ctx, l.r)
	}
	if err == nil {
		err = b.awaiting(ctx, l)
	}
	if err != nil {
		return nil, fmt.Errorf("read how the periods stand: %w", err)
	}
	list := make([]PeriodState, 0, len(b.known))
	for _, p := range b.known {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b PeriodState) int { return a.Period.Compare(b.Period) })
	return list, nil
}

type periodsBuilder struct{ known map[string]*PeriodState }

func (b periodsBuilder) of(period string) (*PeriodState, error) {
	if p := b.known[period]; p != nil {
		return p, nil
	}
	parsed, err := store.ParsePeriod(period)
	p := &PeriodState{Undone: store.Undone{Period: parsed}, States: map[store.State]int{}, Unacknowledged: map[store.State]int{}}
	b.known[period] = p
	return p, err
}

func (b periodsBuilder) states(ctx context.Context, db *sql.DB) error {
	return query(ctx, db, periodStates, nil, func(row scanner) error {
		var period string
		var state store.State
		var all, open int
		if err := row.Scan(&period, &state, &all, &open); err != nil {
			return err
		}
		p, err := b.of(period)
		p.States[state], p.Unacknowledged[state] = all, open
		if !state.Pending() && state != store.Sent {
			p.Failed += open
		}
		return err
	})
}

func (b periodsBuilder) errors(ctx context.Context, db *sql.DB) error {
	last := map[[2]string]string{} // by period and contract: the kind of its newest
	err := query(ctx, db, standingErrors, nil, func(row scanner) error {
		var period, contract, kind string
		err := row.Scan(&period, &contract, &kind)
		last[[2]string{period, contract}] = kind
		return err
	})
	for of, kind := range last {
		p, unknown := b.of(of[0])
		err = errors.Join(err, unknown)
		if kind == runErrorWaiting {
			p.Waiting++
		} else {
			p.Unreachable++
		}
	}
	return err
}

// awaiting adds what nothing lets go but an approval: all of a full one, and what waits for canaries that were
// objected to, or of which one was not sent.
func (b periodsBuilder) awaiting(ctx context.Context, l *Ledger) error {
	err := query(ctx, l.r, awaitingFull, nil, func(row scanner) error {
		var period string
		var n int
		if err := row.Scan(&period, &n); err != nil {
			return err
		}
		p, err := b.of(period)
		p.Awaiting += n
		return err
	})
	if err != nil {
		return err
	}
	canaries, err := l.Canaries(ctx)
	for _, c := range canaries {
		if p := b.known[c.Period.String()]; p != nil && (c.Objected || c.Stuck > 0) {
			p.Awaiting = p.States[store.Awaiting]
		}
	}
	return err
}
