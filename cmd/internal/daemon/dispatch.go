package daemon

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlite"
)

// Dispatcher sends what is due: claim, compose, send, record.
//
// Its failure policy: a delivery is claimed by one transaction that registers the attempt, and
// settled by one that records the attempt's end with the state that follows. Up to the final dot
// nothing can have been accepted, so whatever goes wrong there puts the delivery back with a
// back-off (temporary) or ends it (permanent). The dot itself is announced in the ledger first
// (handing_over); if its reply is lost the attempt is ambiguous, and the delivery is sent again with
// the same bytes and Message-ID, or held, as configured. A fault of our own set-up, or three failed
// connections in a row, pause the queue instead of failing one delivery after the other.
//
// Everything is built before a connection is used for it: renderers compose ahead of senders by at
// most one message for each connection, so that neither waits for what the other could do meanwhile
// and the memory between them is bounded.
type Dispatcher struct {
	Ledger   *sqlite.Ledger
	Composer *Composer
	// Compose makes a delivery's message; nil: Composer.Compose.
	Compose   func(context.Context, store.Delivery) (mailer.Message, error)
	Client    *mailer.Client
	Policy    Policy
	Renderers int // goroutines that compose
	Log       *slog.Logger
	Now       func() time.Time
	// Settled is told of every delivery's new state; nil: nobody is.
	Settled func(store.Delivery, store.State)
	// Eligible says why a delivery must not go out any more, "" if it may; it is asked before composing and
	// right before the final dot. nil: everything may.
	Eligible func(context.Context, store.Delivery) (reason string, err error)
	Watch    Watch
	Crash    Crash

	failedConnections atomic.Int32 // in a row
	resting           atomic.Bool
}

// Policy is what the configuration says about sending.
type Policy struct {
	Connections           int
	MessagesPerConnection int
	Backoff               mailer.Backoff
	HoldAmbiguous         bool // on_ambiguous = "hold"
	AmbiguousMax          int
	Limits                *Limits
	Finish                time.Duration // bound on deliveries under way when the sender is stopped
}

// maxFailedConnections in a row pause the queue.
const maxFailedConnections = 3

// composed is a claimed delivery with its message.
type composed struct {
	delivery store.Delivery
	attempt  store.Attempt
	message  mailer.Message
}

