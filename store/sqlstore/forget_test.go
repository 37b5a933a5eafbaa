package sqlstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// What is forgotten leaves its counts, and touches nobody else's; what is on its way is not forgotten.
func TestAContractIsForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		l := openLedger(t)
		plan(t, l, target("C1", "a@example.jp"), target("C1", "shared@example.jp"), target("C2", "shared@example.jp"))
		order := store.Order{By: "root", Reason: "a@example.jp has called"}
		forgetting := store.Forgetting{
			Contract: "C1", Companies: []string{"極秘商事"}, Addresses: []string{"a@example.jp", "shared@example.jp"}, Own: []string{"a@example.jp"}, Nonce: "n",
		}
		if err := l.Forget(t.Context(), forgetting, order, first); !errors.Is(err, store.ErrUnderWay) {
			t.Fatalf("what is on its way: %v", err)
		}
		mustDo(t, func(ctx context.Context) error {
			_, err := l.Cancel(ctx, store.Filter{Contracts: []string{"C1"}}, order, first)
			return err
		})
		mustDo(t, func(ctx context.Context) error { return l.Mark(ctx, "A@example.jp", "no such user", first) })
		mustDo(t, func(ctx context.Context) error { return l.Mark(ctx, "shared@example.jp", "no such user", first) })
		mustDo(t, func(ctx context.Context) error {
			return l.Pause(ctx, store.CauseOperator, "(A@Example.jp) of 極秘商事 and shared@example.jp", "root", first)
		})
		before, err := l.CountStates(t.Context(), store.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		traces, err := l.Traces(t.Context(), "C1")
		if err != nil || traces.Deliveries != 2 || traces.Unfinished != 0 || traces.Before || !slices.Equal(traces.Addresses, []string{"a@example.jp", "shared@example.jp"}) {
			t.Errorf("%+v, %v", traces, err)
		}
		for range 2 { // once begun, it can be begun again
			mustDo(t, func(ctx context.Context) error {
				return l.Forget(ctx, forgetting, store.Order{By: "root", Reason: "極秘商事 wants it, says a@example.jp"}, first)
			})
		}
		mustDo(t, l.Shred)
		forgotten(t, l, before)
	})
}

func mustDo(t *testing.T, do func(context.Context) error) {
	t.Helper()
	if err := do(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// forgotten looks at what is left.
func forgotten(t *testing.T, l *sqlstore.Ledger, before map[store.State]int) {
	t.Helper()
	after, err := l.CountStates(t.Context(), store.Filter{})
	if err != nil || len(after) != len(before) || after[store.Cancelled] != before[store.Cancelled] {
		t.Errorf("counts %v, before %v (%v)", after, before, err)
	}
	deliveries, err := l.Deliveries(t.Context(), store.Filter{Contracts: []string{"C1"}})
	for _, d := range deliveries {
		if d.Recipient != store.Forgotten || d.Reason+d.LastReply+d.RecipientName != "" || d.AcknowledgedAt.IsZero() || !strings.HasPrefix(d.MessageID, "forgotten.") {
			t.Errorf("%+v", d)
		}
	}
	if err != nil || len(deliveries) != 2 {
		t.Errorf("%d deliveries, %v", len(deliveries), err)
	}
	if others := deliveriesTo(t, l, "shared@example.jp"); len(others) != 1 || others[0].Contract != "C2" {
		t.Errorf("the other's: %+v", others)
	}
	marks, err := l.Marks(t.Context())
	if err != nil || len(marks) != 1 || marks["shared@example.jp"] == "" {
		t.Errorf("marks %v, %v", marks, err)
	}
	pauses, err := l.Pauses(t.Context())
	if err != nil || pauses[0].Reason != "((forgotten)) of (forgotten) and shared@example.jp" {
		t.Errorf("pauses %+v, %v", pauses, err)
	}
	actions, err := l.Actions(t.Context(), 10)
	for _, a := range actions {
		if strings.Contains(a.What+a.Reason, "a@example.jp") {
			t.Errorf("%+v", a)
		}
	}
	for _, a := range actions[:2] { // who forgot it and why stays, but for names
		if a.Action != "forget" || a.Reason != "(forgotten) wants it, says (forgotten)" {
			t.Errorf("%+v", a)
		}
	}
	if err != nil || actions[0].Action != "forget" || actions[0].What != "--contract C1" {
		t.Errorf("%+v, %v", actions, err)
	}
	if traces, err := l.Traces(t.Context(), "C1"); err != nil || !traces.Before || len(traces.Addresses) != 0 {
		t.Errorf("%+v, %v", traces, err)
	}
}

func TestTheRowsOfAContractAreForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := openedDetections(t, newDSN(t))
		at := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
		for _, id := range []string{"C1", "C2"} {
			put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
				return errors.Join(
					tx.PutContract(ctx, store.Contract{ID: id, Name: "x", Product: store.ProductAntivirus, Timezone: "Asia/Tokyo", Since: "2025-04-01", Recipients: []store.Recipient{{Address: "a@example.jp"}}}, false),
					tx.PutDetection(ctx, store.DetectionRow{Contract: id, ID: "d", Detection: store.Detection{Feature: store.Virus, Time: at, Class: store.ClassDesktop, Count: 1, Endpoint: "E", Name: "N", Result: "cleaned"}}))
			})
		}
		rows, err := db.Rows(t.Context(), "C1")
		if err != nil || rows.Detections != 1 || rows.Recipients != 1 {
			t.Errorf("%+v, %v", rows, err)
		}
		mustDo(t, func(ctx context.Context) error { return db.Forget(ctx, "C1", []string{"x"}) })
		mustDo(t, db.Shred)
		if _, err := db.Rows(t.Context(), "C1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("forgotten: %v", err)
		}
		if rows, err := db.Rows(t.Context(), "C2"); err != nil || rows.Detections != 1 {
			t.Errorf("the other: %+v, %v", rows, err)
		}
	})
}
