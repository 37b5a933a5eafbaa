package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/store"
)

// Settings are what a reload of the configuration replaces.
type Settings struct {
	Scheduler  *Scheduler
	Dispatcher *Dispatcher
	Probe      time.Duration // how often a paused queue is tried with one delivery: retry.max
	Summary    func(context.Context, store.Run) error
	// Patience is the longest time for which a delivery may rightly show no progress: the waits for
	// the relay's replies.
	Patience time.Duration
}

// Daemon runs months until it is told to stop: one loop plans what the schedule says, the other
// sends what is due. Both look at the ledger and not at each other, so that what other commands
// put there is found as well. A fault of the ledger (a full disk, say) is logged and tried again:
// it ends no loop.
type Daemon struct {
	Ledger *store.Ledger
	Log    *slog.Logger
	Now    func() time.Time

	settings        atomic.Pointer[Settings]
	scheduled, sent atomic.Int64 // unix nanoseconds of each loop's last sign of life
}

const (
	scheduleEvery = time.Minute
	lookEvery     = time.Second // at the queue, for what other processes put there
	faultWait     = 30 * time.Second
)

// Serve runs until ctx is done; what is being handed over is finished first. Settings that come
// from reload take effect at once: sending stops between two messages and goes on with them.
func (d *Daemon) Serve(ctx context.Context, settings Settings, reload <-chan Settings) error {
	for {
		d.settings.Store(&settings)
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- d.run(running, settings) }()
		select {
		case err := <-done:
			stop()
			return err
		case settings = <-reload:
			stop()
			if err := <-done; err != nil {
				return err
			}
		}
	}
}

// Current are the settings in force.
func (d *Daemon) Current() *Settings { return d.settings.Load() }

func (d *Daemon) run(ctx context.Context, s Settings) error {
	d.beat(&d.scheduled)
	d.beat(&d.sent)
	report := s.Dispatcher.Settled
	s.Dispatcher.Settled = func(delivery store.Delivery, state store.State) {
		d.beat(&d.sent)
		if report != nil {
			report(delivery, state)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.scheduleLoop(ctx, s) })
	group.Go(func() error { return d.sendLoop(ctx, s) })
	return group.Wait()
}

func (d *Daemon) beat(at *atomic.Int64) { at.Store(d.Now().UnixNano()) }

// Alive tells whether both loops have shown progress lately: what a watchdog is fed by.
func (d *Daemon) Alive() bool {
	s := d.settings.Load()
	if s == nil {
		return true // not started
	}
	now := d.Now()
	quiet := func(at *atomic.Int64) time.Duration { return now.Sub(time.Unix(0, at.Load())) }
	return quiet(&d.scheduled) < s.Patience && quiet(&d.sent) < s.Patience
}

func (d *Daemon) scheduleLoop(ctx context.Context, s Settings) error {
	for {
		if err := s.Scheduler.Reconcile(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("the schedule could not be followed", "error", err)
		}
		d.beat(&d.scheduled)
		if !sleep(ctx, scheduleEvery) {
			return nil
		}
	}
}

func (d *Daemon) sendLoop(ctx context.Context, s Settings) error {
	for ctx.Err() == nil {
		err := d.send(ctx, s)
		d.beat(&d.sent)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("sending stopped", "error", err, "next_try", d.Now().Add(faultWait))
			sleep(ctx, faultWait) // what was under way is not due, and waits for the next run
			continue
		}
		if !sleep(ctx, lookEvery) || !d.awaitWork(ctx, s) {
			break
		}
	}
	return nil
}

// send sends what is due, and closes the runs that this ends.
func (d *Daemon) send(ctx context.Context, s Settings) error {
	err := s.Dispatcher.Run(ctx, store.Filter{})
	if err == nil || errors.Is(err, ErrPaused) {
		err = d.finish(ctx, s)
	}
	return err
}

// awaitWork returns once something is due, false once ctx is done. While the queue is paused by a
// fault, it is due for a probe only.
func (d *Daemon) awaitWork(ctx context.Context, s Settings) bool {
	waited := time.Duration(0)
	for {
		d.beat(&d.sent)
		due, err := d.due(ctx, s, waited)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the queue could not be read", "error", err)
		}
		if due {
			return true
		}
		if !sleep(ctx, lookEvery) {
			return false
		}
		waited += lookEvery
	}
}

func (d *Daemon) due(ctx context.Context, s Settings, waited time.Duration) (bool, error) {
	pause, err := d.Ledger.Paused(ctx)
	switch {
	case err == nil:
		return pause.Cause == "setup" && waited >= s.Probe, nil
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	next, err := d.Ledger.NextDue(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && !next.After(d.Now()), err
}

// finish closes the runs that have nothing left to be sent at once, and tells the operators.
func (d *Daemon) finish(ctx context.Context, s Settings) error {
	runs, err := d.Ledger.UnfinishedRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if err := d.Ledger.FinishRun(ctx, run.ID, d.Now()); err != nil {
			return err
		}
		d.Log.Info("run finished", "run", run.ID, "kind", run.Kind, "period", run.Period, "planned", run.Planned)
		if s.Summary == nil {
			continue
		}
		// The reports are out; that the summary is not must be seen, and stops nothing.
		if err := s.Summary(ctx, run); err != nil {
			d.Log.Error("the summary could not be sent", "run", run.ID, "error", err)
		}
	}
	return nil
}

// sleep waits, and tells whether ctx still lives.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
