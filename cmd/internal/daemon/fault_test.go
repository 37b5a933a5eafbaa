package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"geppo/aggregate"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
)

// The same refusal to one after the other is meant for all: the queue pauses, nobody has failed and nobody is marked;
// and when the relay has changed its mind, a probe lets everything go out.
func TestARefusalMeantForAllPauses(t *testing.T) {
	for _, refusal := range []struct {
		verb, reply string
		asked       int // at the most
	}{
		{"RCPT", "550 5.1.1 no such user", 12},
		{"RCPT", "554 5.7.1 Relay access denied", 8},
		{"DATA", "554 we do not like you", 12},
		{"DOT", "550 5.7.1 over some limit", 12},
		{"DOT", "554 5.4.5 daily quota", 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, r := scriptedHouse(t, 40)
			refuses, asked := true, map[string]bool{}
			r.says = func(verb, to string, _ visitOf) string {
				if verb == refusal.verb && refuses {
					asked[to] = true
					return refusal.reply
				}
				return ""
			}
			for range 3 { // a pause that stands is probed, and fails nobody either
				if err := h.run(); !errors.Is(err, daemon.ErrPaused) || !slices.Equal(h.standing(), []store.Cause{store.CauseSweep}) {
					t.Fatalf("%s: %v, paused by %v", refusal.reply, err, h.standing())
				}
				h.now = h.now.Add(4 * time.Hour)
			}
			marks, err := h.ledger.Marks(t.Context())
			if states := h.states(); states[store.Queued] != 40 || len(asked) > refusal.asked || err != nil || len(marks) > 0 {
				t.Errorf("%s: %v, %d asked, marks %v, %v", refusal.reply, states, len(asked), marks, err)
			}
			r.set(func() { refuses = false })
			if err := h.run(); err != nil || h.standing() != nil {
				t.Errorf("%s: %v, paused by %v", refusal.reply, err, h.standing())
			}
			h.now = h.now.Add(time.Minute)
			if err := h.run(); err != nil || h.states()[store.Sent] != 40 {
				t.Errorf("%s: %v, %v", refusal.reply, err, h.states())
			}
			r.serving.Wait()
		})
	}
}

// Some refusals in a row may each be meant as they are told: others who are accepted show it, and those who are refused
// again have failed, and are marked if there is no such mailbox.
func TestRefusalsInARowThatAreMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := scriptedHouse(t, 40)
		h.dispatcher.Policy.Connections = 1
		r.says = func(verb, to string, _ visitOf) string {
			if verb == "RCPT" && to >= "a010" && to < "a018" {
				return "550 5.1.1 no such user"
			}
			return ""
		}
		for range 4 {
			if err := h.run(); err != nil && !errors.Is(err, daemon.ErrPaused) {
				t.Fatal(err)
			}
			h.now = h.now.Add(time.Minute)
		}
		marks, err := h.ledger.Marks(t.Context())
		if states := h.states(); states[store.Sent] != 32 || states[store.Failed] != 8 || h.standing() != nil || err != nil || len(marks) != 8 {
			t.Errorf("%v, paused by %v, marks %v, %v", states, h.standing(), marks, err)
		}
		r.serving.Wait()
	})
	synctest.Test(t, func(t *testing.T) { // of several kinds, or with others between: no row
		h, r := scriptedHouse(t, 40)
		h.dispatcher.Policy.Connections = 1
		r.says = func(verb, to string, _ visitOf) string {
			switch {
			case verb != "RCPT" || to[3]%5 == 0:
				return ""
			case to[3]%2 == 0:
				return "550 5.2.1 mailbox disabled"
			}
			return "552 5.2.2 mailbox full"
		}
		if err := h.run(); err != nil || h.standing() != nil || h.states()[store.Failed] != 32 {
			t.Errorf("%v, paused by %v, %v", err, h.standing(), h.states())
		}
		r.serving.Wait()
	})
}

// A fault of our own files fails nobody: the queue pauses, says so, and goes on by itself once it is mended.
func TestOurOwnFaultsPause(t *testing.T) {
	for name, spoil := range map[string]func(h *house, dir string) (mend func() error){
		"archive": func(h *house, dir string) func() error {
			h.dispatcher.Composer.Archive.Dir = filepath.Join(dir, "archive")
			if err := os.WriteFile(h.dispatcher.Composer.Archive.Dir, nil, 0o600); err != nil {
				h.t.Fatal(err)
			}
			return func() error { return os.Remove(h.dispatcher.Composer.Archive.Dir) }
		},
		"detections": func(h *house, _ string) func() error {
			whole := h.dispatcher.Composer.Compose
			broken := true
			h.dispatcher.Compose = func(ctx context.Context, d store.Delivery) (mailer.Message, error) {
				if broken {
					return mailer.Message{}, fmt.Errorf("compose delivery %d: read month: database disk image is malformed", d.ID)
				}
				return whole(ctx, d)
			}
			return func() error { broken = false; return nil }
		},
		"eligibility": func(h *house, _ string) func() error {
			broken := true
			h.dispatcher.Eligible = func(context.Context, store.Delivery) (string, error) {
				if broken {
					return "", errors.New("read contract: disk I/O error")
				}
				return "", nil
			}
			return func() error { broken = false; return nil }
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, r := scriptedHouse(t, 20)
			mend := spoil(h, t.TempDir())
			for range 30 {
				if err := h.run(); !errors.Is(err, daemon.ErrPaused) || !slices.Equal(h.standing(), []store.Cause{store.CauseStorage}) {
					t.Fatalf("%s: %v, paused by %v", name, err, h.standing())
				}
				h.now = h.now.Add(4 * time.Hour)
			}
			for recipient, d := range h.deliveries() {
				if d.State != store.Queued || d.Waited != 0 {
					t.Errorf("%s: %s is %s, waited %s: %s", name, recipient, d.State, d.Waited, d.LastReply)
				}
			}
			if len(r.accepted) > 0 {
				t.Errorf("%s: %d mails", name, len(r.accepted))
			}
			if err := mend(); err != nil {
				t.Fatal(err)
			}
			if err := h.run(); err != nil || h.standing() != nil || h.states()[store.Sent] != 20 {
				t.Errorf("%s: %v, paused by %v, %v", name, err, h.standing(), h.states())
			}
			r.serving.Wait()
		})
	}
}

