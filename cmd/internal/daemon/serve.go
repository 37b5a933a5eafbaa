package daemon

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Settings are what a reload of the configuration replaces.
type Settings struct {
	Scheduler  *Scheduler
	Dispatcher *Dispatcher
	Probe      time.Duration // how often a paused queue is tried with one delivery: retry.max
	Summary    func(context.Context, store.Run) error
	Operators  *Operators // whose webhooks are told of pauses and runs' ends; nil: nobody
	Maildir    *Maildir   // nil: notifications come by geppo bounce
	Inbox      *Inbox     // nil: data comes by geppo import
	// Patience is the longest time for which a delivery may rightly show no progress: the waits for
	// the relay's replies.
	Patience time.Duration
}

// Daemon runs months until it is told to stop: one loop plans what the schedule says, the other
// sends what is due. Both look at the ledger and not at each other, so that what other commands
// put there is found as well. A fault of the ledger (a full disk, say) is logged and tried again:
// it ends no loop. Only a database that is not in its place any more ends the daemon at once: another
// may have begun on the file that has its name now.
type Daemon struct {
	Ledger *sqlstore.Ledger
	Log    *slog.Logger
	Now    func() time.Time
	Relay  *Relay        // nil: nobody asks
	Tick   time.Duration // how often the schedule is compared with the clock; 0: a minute
	Look   time.Duration // how often the queue is looked at for what others put there; 0: a second

	pauses          pauseWatch
	settings        atomic.Pointer[Settings]
	scheduled, sent atomic.Pointer[time.Time] // each loop's last sign of life
}

const (
	scheduleEvery = time.Minute
	lookEvery     = time.Second
	faultWait     = 30 * time.Second
)

// Serve runs until ctx is done, and fails with store.ErrMisplaced only; what is being handed over is
// finished within the dispatcher's bound. Settings that come from reload take effect as soon as the
// messages under way are finished, for which there is no bound but the relay's: a reload must cost no
// reply.
func (d *Daemon) Serve(ctx context.Context, settings Settings, reload <-chan Settings) error {
	for {
		d.settings.Store(&settings)
		current, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- d.run(ctx, current, settings) }()
		var next Settings
		select {
		case err := <-done:
			stop()
			return err
		case next = <-reload:
		}
		settings.Dispatcher.Rest()
		stop()
		if err := <-done; err != nil {
			return err
		}
		settings = next
		if d.Relay != nil {
			d.Relay.Forget()
		}
	}
}

// Current are the settings in force.
func (d *Daemon) Current() *Settings { return d.settings.Load() }

// run follows one set of settings until current is done. Sending knows the daemon's end only by ctx.
func (d *Daemon) run(ctx, current context.Context, s Settings) error {
	d.beat(&d.scheduled)
	d.beat(&d.sent)
	report := s.Dispatcher.Settled
	s.Dispatcher.Settled = func(delivery store.Delivery, state store.State) {
		d.beat(&d.sent)
		if report != nil {
			report(delivery, state)
		}
	}
	loops, current := errgroup.WithContext(current)
	loops.Go(func() error { return d.scheduleLoop(current, s) })
	loops.Go(func() error { return d.sendLoop(ctx, current, s) })
	if d.Relay != nil {
		loops.Go(func() error {
			d.relayLoop(current)
			return nil
		})
	}
	if s.Operators != nil {
		loops.Go(func() error {
			d.pauseLoop(current, s.Operators)
			return nil
		})
		loops.Go(func() error {
			d.askLoop(current, s)
			return nil
		})
	}
	if s.Maildir != nil {
		loops.Go(func() error {
			d.maildirLoop(current, *s.Maildir)
			return nil
		})
	}
	if s.Inbox != nil {
		loops.Go(func() error {
			d.inboxLoop(current, s.Inbox)
			return nil
		})
	}
	return loops.Wait()
}

// inPlace looks whether both databases are still the files of their names.
func (d *Daemon) inPlace(s Settings) error {
	return errors.Join(d.Ledger.InPlace(), s.Scheduler.Planner.Detections.InPlace())
}

// beat takes the clock's monotonic reading where it has one: a clock that is set is no stand-still.
func (d *Daemon) beat(at *atomic.Pointer[time.Time]) {
	now := d.Now()
	at.Store(&now)
}

// Alive tells whether both loops have shown progress lately: what a watchdog is fed by.
func (d *Daemon) Alive() bool {
	s, scheduled, sent := d.settings.Load(), d.scheduled.Load(), d.sent.Load()
	if s == nil || scheduled == nil || sent == nil {
		return true // not started
	}
	now := d.Now()
	return now.Sub(*scheduled) < s.Patience && now.Sub(*sent) < s.Patience
}

func (d *Daemon) scheduleLoop(ctx context.Context, s Settings) error {
	for {
		err := d.inPlace(s)
		if err == nil {
			_, err = d.Ledger.Alone(ctx, "schedule", s.Scheduler.Reconcile)
		}
		if errors.Is(err, store.ErrMisplaced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the schedule could not be followed", "error", err)
		}
		d.beat(&d.scheduled)
		if !sleep(ctx, cmp.Or(d.Tick, scheduleEvery)) {
			return nil
		}
	}
}

// relayLoop keeps what is known of the relay from growing old while nothing is sent.
func (d *Daemon) relayLoop(ctx context.Context) {
	every := cmp.Or(d.Relay.Every, relayEvery)
	for {
		// Learned logs what matters of the answer.
		_ = d.Relay.Ask(ctx, every)
		if !sleep(ctx, every) {
			return
		}
	}
}

