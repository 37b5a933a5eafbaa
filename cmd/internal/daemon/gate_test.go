package daemon_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// However many connections the relay lets us have, all goes out over them, at the first attempt each; and when it lets
// us have more, they are made use of, one after the other.
func TestARelaysLimitIsObeyed(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		for name, refusal := range map[string]string{"greeting": "", "login": "432 4.3.2 Concurrent connections limit exceeded"} {
			synctest.Test(t, func(t *testing.T) {
				const contracts = 60
				h, r := scriptedHouse(t, contracts)
				r.limit, r.takes = limit, time.Second
				if refusal != "" { // the connection itself stands
					r.limit = 0
					r.says = func(verb, _ string, _ visitOf) string {
						if verb == "EHLO" && r.open > limit {
							r.refused++
							return "421 " + refusal[4:] + " + cut"
						}
						return ""
					}
				}
				began := time.Now()
				if err := h.run(); err != nil {
					t.Fatal(err)
				}
				for recipient, d := range h.deliveries() {
					if d.State != store.Sent || d.Attempts != 1 || r.accepted[recipient] != 1 {
						t.Errorf("%s is %s after %d attempts: %s", recipient, d.State, d.Attempts, d.LastReply)
					}
				}
				if pauses := h.standing(); pauses != nil {
					t.Errorf("paused by %v", pauses)
				}
				took, least := time.Since(began), time.Duration(contracts/limit)*time.Second
				if took > least*5/4 || r.refused == 0 || r.refused > 2+int(took/time.Minute) {
					t.Errorf("limit %d at the %s: took %s, at least %s; %d refused", limit, name, took, least, r.refused)
				}
				r.serving.Wait()
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h, r := scriptedHouse(t, 200)
		r.limit, r.takes = 1, 3*time.Second
		time.AfterFunc(90*time.Second, func() { r.set(func() { r.limit = 10 }) })
		began := time.Now()
		if err := h.run(); err != nil {
			t.Fatal(err)
		}
		// 30 messages over one connection, then up to 60 s for each one more.
		if took := time.Since(began); r.most != 4 || took > 330*time.Second || r.refused > 3 {
			t.Errorf("%d connections, %d refused, took %s", r.most, r.refused, took)
		}
		r.serving.Wait()
	})
}

// After an outage everything goes out again as soon as somebody says so, however many connections failed at once.
func TestAfterAnOutageTheQueueGoesOn(t *testing.T) {
	for _, connections := range []int{1, 2, 3, 4, 8} {
		for range 2 { // the order of things differs
			synctest.Test(t, func(t *testing.T) {
				h, r := scriptedHouse(t, 12)
				h.dispatcher.Policy.Connections = connections
				for range 3 {
					r.down = true
					if err := h.run(); !errors.Is(err, daemon.ErrPaused) || !slices.Equal(h.standing(), []store.Cause{store.CauseSetup}) {
						t.Fatalf("%d connections: %v, paused by %v", connections, err, h.standing())
					}
					dialled := r.dialled
					if err := h.run(); !errors.Is(err, daemon.ErrPaused) || r.dialled != dialled+1 {
						t.Errorf("%d connections: %v, a probe dialled %d times", connections, err, r.dialled-dialled)
					}
					if err := h.ledger.Resume(t.Context(), store.Order{By: "root"}, h.now); err != nil {
						t.Fatal(err)
					}
					h.now = h.now.Add(5 * time.Hour)
				}
				r.down = false
				if err := h.run(); err != nil {
					t.Error(err)
				}
				if n := h.states()[store.Sent]; n != 12 || r.most > connections {
					t.Errorf("%d connections: %d sent over %d", connections, n, r.most)
				}
				r.serving.Wait()
			})
		}
	}
}

// A probe that works ends the pause by itself, and only the pause of its cause.
func TestAPauseEndsByItsOwnCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := scriptedHouse(t, 12)
		refused := true
		r.says = func(verb, _ string, _ visitOf) string {
			if verb == "MAIL" && refused {
				return "550 5.7.1 sender not allowed"
			}
			return ""
		}
		for range 3 { // that a connection opens does not end it
			if err := h.run(); !errors.Is(err, daemon.ErrPaused) || !slices.Equal(h.standing(), []store.Cause{store.CauseSetup}) {
				t.Fatalf("%v, paused by %v", err, h.standing())
			}
			h.now = h.now.Add(time.Hour)
		}
		if states := h.states(); states[store.Queued] != 12 {
			t.Errorf("%v", states)
		}
		r.set(func() { refused = false })
		if err := h.ledger.Pause(t.Context(), store.CauseOperator, "maintenance", "root", h.now); err != nil {
			t.Fatal(err)
		}
		dialled := r.dialled
		if err := h.run(); !errors.Is(err, daemon.ErrPaused) || r.dialled != dialled {
			t.Errorf("%v; dialled %d times while an operator had paused the queue", err, r.dialled-dialled)
		}
		if err := h.ledger.EndPause(t.Context(), store.CauseOperator, h.now); err != nil {
			t.Fatal(err)
		}
		if err := h.run(); err != nil || h.standing() != nil || h.states()[store.Sent] != 12 {
			t.Errorf("%v, paused by %v, %v", err, h.standing(), h.states())
		}
		r.serving.Wait()
	})
}