// What cannot be read for one delivery alone, or makes its report panic, holds that delivery, and no other.
func TestAFaultOfOneReportHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := scriptedHouse(t, 20)
		whole := h.dispatcher.Composer.Compose
		h.dispatcher.Composer.Draw = func(r aggregate.Report) (render.Parts, error) {
			if r.Contract.ID == "C003" {
				panic("a figure that cannot be")
			}
			return drawLittle(r)
		}
		h.dispatcher.Compose = func(ctx context.Context, d store.Delivery) (mailer.Message, error) {
			if d.Contract == "C005" {
				return mailer.Message{}, errors.New("read month: page 17 is damaged")
			}
			return whole(ctx, d)
		}
		for range 3 {
			if err := h.run(); err != nil {
				t.Fatal(err)
			}
			h.now = h.now.Add(time.Minute)
		}
		held := h.deliveries()
		if states := h.states(); states[store.Sent] != 18 || states[store.Held] != 2 || h.standing() != nil {
			t.Errorf("%v, paused by %v", states, h.standing())
		}
		if d := held["a003@c3.example"]; !strings.Contains(d.Reason, "panicked: a figure that cannot be") {
			t.Errorf("%+v", d)
		}
		if d := held["a005@c5.example"]; !strings.Contains(d.Reason, "page 17") {
			t.Errorf("%+v", d)
		}
		r.serving.Wait()
	})
}

// A report that kills the process does so three times at the most: before the third it goes alone.
func TestAReportThatKillsTheProcessIsHeld(t *testing.T) {
	h := newHouse(t)
	for i := range 6 {
		h.contract(fmt.Sprintf("C%d", i), fmt.Sprintf("a%d@example.jp", i))
	}
	h.plan()
	die := func(filter store.Filter, most int) { // with these under way
		t.Helper()
		if _, err := h.seat.Claim(t.Context(), filter, h.now, most); err != nil {
			t.Fatal(err)
		}
		h.dispatcher = h.newDispatcher(render.Options{})
		if err := h.dispatcher.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.now = h.now.Add(time.Minute)
	}
	die(store.Filter{}, 3)
	if n := h.states()[store.Queued]; n != 6 {
		t.Errorf("%d are queued after the first death", n)
	}
	suspects := store.Filter{IDs: []int64{1, 2, 3}}
	die(suspects, 3)
	together := 0
	whole := h.dispatcher.Composer.Compose
	h.dispatcher.Compose = func(ctx context.Context, d store.Delivery) (mailer.Message, error) {
		under, err := h.seat.Abandoned(ctx, true)
		if err != nil {
			t.Error(err)
		}
		if d.ID <= 3 {
			together = max(together, len(under))
		}
		if d.ID == 2 {
			return mailer.Message{}, &mailer.Error{Stage: mailer.StageCompose, Verdict: mailer.Temporary, Err: errors.New("not yet")}
		}
		return whole(ctx, d)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if together != 1 || h.states()[store.Sent] != 5 {
		t.Errorf("%d were under way beside a suspect; %v", together-1, h.states())
	}
	h.now = h.now.Add(time.Hour)
	for n := range 3 { // the count is of deaths in a row
		if d := h.deliveries()["a1@example.jp"]; d.State == store.Held {
			t.Errorf("held after %d deaths: %s", n, d.Reason)
		}
		die(store.Filter{}, 1)
	}
	if d := h.deliveries()["a1@example.jp"]; d.State != store.Held || !strings.Contains(d.Reason, "died three times") {
		t.Errorf("%s: %s", d.State, d.Reason)
	}
}

// Back-off goes by what a delivery has waited for failures of its own.
func TestInterruptionsDoNotLengthenTheBackOff(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "later@example.jp")
	h.plan()
	for range 2 {
		if _, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 1); err != nil {
			t.Fatal(err)
		}
		if err := h.dispatcher.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	d := h.deliveries()["later@example.jp"]
	if wait := d.NextAttemptAt.Sub(h.now); d.State != store.Deferred || d.Attempts != 3 || wait > 6*time.Minute {
		t.Errorf("%s after %d attempts, next in %s", d.State, d.Attempts, wait)
	}
}