// maildirLoop takes what is delivered into the Maildir.
func (d *Daemon) maildirLoop(ctx context.Context, m Maildir) {
	look := func(ctx context.Context) error { _, err := m.Read(ctx); return err }
	watch(ctx, maildirEvery, look, func(err error) {
		d.Log.Error("notifications of non-delivery could not be read; they stay where they are", "error", err)
	})
}

// inboxEvery is the longest time after which the inbox is looked at again.
const inboxEvery = 5 * time.Second

// inboxLoop imports what is put into the inbox.
func (d *Daemon) inboxLoop(ctx context.Context, in *Inbox) {
	look := func(ctx context.Context) error { _, err := in.Look(ctx); return err }
	watch(ctx, min(in.Settle, inboxEvery), look, func(err error) {
		d.Log.Error("the inbox could not be imported; its files stay where they are", "error", err)
	})
}

// watch looks again and again until ctx ends. A fault is told once while it lasts.
func watch(ctx context.Context, every time.Duration, look func(context.Context) error, tell func(error)) {
	told := ""
	for {
		err := look(ctx)
		if ctx.Err() != nil {
			return
		}
		says := ""
		if err != nil {
			says = err.Error()
		}
		if says != "" && says != told {
			tell(err)
		}
		told = says
		if !sleep(ctx, every) {
			return
		}
	}
}

func (d *Daemon) sendLoop(ctx, current context.Context, s Settings) error {
	for current.Err() == nil {
		err := d.send(ctx, s)
		d.beat(&d.sent)
		if errors.Is(err, store.ErrMisplaced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			wait := faultWait
			if d.Ledger.Passing(err) {
				wait = d.look()
			}
			d.Log.Error("sending stopped", "error", err, "next_try", d.Now().Add(wait))
			sleep(current, wait) // what was under way is not due, and waits for the next run
			continue
		}
		if !sleep(current, d.look()) {
			return nil
		}
		if err := d.awaitWork(current, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *Daemon) look() time.Duration { return cmp.Or(d.Look, lookEvery) }

// send sends what is due, and closes the runs that this ends.
func (d *Daemon) send(ctx context.Context, s Settings) error {
	err := d.inPlace(s)
	if err == nil {
		err = s.Dispatcher.Run(ctx, store.Filter{})
	}
	if err == nil || errors.Is(err, ErrPaused) {
		err = d.finishAlone(ctx, s)
	}
	return err
}

// finishAlone waits for another worker that is at it: it may have looked before our last delivery was settled.
func (d *Daemon) finishAlone(ctx context.Context, s Settings) error {
	for {
		ran, err := d.Ledger.Alone(ctx, "finish", func(ctx context.Context) error { return d.finish(ctx, s) })
		if ran || err != nil || !sleep(ctx, d.look()) {
			return err
		}
	}
}

// awaitWork returns once something is due or ctx is done. While the queue is paused by a fault, it is
// due for a probe only.
func (d *Daemon) awaitWork(ctx context.Context, s Settings) error {
	waited := time.Duration(0)
	for {
		d.beat(&d.sent)
		if err := d.inPlace(s); errors.Is(err, store.ErrMisplaced) {
			return err
		}
		due, err := d.due(ctx, s, waited)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the queue could not be read", "error", err)
		}
		if due || !sleep(ctx, d.look()) {
			return nil
		}
		waited += d.look()
	}
}

func (d *Daemon) due(ctx context.Context, s Settings, waited time.Duration) (bool, error) {
	pauses, err := s.Dispatcher.Seat.Pauses(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case pausedBy(pauses, isOperators) != nil:
		return false, nil //nolint:nilerr // a pause means that nothing is due, and is no fault
	case slices.ContainsFunc(pauses, faulty):
		return waited >= s.Probe, nil
	}
	if err := s.Dispatcher.follow(ctx); err != nil {
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
		first, err := d.Ledger.FinishRun(ctx, run.ID, d.Now())
		if err != nil {
			return err
		}
		if !first {
			continue // a geppo run beside us was quicker, and tells
		}
		d.Log.Info("run finished", "run", run.ID, "kind", run.Kind, "period", run.Period, "planned", run.Planned)
		if err := s.Operators.Finished(ctx, run); err != nil {
			d.Log.Error("the webhooks could not be told of a run's end", "run", run.ID, "error", err)
		}
		if err := d.summarise(ctx, s, run); err != nil {
			return err
		}
	}
	return d.catchUpSummaries(ctx, s)
}

// untoldAfter is when a summary that its run has not sent counts as lost: its process died, or the relay was gone.
const untoldAfter = 10 * time.Minute

// catchUpSummaries tells of the runs of whose end nobody was told.
func (d *Daemon) catchUpSummaries(ctx context.Context, s Settings) error {
	untold, err := d.Ledger.UntoldRuns(ctx, d.Now().Add(-untoldAfter))
	if err != nil {
		return err
	}
	for _, run := range untold {
		if err := d.summarise(ctx, s, run); err != nil {
			return err
		}
	}
	return nil
}

// summarise tells the operators how a run ended. The reports are out; that the summary is not must be seen, and
// stops nothing: it is tried again with the next mail.
func (d *Daemon) summarise(ctx context.Context, s Settings, run store.Run) error {
	if s.Summary != nil && !alerted(run) {
		if err := s.Summary(ctx, run); err != nil {
			d.Log.Error("the summary could not be sent", "run", run.ID, "error", err)
			return nil
		}
	}
	return d.Ledger.SummariseRun(ctx, run.ID, d.Now())
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
