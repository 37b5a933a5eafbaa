package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// A resend takes the place of what failed at its address, and the next one of what failed of it: both end as
// replaced, whoever names them.
func TestResendReplacesAllThatFailedAtAnAddress(t *testing.T) {
	l, err := sqlstore.OpenLedger(t.Context(), filepath.Join(t.TempDir(), "geppo.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	period := store.Period{Year: 2026, Month: time.October}
	if _, err := l.Plan(t.Context(), planOf(period, target("C1", "a@example.jp")), now); err != nil {
		t.Fatal(err)
	}
	fail := func() int64 {
		d, err := claimOne(t.Context(), l, store.Filter{}, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := seat(l).Settle(t.Context(), store.Settlement{
			State:   store.Failed,
			Attempt: store.Attempt{Delivery: d.ID, Number: d.Attempts, EndedAt: now, Stage: "rcpt", Code: 550, Outcome: store.OutcomePermanent},
		}); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	again := func(id string, targets ...store.ResendTarget) []int64 {
		_, ids, err := l.Resend(t.Context(), store.Resend{Period: period, Targets: targets, MessageID: func(store.ResendTarget, int) string { return id }}, now)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	target := func(replaces int64) store.ResendTarget {
		return store.ResendTarget{Contract: "C1", Address: "a@example.jp", Revision: 1, Replaces: replaces}
	}
	first := fail()
	again("m1", target(0))
	second := fail()
	if ids := again("m2", target(second), target(second)); len(ids) != 1 {
		t.Errorf("made %v", ids)
	}
	for _, id := range []int64{first, second} {
		if d, err := l.Delivery(t.Context(), id); err != nil || d.State != store.Cancelled || d.ReplacedBy == 0 {
			t.Errorf("delivery %d is %s, %v", id, d.State, err)
		}
	}
}
