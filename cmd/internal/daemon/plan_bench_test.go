package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
	"geppo/store/sqlstore/provider"
)

// BenchmarkPlan plans a month of GEPPO_BENCH_CONTRACTS contracts (2,000 if it is not set; a provider's
// whole month is 100,000, and a million must be planned within a minute) with 1.4 addresses each: the first time, again
// when nothing is left to plan, and without writing.
func BenchmarkPlan(b *testing.B) {
	size := provider.Size{Contracts: 2000, Newest: october, Months: 1, Quiet: true}
	if s := os.Getenv("GEPPO_BENCH_CONTRACTS"); s != "" {
		var err error
		if size.Contracts, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	detections := benchContracts(b, filepath.Join(dir, "detections.db"), size)
	request := daemon.Request{Kind: "run", Period: october, By: "bench"}
	planner := func(b *testing.B, name string) daemon.Planner {
		ledger, err := sqlstore.OpenLedger(b.Context(), filepath.Join(dir, name), sqlstore.Migrate)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { ledger.Close() })
		return daemon.Planner{Detections: detections, Ledger: ledger, IDs: messageIDs(ledger), RequireData: true, Now: time.Now}
	}
	plan := func(b *testing.B, p daemon.Planner, want int) {
		run, err := p.Plan(b.Context(), request)
		if err != nil || run.Planned != want {
			b.Fatalf("%d planned, want %d: %v", run.Planned, want, err)
		}
	}
	addresses := size.Deliveries()
	b.Run("first", func(b *testing.B) {
		for i := range b.N {
			b.StopTimer()
			p := planner(b, fmt.Sprintf("first-%d-%d.db", b.N, i))
			b.StartTimer()
			plan(b, p, addresses)
		}
	})
	again := planner(b, "again.db")
	plan(b, again, addresses)
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			plan(b, again, 0)
		}
	})
	b.Run("preview", func(b *testing.B) {
		for b.Loop() {
			targets := 0
			err := again.Preview(b.Context(), request, func(c store.Chosen) error {
				targets += len(c.Targets)
				return nil
			})
			if err != nil || targets != addresses {
				b.Fatalf("%d targets, want %d: %v", targets, addresses, err)
			}
		}
	})
}

// benchContracts makes a database of a provider's contracts.
func benchContracts(b *testing.B, path string, size provider.Size) *sqlstore.Detections {
	detections, err := sqlstore.OpenDetections(b.Context(), path, sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { detections.Close() })
	if err := size.Detections(b.Context(), path); err != nil {
		b.Fatal(err)
	}
	return detections
}
