package daemon

import (
	"context"
	"sync"
	"time"

	"geppo/store"
)

// gate is what a dispatcher knows of the relay at the moment: whether anything may be begun, and over how many
// connections. All its goroutines decide by it, and it changes by the transitions below only, each of them whole:
//
//	begin       a pass starts; a fault that shut the last one is forgotten, for whoever ended its pause wants it tried
//	enter/leave a sender takes and gives back a place: there are as many as the relay lets us have connections
//	connected   a connection stands: the row of failures is over
//	refused     one does not; while another one of ours stands, that is the relay's limit, and there is one place less
//	closed      one is gone
//	shutBy      a fault that every delivery would meet: nothing is begun any more in this pass
//
// A place that was taken away comes back after a quiet while, one at a time. Connections are opened one after the other,
// as only so a refusal tells how many the relay lets us have: of four that are dialled at once to a relay that takes one,
// three may be refused before the one stands.
type gate struct {
	mu       sync.Mutex
	most     int // places, as configured
	allowed  int // places that the relay lets us have
	placed   int // of them taken
	open     int // connections that stand
	failed   int // connections that failed in a row while none stood
	probe    bool
	shut     store.Cause // the fault that ended the pass; "" while it goes on
	standing map[store.Cause]bool
	turn     int           // counts refusals and raises: what has changed since somebody began to wait
	stirred  chan struct{} // closed when a waiting sender should look again
	dialling chan struct{} // held by the one who dials
}

const (
	// maxFailedConnections in a row pause the queue.
	maxFailedConnections = 3
	// quiet is how long no connection may have been refused before one more is tried.
	quiet = time.Minute
)

// begin starts a pass with so many connections at the most. Failures in a row are counted on from pass to pass, as a
// pass may have one delivery only. standing are the faults that have paused the queue: then this pass is a probe.
func (g *gate) begin(most int, standing map[store.Cause]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.most != most || g.failed >= maxFailedConnections {
		g.most, g.allowed = most, most
	}
	if g.failed >= maxFailedConnections {
		g.failed = 0
	}
	g.shut, g.standing, g.probe = "", standing, len(standing) > 0
	g.stirred = make(chan struct{})
	if g.dialling == nil {
		g.dialling = make(chan struct{}, 1)
	}
}

// shutBy ends the pass for a fault.
func (g *gate) shutBy(cause store.Cause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == "" {
		g.shut = cause
	}
	if g.standing == nil {
		g.standing = map[store.Cause]bool{}
	}
	g.stir()
}

// stir wakes whoever waits; g.mu is held.
func (g *gate) stir() {
	close(g.stirred)
	g.stirred = make(chan struct{})
}

// closedBy is the fault that has ended the pass, "" while it goes on.
func (g *gate) closedBy() store.Cause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

func (g *gate) isShut() bool { return g.closedBy() != "" }

// stands tells whether a fault of the cause has paused the queue.
func (g *gate) stands(cause store.Cause) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.standing[cause]
}

// paused and ended note what became of the pauses.
func (g *gate) paused(cause store.Cause) { g.note(cause, true) }
func (g *gate) ended(cause store.Cause)  { g.note(cause, false) }

func (g *gate) note(cause store.Cause, stands bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.standing == nil {
		g.standing = map[store.Cause]bool{}
	}
	g.standing[cause] = stands
}

// enter waits for a place; false once the pass is over, and there is nothing to be sent any more.
func (g *gate) enter(ctx context.Context) bool {
	for {
		g.mu.Lock()
		over, free := g.shut != "" || ctx.Err() != nil, g.placed < g.allowed
		if !over && free {
			g.placed++
		}
		stirred, turn := g.stirred, g.turn
		g.mu.Unlock()
		if over || free {
			return !over
		}
		timer := time.NewTimer(quiet)
		select {
		case <-stirred:
		case <-ctx.Done():
		case <-timer.C:
			g.raise(turn)
		}
		timer.Stop()
	}
}

// raise gives one place back, unless something has changed since turn.
func (g *gate) raise(turn int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.turn == turn && g.allowed < g.most {
		g.allowed++
		g.turn++
		g.stir()
	}
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.placed--
	g.stir()
}

// dial waits for its turn to open a connection, and tells whether the caller's place still stands. done must be called
// if it does.
func (g *gate) dial(ctx context.Context) (done func(), ok bool) {
	select {
	case g.dialling <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != "" || g.placed > g.allowed {
		<-g.dialling
		return nil, false
	}
	return func() { <-g.dialling }, true
}

func (g *gate) connected() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open++
	g.failed = 0
}

func (g *gate) closed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}

// refused takes a connection that could not be opened. crowded: the relay takes no more than those that stand, and what
// was to be sent goes over them. broken: this was the last of a row that pauses the queue.
func (g *gate) refused() (crowded, broken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open > 0 {
		g.allowed = max(1, min(g.allowed-1, g.open))
		g.turn++
		return true, false
	}
	g.failed++
	if g.probe { // the pause stands already
		g.shut = store.CauseSetup
		g.stir()
		return false, false
	}
	return false, g.failed == maxFailedConnections
}
