package console

import (
	"context"
	"net/http"
	"time"

	"geppo/cmd/internal/desk"
	"geppo/store"
)

// overviewBody is the first page: what goes on, and what waits for a person.
type overviewBody struct {
	Periods []periodView
	Pauses  []store.Pause
	Fires   []time.Time
	Missed  []store.Fire
	Silent  []desk.Feed
	Paused  bool // by an operator
}

// periodView is an open period, or the newest.
type periodView struct {
	Period   store.Period
	Total    int
	Counts   []stateCount // in the order of a delivery's life, without those of none
	Percent  int          // that is sent
	Pending  int
	PerMin   int       // sent in the last ten minutes, a minute
	Ends     time.Time // at that speed; zero: not known
	Todo     []todo
	Awaiting int
}

type stateCount struct {
	State store.State
	N     int
	Share float64 // percent
}

// todo is something that a person must do.
type todo struct {
	Kind  string // the name of its sentence
	N     int
	State store.State // of the deliveries, "" if it is of contracts
	First []store.RunError
}

// recently is what the speed is taken from.
const recently = 10 * time.Minute

func (p *Pages) overview(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx := r.Context()
	body := overviewBody{Fires: p.Office().Fires(3)}
	var err error
	if body.Pauses, err = p.Ledger.Pauses(ctx); err != nil {
		return err
	}
	for _, pause := range body.Pauses {
		body.Paused = body.Paused || pause.Cause == store.CauseOperator
	}
	if body.Missed, err = p.Ledger.OpenFires(ctx); err != nil {
		return err
	}
	feeds, err := p.Office().Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		if f.Silent {
			body.Silent = append(body.Silent, f)
		}
	}
	if body.Periods, err = p.openPeriods(ctx); err != nil {
		return err
	}
	return p.show(w, r, v, http.StatusOK, "overview", "nav.overview", body)
}

// openPeriods are those in which mail is on its way or somebody must do something, and the newest; that one first.
func (p *Pages) openPeriods(ctx context.Context) (list []periodView, err error) {
	runs, err := p.Ledger.Runs(ctx, store.Period{})
	if err != nil {
		return nil, err
	}
	for i, period := range periodsOf(runs) {
		view, err := p.period(ctx, period, runs)
		if err != nil {
			return nil, err
		}
		if i == 0 || view.Pending > 0 || len(view.Todo) > 0 {
			list = append(list, view)
		}
	}
	return list, nil
}

// periodsOf are those of runs, the newest first.
func periodsOf(runs []store.Run) (periods []store.Period) {
	seen := map[store.Period]bool{}
	for _, run := range runs {
		if !seen[run.Period] {
			seen[run.Period] = true
			periods = append(periods, run.Period)
		}
	}
	sortPeriods(periods)
	return periods
}

func (p *Pages) period(ctx context.Context, period store.Period, runs []store.Run) (v periodView, err error) {
	v.Period = period
	counts, err := p.Ledger.CountStates(ctx, store.Filter{Period: period})
	if err != nil {
		return v, err
	}
	for _, state := range store.States {
		n := counts[state]
		v.Total += n
		if state.Pending() {
			v.Pending += n
		}
		if n > 0 {
			v.Counts = append(v.Counts, stateCount{State: state, N: n})
		}
	}
	for i := range v.Counts {
		v.Counts[i].Share = 100 * float64(v.Counts[i].N) / float64(v.Total)
	}
	v.Awaiting = counts[store.Awaiting]
	if v.Total > 0 {
		v.Percent = 100 * counts[store.Sent] / v.Total
	}
	if v.Pending > 0 {
		if err := p.speed(ctx, &v, counts); err != nil {
			return v, err
		}
	}
	return v, p.todo(ctx, &v, runs)
}

// speed tells how fast a period goes out, and until when it would take at that.
func (p *Pages) speed(ctx context.Context, v *periodView, counts map[store.State]int) error {
	now := p.Now()
	sent, err := p.Ledger.SentSince(ctx, v.Period, now.Add(-recently))
	if err != nil || sent == 0 {
		return err
	}
	v.PerMin = (sent + int(recently.Minutes()) - 1) / int(recently.Minutes())
	left := counts[store.Queued] + counts[store.Sending] + counts[store.HandingOver]
	if left > 0 {
		v.Ends = now.Add(time.Duration(float64(left) / float64(sent) * float64(recently)))
	}
	return nil
}

// todo is what a person must do for a period.
func (p *Pages) todo(ctx context.Context, v *periodView, runs []store.Run) error {
	undone, err := p.Ledger.CountStates(ctx, store.Filter{Period: v.Period, Unacknowledged: true})
	if err != nil {
		return err
	}
	for _, state := range []store.State{store.Awaiting, store.Held, store.Failed, store.Bounced, store.Cancelled} {
		if n := undone[state]; n > 0 {
			v.Todo = append(v.Todo, todo{Kind: string(state), N: n, State: state})
		}
	}
	// The last planning of the period knows who is unreachable and who waits.
	for i := len(runs) - 1; i >= 0; i-- {
		run := runs[i]
		if run.Period != v.Period || run.Kind == "resend" {
			continue
		}
		for kind, errors := range map[string][]store.RunError{"unreachable": run.Errors, "waiting": run.Waiting} {
			if len(errors) > 0 {
				v.Todo = append(v.Todo, todo{Kind: kind, N: len(errors), First: errors[:min(len(errors), 20)]})
			}
		}
		break
	}
	sortTodo(v.Todo)
	return nil
}

// deliveriesBody is a list of deliveries of one state.
type deliveriesBody struct {
	Period     store.Period
	State      store.State
	Deliveries []store.Delivery
	More       bool
}

const listed = 200

func (p *Pages) deliveries(w http.ResponseWriter, r *http.Request, v visitor) error {
	period, err := store.ParsePeriod(r.FormValue("period"))
	if err != nil {
		return store.ErrNotFound
	}
	body := deliveriesBody{Period: period, State: store.State(r.FormValue("state"))}
	filter := store.Filter{Period: period}
	if body.State != "" {
		filter.States = []store.State{body.State}
	}
	if body.Deliveries, err = p.Ledger.SomeDeliveries(r.Context(), filter, listed+1); err != nil {
		return err
	}
	if body.More = len(body.Deliveries) > listed; body.More {
		body.Deliveries = body.Deliveries[:listed]
	}
	return p.show(w, r, v, http.StatusOK, "deliveries", "deliveries.title", body)
}
