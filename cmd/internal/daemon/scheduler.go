package daemon

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"geppo/render"
	"geppo/store"
)

// Scheduler turns the passing of time into runs. What has fired is a row of the ledger and not
// memory: Reconcile compares the two, so that a daemon that was down, a clock that jumped and a
// fire that failed half-way all come out the same way.
type Scheduler struct {
	Schedule  Schedule
	Zone      *time.Location
	Planner   Planner
	Clock     Clock
	CatchUp   time.Duration // a fire missed by more is an error that waits for an operator
	Spread    time.Duration // start times are spread over this
	Operators *Operators    // are told of what waits or was missed; nil: nobody
	Log       *slog.Logger
}

// retryFire is how often a fire that waits is tried again.
const retryFire = time.Hour

// mostMissed bounds the fires that are recorded as missed at once: those before are not.
const (
	mostMissed      = 24
	mostMissedYears = 3
)

// Reconcile records what has fired since it last looked, and plans what may be planned. It does
// nothing while the clock is not believed.
func (s *Scheduler) Reconcile(ctx context.Context) error {
	now, first, err := s.Clock.Check(ctx)
	if first {
		s.alert(ctx, render.Alert{Kind: render.AlertClock, Reason: err.Error()})
	}
	if errors.Is(err, ErrClock) {
		return nil // said once; it is a pause
	}
	if err != nil {
		return err
	}
	if err := s.record(ctx, now); err != nil {
		return err
	}
	open, err := s.Planner.Ledger.OpenFires(ctx)
	if err != nil {
		return err
	}
	for _, fire := range open {
		if fire.State == store.FireWaiting && (now.Sub(fire.TriedAt) >= retryFire || fire.TriedAt.After(now)) {
			if err := s.fire(ctx, fire, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// record notes the fires that are due since the last one. Those that nobody was there for are told in
// one alert, however many they are.
func (s *Scheduler) record(ctx context.Context, now time.Time) error {
	last, err := s.Planner.Ledger.LastFire(ctx, s.Clock.horizon(now))
	if errors.Is(err, store.ErrNotFound) {
		return s.Planner.Ledger.PutFire(ctx, store.Fire{DueAt: now, Period: store.PeriodOf(now, s.Zone).Previous(), State: store.FireBaseline})
	}
	if err != nil {
		return err
	}
	due, missed, more := s.since(last.DueAt, now)
	for _, fire := range append(missed, due...) {
		if err := s.Planner.Ledger.PutFire(ctx, fire); err != nil {
			return err
		}
	}
	if len(missed) == 0 {
		return nil
	}
	alert := render.Alert{Kind: render.AlertMissed, More: more}
	for _, fire := range missed {
		s.Log.Error("a fire of the schedule was missed", "due_at", fire.DueAt, "period", fire.Period,
			"hint", fmt.Sprintf("geppo run --period %s", fire.Period))
		alert.Missed = append(alert.Missed, render.MissedMonth{Period: fire.Period.String(), DueAt: s.wall(fire.DueAt)})
	}
	s.alert(ctx, alert)
	return nil
}

// since lists the fires after a time up to now: those that are caught up, and those too long ago, of
// which only the newest are listed.
func (s *Scheduler) since(last, now time.Time) (due, missed []store.Fire, more bool) {
	if farthest := now.AddDate(-mostMissedYears, 0, 0); farthest.After(last) { // a clock without a battery starts in 1970
		last, more = farthest, true
	}
	for at := s.Schedule.Next(last); !at.IsZero() && !at.After(now); at = s.Schedule.Next(at) {
		fire := store.Fire{DueAt: at, Period: store.PeriodOf(at, s.Zone).Previous(), State: store.FireWaiting}
		if now.Sub(at) <= s.CatchUp {
			due = append(due, fire)
			continue
		}
		fire.State = store.FireMissed
		if len(missed) == mostMissed {
			missed, more = missed[1:], true
		}
		missed = append(missed, fire)
	}
	return due, missed, more
}

func (s *Scheduler) wall(t time.Time) string { return t.In(s.Zone).Format("2006-01-02 15:04") }

// fire plans the contracts of a period that are ready. While others wait it stays open, with one alert.
func (s *Scheduler) fire(ctx context.Context, fire store.Fire, now time.Time) error {
	firstTry := fire.TriedAt.IsZero()
	fire.TriedAt = now
	request := Request{Kind: "schedule", Period: fire.Period, By: "schedule", Spread: s.Spread}
	if !firstTry {
		if changed, err := s.changed(ctx, s.Planner.At(now), request, fire.Run); err != nil || !changed {
			return errors.Join(err, s.Planner.Ledger.PutFire(ctx, fire))
		}
	}
	run, err := s.Planner.At(now).Plan(ctx, request)
	var notYet *Refusal
	if errors.As(err, &notYet) {
		s.Log.Error("a period waits", "period", fire.Period, "reason", err.Error(), "next_try", now.Add(retryFire))
		if firstTry { // and not each hour
			s.alert(ctx, render.Alert{Kind: render.AlertWaits, Period: fire.Period.String(), DueAt: s.wall(fire.DueAt), Reason: err.Error()})
		}
		return s.Planner.Ledger.PutFire(ctx, fire)
	}
	if err != nil {
		return err
	}
	s.Log.Info("period planned", "period", fire.Period, "run", run.ID, "planned", run.Planned, "errors", len(run.Errors), "waiting", len(run.Waiting))
	if err := s.Operators.Planned(run); err != nil {
		s.Log.Error("the webhooks could not be told of a plan", "run", run.ID, "error", err)
	}
	// A crash between the two plans again, which adds nothing.
	fire.Run, fire.State = run.ID, store.FirePlanned
	if len(run.Waiting) > 0 {
		fire.State = store.FireWaiting
	}
	if firstTry && len(run.Waiting) > 0 {
		s.alert(ctx, s.waits(fire, run))
	}
	return s.Planner.Ledger.PutFire(ctx, fire)
}

func (s *Scheduler) waits(fire store.Fire, run store.Run) render.Alert {
	alert := render.Alert{
		Kind: render.AlertWaits, Period: fire.Period.String(), DueAt: s.wall(fire.DueAt), Planned: run.Planned, Count: len(run.Waiting),
	}
	for _, w := range run.Waiting[:min(len(run.Waiting), mostProblems)] {
		alert.Waiting = append(alert.Waiting, render.SummaryError(w))
	}
	return alert
}

// changed tells whether planning again would find another than the contracts of which a run knows that
// they wait: one is ready by now, or a run by hand has planned since. A run each hour would only fill
// the ledger.
func (s *Scheduler) changed(ctx context.Context, planner Planner, request Request, planned int64) (bool, error) {
	runs, err := planner.Ledger.Runs(ctx, request.Period)
	if err != nil {
		return false, err
	}
	waiting, known := map[string]bool{}, false
	for _, run := range runs {
		if run.ID == planned {
			known = true
			for _, w := range run.Waiting {
				waiting[w.Contract] = true
			}
		} else if run.ID > planned && run.Kind != "resend" {
			return true, nil
		}
	}
	if !known { // nothing could be planned so far
		return true, nil
	}
	still := 0
	err = planner.eachReady(ctx, request, func(c store.Contract, w wait) error {
		if waiting[c.ID] && w.reason != "" {
			still++
		}
		return nil
	})
	return still < len(waiting), err
}

// alert tells the operators. That it failed must be seen, and keeps no other month waiting.
func (s *Scheduler) alert(ctx context.Context, a render.Alert) {
	if s.Operators == nil {
		return
	}
	if err := s.Operators.Alert(ctx, a); err != nil {
		s.Log.Error("the alert could not be sent", "kind", string(a.Kind), "period", a.Period, "error", err)
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
