package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

func periodOf(year, month int) store.Period {
	return store.Period{Year: year, Month: time.Month(month)}
}

// fillYears gives three contracts in three zones rows of every kind in 2024 and 2025. PC-0 was last
// seen in the first month; C2 lost its feed then too.
func fillYears(t *testing.T, db *sqlstore.Detections) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) (err error) {
		try := func(e error) { err = errors.Join(err, e) }
		for i, zone := range []string{"Asia/Tokyo", "America/New_York", "UTC"} {
			c := contractOf(fmt.Sprintf("C%d", i))
			c.Timezone, c.Since = zone, "2020-01-01"
			try(tx.PutContract(ctx, c, true))
			for e := range 4 {
				try(tx.PutEndpoint(ctx, c.ID, store.Endpoint{Name: fmt.Sprintf("PC-%d", e), Class: store.ClassDesktop, InstalledAt: start}))
			}
			for n := range 700 {
				at := start.Add(time.Duration(random.IntN(730*24*3600)) * time.Second)
				d := detectionOf(c.ID, fmt.Sprint(n), at)
				try(tx.PutDetection(ctx, d))
				if n%7 == 0 {
					try(tx.PutEvent(ctx, c.ID, store.EDREvent{ID: fmt.Sprint(n), Time: at, Endpoints: []store.Machine{{Name: "PC-1"}}, Status: "new"}))
				}
				day := store.DayOf(at, time.UTC)
				endpoint := n % 4
				if endpoint == 0 && day > "2024-01-31" {
					continue
				}
				try(tx.PutStatus(ctx, c.ID, store.AgentStatus{
					Endpoint: fmt.Sprintf("PC-%d", endpoint), Day: day, LastSeen: at,
					Protections: store.Protections{
						RealtimeScan: store.On, BehaviorMonitoring: store.On, MachineLearning: store.On, WebReputation: store.On, EDR: store.Unknown,
					},
				}))
				if i != 2 || day <= "2024-01-31" {
					try(tx.PutCoverage(ctx, c.ID, day))
				}
			}
		}
		return err
	})
}

func TestPruneChangesNoReportThatCanStillBeComputed(t *testing.T) {
	onBoth(t, pruneChangesNoReportThatCanStillBeComputed)
}

