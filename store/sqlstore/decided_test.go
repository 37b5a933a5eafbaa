package sqlstore_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/sqlstore"
)

func deliveriesTo(t testing.TB, l *sqlstore.Ledger, address string) []store.Delivery {
	t.Helper()
	list, err := l.Deliveries(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list, func(d store.Delivery) bool { return store.Mailbox(d.Recipient) != store.Mailbox(address) })
}

// Removing or stopping cancels what waits, in any spelling, and nothing else; planning brings it back when
// the address, or the contract, is back.
func TestWhatWaitsLapsesWithItsAddress(t *testing.T) { onBoth(t, whatWaitsLapsesWithItsAddress) }

func whatWaitsLapsesWithItsAddress(t *testing.T) {
	order := store.Order{By: "root"}
	changes := func(removed bool) func(*sqlstore.Ledger) error {
		return func(l *sqlstore.Ledger) error {
			return l.ChangeRecipient(t.Context(), store.RecipientChange{
				Contract: "C1", Recipient: store.Recipient{Address: "A@Example.jp"}, Removed: removed, By: "root", At: first,
			})
		}
	}
	stop := func(kind store.StopKind, name string) func(*sqlstore.Ledger) error {
		return func(l *sqlstore.Ledger) error {
			return l.Stop(t.Context(), store.Stop{Kind: kind, Name: name, By: "root", At: first})
		}
	}
	start := func(kind store.StopKind, name string) func(*sqlstore.Ledger) error {
		return func(l *sqlstore.Ledger) error { return l.Start(t.Context(), kind, name, order, first) }
	}
	for name, c := range map[string]struct{ away, back func(*sqlstore.Ledger) error }{
		"removed address":  {changes(true), changes(false)},
		"stopped address":  {stop(store.StopAddress, "A@EXAMPLE.JP"), start(store.StopAddress, `"a"@example.jp`)},
		"stopped contract": {stop(store.StopContract, "C1"), start(store.StopContract, "C1")},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			wanted := []wanted{target("C1", "a@example.jp"), target("C2", "z@example.jp")}
			plan(t, l, wanted...)
			before := deliveriesTo(t, l, "a@example.jp")[0]
			if err := c.away(l); err != nil {
				t.Fatal(err)
			}
			if d := deliveriesTo(t, l, "a@example.jp"); d[0].State != store.Cancelled || !d[0].Lapsed || d[0].Reason == "" {
				t.Errorf("%+v", d)
			}
			if d := deliveriesTo(t, l, "z@example.jp"); d[0].State != store.Queued {
				t.Errorf("another's: %+v", d)
			}
			if err := c.back(l); err != nil {
				t.Fatal(err)
			}
			if run := plan(t, l, wanted...); run.Planned != 1 {
				t.Errorf("planned %d", run.Planned)
			}
			if d := deliveriesTo(t, l, "a@example.jp"); len(d) != 1 || d[0].State != store.Queued || d[0].MessageID != before.MessageID || d[0].Lapsed {
				t.Errorf("%+v", d)
			}
			if run := plan(t, l, wanted...); run.Planned != 0 {
				t.Errorf("planned %d more", run.Planned)
			}
		})
	}
}

// What an operator cancelled stays so, and what was handed over is not done again, whoever comes and goes.
func TestPlanningRevivesOnlyWhatLapsed(t *testing.T) { onBoth(t, planningRevivesOnlyWhatLapsed) }

func planningRevivesOnlyWhatLapsed(t *testing.T) {
	l := openLedger(t)
	all := []wanted{target("C1", "a@example.jp"), target("C1", "b@example.jp"), target("C1", "c@example.jp")}
	plan(t, l, all...)
	if _, err := l.Cancel(t.Context(), store.Filter{IDs: []int64{1}}, store.Order{By: "root"}, first); err != nil {
		t.Fatal(err)
	}
	settle(t, l, store.Sent)
	plan(t, l) // nobody is left: c lapses
	if run := plan(t, l, all...); run.Planned != 1 || run.Cancelled != 0 {
		t.Errorf("%+v", run)
	}
	for i, want := range []store.State{store.Cancelled, store.Sent, store.Queued} {
		if d, err := l.Delivery(t.Context(), int64(i+1)); err != nil || d.State != want {
			t.Errorf("delivery %d is %s, want %s: %v", i+1, d.State, want, err)
		}
	}
}

