package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"geppo/aggregate"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

// life is one process of the simulated geppo: from its start to its end, which may be a kill. A kill
// copies the ledger's files as they are at that instant, as the disk would hold them, and cuts all
// connections; the next life opens the copy. What the dead process still does reaches nobody.
type life struct {
	s          *simulation
	path       string // of its ledger
	ledger     *sqlstore.Ledger
	dispatcher *daemon.Dispatcher
	heldBack   bool // an operator has paused the queue

	dead     atomic.Bool
	mu       sync.Mutex
	conns    []net.Conn
	ticks    int
	killAt   int // at which tick; 0: never
	stopAt   int // likewise, but in good order
	actAt    int // from which tick on, at the next message, an operator does something; 0: never
	stop     context.CancelFunc
	diedOf   error
	heritage string // the copy
}

func (s *simulation) newLife(path string) *life {
	l := &life{s: s, path: path}
	var err error
	if l.ledger, err = sqlstore.OpenLedger(s.t.Context(), path, sqlstore.Migrate); err != nil {
		s.t.Fatal(err)
	}
	seat, err := l.ledger.Join(s.t.Context(), sqlstore.Worker{Name: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	composer := &daemon.Composer{
		Detections: s.detections, Ledger: l.ledger, Draw: s.draw,
		Brands: daemon.Brands{"": {Renderer: s.renderer, From: mail.Address{Name: "geppo", Address: "geppo@geppo.example"}}}, MaxSize: 20e6,
		Archive: daemon.Archive{Dir: s.archive}, Log: slog.New(slog.DiscardHandler), Now: s.now,
	}
	l.dispatcher = &daemon.Dispatcher{
		Ledger: l.ledger, Seat: seat, Composer: composer, Log: composer.Log, Now: l.clock, Renderers: 1, Settled: l.settled,
		Client: &mailer.Client{
			Host: "relay.example", TLS: mailer.TLSNone, Auth: mailer.AuthNone, HELO: "geppo.example",
			Dial: s.relay.dial(l), Timeout: 10 * time.Minute,
		},
		Policy: s.policy,
		Eligible: func(ctx context.Context, d store.Delivery) (string, error) {
			reason, err := daemon.Eligibility{Detections: s.detections, Ledger: l.ledger}.Reason(ctx, d)
			if !l.dead.Load() {
				s.decided(d, reason, err)
			}
			return reason, err
		},
		Compose: func(ctx context.Context, d store.Delivery) (mailer.Message, error) {
			l.tick("compose " + d.MessageID) // what was claimed at once goes on one by one
			if time.Now().Before(l.s.damagedTo) {
				return mailer.Message{}, errors.New("read month: the detections are damaged")
			}
			s.model.ask(d.MessageID)
			return composer.Compose(ctx, d)
		},
	}
	return l
}

// clock takes a while to look at, and everything it says is said after a while of its own.
func (l *life) clock() time.Time {
	l.tick("clock")
	return l.s.now()
}

// tick lets virtual time pass, by an amount that no other goroutine's equals: it is drawn from the
// seed, the instant and the stage. So exactly one goroutine at a time has something to do, in an
// order that the seed alone decides; and each tick is a place where the process can die.
func (l *life) tick(stage string) {
	if l.dead.Load() {
		return
	}
	time.Sleep(time.Millisecond + time.Duration(l.s.roll(200e6, stage)))
	if l.dead.Load() {
		return
	}
	l.mu.Lock()
	l.ticks++
	kill, stop := l.ticks == l.killAt, l.ticks == l.stopAt
	// At a stage that one goroutine only can be at, and not one of the relay's: nothing orders those with
	// the end of the run. Others are anywhere in their transactions meanwhile.
	act := l.actAt > 0 && l.ticks >= l.actAt && strings.HasPrefix(stage, "compose ") && !kill // nobody hears the dead
	if act {
		l.actAt = 0
	}
	if kill {
		l.s.tracef("killed at %s", stage)
		l.kill()
	}
	l.mu.Unlock()
	if act {
		l.s.interfere(l)
	}
	if stop {
		l.s.tracef("stopped at %s", stage)
		l.stop()
	}
}

// hold keeps a connection to be cut at the end; false after it.
func (l *life) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return !l.dead.Load()
}

// kill ends the life; its lock is held, so that nobody sees it half dead.
func (l *life) kill() {
	l.dead.Store(true)
	l.s.kills++
	l.heritage = filepath.Join(l.s.dir, fmt.Sprintf("life%d.db", l.s.kills))
	for _, suffix := range []string{"", "-wal"} {
		l.diedOf = errors.Join(l.diedOf, copyFile(l.heritage+suffix, l.path+suffix))
	}
	for _, c := range l.conns {
		l.diedOf = errors.Join(l.diedOf, c.Close())
	}
	l.stop()
	r := l.s.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, copies := range r.copies {
		for _, c := range copies {
			c.lost = c.lost || !c.settled
		}
	}
}

func copyFile(to, from string) (err error) {
	source, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	target, err := os.Create(to)
	if err != nil {
		return errors.Join(err, source.Close())
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, source.Close(), target.Close())
}

// settled is the process's word that a reply is recorded.
func (l *life) settled(d store.Delivery, state store.State) {
	if l.dead.Load() {
		return
	}
	l.s.tracef("%s is %s", d.MessageID, state)
	if state != store.Sent {
		return
	}
	l.s.relay.mu.Lock()
	defer l.s.relay.mu.Unlock()
	if copies := l.s.relay.copies["<"+d.MessageID+">"]; len(copies) > 0 {
		copies[len(copies)-1].settled = true
	}
}

// run sends once, perhaps not to the end, and gives the life that goes on.
func (l *life) run() *life {
	ctx, cancel := context.WithCancel(l.s.t.Context())
	defer cancel()
	l.arm(cancel)
	err := l.dispatcher.Recover(ctx)
	if err == nil {
		err = l.dispatcher.Run(ctx, store.Filter{})
	}
	l.mu.Lock() // the relay's end of a connection may be at its last tick
	l.killAt = 0
	dead := l.dead.Load()
	l.mu.Unlock()
	if !dead {
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, daemon.ErrPaused) {
			l.s.faultf("run: %v", err)
		}
		if l.s.chance(10) {
			return l.restart(l.path)
		}
		return l
	}
	if l.diedOf != nil {
		l.s.faultf("kill: %v", l.diedOf)
	}
	return l.restart(l.heritage)
}

