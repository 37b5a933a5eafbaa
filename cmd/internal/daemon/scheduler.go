package daemon

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"geppo/store"
)

// Scheduler turns the passing of time into runs. What has fired is a row of the ledger and not
// memory: Reconcile compares the two, so that a daemon that was down, a clock that jumped and a
// fire that failed half-way all come out the same way.
type Scheduler struct {
	Schedule      Schedule
	Zone          *time.Location
	Planner       Planner
	CatchUp       time.Duration // a fire missed by more is an error that waits for an operator
	RequireImport bool
	Spread        time.Duration // start times are spread over this
	Operators     *Operators    // are told of a fire that waits or was missed; nil: nobody
	Log           *slog.Logger
}

// retryFire is how often a fire that waits for an import is tried again.
const retryFire = time.Hour

// Reconcile records what has fired since it last looked, and plans what may be planned.
func (s *Scheduler) Reconcile(ctx context.Context) error {
	ledger, now := s.Planner.Ledger, s.Planner.Now()
	last, err := ledger.LastFire(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return ledger.PutFire(ctx, store.Fire{DueAt: now, Period: store.PeriodOf(now, s.Zone).Previous(), State: store.FireBaseline})
	}
	if err != nil {
		return err
	}
	for due := s.Schedule.Next(last.DueAt); !due.IsZero() && !due.After(now); due = s.Schedule.Next(due) {
		if err := s.note(ctx, due, now); err != nil {
			return err
		}
	}
	open, err := ledger.OpenFires(ctx)
	if err != nil {
		return err
	}
	for _, fire := range open {
		if fire.State == store.FireWaiting && now.Sub(fire.TriedAt) >= retryFire {
			if err := s.fire(ctx, fire, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// note records a fire that is due.
func (s *Scheduler) note(ctx context.Context, due, now time.Time) error {
	fire := store.Fire{DueAt: due, Period: store.PeriodOf(due, s.Zone).Previous(), State: store.FireWaiting}
	if now.Sub(due) <= s.CatchUp {
		return s.Planner.Ledger.PutFire(ctx, fire)
	}
	fire.State = store.FireMissed
	s.Log.Error("a fire of the schedule was missed", "due_at", due, "period", fire.Period,
		"hint", fmt.Sprintf("geppo run --period %s", fire.Period))
	if err := s.Planner.Ledger.PutFire(ctx, fire); err != nil {
		return err
	}
	s.alert(ctx, fire, "")
	return nil
}

// fire plans a period, or leaves the fire waiting with an alert.
func (s *Scheduler) fire(ctx context.Context, fire store.Fire, now time.Time) error {
	firstTry := fire.TriedAt.IsZero()
	fire.TriedAt = now
	request := Request{Kind: "schedule", Period: fire.Period, By: "schedule", Spread: s.Spread}
	err := s.Planner.Ready(ctx, request, s.RequireImport)
	var notEnded *UsageError
	if errors.Is(err, ErrNoImport) || errors.As(err, &notEnded) {
		s.Log.Error("a period waits", "period", fire.Period, "reason", err.Error(), "next_try", now.Add(retryFire))
		if err := s.Planner.Ledger.PutFire(ctx, fire); err != nil {
			return err
		}
		if firstTry { // and not each hour
			s.alert(ctx, fire, err.Error())
		}
		return nil
	}
	if err != nil {
		return err
	}
	run, err := s.Planner.Plan(ctx, request)
	if err != nil {
		return err
	}
	s.Log.Info("period planned", "period", fire.Period, "run", run.ID, "planned", run.Planned, "errors", len(run.Errors))
	// A crash between the two plans again, which adds nothing.
	fire.State, fire.Run = store.FirePlanned, run.ID
	return s.Planner.Ledger.PutFire(ctx, fire)
}

// alert tells the operators. That it failed must be seen, and keeps no other month waiting.
func (s *Scheduler) alert(ctx context.Context, fire store.Fire, reason string) {
	if s.Operators == nil {
		return
	}
	if err := s.Operators.Alert(ctx, fire, s.Zone, reason); err != nil {
		s.Log.Error("the alert could not be sent", "period", fire.Period, "error", err)
	}
}

// Next is when the schedule fires next.
func (s *Scheduler) Next() time.Time { return s.Schedule.Next(s.Planner.Now()) }

// spread delays a contract's mails by its share of the window: the same share every month.
func spread(contract string, window time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(contract))
	return time.Duration(float64(window) * (float64(h.Sum64()>>11) / (1 << 53)))
}