// settle claims the next delivery and ends it in a state.
func settle(t testing.TB, l *sqlstore.Ledger, state store.State) store.Delivery {
	t.Helper()
	d, err := claimOne(t.Context(), l, store.Filter{}, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(seat(l).HandOver(t.Context(), d.ID, d.Attempts, sha256.Sum256(nil), first), seat(l).Settle(t.Context(), ended(d, state))); err != nil {
		t.Fatal(err)
	}
	return d
}

// ended is the end of a claimed delivery's attempt.
func ended(d store.Delivery, state store.State) store.Settlement {
	s := store.Settlement{State: state, Attempt: store.Attempt{
		Delivery: d.ID, Number: d.Attempts, EndedAt: first, Stage: "dot", Outcome: store.OutcomePermanent,
	}}
	switch state {
	case store.Sent:
		s.Attempt.Outcome, s.Attempt.Code = store.OutcomeSent, 250
	case store.Queued, store.Deferred:
		s.Attempt.Outcome, s.NextAttemptAt = store.OutcomeTemporary, first
	case store.Held:
		s.Attempt.Outcome = store.OutcomeHeld
	case store.Cancelled:
		s.Attempt.Outcome = store.OutcomeCancelled
	}
	return s
}

// After a resend nothing older can arrive: what waits, is held or could be released gives way, and so does
// what was under way if it comes back.
func TestAResendTakesThePlaceOfWhatWaits(t *testing.T) { onBoth(t, aResendTakesThePlaceOfWhatWaits) }

func aResendTakesThePlaceOfWhatWaits(t *testing.T) {
	for _, state := range []store.State{store.Queued, store.Deferred, store.Held, store.Cancelled, store.Sending} {
		t.Run(string(state), func(t *testing.T) {
			l := openLedger(t)
			plan(t, l, target("C1", "a@example.jp"), target("C1", "other@example.jp"))
			var old store.Delivery
			switch state {
			case store.Sending:
				var err error
				if old, err = claimOne(t.Context(), l, store.Filter{IDs: []int64{1}}, first); err != nil {
					t.Fatal(err)
				}
			case store.Queued:
			case store.Cancelled:
				if _, err := l.Cancel(t.Context(), store.Filter{IDs: []int64{1}}, store.Order{By: "root"}, first); err != nil {
					t.Fatal(err)
				}
			default:
				settle(t, l, state)
			}
			_, ids, err := l.Resend(t.Context(), store.Resend{
				Period: october, RequestedBy: "root", Targets: []store.ResendTarget{{Contract: "C1", Address: "A@example.jp", Revision: 2}},
				MessageID: func(store.ResendTarget, int) string { return "newer" },
			}, first)
			if err != nil {
				t.Fatal(err)
			}
			if state == store.Sending {
				if err := seat(l).Settle(t.Context(), ended(old, store.Deferred)); err != nil {
					t.Fatal(err)
				}
			}
			if d, err := l.Delivery(t.Context(), 1); err != nil || d.State != store.Cancelled || d.ReplacedBy != ids[0] {
				t.Errorf("%+v, %v", d, err)
			}
			if n, err := l.Release(t.Context(), store.Filter{IDs: []int64{1}}, store.Order{By: "root"}, first); n != 0 || err != nil {
				t.Errorf("released %d, %v", n, err)
			}
			if d := deliveriesTo(t, l, "other@example.jp"); d[0].State != store.Queued {
				t.Errorf("another address: %+v", d)
			}
			if run := plan(t, l, target("C1", "a@example.jp"), target("C1", "other@example.jp")); run.Planned != 0 {
				t.Errorf("planned %d beside the resend", run.Planned)
			}
		})
	}
}

// An attempt may say the same twice, for a reply from the ledger can be lost as well; one that is over has no say.
func TestAnAttemptIsFenced(t *testing.T) { onBoth(t, anAttemptIsFenced) }

func anAttemptIsFenced(t *testing.T) {
	sum := sha256.Sum256([]byte("m"))
	l, number := openLedger(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		number++
		contract := fmt.Sprint("C", number)
		one := planOf(october, target(contract, "a@example.jp"))
		one.Contracts = []string{contract}
		if _, err := l.Plan(t.Context(), one, first); err != nil {
			rt.Fatal(err)
		}
		var past []store.Settlement
		for range rapid.IntRange(1, 4).Draw(rt, "attempts") {
			d, err := claimOne(t.Context(), l, store.Filter{Contracts: []string{contract}}, first)
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(1, 3).Draw(rt, "said") {
				if err := seat(l).HandOver(t.Context(), d.ID, d.Attempts, sum, first); err != nil {
					rt.Fatal(err)
				}
			}
			if err := seat(l).HandOver(t.Context(), d.ID, d.Attempts, sha256.Sum256([]byte("other")), first); !errors.Is(err, store.ErrBytesDiffer) {
				rt.Fatalf("other bytes: %v", err)
			}
			for _, old := range past {
				if err := seat(l).HandOver(t.Context(), d.ID, old.Attempt.Number, sum, first); !errors.Is(err, store.ErrStale) {
					rt.Fatalf("attempt %d is over: %v", old.Attempt.Number, err)
				}
				if err := seat(l).Settle(t.Context(), old); err != nil {
					rt.Fatalf("attempt %d settled as before: %v", old.Attempt.Number, err)
				}
				old.Attempt.Outcome = store.OutcomeSent
				if err := seat(l).Settle(t.Context(), old); !errors.Is(err, store.ErrStale) {
					rt.Fatalf("attempt %d settled otherwise: %v", old.Attempt.Number, err)
				}
			}
			end := ended(d, store.Deferred)
			past = append(past, end)
			for range rapid.IntRange(1, 3).Draw(rt, "settled") {
				if err := seat(l).Settle(t.Context(), end); err != nil {
					rt.Fatal(err)
				}
			}
			if got, err := l.Delivery(t.Context(), d.ID); err != nil || got.State != store.Deferred || got.Attempts != d.Attempts {
				rt.Fatalf("%+v, %v", got, err)
			}
		}
	})
}

