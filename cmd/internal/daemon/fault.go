package daemon

import (
	"context"
	"fmt"
	"slices"

	"geppo/mailer"
	"geppo/store"
)

// Faults that are no delivery's own: of our set-up, of the relay's mind about us, of our files. They pause the queue, and
// what met them is due again as if nothing had been. Each ends by what shows that it is gone.

// ownFault is an error of our own files: archive, ledger, detections or templates.
type ownFault struct{ error }

func (f *ownFault) Unwrap() error { return f.error }

// stop pauses the queue for a fault.
func (d *Dispatcher) stop(ctx context.Context, cause store.Cause, reason string) error {
	d.gate.shutBy(cause)
	if d.gate.stands(cause) {
		return nil
	}
	if err := d.Seat.Pause(context.WithoutCancel(ctx), cause, reason, d.Now()); err != nil {
		return err
	}
	d.gate.paused(cause)
	d.Log.Error("the queue is paused", "cause", cause, "reason", reason)
	return nil
}

// gone ends the pauses of faults that an attempt has shown to be gone.
func (d *Dispatcher) gone(ctx context.Context, causes ...store.Cause) error {
	for _, cause := range causes {
		if !d.gate.stands(cause) {
			continue
		}
		d.Log.Info("the queue goes on: the fault is gone", "cause", cause)
		if err := d.Seat.EndPause(context.WithoutCancel(ctx), cause, d.Now()); err != nil {
			return err
		}
		d.gate.ended(cause)
	}
	return nil
}

// shows ends the pauses that an attempt's end disproves: an answer to MAIL or later that blames neither login nor sender
// shows that the set-up works, a message that came to its dot that our files do, and one that was accepted everything.
func (d *Dispatcher) shows(ctx context.Context, stage mailer.Stage, outcome store.Outcome) error {
	switch {
	case outcome == store.OutcomeSent:
		return d.gone(ctx, store.CauseSetup, store.CauseStorage, store.CauseSweep)
	case outcome == store.OutcomeSetup:
		return nil
	case stage == mailer.StageDot:
		return d.gone(ctx, store.CauseSetup, store.CauseStorage)
	case stage == mailer.StageMail || stage == mailer.StageRcpt || stage == mailer.StageData:
		return d.gone(ctx, store.CauseSetup)
	}
	return nil
}

// ours puts a delivery back that met a fault of our own files. One that meets the same again, although others went
// out meanwhile, has it for itself: it is held. That can be so only of what is read for it, never of what all write to.
func (d *Dispatcher) ours(ctx context.Context, c composed, cause error) error {
	reply := cause.Error()
	composing := c.attempt.Stage == string(mailer.StageCompose)
	c.attempt.Reply, c.attempt.Outcome = reply, store.OutcomeSetup
	if d.Ledger.Passing(cause) { // the database comes back, or recording this will tell that it does not
		return d.settle(ctx, c)
	}
	if composing && c.delivery.LastReply == reply && !d.gate.stands(store.CauseStorage) {
		c.attempt.Outcome = store.OutcomeHeld
		return d.settle(ctx, c)
	}
	if err := d.stop(ctx, store.CauseStorage, reply); err != nil {
		return err
	}
	return d.settle(ctx, c)
}

// refusedForAll takes a refusal that every delivery would meet. Up to MAIL it is about our login and our sender, and an
// answer of another kind shows that these are mended; later only an accepted message does.
func (d *Dispatcher) refusedForAll(ctx context.Context, c composed, failure *mailer.Error) error {
	cause := store.CauseSetup
	if slices.Contains([]mailer.Stage{mailer.StageRcpt, mailer.StageData, mailer.StageDot}, failure.Stage) {
		cause = store.CauseSweep
	}
	c.attempt.Outcome = store.OutcomeSetup
	if err := d.stop(ctx, cause, failure.Error()); err != nil {
		return err
	}
	return d.settle(ctx, c)
}

// row is a series of refusals of one kind, told to different recipients with none accepted between.
type row struct {
	kind    string
	refused []refused
}

type refused struct {
	delivery int64
	mailbox  string
	again    bool // it had been put back by an earlier sweep
}

// add takes one more, and tells whether so many make a sweep. Those that had been put back before, while others were
// accepted since, make none by themselves: they are to blame.
func (r *row) add(kind string, one refused, sweep int) bool {
	if r.kind != kind {
		*r = row{kind: kind}
	}
	for _, known := range r.refused {
		if known.mailbox == one.mailbox {
			return false
		}
	}
	r.refused = append(r.refused, one)
	first := false
	for _, known := range r.refused {
		first = first || !known.again
	}
	return first && len(r.refused) >= sweep
}

// refusedForGood settles a permanent refusal. It may be told of one and meant for all – a quota, a sender that is not
// allowed, a relay that does not relay for us: then the queue pauses, and all who were told so are due again.
func (d *Dispatcher) refusedForGood(ctx context.Context, c composed, reply mailer.Reply) error {
	d.refusals <- struct{}{} // one after the other: who is put back must have been settled
	defer func() { <-d.refusals }()
	kind := reply.Kind()
	c.attempt.Outcome = store.OutcomePermanent
	if d.gate.stands(store.CauseSweep) && (d.row.kind == "" || d.row.kind == kind) {
		d.gate.shutBy(store.CauseSweep)
		c.attempt.Outcome = store.OutcomeSetup
		return d.settle(ctx, c)
	}
	one := refused{c.delivery.ID, store.Mailbox(c.delivery.Recipient), c.delivery.LastCode/100 == 5}
	if !d.row.add(kind, one, d.Policy.Sweep) || d.Policy.Sweep == 0 {
		c.mark = reply.NoMailbox()
		return d.settle(ctx, c)
	}
	reason := fmt.Sprintf("the same refusal to %d recipients in a row: %s", len(d.row.refused), reply)
	if err := d.stop(ctx, store.CauseSweep, reason); err != nil {
		return err
	}
	var ids []int64
	for _, one := range d.row.refused {
		ids = append(ids, one.delivery)
	}
	if err := d.Ledger.PutBack(context.WithoutCancel(ctx), ids, d.Now()); err != nil {
		return err
	}
	d.row.refused = nil
	c.attempt.Outcome = store.OutcomeSetup
	return d.settle(ctx, c)
}

// accepted ends a row of refusals.
func (d *Dispatcher) accepted() {
	d.refusals <- struct{}{}
	d.row = row{}
	<-d.refusals
}
