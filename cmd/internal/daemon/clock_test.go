package daemon_test

import (
	"errors"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/templates"
)

const leap = 45 * 24 * time.Hour

// guarded is a scheduler that believes no clock that leaps, and its operator's mails.
func (h *house) guarded() (s *daemon.Scheduler, mails func() int) {
	h.t.Helper()
	s = h.scheduler("0 9 1 * *")
	s.Clock.Leap = leap
	s.Operators = &daemon.Operators{Addresses: []string{"op@example.jp"}, Dispatcher: h.dispatcher, IDs: messageIDs(h.ledger), Templates: templates.FS}
	return s, func() int { return len(h.server.of("op@example.jp")) }
}

func (h *house) clockPaused() bool {
	h.t.Helper()
	pauses, err := h.ledger.Pauses(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return len(pauses) == 1 && pauses[0].Cause == store.CauseClock
}

// However wrong a clock is for a while, nothing is fired by it, and the next fire comes at its time.
func TestAWrongClockFiresNothing(t *testing.T) {
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, wrong := range map[string]time.Time{
		"2037": time.Date(2037, 6, 15, 0, 0, 0, 0, time.UTC), "two months ahead": due.AddDate(0, 2, 0),
		"1970": time.Unix(10, 0).UTC(), "a day behind": due.Add(-49 * time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			s, mails := h.guarded()
			h.now = due.Add(-24 * time.Hour)
			h.contract("C1", "a@example.jp")
			h.reconcile(s, h.now)
			for range 3 {
				if runs := h.reconcile(s, wrong); len(runs) > 0 || !h.clockPaused() || h.lastFire().State != store.FireBaseline {
					t.Errorf("runs %v, paused %v, fire %+v", runs, h.clockPaused(), h.lastFire())
				}
			}
			if mails() != 1 {
				t.Errorf("%d alerts", mails())
			}
			h.now = due
			h.covered("C1", "2026-10-31")
			if runs := h.reconcile(s, due); len(runs) != 1 || runs[0].Period != october || h.clockPaused() || mails() != 1 {
				t.Errorf("after it was set right: runs %+v, paused %v, %d alerts", runs, h.clockPaused(), mails())
			}
		})
	}
}

// A machine that was off for long has a right clock that is not believed, until somebody says so.
func TestAnOperatorVouchesForTheClock(t *testing.T) {
	h := newHouse(t)
	s, mails := h.guarded()
	h.now = time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)
	h.contract("C1", "a@example.jp")
	h.reconcile(s, h.now)
	later := time.Date(2032, 3, 15, 0, 0, 0, 0, time.UTC)
	if h.reconcile(s, later); !h.clockPaused() {
		t.Fatal("a clock five years ahead is believed")
	}
	if err := h.ledger.Resume(t.Context(), store.Order{By: "root"}, later); err != nil {
		t.Fatal(err)
	}
	h.reconcile(s, later.Add(time.Minute))
	open, err := h.ledger.OpenFires(t.Context())
	if err != nil || len(open) != 24 || open[23].Period.String() != "2032-02" || h.clockPaused() || mails() != 2 {
		t.Errorf("%d open fires, %v; paused %v, %d mails, want the alert of the clock and one of the months", len(open), err, h.clockPaused(), mails())
	}
	if h.reconcile(s, later.Add(time.Hour)); h.clockPaused() || mails() != 2 {
		t.Errorf("an hour later: paused %v, %d mails", h.clockPaused(), mails())
	}
}

// What a wrong clock wrote down before anybody noticed neither silences the schedule nor comes back.
func TestFiresAheadOfTheClockAreSetAside(t *testing.T) {
	h := newHouse(t)
	s, _ := h.guarded()
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h.now = due.Add(-24 * time.Hour)
	h.contract("C1", "a@example.jp")
	h.covered("C1", "2026-10-31")
	ahead := store.Fire{DueAt: time.Date(2036, 3, 1, 0, 0, 0, 0, time.UTC), Period: store.Period{Year: 2036, Month: 2}, State: store.FireBaseline}
	if err := h.ledger.PutFire(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	if h.reconcile(s, h.now); !h.clockPaused() {
		t.Fatal("nobody says that the schedule would be silent until 2036")
	}
	if err := h.ledger.Resume(t.Context(), store.Order{By: "root"}, h.now); err != nil {
		t.Fatal(err)
	}
	h.reconcile(s, h.now.Add(time.Minute))
	if runs := h.reconcile(s, due); len(runs) != 1 || runs[0].Period != october || h.clockPaused() {
		t.Errorf("runs %+v, paused %v", runs, h.clockPaused())
	}
	// A clock that goes wrong again is not excused by what was said of the first time.
	if h.reconcile(s, due.Add(-7*24*time.Hour)); !h.clockPaused() {
		t.Error("a clock that goes back a week is believed")
	}
}

// A delivery that a wrong clock has put off for years is due at once when the clock is right.
func TestADeliveryIsNotPutOffBeyondTheLongestWait(t *testing.T) {
	h := newHouse(t)
	s, _ := h.guarded()
	s.Clock.Trust = 5 * time.Hour
	h.contract("C1", "a@example.jp", "b@example.jp")
	h.plan()
	claimed, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 2)
	if err != nil {
		t.Fatal(err)
	}
	rightly := h.now.Add(4 * time.Hour)
	for i, next := range []time.Time{h.now.AddDate(11, 0, 0), rightly} {
		err = errors.Join(err, h.seat.Settle(t.Context(), store.Settlement{
			Attempt: store.Attempt{Delivery: claimed[i].ID, Number: 1, EndedAt: h.now, Stage: "rcpt", Code: 450, Outcome: store.OutcomeTemporary},
			State:   store.Deferred, NextAttemptAt: next,
		}))
	}
	if err != nil {
		t.Fatal(err)
	}
	h.reconcile(s, h.now)
	got := h.deliveries()
	if a, b := got[claimed[0].Recipient].NextAttemptAt, got[claimed[1].Recipient].NextAttemptAt; !a.Equal(h.now) || !b.Equal(rightly) {
		t.Errorf("next tries at %s and %s, want %s and %s", a, b, h.now, rightly)
	}
}