func pruneChangesNoReportThatCanStillBeComputed(t *testing.T) {
	db := openDetections(t)
	fillYears(t, db)
	retention := store.Retention{
		Before: periodOf(2025, 3), // 2025-03 and later stay
		Keep:   []store.Period{periodOf(2024, 7), periodOf(2024, 6), periodOf(2025, 5), periodOf(2024, 7)},
	}
	stays := func(p store.Period) bool {
		return p == periodOf(2024, 6) || p == periodOf(2024, 7) || p.String() >= "2025-03"
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	before := map[string]store.Month{}
	for p := periodOf(2024, 1); p.Year < 2026; p = p.Next() {
		for _, id := range []string{"C0", "C1", "C2"} {
			before[id+p.String()] = month(t, db, id, p)
		}
	}

	found, err := db.Prunable(t.Context(), retention)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found.Months {
		if stays(m.Period) {
			t.Errorf("%s would go", m.Period)
		}
	}
	// America/New_York's first hours of 2024 are of December 2023.
	if n := len(found.Months); n < 12 || n > 13 {
		t.Errorf("%d months would go", n)
	}
	if diff := cmp.Diff(before["C02024-02"], month(t, db, "C0", periodOf(2024, 2)), sameZone); diff != "" {
		t.Fatalf("finding changed something:\n%s", diff)
	}
	var gone int64
	if err := db.Prune(t.Context(), found, noon, func(n int64) { gone += n }); err != nil {
		t.Fatal(err)
	}
	if gone != found.Rows() || gone == 0 {
		t.Errorf("%d rows went, %d were found", gone, found.Rows())
	}

	compared := 0
	for p := periodOf(2024, 1); p.Year < 2026; p = p.Next() {
		for _, id := range []string{"C0", "C1", "C2"} {
			after, err := db.Month(t.Context(), id, p)
			if !stays(p) || !stays(p.Previous()) {
				if !errors.Is(err, store.ErrPruned) || !errors.Is(db.Pruned(t.Context(), p), store.ErrPruned) {
					t.Errorf("%s of %s: error %v, want ErrPruned", p, id, err)
				}
				continue
			}
			if err := errors.Join(err, db.Pruned(t.Context(), p)); err != nil {
				t.Fatal(err)
			}
			compared++
			if diff := cmp.Diff(before[id+p.String()], after, sameZone); diff != "" {
				t.Errorf("%s of %s changed (-before +after):\n%s", p, id, diff)
			}
		}
	}
	if compared != 3*10 { // 2024-07, and 2025-04 to 2025-12
		t.Errorf("%d months compared", compared)
	}
	again, err := db.Prunable(t.Context(), retention)
	if err != nil || len(again.Months) != 0 || again.Rows() != 0 {
		t.Errorf("a second pruning finds %+v, error %v", again.Months, err)
	}
}

// TestPruneMarksItsMonthsBeforeTheFirstRowGoes cuts a pruning off after its first transaction.
func TestPruneMarksItsMonthsBeforeTheFirstRowGoes(t *testing.T) {
	onBoth(t, pruneMarksItsMonthsBeforeTheFirstRowGoes)
}

func pruneMarksItsMonthsBeforeTheFirstRowGoes(t *testing.T) {
	db := openDetections(t)
	fillYears(t, db)
	retention := store.Retention{Before: periodOf(2026, 1)}
	found, err := db.Prunable(t.Context(), retention)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Prune(ctx, found, noon, func(int64) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	month(t, db, "C0", periodOf(2024, 5)) // nothing was marked, so nothing went

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	err = db.Prune(ctx, sqlstore.Pruning{Months: found.Months}, noon, func(int64) { t.Error("no unit, no row") })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Month(t.Context(), "C0", periodOf(2024, 5)); !errors.Is(err, store.ErrPruned) {
		t.Errorf("error %v, want ErrPruned though every row is there", err)
	}
	rest, err := db.Prunable(t.Context(), retention)
	if err != nil || rest.Rows() != found.Rows() {
		t.Errorf("%d rows are left to prune, want %d; error %v", rest.Rows(), found.Rows(), err)
	}
}

func TestPruneLetsImportsAndReadersIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.db")
	open := func() *sqlstore.Detections {
		db, err := sqlstore.OpenDetections(t.Context(), path, sqlstore.Migrate)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	db, other := open(), open()
	const contracts, each = 5, 12_000 // more than one transaction
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) (err error) {
		for c := range contracts {
			err = errors.Join(err, tx.PutContract(ctx, contractOf(fmt.Sprintf("C%d", c)), true))
			for n := range each {
				err = errors.Join(err, tx.PutDetection(ctx, detectionOf(fmt.Sprintf("C%d", c), fmt.Sprint(n), time.Date(2024, 5, 3, 0, 0, n, 0, time.UTC))))
			}
		}
		return err
	})
	found, err := db.Prunable(t.Context(), store.Retention{Before: periodOf(2025, 1)})
	if err != nil || found.Rows() != contracts*each {
		t.Fatalf("%d rows found, error %v", found.Rows(), err)
	}
	transactions := 0
	err = db.Prune(t.Context(), found, noon, func(int64) {
		transactions++
		// Between two transactions another process writes without waiting.
		put(t, other, func(ctx context.Context, tx *sqlstore.ImportTx) error {
			return tx.PutDetection(ctx, detectionOf("C0", fmt.Sprint("new", transactions), noon))
		})
		month(t, other, "C0", periodOf(2026, 11))
	})
	if err != nil {
		t.Fatal(err)
	}
	if transactions != 3 {
		t.Errorf("%d transactions, want 3", transactions)
	}
	if err := db.Vacuum(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var pages, free, rows int
	err = raw.QueryRow(`SELECT page_count, freelist_count, (SELECT count(*) FROM detections) FROM pragma_page_count, pragma_freelist_count`).Scan(&pages, &free, &rows)
	if err != nil || free != 0 || pages > 60 || rows != 3 {
		t.Errorf("%d pages, %d free, %d rows, error %v", pages, free, rows, err)
	}
}
