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
	"geppo/store/sqlstore"
)

// Dispatcher sends what is due: claim, compose, send, record.
//
// Its failure policy: a delivery is claimed by one transaction that registers the attempt, and
// settled by one that records the attempt's end with the state that follows. Up to the final dot
// nothing can have been accepted, so whatever goes wrong there puts the delivery back with a
// back-off (temporary) or ends it (permanent). The dot itself is announced in the ledger first
// (handing_over); if its reply is lost the attempt is ambiguous, and the delivery is sent again with
// the same bytes and Message-ID, or held, as configured.
//
// What every delivery would meet is no delivery's failure: a fault of our set-up, three failed
// connections in a row, a refusal that is told of one and meant for all, an archive or a database that
// cannot be read. It pauses the queue instead of failing one delivery after the other, and the
// deliveries are due again. Where it may also be one delivery's own (a refusal, what is read for it),
// another one is tried at once, and tells. While the queue is paused each Run is a probe: one delivery at a
// time, until one shows that the fault is gone; see fault.go. What the relay lets us have of connections
// is no fault at all; see gate.
//
// Everything is built before a connection is used for it: renderers compose ahead of senders by at
// most one message for each connection, so that neither waits for what the other could do meanwhile
// and the memory between them is bounded.
type Dispatcher struct {
	Ledger   *sqlstore.Ledger
	Seat     *sqlstore.Seat  // of Ledger; set before the first Run, see Post
	Worker   sqlstore.Worker // who sits there
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

	gate     gate
	making   making
	resting  atomic.Bool
	refusals chan struct{} // held by whoever settles a permanent refusal
	row      row           // of such, in a row
	alone    []int64       // what was under way at two deaths of the process; see Recover
}

// Policy is what the configuration says about sending.
type Policy struct {
	Connections           int
	MessagesPerConnection int
	Backoff               mailer.Backoff
	HoldAmbiguous         bool // on_ambiguous = "hold"
	AmbiguousMax          int
	Sweep                 int           // so many refusals of one kind in a row are meant for all; 0: never
	CanaryWait            time.Duration // without an objection the others follow their canaries
	Limits                *Limits
	Finish                time.Duration // bound on deliveries under way when the sender is stopped
}

// composed is a claimed delivery with its message.
type composed struct {
	delivery store.Delivery
	attempt  store.Attempt
	message  mailer.Message
	anew     int  // how often it was tried on a new connection
	mark     bool // the relay says that there is no such mailbox
}

// Run sends until nothing of the filter can be sent at once. Once ctx is done it claims no more,
// finishes the deliveries under way within Policy.Finish and returns ctx's error. While a fault
// pauses the queue, one delivery at a time is tried; ErrPaused says that it still does.
func (d *Dispatcher) Run(ctx context.Context, filter store.Filter) error {
	if d.refusals == nil {
		d.refusals = make(chan struct{}, 1)
	}
	if err := d.Recover(ctx); err != nil { // a fault of the ledger may have ended the run before
		return err
	}
	for {
		standing, err := d.standing(ctx)
		if err == nil {
			err = d.follow(ctx)
		}
		if err != nil {
			return err
		}
		d.gate.begin(d.Policy.Connections, standing)
		probe := len(standing) > 0
		claimed, err := d.pass(ctx, d.narrowed(filter, probe), probe)
		shut := d.gate.closedBy()
		switch {
		case err != nil:
			return err
		case d.resting.Load():
			return nil
		case shut == "" && claimed > 0, shut == store.CauseSweep && !probe, shut == store.CauseStorage && !probe:
			// Go on, or try another one at once: the fault may be one delivery's.
		default:
			return StandStill(ctx, d.Seat)
		}
	}
}

// Rest lets a Run end once what it has claimed is settled, and every later one at once: another
// Dispatcher takes over. In contrast to the end of ctx there is no bound.
func (d *Dispatcher) Rest() { d.resting.Store(true) }

// standing are the faults that have paused the queue; it fails if an operator has.
func (d *Dispatcher) standing(ctx context.Context) (map[store.Cause]bool, error) {
	pauses, err := d.Seat.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	faults := map[store.Cause]bool{}
	for _, p := range pauses {
		if faulty(p) {
			faults[p.Cause] = true
		}
	}
	return faults, pausedBy(pauses, isOperators)
}

// follow lets go what waits for canaries to which nobody has objected.
func (d *Dispatcher) follow(ctx context.Context) error {
	n, err := d.Ledger.FollowCanaries(ctx, d.Policy.CanaryWait, d.Now())
	if n > 0 {
		d.Log.Info("the canaries were sent and nobody has objected: the others follow", "deliveries", n)
	}
	return err
}

// narrowed is the filter for the next pass: a delivery that may have killed the process goes alone.
func (d *Dispatcher) narrowed(filter store.Filter, probe bool) store.Filter {
	if probe || len(d.alone) == 0 {
		return filter
	}
	next := d.alone[0]
	d.alone = d.alone[1:]
	if len(filter.IDs) > 0 && !slices.Contains(filter.IDs, next) {
		return filter
	}
	filter.IDs = []int64{next}
	return filter
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
	}
	group, ctx := errgroup.WithContext(ctx)
	taken := make(chan store.Delivery, d.Policy.Connections/2)
	out := outbox{make(chan composed, d.Policy.Connections), make(chan composed, d.Policy.Connections)}
	var renderers sync.WaitGroup
	group.Go(func() (err error) {
		claimed, err = d.claim(ctx, work, filter, taken, most)
		return err
	})
	for range rendering {
		renderers.Add(1)
		group.Go(func() error {
			defer renderers.Done()
			return d.compose(ctx, work, taken, out.ready)
		})
	}
	go func() {
		renderers.Wait()
		close(out.ready)
	}()
	for range connections {
		group.Go(func() error { return d.send(ctx, work, out) })
	}
	err = group.Wait()
	// After a failure what was claimed and not sent goes back into the queue.
	for delivery := range taken {
		err = errors.Join(err, d.giveBack(work, begun(delivery)))
	}
	for _, delivery := range d.making.rest() {
		err = errors.Join(err, d.giveBack(work, begun(delivery)))
	}
	close(out.again)
	for _, rest := range []chan composed{out.again, out.ready} {
		for c := range rest {
			err = errors.Join(err, d.giveBack(work, c))
		}
	}
	return claimed, err
}