// Of two that see the end of a run, one tells the operators; and if it dies before, it is seen.
func TestOneTellsOfTheEndOfARun(t *testing.T) { onBoth(t, oneTellsOfTheEndOfARun) }

func oneTellsOfTheEndOfARun(t *testing.T) {
	l := openLedger(t)
	run := plan(t, l, target("C1", "a@example.jp"))
	for _, want := range []bool{true, false} {
		if first, err := l.FinishRun(t.Context(), run.ID, first.Add(time.Minute)); err != nil || first != want {
			t.Errorf("first %v, %v; want %v", first, err, want)
		}
	}
	untold := func(ended time.Time) int {
		runs, err := l.UntoldRuns(t.Context(), ended)
		if err != nil {
			t.Fatal(err)
		}
		return len(runs)
	}
	if n, m := untold(first), untold(first.Add(time.Hour)); n != 0 || m != 1 {
		t.Errorf("%d and %d runs were not told of", n, m)
	}
	if err := l.SummariseRun(t.Context(), run.ID, first.Add(time.Hour)); err != nil || untold(first.Add(time.Hour)) != 0 {
		t.Error(err)
	}
}

// Every action leaves its line, with who, what and why, in the transaction of what it does, and none is left by
// what did nothing.
func TestEveryActionIsKept(t *testing.T) { onBoth(t, everyActionIsKept) }

func everyActionIsKept(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "b@example.jp"), target("C3", "c@example.jp"))
	all, order := store.Filter{Period: october}, store.Order{By: "root", What: "--period 2026-10", Reason: "why"}
	acts := map[string]func() (int, error){
		"cancel": func() (int, error) { return l.Cancel(t.Context(), all, order, first) }, "release": func() (int, error) { return l.Release(t.Context(), all, order, first) },
		"approve": func() (int, error) { return l.Approve(t.Context(), all, true, order, first) }, "retry": func() (int, error) { return l.Retry(t.Context(), all, order, first) },
		"ack": func() (int, error) { return l.Acknowledge(t.Context(), all, order, first) },
	}
	for _, step := range []struct {
		action string
		took   int
	}{{"approve", 0}, {"retry", 0}, {"ack", 0}, {"cancel", 3}, {"cancel", 0}, {"ack", 3}, {"ack", 0}, {"release", 3}, {"release", 0}} {
		before, err := l.Actions(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := acts[step.action](); n != step.took || err != nil {
			t.Errorf("%s took %d, %v; want %d", step.action, n, err, step.took)
		}
		after, err := l.Actions(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if step.took == 0 {
			if len(after) != len(before) {
				t.Errorf("%s did nothing and left a line", step.action)
			}
			continue
		}
		a := after[0]
		a.ID = 0
		if want := (store.Action{At: first, By: "root", Action: step.action, What: order.What, Reason: "why", Deliveries: step.took}); len(after) != len(before)+1 || a != want {
			t.Errorf("%+v, want %+v", a, want)
		}
	}
	if of, err := l.ActionsOf(t.Context(), 2); err != nil || len(of) != 3 {
		t.Errorf("%+v, %v", of, err)
	}
	if counts, err := l.CountStates(t.Context(), all); err != nil || counts[store.Queued] != 3 {
		t.Error(fmt.Sprint(counts), err)
	}
}
