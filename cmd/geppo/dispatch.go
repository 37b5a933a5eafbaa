package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
)

// dispatch sends what is due, or follows the process that does.
func (a *app) dispatch(ctx context.Context, d *daemon.Dispatcher, p store.Period, filter store.Filter) (err error) {
	counts, err := d.Ledger.CountStates(ctx, filter)
	if err != nil {
		return err
	}
	pending := 0
	for state, n := range counts {
		if state.Pending() {
			pending += n
		}
	}
	bar := newMeter(a.stderr, int64(pending), "sending", false)
	a.bar.Store(&bar)
	defer bar.end()
	var sends atomic.Bool
	defer a.tellStopping(ctx, d, p, &sends)()
	post, waiting, err := awaitPost(ctx, d, filter, bar)
	if err != nil || !waiting {
		return err
	}
	defer func() { err = errors.Join(err, post.Leave(ctx)) }()
	post.Man(d)
	sends.Store(true)
	d.Settled = func(_ store.Delivery, s store.State) {
		if !s.Pending() {
			bar.add(1)
		}
	}
	if err := d.Recover(ctx); err != nil {
		return err
	}
	return d.Run(ctx, filter)
}

// tellStopping says, once geppo is told to stop, what happens next. What it gives waits until that is said.
func (a *app) tellStopping(ctx context.Context, d *daemon.Dispatcher, p store.Period, sends *atomic.Bool) func() {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		if !terminal(a.stderr) {
			d.Log.Info("geppo stops: what is being handed over is finished first", "within", finishWithin.String())
			return
		}
		a.bar.Load().clear()
		if !sends.Load() {
			_ = say(a.stderr, "Stopping to watch. The process that sends goes on; geppo status shows how far it is.")
			return
		}
		_ = say(a.stderr, "Stopping: what is being handed over is finished first, within %s. The rest stays queued, and is sent by geppo run --period %s, or by the daemon.", finishWithin, p)
		_ = say(a.stderr, "Ctrl-C again ends at once: nothing is lost, but up to %s may arrive twice.", desk.Count(d.Policy.Connections, "mail", "mails"))
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}

// followEvery is how often another sender's progress is looked at.
const followEvery = 500 * time.Millisecond

// awaitPost joins the workers. Where there can be one only and another process is it, that is followed: once it has sent
// what was asked for there is nothing left to do, and no post was taken.
func awaitPost(ctx context.Context, d *daemon.Dispatcher, filter store.Filter, bar meter) (post *daemon.Post, waiting bool, err error) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for told := false; ; told = true {
		post, err := daemon.TakePost(ctx, d.Ledger, d.Worker, d.Log)
		if !errors.Is(err, store.ErrLocked) {
			return post, true, err
		}
		if !told {
			d.Log.Info("following the process that sends", "holder", err.Error())
		}
		done, waiting, err := daemon.Waiting(ctx, d.Ledger, filter, time.Now())
		if err != nil || !waiting {
			return nil, false, err
		}
		if err := daemon.StandStill(ctx, d.Ledger); err != nil { // nobody knows for how long
			return nil, false, err
		}
		bar.set(done)
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-ticker.C:
		}
	}
}
