package sqlstore_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/sqlstore"
)

// TestTalliesCountWhatIsThere leads deliveries through random lives. What the tallies say of the period
// must be what counting the deliveries gives, and what waits must be seen.
func TestTalliesCountWhatIsThere(t *testing.T) { onBoth(t, talliesCountWhatIsThere) }

func talliesCountWhatIsThere(t *testing.T) {
	ctx, number := t.Context(), 0
	ledger := openLedger(t)
	rapid.Check(t, func(rt *rapid.T) {
		number++
		p := october
		for range number {
			p = p.Next()
		}
		must := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		release := func(l *sqlstore.Ledger, id int64) {
			n, err := l.Release(ctx, store.Filter{IDs: []int64{id}}, store.Order{By: "root"}, first)
			if must(err); n != 1 {
				rt.Fatalf("released %d", n)
			}
		}
		var targets []wanted
		for i := range rapid.IntRange(1, 45).Draw(rt, "targets") {
			targets = append(targets, target(fmt.Sprintf("C%d.%d", number, i/2), fmt.Sprintf("a%d@example.jp", i)))
		}
		_, err := ledger.Plan(ctx, planOf(p, targets[:rapid.IntRange(0, len(targets)).Draw(rt, "first")]...), first)
		must(err)
		_, err = ledger.Plan(ctx, planOf(p, targets[rapid.IntRange(0, len(targets)).Draw(rt, "removed"):]...), first)
		must(err)
		claimed, err := seat(ledger).Claim(ctx, store.Filter{Period: p}, first, len(targets))
		if len(claimed) > 0 {
			must(err)
		}
		for _, d := range claimed {
			must(seat(ledger).HandOver(ctx, d.ID, d.Attempts, sha256.Sum256(nil), first))
			settled := store.Settlement{
				Attempt: store.Attempt{Delivery: d.ID, Number: 1, EndedAt: first, Stage: "dot", Outcome: store.OutcomeTemporary},
				State:   rapid.SampledFrom([]store.State{store.Sent, store.Deferred, store.Failed, store.Held, store.HandingOver}).Draw(rt, "state"),
			}
			switch settled.State {
			case store.HandingOver: // left under way
				continue
			case store.Deferred:
				settled.NextAttemptAt = first
			case store.Failed, store.Held:
				settled.Reason = "x"
			}
			must(seat(ledger).Settle(ctx, settled))
			if settled.State == store.Sent && rapid.Bool().Draw(rt, "bounces") {
				must(ledger.Bounce(ctx, d, "x", false, first))
			}
			if settled.State == store.Failed && rapid.Bool().Draw(rt, "resent") {
				resend := store.ResendTarget{Contract: d.Contract, Address: d.Recipient, Revision: 1, Replaces: d.ID}
				_, _, err := ledger.Resend(ctx, store.Resend{
					Period: p, RequestedBy: "root", Targets: []store.ResendTarget{resend},
					MessageID: func(r store.ResendTarget, n int) string { return fmt.Sprint(d.MessageID, r.Address, n) },
				}, first)
				must(err)
			}
			if settled.State == store.Held && rapid.Bool().Draw(rt, "released") {
				release(ledger, d.ID)
			}
		}
		compareTallies(rt, ledger, p)
		_, err = ledger.Acknowledge(ctx, store.Filter{Period: p}, store.Order{By: "root"}, first)
		must(err)
		compareTallies(rt, ledger, p)
		_, err = ledger.Cancel(ctx, store.Filter{Period: p}, store.Order{By: "root"}, first)
		must(err)
		compareTallies(rt, ledger, p)
		_, err = ledger.Release(ctx, store.Filter{Period: p}, store.Order{By: "root"}, first)
		must(err)
		compareTallies(rt, ledger, p)
	})
}

func compareTallies(t *rapid.T, ledger *sqlstore.Ledger, p store.Period) {
	var counted map[store.State]int
	for _, unacknowledged := range []bool{true, false} {
		tallies, err := ledger.CountStates(t.Context(), store.Filter{Period: p, Unacknowledged: unacknowledged})
		if err != nil {
			t.Fatal(err)
		}
		looks := store.Filter{Period: p, States: store.States, Unacknowledged: unacknowledged} // at the deliveries
		if counted, err = ledger.CountStates(t.Context(), looks); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(counted, tallies); diff != "" {
			t.Fatalf("the tallies of %s are wrong: %s", p, diff)
		}
	}
	oldest, err := ledger.OldestPending(t.Context())
	if waits := counted[store.Queued]+counted[store.Deferred] > 0; waits && (err != nil || !oldest.Equal(first)) {
		t.Fatalf("the oldest that waits was planned at %s, %v; want %s", oldest, err, first)
	}
	for _, at := range []time.Time{first.Add(-time.Millisecond), first} {
		due, err := ledger.AnyDue(t.Context(), store.Filter{Period: p}, at)
		if want := counted[store.Queued]+counted[store.Deferred] > 0 && !at.Before(first); err != nil || due != want {
			t.Fatalf("something due at %s: %t, %v; want %t", at, due, err, want)
		}
	}
}