// Recover settles what a crash left under way; call it while nobody sends and the lock is held.
func (d *Dispatcher) Recover(ctx context.Context) error {
	left, err := d.Ledger.UnderWay(ctx)
	if err != nil {
		return err
	}
	for _, delivery := range left {
		work := composed{delivery: delivery, attempt: store.Attempt{
			Delivery: delivery.ID, Number: delivery.Attempts, Stage: "compose", Outcome: store.OutcomeInterrupted,
			Reply: "geppo was stopped during the attempt",
		}}
		if delivery.State == store.HandingOver {
			work.attempt.Stage, work.attempt.Outcome = string(mailer.StageDot), store.OutcomeAmbiguous
		}
		if err := d.settle(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

// Run sends until nothing of the filter can be sent at once. Once ctx is done it claims no more,
// finishes the deliveries under way within Policy.Finish and returns ctx's error. While a fault
// pauses the queue, one delivery is tried first: if it cannot connect either, that was the probe.
func (d *Dispatcher) Run(ctx context.Context, filter store.Filter) error {
	// Those in a row are counted on from run to run, as a run may have one delivery only; a full count
	// has paused the queue, and whoever ended the pause wants it tried.
	d.failedConnections.CompareAndSwap(maxFailedConnections, 0)
	if err := d.Recover(ctx); err != nil { // a fault of the ledger may have ended the run before
		return err
	}
	for {
		probe, err := d.paused(ctx)
		if err != nil {
			return err
		}
		claimed, err := d.pass(ctx, filter, probe)
		if err != nil || claimed == 0 || d.failedConnections.Load() >= maxFailedConnections {
			return err
		}
	}
}

// Rest lets a Run end once what it has claimed is settled, and every later one at once: another
// Dispatcher takes over. In contrast to the end of ctx there is no bound.
func (d *Dispatcher) Rest() { d.resting.Store(true) }

// paused fails if an operator has paused the queue, and tells whether a fault has.
func (d *Dispatcher) paused(ctx context.Context) (probe bool, err error) {
	pauses, err := d.Ledger.Pauses(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(pauses, faulty), pausedBy(pauses, isOperators)
}

// pass works until the queue is empty and everything claimed is settled. A probe claims one delivery
// only, and stops at the first failed connection.
func (d *Dispatcher) pass(ctx context.Context, filter store.Filter, probe bool) (claimed int, err error) {
	// Sending outlives ctx by a bound: a message half sent is finished, not broken off.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d.Policy.Finish, cancel) })
	defer stop()

	most, rendering, connections := math.MaxInt, d.Renderers, d.Policy.Connections
	if probe {
		most, rendering, connections = 1, 1, 1
		d.failedConnections.Store(maxFailedConnections - 1)
	}
	group, ctx := errgroup.WithContext(ctx)
	taken := make(chan store.Delivery, d.Policy.Connections/2)
	ready := make(chan composed, d.Policy.Connections)
	var renderers sync.WaitGroup
	group.Go(func() (err error) {
		claimed, err = d.claim(ctx, work, filter, taken, most)
		return err
	})
	for range rendering {
		renderers.Add(1)
		group.Go(func() error {
			defer renderers.Done()
			return d.compose(ctx, work, taken, ready)
		})
	}
	go func() {
		renderers.Wait()
		close(ready)
	}()
	for range connections {
		group.Go(func() error { return d.send(ctx, work, ready) })
	}
	err = group.Wait()
	// After a failure what was claimed and not sent goes back into the queue.
	for delivery := range taken {
		err = errors.Join(err, d.giveBack(work, begun(delivery)))
	}
	for rest := range ready {
		err = errors.Join(err, d.giveBack(work, rest))
	}
	return claimed, err
}

// claim puts deliveries into taken, at most so many. It takes one for each connection at a time, so
// that they do not cost a commit each.
func (d *Dispatcher) claim(ctx, work context.Context, filter store.Filter, taken chan<- store.Delivery, most int) (claimed int, err error) {
	defer close(taken)
	for ctx.Err() == nil && !d.resting.Load() && d.failedConnections.Load() < maxFailedConnections && claimed < most {
		d.Crash.at(BeforeClaim)
		deliveries, err := d.Ledger.Claim(ctx, filter, d.Now(), min(d.Policy.Connections, most-claimed))
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
	build := d.Compose
	if build == nil {
		build = d.Composer.Compose
	}
	for delivery := range taken {
		next := begun(delivery)
		if ctx.Err() != nil || d.failedConnections.Load() >= maxFailedConnections {
			if err := d.giveBack(work, next); err != nil {
				return err
			}
			continue
		}
		err := d.eligible(work, delivery)
		if err == nil {
			next.message, err = build(work, delivery)
		}
		if err != nil {
			if work.Err() != nil { // cut off by the end of the bound: no fault of the delivery's
				err = d.giveBack(work, next)
			} else {
				err = d.refuse(work, next, err)
			}
			if err != nil {
				return err
			}
			continue
		}
		d.Crash.at(Composed)
		if !put(ctx, ready, next) {
			if err := d.giveBack(work, next); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
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

// refuse settles a delivery whose message could not be made, or must not go out.
func (d *Dispatcher) refuse(ctx context.Context, c composed, cause error) error {
	var failure *mailer.Error
	if errors.As(cause, &failure) {
		return d.failed(ctx, c, cause)
	}
	c.attempt.Reply, c.attempt.Outcome = cause.Error(), store.OutcomeTemporary
	var hold *HoldError
	if errors.As(cause, &hold) {
		c.attempt.Reply, c.attempt.Outcome = hold.Reason, store.OutcomeHeld
	}
	var cancel *CancelError
	if errors.As(cause, &cancel) {
		c.attempt.Reply, c.attempt.Outcome = cancel.Reason, store.OutcomeCancelled
	}
	return d.settle(ctx, c)
}

// giveBack returns a claimed delivery to the queue as if it had not been claimed.
func (d *Dispatcher) giveBack(ctx context.Context, c composed) error {
	c.attempt.Outcome, c.attempt.Reply = store.OutcomeInterrupted, "geppo was stopped before the attempt"
	return d.settle(ctx, c)
}

// send works off ready over one connection of its own.
func (d *Dispatcher) send(ctx, work context.Context, ready <-chan composed) (err error) {
	relay := link{d: d}
	defer func() {
		err = errors.Join(err, relay.recorded())
		relay.hangUp()
	}()
	for next := range ready {
		if ctx.Err() != nil || d.failedConnections.Load() >= maxFailedConnections {
			err = d.giveBack(work, next)
		} else {
			err = d.deliver(work, &relay, next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deliver runs one SMTP transaction and records how it ended; that it was accepted is durable only
// before the next dot on this connection. Its error is one of the ledger's.
func (d *Dispatcher) deliver(ctx context.Context, relay *link, c composed) error {
	if err := d.Policy.Limits.Wait(ctx, c.delivery.Recipient); err != nil {
		return d.giveBack(ctx, c)
	}
	if !belongs(c.message, c.delivery) {
		return d.refuse(ctx, c, &HoldError{"the message does not belong to this delivery"})
	}
	reply, err := relay.send(ctx, c)
	var failure *mailer.Error
	if errors.As(err, &failure) && failure.Anew {
		// The connection is to blame until a new one has been tried, which is no further try.
		relay.hangUp()
		reply, err = relay.send(ctx, c)
	}
	if err != nil {
		return errors.Join(relay.fault, d.failed(ctx, c, err))
	}
	c.attempt.Stage, c.attempt.Outcome = string(mailer.StageDot), store.OutcomeSent
	c.attempt.Code, c.attempt.Enhanced, c.attempt.Reply, c.attempt.TLS = reply.Code, reply.Enhanced, reply.Text, reply.TLS
	relay.record(ctx, c)
	return nil
}

// belongs is the last look before a message leaves: the Message-ID names contract, period,
// revision, address and resend, the envelope the address.
func belongs(m mailer.Message, d store.Delivery) bool {
	address, err := mailer.EnvelopeAddress(d.Recipient)
	return err == nil && m.To == address && m.ID == d.MessageID
}