// What is about the session is no message's fault: it goes out over a new connection, in the same attempt.
func TestTheSessionIsBlamedBeforeTheMessage(t *testing.T) {
	for verb, reply := range map[string]string{
		"MAIL": "451 4.7.1 too many messages in this session", "RCPT": "452 4.5.3 too many recipients", "DATA": "421 4.3.2 enough + cut",
		"RSET": "451 4.4.2 idle for too long + cut",
	} {
		synctest.Test(t, func(t *testing.T) {
			h, r := scriptedHouse(t, 40)
			r.says = func(said, _ string, on visitOf) string {
				if said == verb && on.accepted >= 3 {
					return reply
				}
				return ""
			}
			if err := h.run(); err != nil {
				t.Fatal(err)
			}
			for recipient, d := range h.deliveries() {
				if d.State != store.Sent || d.Attempts != 1 || r.accepted[recipient] != 1 {
					t.Errorf("%s: %s is %s after %d attempts: %s", verb, recipient, d.State, d.Attempts, d.LastReply)
				}
			}
			r.serving.Wait()
		})
	}
	synctest.Test(t, func(t *testing.T) { // and only once
		h, r := scriptedHouse(t, 20)
		tries := map[string]int{}
		r.says = func(verb, to string, _ visitOf) string {
			if verb == "RCPT" && to == "a010@c10.example" {
				tries[to]++
				return "450 4.2.1 mailbox busy"
			}
			return ""
		}
		if err := h.run(); err != nil {
			t.Fatal(err)
		}
		if d := h.deliveries()["a010@c10.example"]; d.State != store.Deferred || d.Attempts != 1 || tries[d.Recipient] != 2 || h.states()[store.Sent] != 19 {
			t.Errorf("%s after %d attempts and %d tries; %v", d.State, d.Attempts, tries[d.Recipient], h.states())
		}
		r.serving.Wait()
	})
}

// An early reply never counts as sent, and what was sent is sent once.
func TestARelayThatAnswersTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := scriptedHouse(t, 6)
		r.says = func(verb, to string, _ visitOf) string {
			if verb == "DOT" && to == "a003@c3.example" {
				return "250 fine already\r\n554 5.6.0 refused"
			}
			return ""
		}
		for range 3 {
			if err := h.run(); err != nil {
				t.Fatal(err)
			}
		}
		if d := h.deliveries()["a003@c3.example"]; d.State != store.Held || d.Ambiguous != 2 || h.states()[store.Sent] != 5 {
			t.Errorf("%s, %d times ambiguous; %v", d.State, d.Ambiguous, h.states())
		}
		r.serving.Wait()
	})
}

// What waits for a connection that is never given goes back when geppo stops.
func TestAStopWhileTheRelayIsCrowded(t *testing.T) {
	for after := range 6 {
		synctest.Test(t, func(t *testing.T) {
			h, r := scriptedHouse(t, 30)
			r.limit, r.takes = 1, time.Second
			h.dispatcher.Policy.Finish = time.Minute
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(after)*1555*time.Millisecond, stop)
			if err := h.dispatcher.Run(ctx, store.Filter{}); err == nil {
				t.Error("stopped, and no error")
			}
			states := h.states()
			if states[store.Sent]+states[store.Queued] != 30 || states[store.Sent] != len(r.accepted) {
				t.Errorf("stopped after %d: %v, the relay has %d", after, states, len(r.accepted))
			}
			h.now = h.now.Add(time.Minute)
			if err := h.run(); err != nil || h.states()[store.Sent] != 30 {
				t.Errorf("%v %v", err, h.states())
			}
			r.serving.Wait()
		})
	}
}
