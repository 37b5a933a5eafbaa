package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/store"
	"geppo/store/sqlstore"
)

func join(t *testing.T, l *sqlstore.Ledger, name string) *sqlstore.Seat {
	t.Helper()
	s, err := l.Join(t.Context(), sqlstore.Worker{Name: name, Build: "b", Grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// takeOver settles what the dead have left, as a daemon does.
func takeOver(t *testing.T, s *sqlstore.Seat) []store.Delivery {
	t.Helper()
	left, err := s.Abandoned(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range left {
		end := ended(d, store.Queued)
		end.Attempt.Stage, end.Attempt.Outcome = "compose", store.OutcomeInterrupted
		if d.State == store.HandingOver {
			end.Attempt.Stage, end.Attempt.Outcome = "dot", store.OutcomeAmbiguous
		}
		if err := s.Settle(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	return left
}

// sender goes a delivery's way step by step, and believes what it is told.
type sender struct {
	seat   *sqlstore.Seat
	has    store.Delivery
	dotted bool // it was told to write its dot
}

func (s *sender) step(t *testing.T, what byte) error {
	switch what {
	case 'c':
		claimed, err := s.seat.Claim(t.Context(), store.Filter{}, first, 1)
		if err == nil {
			s.has = claimed[0]
		}
		return err
	case 'h':
		if s.has.ID == 0 {
			return nil
		}
		err := s.seat.HandOver(t.Context(), s.has.ID, s.has.Attempts, sha256.Sum256(nil), first)
		s.dotted = err == nil
		return err
	}
	if !s.dotted {
		return nil
	}
	return s.seat.Settle(t.Context(), ended(s.has, store.Sent))
}

// Every order in which a worker that was declared dead and the one that takes over can go their ways: nothing is lost, and
// no dot is written twice but where the ledger says that nobody knows of the first.
func TestNoOrderOfEventsSendsTwiceUnmarked(t *testing.T) {
	onBoth(t, noOrderOfEventsSendsTwiceUnmarked)
}

func noOrderOfEventsSendsTwiceUnmarked(t *testing.T) {
	l, run := openLedger(t), 0
	for _, order := range interleavings("CHS", "rchs") {
		run++
		contract := fmt.Sprint("C", run)
		plan(t, l, target(contract, "a@example.jp"))
		dead := &sender{seat: join(t, l, "w")}
		var heir *sender
		for i := range order {
			switch what := order[i]; what {
			case 'C', 'H', 'S':
				err := dead.step(t, what+'a'-'A')
				if heir != nil && what == 'H' && err == nil && dead.has.ID != 0 && dead.has.Attempts == 1 && heir.has.ID != 0 {
					t.Errorf("%s: the dead began to hand over what the other had", order)
				}
			case 'r':
				if err := dead.seat.Vanish(); err != nil {
					t.Fatal(err)
				}
				heir = &sender{seat: join(t, l, "w")}
				takeOver(t, heir.seat)
			default:
				if err := heir.step(t, what); what == 's' && err != nil {
					t.Errorf("%s: the heir's own settlement: %v", order, err)
				}
			}
		}
		takeOver(t, heir.seat) // what the dead has claimed after its death
		checkDots(t, l, order, contract, dead, heir)
		if err := heir.seat.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Cancel(t.Context(), store.Filter{Contracts: []string{contract}}, store.Order{By: "root"}, first); err != nil {
			t.Fatal(err)
		}
	}
	if run != 35 {
		t.Errorf("%d orders, want 35", run)
	}
}

func checkDots(t *testing.T, l *sqlstore.Ledger, order, contract string, senders ...*sender) {
	t.Helper()
	list, err := l.Deliveries(t.Context(), store.Filter{Contracts: []string{contract}})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	dots := 0
	for _, s := range senders {
		if s.dotted {
			dots++
		}
	}
	d := list[0]
	if known := d.Ambiguous; dots > known+1 || dots > known && d.State != store.Sent {
		t.Errorf("%s: %d dots, of which the ledger knows %d as ambiguous, in the end %s", order, dots, known, d.State)
	}
	if d.State != store.Sent && d.State != store.Queued {
		t.Errorf("%s: in the end it is %s", order, d.State)
	}
}

// interleavings are all orders of both that keep each one's own.
func interleavings(a, b string) (all []string) {
	if a == "" || b == "" {
		return []string{a + b}
	}
	for _, rest := range interleavings(a[1:], b) {
		all = append(all, a[:1]+rest)
	}
	for _, rest := range interleavings(a, b[1:]) {
		all = append(all, b[:1]+rest)
	}
	return all
}

// Who has joined is listed with what is in its hands; who is gone and has left nothing is not.
func TestWorkersAreListed(t *testing.T) { onBoth(t, workersAreListed) }

func workersAreListed(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "a@example.jp"))
	s := join(t, l, "host")
	if _, err := s.Claim(t.Context(), store.Filter{}, first, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := l.Workers(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	w := list[0]
	if w.Name != "host" || w.Build != "b" || w.UnderWay != 2 || !w.Lives || time.Since(w.StartedAt) > time.Hour {
		t.Errorf("%+v", w)
	}
	if err := s.Vanish(); err != nil {
		t.Fatal(err)
	}
	heir := join(t, l, "host")
	if left := takeOver(t, heir); len(left) != 2 {
		t.Errorf("it has left %d", len(left))
	}
	if err := errors.Join(heir.Leave(t.Context()), join(t, l, "other").Leave(t.Context())); err != nil {
		t.Fatal(err)
	}
	if list, err := l.Workers(t.Context()); err != nil || len(list) > 1 {
		t.Error(list, err)
	}
}

// On PostgreSQL workers sit beside each other; what one has claimed no other gets, nor takes over while it lives.
func TestSeatsBesideEachOther(t *testing.T) { t.Run(onPostgres, seatsBesideEachOther) }

func seatsBesideEachOther(t *testing.T) {
	dsn := newDSN(t)
	a, b := openedLedger(t, dsn), openedLedger(t, dsn)
	var all []wanted
	for i := range 40 {
		all = append(all, target(fmt.Sprint("C", i), "a@example.jp"))
	}
	plan(t, a, all...)
	one, two := join(t, a, "host"), join(t, b, "host")
	if one.Name() != "host" || two.Name() != "host-2" {
		t.Errorf("they are called %s and %s", one.Name(), two.Name())
	}
	taken := map[int64]bool{}
	for range 5 {
		for _, s := range []*sqlstore.Seat{one, two} {
			claimed, err := s.Claim(t.Context(), store.Filter{}, first, 4)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range claimed {
				if taken[d.ID] {
					t.Errorf("delivery %d was claimed twice", d.ID)
				}
				taken[d.ID] = true
			}
		}
	}
	if len(taken) != 40 {
		t.Errorf("%d were claimed", len(taken))
	}
	if left, err := two.Abandoned(t.Context(), false); err != nil || len(left) != 0 {
		t.Errorf("%d of a living one, %v", len(left), err)
	}
	if left, err := two.Abandoned(t.Context(), true); err != nil || len(left) != 20 {
		t.Errorf("%d of its own, %v", len(left), err)
	}
}

// Of many that would do the same for all, one does.
func TestOneDoesItForAll(t *testing.T) { onBoth(t, oneDoesItForAll) }

func oneDoesItForAll(t *testing.T) {
	dsn, number := newDSN(t), 8
	if !strings.HasPrefix(dsn, "postgres:") {
		number = 1
	}
	did, entered, leave := 0, make(chan struct{}), make(chan struct{})
	first := openedLedger(t, dsn)
	var group errgroup.Group
	group.Go(func() error {
		_, err := first.Alone(context.Background(), "what", func(context.Context) error {
			did++
			close(entered)
			<-leave
			return nil
		})
		return err
	})
	<-entered
	for range number - 1 {
		ran, err := openedLedger(t, dsn).Alone(t.Context(), "what", func(context.Context) error { return errors.New("twice") })
		if ran || err != nil {
			t.Errorf("ran %v, %v", ran, err)
		}
	}
	ran, err := first.Alone(t.Context(), "other", func(context.Context) error { return nil })
	if !ran || err != nil {
		t.Errorf("another thing: ran %v, %v", ran, err)
	}
	close(leave)
	if err := group.Wait(); err != nil || did != 1 {
		t.Error(did, err)
	}
}

// A limit holds over all: who reserves later waits for what was reserved before.
func TestALimitHoldsOverAllSeats(t *testing.T) { t.Run(onPostgres, aLimitHoldsOverAllSeats) }

func aLimitHoldsOverAllSeats(t *testing.T) {
	dsn := newDSN(t)
	for n := range 4 {
		s := join(t, openedLedger(t, dsn), fmt.Sprint("host", n))
		wait, err := s.Reserve(t.Context(), "rate", 10, time.Minute)
		if want := time.Duration(n) * 10 * time.Minute; err != nil || wait > want || wait < want-5*time.Minute {
			t.Errorf("seat %d waits %s, %v; want nearly %s", n, wait, err, want)
		}
	}
	if wait, err := join(t, openedLedger(t, dsn), "other").Reserve(t.Context(), "another", 1, time.Second); err != nil || wait > 0 {
		t.Errorf("another limit: %s, %v", wait, err)
	}
}

// A fault of one worker's set-up keeps that one back and no other, and no other's health ends it; an operator's word and
// the relay's mind about us hold for all.
func TestAPauseIsOfOneOrOfAll(t *testing.T) { t.Run(onPostgres, aPauseIsOfOneOrOfAll) }

func aPauseIsOfOneOrOfAll(t *testing.T) {
	dsn := newDSN(t)
	l := openedLedger(t, dsn)
	one, two := join(t, l, "one"), join(t, openedLedger(t, dsn), "two")
	causes := func(pauses []store.Pause, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, p := range pauses {
			told = append(told, string(p.Cause)+" by "+p.By)
		}
		return strings.Join(told, ", ")
	}
	for _, cause := range []store.Cause{store.CauseSetup, store.CauseSweep} {
		if err := one.Pause(t.Context(), cause, "x", first); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.EndPause(t.Context(), store.CauseSetup, first); err != nil { // its own, of which there is none
		t.Fatal(err)
	}
	if got := causes(one.Pauses(t.Context())); got != "sweep by geppo, setup by geppo on one" {
		t.Errorf("one: %s", got)
	}
	if got := causes(two.Pauses(t.Context())); got != "sweep by geppo" {
		t.Errorf("two: %s", got)
	}
	if got := causes(l.Pauses(t.Context())); got != "sweep by geppo, setup by geppo on one" {
		t.Errorf("all: %s", got)
	}
	if err := errors.Join(two.EndPause(t.Context(), store.CauseSweep, first), one.Leave(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := causes(l.Pauses(t.Context())); got != "" {
		t.Errorf("after it left: %s", got)
	}
}

// Who has been silent for longer than the lease loses what it has claimed, and after its grace what it was handing over;
// forgotten, it joins again by its next heartbeat.
func TestASilentWorkerLosesItsClaims(t *testing.T) { t.Run(onPostgres, aSilentWorkerLosesItsClaims) }

func aSilentWorkerLosesItsClaims(t *testing.T) {
	dsn := newDSN(t)
	l := openedLedger(t, dsn)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "a@example.jp"))
	silent, other := join(t, l, "silent"), join(t, openedLedger(t, dsn), "other")
	claimed, err := silent.Claim(t.Context(), store.Filter{}, first, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := silent.HandOver(t.Context(), claimed[0].ID, 1, sha256.Sum256(nil), first); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		silence time.Duration
		left    int
	}{{sqlstore.Lease - 5*time.Second, 0}, {sqlstore.Lease + time.Second, 1}, {time.Minute + time.Second, 2}} {
		if err := silent.FallSilent(t.Context(), step.silence); err != nil {
			t.Fatal(err)
		}
		if left, err := other.Abandoned(t.Context(), false); err != nil || len(left) != step.left {
			t.Errorf("silent for %s it has left %d, %v; want %d", step.silence, len(left), err, step.left)
		}
	}
	takeOver(t, other)
	if err := silent.HandOver(t.Context(), claimed[1].ID, 1, sha256.Sum256(nil), first); !errors.Is(err, store.ErrStale) {
		t.Errorf("handing over: %v", err)
	}
	if err := silent.Settle(t.Context(), ended(claimed[0], store.Sent)); !errors.Is(err, store.ErrStale) {
		t.Errorf("settling: %v", err)
	}
	if err := errors.Join(other.Leave(t.Context()), join(t, l, "third").Leave(t.Context()), silent.Beat(t.Context())); err != nil {
		t.Fatal(err)
	}
	if claimed, err := silent.Claim(t.Context(), store.Filter{}, first, 2); err != nil || len(claimed) != 2 {
		t.Errorf("claimed %d, %v", len(claimed), err)
	}
}
