package daemon_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"geppo/mailer"
	"geppo/store"
)

// A report that takes minutes to make occupies one renderer, however many addresses its contract has.
func TestASlowReportKeepsNoOtherContractWaiting(t *testing.T) {
	h := newHouse(t)
	h.contract("A", "a1@example.jp", "a2@example.jp", "a3@example.jp", "a4@example.jp", "a5@example.jp")
	h.contract("B", "b1@example.jp", "b2@example.jp")
	h.contract("C", "c@example.jp")
	h.plan()
	others, once := make(chan struct{}), sync.Once{}
	left := map[string]bool{"b1@example.jp": true, "b2@example.jp": true, "c@example.jp": true}
	var mu sync.Mutex
	h.dispatcher.Settled = func(d store.Delivery, state store.State) {
		mu.Lock()
		defer mu.Unlock()
		if state == store.Sent {
			delete(left, d.Recipient)
		}
		if len(left) == 0 {
			once.Do(func() { close(others) })
		}
	}
	compose := h.dispatcher.Composer.Compose
	h.dispatcher.Compose = func(ctx context.Context, d store.Delivery) (mailer.Message, error) {
		if d.Contract == "A" {
			select {
			case <-others:
			case <-time.After(time.Minute):
				t.Error("the others wait for A's report")
			}
		}
		return compose(ctx, d)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	for recipient, d := range h.deliveries() {
		if d.State != store.Sent || len(h.server.of(recipient)) != 1 {
			t.Errorf("%s: %s, %d mails", recipient, d.State, len(h.server.of(recipient)))
		}
	}
}

// What was parked behind a report when sending is broken off is due again.
func TestWhatWaitsForAReportIsGivenBack(t *testing.T) {
	h := newHouse(t)
	h.contract("A", "a1@example.jp", "a2@example.jp", "a3@example.jp", "a4@example.jp")
	h.plan()
	ctx, stop := context.WithCancel(t.Context())
	h.dispatcher.Policy.Finish = time.Millisecond
	h.dispatcher.Compose = func(ctx context.Context, _ store.Delivery) (mailer.Message, error) {
		stop()
		<-ctx.Done()
		return mailer.Message{}, ctx.Err()
	}
	if err := h.dispatcher.Run(ctx, store.Filter{}); err == nil {
		t.Fatal("ended by nothing")
	}
	for recipient, d := range h.deliveries() {
		if d.State != store.Queued {
			t.Errorf("%s: %s %q", recipient, d.State, d.Reason)
		}
	}
}
