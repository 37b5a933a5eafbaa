package daemon

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"geppo/mailer"
	"geppo/store"
)

// The stages before a connection is needed: claim and compose.

// claim puts deliveries into taken, at most so many. It takes one for each connection at a time, so
// that they do not cost a commit each.
func (d *Dispatcher) claim(ctx, work context.Context, filter store.Filter, taken chan<- store.Delivery, most int) (claimed int, err error) {
	defer close(taken)
	for ctx.Err() == nil && !d.resting.Load() && !d.gate.isShut() && claimed < most {
		d.Crash.at(BeforeClaim)
		deliveries, err := d.Seat.Claim(ctx, filter, d.Now(), min(d.Policy.Connections, most-claimed))
		if errors.Is(err, store.ErrNotFound) {
			return claimed, nil
		}
		if err != nil {
			return claimed, err
		}
		claimed += len(deliveries)
		d.Crash.at(AfterClaim)
		for _, delivery := range deliveries {
			if !put(ctx, taken, delivery) {
				err = errors.Join(err, d.giveBack(work, begun(delivery)))
			}
		}
		if err != nil {
			return claimed, err
		}
	}
	return claimed, ctx.Err()
}

// put sends v on, unless ctx is done: then never, where a select alone would leave it to chance.
func put[T any](ctx context.Context, to chan<- T, v T) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case to <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

func begun(delivery store.Delivery) composed {
	return composed{delivery: delivery, attempt: store.Attempt{
		Delivery: delivery.ID, Number: delivery.Attempts, Stage: string(mailer.StageCompose),
	}}
}

// compose makes the messages of what was taken, and puts them into ready.
func (d *Dispatcher) compose(ctx, work context.Context, taken <-chan store.Delivery, ready chan<- composed) error {
	for delivery := range taken {
		report := reportOf(delivery)
		if !d.making.begin(report, delivery) {
			continue // whoever makes its report composes it
		}
		for more := true; more; delivery, more = d.making.next(report) {
			if err := d.composeOne(ctx, work, delivery, ready); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (d *Dispatcher) composeOne(ctx, work context.Context, delivery store.Delivery, ready chan<- composed) error {
	next := begun(delivery)
	if ctx.Err() != nil || d.gate.isShut() {
		return d.giveBack(work, next)
	}
	err := d.eligible(work, delivery)
	if err == nil {
		next.message, err = d.build(work, delivery)
	}
	if err != nil && work.Err() != nil { // cut off by the end of the bound: no fault of the delivery's
		return d.giveBack(work, next)
	}
	if err != nil {
		return d.refuse(work, next, err)
	}
	d.Crash.at(Composed)
	if !put(ctx, ready, next) {
		return d.giveBack(work, next)
	}
	return nil
}

// CancelError says that nobody may be written to there any more.
type CancelError struct{ Reason string }

func (e *CancelError) Error() string { return e.Reason }

// eligible fails with a *CancelError if a delivery must not go out any more.
func (d *Dispatcher) eligible(ctx context.Context, delivery store.Delivery) error {
	if d.Eligible == nil {
		return nil
	}
	reason, err := d.Eligible(ctx, delivery)
	if err == nil && reason != "" {
		err = &CancelError{reason}
	}
	return err
}

// build composes a message. A report that panics is held: the next ones are none the worse for it.
func (d *Dispatcher) build(ctx context.Context, delivery store.Delivery) (mailer.Message, error) {
	compose := d.Compose
	if compose == nil {
		compose = d.Composer.Compose
	}
	return guarded(func() (mailer.Message, error) { return compose(ctx, delivery) })
}

// guarded turns a panic into a *HoldError.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &HoldError{fmt.Sprintf("composing panicked: %v; this is a fault of geppo, please tell its authors: %s", p, debug.Stack())}
		}
	}()
	return f()
}

// refuse settles a delivery whose message could not be made, or must not go out.
func (d *Dispatcher) refuse(ctx context.Context, c composed, cause error) error {
	var failure *mailer.Error
	var hold *HoldError
	var cancel *CancelError
	switch {
	case errors.As(cause, &cancel):
		c.attempt.Reply, c.attempt.Outcome = cancel.Reason, store.OutcomeCancelled
	case errors.As(cause, &hold):
		c.attempt.Reply, c.attempt.Outcome = hold.Reason, store.OutcomeHeld
	case errors.As(cause, &failure):
		return d.failed(ctx, c, cause)
	default:
		return d.ours(ctx, c, cause)
	}
	return d.settle(ctx, c)
}

// giveBack returns a claimed delivery to the queue as if it had not been claimed.
func (d *Dispatcher) giveBack(ctx context.Context, c composed) error {
	c.attempt.Outcome, c.attempt.Reply = store.OutcomeInterrupted, "geppo was stopped, or the queue paused, before the attempt"
	return d.settle(ctx, c)
}
