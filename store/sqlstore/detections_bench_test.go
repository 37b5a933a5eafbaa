package sqlstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// benchRows is how many rows a benchmark's database holds: GEPPO_BENCH_ROWS, or few.
func benchRows(b *testing.B) int {
	b.Helper()
	s := os.Getenv("GEPPO_BENCH_ROWS")
	if s == "" {
		return 200_000
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1000 {
		b.Fatalf("GEPPO_BENCH_ROWS is %q, not a number from 1000", s)
	}
	return n
}

// BenchmarkMonth reads months out of a database of detections spread over September and October of
// so many contracts that most have 500; every 100th contract has 50 times as many. The database of
// the requirement is that of
//
//	GEPPO_BENCH_ROWS=10000000 GEPPO_BENCH_DB=/var/tmp/bench.db go test -run '^$' -bench Month ./store/sqlstore
//
// and is kept for the next time, if it has a name; GEPPO_BENCH_DB may be a postgres:// DSN as well.
func BenchmarkMonth(b *testing.B) {
	rows := benchRows(b)
	contracts := max(rows/750, 100)
	db := benchDB(b, rows, contracts)
	for _, size := range []struct {
		name        string
		first, step int
	}{{"few", 1, 100}, {"many", 0, 100}} {
		b.Run(size.name, func(b *testing.B) {
			read := 0
			k := size.first
			for b.Loop() {
				m := month(b, db, fmt.Sprint("C", k), reported)
				read += len(m.Detections)
				k += size.step
				if k >= contracts {
					k = size.first
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(read)*1000, "ms/1000rows")
			b.ReportMetric(float64(read)/float64(b.N), "rows/op")
		})
	}
}

// benchDB opens the database that GEPPO_BENCH_DB names, or one of its own, and fills it unless it is.
func benchDB(b *testing.B, rows, contracts int) *sqlstore.Detections {
	b.Helper()
	path := os.Getenv("GEPPO_BENCH_DB")
	if path == "" {
		path = filepath.Join(b.TempDir(), "d.db")
	}
	db, err := sqlstore.OpenDetections(b.Context(), path, sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	filled, err := db.LastImport(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if filled.IsZero() {
		fillForBench(b, db, rows, contracts)
	}
	return db
}

// fillForBench writes the rows as they would arrive: in the order of time, contracts mixed.
func fillForBench(b *testing.B, db *sqlstore.Detections, rows, contracts int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	start, _ := reported.Previous().Bounds(tokyo(b))
	_, end := reported.Bounds(tokyo(b))
	step := end.Sub(start) / time.Duration(rows)
	features := []store.Feature{store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering}
	began := time.Now()
	put(b, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		for k := range contracts {
			if err := tx.PutContract(ctx, contractOf(fmt.Sprint("C", k)), false); err != nil {
				return err
			}
		}
		for i := range rows {
			k := random.IntN(contracts)
			if i%3 == 0 { // a third of the rows for a hundredth of the contracts
				k -= k % 100
			}
			d := detectionOf(fmt.Sprint("C", k), fmt.Sprint("d-", i), start.Add(time.Duration(i)*step))
			d.Feature = features[i%len(features)]
			d.Endpoint = fmt.Sprintf("営業部-PC%03d", random.IntN(20))
			d.Name = fmt.Sprintf("Trojan.Win32.FRS.VSNW%02dG24", random.IntN(50))
			d.Path = `C:\Users\yamada\Downloads\請求書_2026年10月.exe`
			d.Received = d.Time.Add(time.Minute)
			if err := tx.PutDetection(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
	b.Logf("%d rows of %d contracts written at %.0f rows/s", rows, contracts, float64(rows)/time.Since(began).Seconds())
}
