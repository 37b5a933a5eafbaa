package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
	"geppo/store/sqlstore/provider"
)

// BenchmarkLedger asks a ledger of 13 months what a daemon asks it again and again: the newest month is
// half sent, a few of its mails are deferred, failed or held. The ledger of the requirement, 1.8 million
// deliveries, is that of
//
//	GEPPO_BENCH_CONTRACTS=100000 GEPPO_BENCH_LEDGER=/var/tmp/ledger.db go test -run '^$' -bench Ledger ./store/sqlstore
//
// and is kept for the next time, if it has a name; the benchmark leaves it as it was, but for attempts.
func BenchmarkLedger(b *testing.B) {
	ledger := benchLedger(b)
	ctx, now := b.Context(), first.AddDate(0, 0, 20)
	none := store.Filter{}
	month := store.Filter{Period: october}
	some := store.Filter{Period: october, Contracts: []string{"C000017", "C000018", "C000019"}}
	for _, query := range []struct {
		name string
		ask  func() error
	}{
		{"claim", claim(ctx, ledger, none, now)},
		{"claim-period", claim(ctx, ledger, month, now)},
		{"claim-contracts", claim(ctx, ledger, some, now)},
		{"claim-nothing-due", claim(ctx, ledger, month, first.AddDate(0, 0, -1))},
		{"count-month", func() error { _, err := ledger.CountStates(ctx, month); return err }},
		{"count-contracts", func() error { _, err := ledger.CountStates(ctx, some); return err }},
		{"runs", func() error { _, err := ledger.Runs(ctx, store.Period{}); return err }},
		{"unfinished-runs", func() error { _, err := ledger.UnfinishedRuns(ctx); return err }},
		{"abandoned", func() error { _, err := seat(ledger).Abandoned(ctx, true); return err }},
		{"paused", func() error { _, err := ledger.Pauses(ctx); return err }},
		{"next-due", func() error { _, err := ledger.NextDue(ctx); return err }},
		{"oldest-pending", func() error { _, err := ledger.OldestPending(ctx); return err }},
		{"open-fires", func() error { _, err := ledger.OpenFires(ctx); return err }},
		{"last-fire", func() error { _, err := ledger.LastFire(ctx, time.Now()); return err }},
		{"marks", func() error { _, err := ledger.Marks(ctx); return err }},
		{"status-failed", func() error {
			_, err := ledger.Deliveries(ctx, store.Filter{Period: october, States: []store.State{store.Failed, store.Held}})
			return err
		}},
		{"status-contract", func() error {
			_, err := ledger.Deliveries(ctx, store.Filter{Contracts: []string{"C000017"}})
			return err
		}},
		{"bars", func() error { _, err := ledger.Bars(ctx, "C000017", "a@b.example"); return err }},
		{"newest-revision", func() error { _, err := ledger.NewestRevision(ctx, "C000017", october.Previous()); return err }},
		{"frozen", func() error { _, err := ledger.Frozen(ctx, "C000017", october.Previous(), 1); return err }},
		{"message", func() error { _, err := ledger.DeliveryOf(ctx, "nobody@geppo.example"); return err }},
	} {
		b.Run(query.name, func(b *testing.B) {
			for b.Loop() {
				if err := query.ask(); err != nil && !errors.Is(err, store.ErrNotFound) {
					b.Fatal(err)
				}
			}
		})
	}
}

// claim claims one delivery, hands it over and settles it, so that it is there again: three of these are
// what a mail costs.
func claim(ctx context.Context, ledger *sqlstore.Ledger, filter store.Filter, now time.Time) func() error {
	return func() error {
		claimed, err := seat(ledger).Claim(ctx, filter, now, 1)
		if err != nil {
			return err
		}
		d := claimed[0]
		sum := sha256.Sum256([]byte(d.MessageID))
		if err := seat(ledger).HandOver(ctx, d.ID, d.Attempts, sum, now); err != nil {
			return err
		}
		return seat(ledger).Settle(ctx, store.Settlement{
			Attempt: store.Attempt{Delivery: d.ID, Number: d.Attempts, EndedAt: now, Stage: "dot", Outcome: store.OutcomeInterrupted},
			State:   store.Queued, NextAttemptAt: now,
		})
	}
}

// benchLedger opens the ledger that GEPPO_BENCH_LEDGER names, or one of its own, and fills it unless it is.
func benchLedger(b *testing.B) *sqlstore.Ledger {
	b.Helper()
	path, size := os.Getenv("GEPPO_BENCH_LEDGER"), provider.Size{Contracts: 1000, Newest: october, Months: 13}
	if path == "" {
		path = filepath.Join(b.TempDir(), "l.db")
	}
	if s := os.Getenv("GEPPO_BENCH_CONTRACTS"); s != "" {
		var err error
		if size.Contracts, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	ledger, err := sqlstore.OpenLedger(b.Context(), path, sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ledger.Close() })
	runs, err := ledger.Runs(b.Context(), store.Period{})
	if err != nil {
		b.Fatal(err)
	}
	if len(runs) > 0 {
		return ledger
	}
	report := fmt.Appendf(nil, "%08x", rand.New(rand.NewPCG(1, 1)).Perm(150)) // packed, about as long as a quiet month's
	err = size.Ledger(b.Context(), path, func(string, store.Period) ([]byte, error) { return report, nil })
	if err == nil {
		err = ledger.Resume(b.Context(), store.Order{By: "bench"}, time.Now())
	}
	if err != nil {
		b.Fatal(err)
	}
	return ledger
}
