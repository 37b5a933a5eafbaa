package sqlstore_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// inState brings the only delivery of a new ledger there; ambiguous is how often its reply was lost before.
func inState(t *testing.T, state store.State, ambiguous int) (*sqlstore.Ledger, store.Delivery) {
	t.Helper()
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	try := func(outcome store.Outcome, to store.State) {
		d, err := claimOne(t.Context(), l, store.Filter{}, first)
		must(err)
		must(seat(l).HandOver(t.Context(), d.ID, d.Attempts, sha256.Sum256([]byte("m")), first))
		if to == store.HandingOver {
			return
		}
		s := store.Settlement{State: to, Attempt: store.Attempt{Delivery: d.ID, Number: d.Attempts, EndedAt: first.Add(time.Second), Stage: "dot", Outcome: outcome}}
		if to == store.Queued || to == store.Deferred {
			s.NextAttemptAt = first
		}
		must(seat(l).Settle(t.Context(), s))
	}
	for i := range ambiguous {
		to := store.Queued
		if i == ambiguous-1 && state == store.Held {
			to = store.Held
		}
		try(store.OutcomeAmbiguous, to)
	}
	switch state {
	case store.Sending:
		_, err := claimOne(t.Context(), l, store.Filter{}, first)
		must(err)
	case store.HandingOver, store.Sent, store.Failed, store.Deferred:
		try(map[store.State]store.Outcome{store.Sent: store.OutcomeSent, store.Failed: store.OutcomePermanent, store.Deferred: store.OutcomeTemporary}[state], state)
	case store.Cancelled:
		_, err := l.Cancel(t.Context(), store.Filter{}, store.Order{By: "root"}, first)
		must(err)
	}
	return l, only(t, l)
}

func only(t *testing.T, l *sqlstore.Ledger) store.Delivery {
	t.Helper()
	list, err := l.Deliveries(t.Context(), store.Filter{})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// What a notification does depends on what the delivery is: it settles what was handed over, waits for what is under way, and is
// not believed of what nobody can have seen.
func TestANotificationSettles(t *testing.T) {
	for _, c := range []struct {
		state     store.State
		ambiguous int
		bounced   store.State // after Bounce
		accepted  store.State // after Accepted
		err       error
	}{
		{store.Sent, 0, store.Bounced, store.Sent, nil},
		{store.Held, 2, store.Bounced, store.Sent, nil},
		{store.Queued, 1, store.Bounced, store.Sent, nil},
		{store.Failed, 1, store.Bounced, store.Sent, nil},
		{store.Failed, 0, store.Failed, store.Failed, nil},
		{store.Cancelled, 1, store.Cancelled, store.Cancelled, nil},
		{store.Sending, 1, store.Sending, store.Sending, store.ErrUnderWay},
		{store.HandingOver, 0, store.HandingOver, store.HandingOver, store.ErrUnderWay},
		{store.Queued, 0, store.Queued, store.Queued, store.ErrNotFound},
		{store.Cancelled, 0, store.Cancelled, store.Cancelled, store.ErrNotFound},
	} {
		l, d := inState(t, c.state, c.ambiguous)
		if err := l.Accepted(t.Context(), d, "delayed", first); !errors.Is(err, c.err) || only(t, l).State != c.accepted {
			t.Errorf("%s, %d times ambiguous: accepted: %s %v", c.state, c.ambiguous, only(t, l).State, err)
		}
		l, d = inState(t, c.state, c.ambiguous)
		for range 2 { // it comes again
			if err := l.Bounce(t.Context(), d, "5.1.1 no", true, first.Add(time.Hour)); !errors.Is(err, c.err) || only(t, l).State != c.bounced {
				t.Errorf("%s, %d times ambiguous: bounced: %s %v", c.state, c.ambiguous, only(t, l).State, err)
			}
		}
		if s := only(t, l); s.State == store.Bounced && !s.SentAt.Equal(first.Add(time.Second)) {
			t.Errorf("sent at %s", s.SentAt)
		}
		if marks, err := l.Marks(t.Context()); err != nil || (len(marks) == 1) != (c.err == nil) {
			t.Errorf("%s: marks %v %v", c.state, marks, err)
		}
	}
}

// An operator has mended the address; the same notification once more, which a mail server repeats and a restart reads again,
// must not mark it again.
func TestANotificationMarksOnce(t *testing.T) {
	l, d := inState(t, store.Sent, 0)
	bounce := func(at time.Time) {
		if err := l.Bounce(t.Context(), d, "5.1.1 no", true, at); err != nil {
			t.Fatal(err)
		}
	}
	bounce(first.Add(time.Hour))
	added := store.RecipientChange{Contract: d.Contract, Recipient: store.Recipient{Address: d.Recipient}, By: "root", At: first.Add(2 * time.Hour)}
	if err := l.ChangeRecipient(t.Context(), added); err != nil {
		t.Fatal(err)
	}
	bounce(first.Add(3 * time.Hour))
	if marks, err := l.Marks(t.Context()); err != nil || len(marks) != 0 {
		t.Error(marks, err)
	}
}

func TestDeliveriesAreFoundByNameAndAddress(t *testing.T) {
	l, d := inState(t, store.Sent, 0)
	for prefix, found := range map[string]bool{d.MessageID[:3]: true, d.MessageID: true, "0": false, d.MessageID + "x": false} {
		if _, err := l.DeliveryOfPrefix(t.Context(), prefix); (err == nil) != found || !found && !errors.Is(err, store.ErrNotFound) {
			t.Error(prefix, err)
		}
	}
	for address, n := range map[string]int{"A@Example.jp": 1, "b@example.jp": 0} {
		if list, err := l.DeliveriesTo(t.Context(), address); err != nil || len(list) != n {
			t.Error(address, list, err)
		}
	}
}
