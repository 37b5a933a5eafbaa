package daemon

import (
	"context"
	"slices"
	"time"

	"geppo/cmd/internal/notify"
	"geppo/render"
	"geppo/store"
)

// What webhooks are told: that a run was planned and how it ended, what waits or was missed, and why the queue stands still.
// The last two of these go by webhook alone where the relay is what fails. A notice is worded here and now and posted in
// the background: its error is one of the templates, and never one of a hook.

// tell has a notice posted.
func (o *Operators) tell(n render.Notice) error {
	if o == nil || o.Post == nil || len(o.Hooks) == 0 {
		return nil
	}
	parts, err := render.NoticeParts(o.Templates, n)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for what, count := range map[string]int{"planned": n.Planned, "waiting_contracts": n.Waiting, "contracts_without_address": n.Errors, "total": n.Total, "awaiting": n.Awaiting} {
		if count > 0 {
			counts[what] = count
		}
	}
	for state, count := range n.States {
		counts[state] = count
	}
	o.Post.Tell(o.Hooks, notify.Notice{Event: string(n.Event), Period: n.Period, Title: parts.Subject, Text: string(parts.Text), Counts: counts})
	return nil
}

// noticeOf is an alert in short.
func noticeOf(a render.Alert) render.Notice {
	events := map[render.AlertKind]render.NoticeEvent{
		render.AlertWaits: render.NoticeWaiting, render.AlertMissed: render.NoticeMissed, render.AlertClock: render.NoticeClock,
		render.AlertApproval: render.NoticeApproval,
	}
	return render.Notice{Event: events[a.Kind], Period: a.Period, Planned: a.Planned, Waiting: a.Count, Missed: a.Missed, Reason: a.Reason, Awaiting: a.Awaiting, Sent: a.Sent, Stuck: a.Stuck, Follows: a.Follows}
}

// Planned tells of a run's beginning; one that adds nothing is no news.
func (o *Operators) Planned(run store.Run) error {
	if run.Planned == 0 {
		return nil
	}
	return o.tell(render.Notice{
		Event: render.NoticePlanned, Period: run.Period.String(), Kind: run.Kind,
		Planned: run.Planned, Waiting: len(run.Waiting), Errors: len(run.Errors),
	})
}

// Finished tells of a run's end, and how its period stands. It is told once, by who sees the end first.
func (o *Operators) Finished(ctx context.Context, run store.Run) error {
	if o == nil || len(o.Hooks) == 0 || alerted(run) {
		return nil
	}
	s, err := standing(ctx, o.Dispatcher.Ledger, run)
	if err != nil {
		return err
	}
	return o.tell(render.Notice{
		Event: render.NoticeFinished, Period: s.Period, Kind: run.Kind, Total: s.Total, OnTheWay: s.Waiting, States: s.States,
		Waiting: len(run.Waiting), Errors: len(run.Errors), Done: s.Done, Pending: s.Pending,
	})
}

// alerted tells a run whose alert has said all there is to say.
func alerted(run store.Run) bool {
	return run.Kind == "schedule" && run.Planned == 0 && len(run.Waiting) > 0
}

// Paused tells why the queue stands still, of the pauses that began at a time or later.
func (o *Operators) Paused(ctx context.Context, since time.Time) error {
	if o == nil || len(o.Hooks) == 0 {
		return nil
	}
	pauses, err := o.Dispatcher.Ledger.Pauses(ctx)
	if err != nil {
		return err
	}
	return o.paused(slices.DeleteFunc(pauses, func(p store.Pause) bool { return p.StartedAt.Before(since) }))
}

// paused tells of pauses that keep mail back; of the clock's an alert tells.
func (o *Operators) paused(pauses []store.Pause) error {
	notice := render.Notice{Event: render.NoticePaused}
	for _, p := range pauses {
		if p.Cause.StopsQueue() {
			notice.Pauses = append(notice.Pauses, render.NoticePause{
				Cause: string(p.Cause), By: p.By, Since: p.StartedAt.Format(time.RFC3339), Reason: p.Reason,
			})
		}
	}
	if notice.Pauses == nil {
		return nil
	}
	return o.tell(notice)
}

// pauseWatch knows of which pauses was told. It looks at the ledger, so that what another process has paused is found too.
type pauseWatch struct {
	told map[store.Cause]time.Time // when they began; nil: nobody has looked yet
}

const (
	pausesEvery = 10 * time.Second
	// pauseIsOld is when the first look takes a pause for one of which was told before a restart.
	pauseIsOld = 10 * time.Minute
)

// fresh gives the pauses of which nobody was told.
func (w *pauseWatch) fresh(pauses []store.Pause, now time.Time) (fresh []store.Pause) {
	first, open := w.told == nil, map[store.Cause]time.Time{}
	for _, p := range pauses {
		open[p.Cause] = p.StartedAt
		old := first && now.Sub(p.StartedAt) > pauseIsOld
		if known, ok := w.told[p.Cause]; !old && (!ok || !known.Equal(p.StartedAt)) {
			fresh = append(fresh, p)
		}
	}
	w.told = open
	return fresh
}

// pauseLoop tells of what stops the queue, once each.
func (d *Daemon) pauseLoop(ctx context.Context, o *Operators) {
	for {
		pauses, err := d.Ledger.Pauses(ctx)
		if err == nil {
			err = o.paused(d.pauses.fresh(pauses, d.Now()))
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the webhooks could not be told of a pause", "error", err)
		}
		if !sleep(ctx, pausesEvery) {
			return
		}
	}
}
