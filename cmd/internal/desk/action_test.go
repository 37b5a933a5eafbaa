package desk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// newDesk has so many contracts of two addresses each, planned for October.
func newDesk(t *testing.T, contracts int, approval store.Approval) Desk {
	t.Helper()
	dir := t.TempDir()
	ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(dir, "geppo.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	detections, err := sqlstore.OpenDetections(t.Context(), filepath.Join(dir, "geppo-detections.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(ledger.Close(), detections.Close()); err != nil {
			t.Error(err)
		}
	})
	var list []store.Contract
	for i := range contracts {
		list = append(list, store.Contract{
			ID: fmt.Sprint("C", i), Name: "株式会社サンプル", Product: store.ProductAntivirus, Timezone: "Asia/Tokyo", Since: "2025-04-01",
			Recipients: []store.Recipient{{Address: fmt.Sprintf("a%d@example.jp", i)}, {Address: fmt.Sprintf("b%d@example.jp", i)}},
		})
	}
	_, err = detections.Import(t.Context(), store.Import{File: "f", Format: "jsonl", Now: func() time.Time { return now }}, func(tx *sqlstore.ImportTx) (err error) {
		for _, c := range list {
			err = errors.Join(err, tx.PutContract(t.Context(), c, false))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := store.Plan{Kind: "run", Period: october, RequestedBy: "root", Approval: approval, Each: func(take func(store.Chosen) error) (err error) {
		for _, c := range list {
			chosen := store.Chosen{Contract: c.ID}
			for _, r := range c.Recipients {
				chosen.Targets = append(chosen.Targets, store.Target{Address: r.Address, MessageID: r.Address})
			}
			err = errors.Join(err, take(chosen))
		}
		return err
	}}
	if _, err := ledger.Plan(t.Context(), plan, now); err != nil {
		t.Fatal(err)
	}
	return Desk{Ledger: ledger, Detections: detections, Now: func() time.Time { return now }}
}

func (d Desk) in(t *testing.T, state store.State) (list []store.Delivery) {
	t.Helper()
	list, err := d.Ledger.Deliveries(t.Context(), store.Filter{States: []store.State{state}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// do plans and acts, and gives what was planned and done.
func (d Desk) do(t *testing.T, plan func(context.Context) (Plan, error)) (p Plan, n int) {
	t.Helper()
	p, err := plan(t.Context())
	if err == nil {
		n, err = d.Act(t.Context(), p, "root", "because")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, n
}

// approve --canary lets go one delivery of each of the first contracts, and no more; said again, of the next ones.
func TestApprovingTheFirstContracts(t *testing.T) {
	d := newDesk(t, 5, store.ApprovalFull)
	for _, want := range []struct {
		most    int
		planned string
		queued  []string // addresses, of all that were let go
	}{
		{2, "2 deliveries of 2 contracts (C0, C1)", []string{"a0@example.jp", "a1@example.jp"}},
		{1, "1 delivery of 1 contract (C0)", []string{"a0@example.jp", "b0@example.jp", "a1@example.jp"}},
		{9, "4 deliveries of 4 contracts (C1, C2, C3, C4)", []string{
			"a0@example.jp", "b0@example.jp", "a1@example.jp", "b1@example.jp", "a2@example.jp", "a3@example.jp", "a4@example.jp",
		}},
	} {
		p, n := d.do(t, func(ctx context.Context) (Plan, error) {
			return d.PlanCanary(ctx, Selection{Period: october}, want.most)
		})
		if p.String() != want.planned || n != p.Deliveries {
			t.Errorf("--canary %d: planned %s, done %d; want %s", want.most, p, n, want.planned)
		}
		var queued []string
		for _, delivery := range d.in(t, store.Queued) {
			queued = append(queued, delivery.Recipient)
		}
		if diff := cmp.Diff(want.queued, queued); diff != "" {
			t.Errorf("--canary %d:\n%s", want.most, diff)
		}
	}
	actions, err := d.Ledger.Actions(t.Context(), 1)
	if err != nil || actions[0].Action != "approve some" || actions[0].What != "--period 2026-10 --canary 9" || actions[0].Reason != "because" || actions[0].Deliveries != 4 {
		t.Errorf("%+v, %v", actions, err)
	}
}

// retry makes what is deferred due now, whatever it waits for, and touches nothing else.
func TestRetryMakesDueWhatIsDeferred(t *testing.T) {
	d := newDesk(t, 2, store.ApprovalNone)
	seat, err := d.Ledger.Join(t.Context(), sqlstore.Worker{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(4 * time.Hour)
	for _, c := range []string{"C0", "C1"} {
		claimed, err := seat.Claim(t.Context(), store.Filter{Contracts: []string{c}}, now, 1)
		if err != nil {
			t.Fatal(err)
		}
		attempt := store.Attempt{Delivery: claimed[0].ID, Number: 1, EndedAt: now, Stage: "rcpt", Code: 450, Outcome: store.OutcomeTemporary}
		if err := seat.Settle(t.Context(), store.Settlement{Attempt: attempt, State: store.Deferred, NextAttemptAt: later, Waited: 4 * time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	p, n := d.do(t, func(ctx context.Context) (Plan, error) {
		return d.Plan(ctx, Retry, Selection{Period: october, Contracts: []string{"C1"}})
	})
	if n != 1 || p.Done(n) != "1 delivery due now" || p.Fault() != nil {
		t.Errorf("%d: %s, %v", n, p.Done(n), p.Fault())
	}
	for _, delivery := range d.in(t, store.Deferred) {
		if due := delivery.NextAttemptAt.Equal(now); due != (delivery.Contract == "C1") {
			t.Errorf("%s is due at %s", delivery.Contract, delivery.NextAttemptAt)
		}
	}
	// What is named and is not deferred is told.
	queued := d.in(t, store.Queued)[0].ID
	p, n = d.do(t, func(ctx context.Context) (Plan, error) { return d.Plan(ctx, Retry, Selection{IDs: []int64{queued}}) })
	if fault := p.Fault(); n != 0 || fault == nil || !strings.Contains(fault.Error(), "1 of them are not deferred") {
		t.Errorf("%d, %v", n, fault)
	}
}
