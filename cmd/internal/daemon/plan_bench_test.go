package daemon_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

// BenchmarkPlan plans a month of GEPPO_BENCH_CONTRACTS contracts (2,000 if it is not set; a provider's
// whole month is 100,000) with 1.4 addresses each: the first time, again when nothing is left to
// plan, and without writing.
func BenchmarkPlan(b *testing.B) {
	contracts := 2000
	if s := os.Getenv("GEPPO_BENCH_CONTRACTS"); s != "" {
		var err error
		if contracts, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	detections := benchContracts(b, filepath.Join(dir, "detections.db"), contracts)
	request := daemon.Request{Kind: "run", Period: october, By: "bench"}
	planner := func(b *testing.B, name string) daemon.Planner {
		ledger, err := sqlstore.OpenLedger(b.Context(), filepath.Join(dir, name), sqlstore.Migrate)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { ledger.Close() })
		return daemon.Planner{Detections: detections, Ledger: ledger, IDs: messageIDs(ledger), Now: time.Now}
	}
	plan := func(b *testing.B, p daemon.Planner, want int) {
		run, err := p.Plan(b.Context(), request)
		if err != nil || run.Planned != want {
			b.Fatalf("%d planned, want %d: %v", run.Planned, want, err)
		}
	}
	addresses := contracts + (contracts*2+4)/5
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

// benchContracts makes a database of contracts of which two of five have a second address.
func benchContracts(b *testing.B, path string, contracts int) *sqlstore.Detections {
	detections, err := sqlstore.OpenDetections(b.Context(), path, sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { detections.Close() })
	_, err = detections.Import(b.Context(), store.Import{File: "bench", Format: "jsonl", Now: time.Now}, func(tx *sqlstore.ImportTx) error {
		return putContracts(b.Context(), tx, contracts)
	})
	if err != nil {
		b.Fatal(err)
	}
	return detections
}

func putContracts(ctx context.Context, tx *sqlstore.ImportTx, contracts int) error {
	for i := range contracts {
		c := store.Contract{
			ID: fmt.Sprintf("C%06d", i), Name: fmt.Sprintf("株式会社サンプル%d", i), Product: "antivirus", Licences: 10,
			Timezone: "Asia/Tokyo", Since: "2024-04-01",
			Recipients: []store.Recipient{{Address: fmt.Sprintf("kanri%d@c%d.example.jp", i, i), Name: "情報システム ご担当者"}},
		}
		if i%5 < 2 {
			c.Recipients = append(c.Recipients, store.Recipient{Address: fmt.Sprintf("soumu%d@c%d.example.jp", i, i), Name: "総務 ご担当者"})
		}
		if err := tx.PutContract(ctx, c, false); err != nil {
			return err
		}
	}
	return nil
}