// arm decides whether this run ends early. The relay's end of an older connection may still tick.
func (l *life) arm(stop context.CancelFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = stop
	l.ticks, l.killAt, l.stopAt, l.actAt = 0, 0, 0, 0
	if l.s.chance(60) {
		l.actAt = 1 + l.s.intn(25)
	}
	switch {
	case l.s.chance(20):
		l.killAt = 1 + l.s.intn(60)
	case l.s.chance(10):
		l.stopAt = 1 + l.s.intn(60)
	}
}

// restart begins a new life, sometimes with a renderer whose bytes differ.
func (l *life) restart(path string) *life {
	if err := l.ledger.Close(); err != nil {
		l.s.faultf("close: %v", err)
	}
	if l.s.chance(5) {
		l.s.version++
	}
	next := l.s.newLife(path)
	next.heldBack = l.heldBack
	if err := next.dispatcher.Recover(l.s.t.Context()); err != nil {
		l.s.faultf("recover: %v", err)
	}
	return next
}

// draw makes small parts that say whose report of which month they are.
func (s *simulation) draw(r aggregate.Report) (render.Parts, error) {
	figures, err := json.Marshal(r.Overview.Summary)
	text := fmt.Sprintf("%s %s %d\n%d late, %s\nrenderer %d\n", r.Contract.ID, r.Period, r.Revision, r.Late, figures, s.version)
	return render.Parts{Subject: r.Period.String(), Text: []byte(text), HTML: []byte("<p>" + text)}, err
}
