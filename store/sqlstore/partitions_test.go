package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore/pgtest"
)

func openOnPostgres(t *testing.T) *Detections {
	t.Helper()
	d, err := OpenDetections(t.Context(), pgtest.Database(t), Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func months(t *testing.T, d *Detections) (names []string) {
	t.Helper()
	err := d.snapshot(t.Context(), func(tx *sql.Tx) error {
		made, err := partitionsMade(t.Context(), tx)
		names = slices.Sorted(maps.Keys(made))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// importOn writes a detection at each time, and calls before the import ends.
func importOn(t *testing.T, d *Detections, id string, before func(), times ...time.Time) {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }
	_, err := d.Import(t.Context(), store.Import{File: "f", Now: now}, func(tx *ImportTx) error {
		err := tx.PutContract(t.Context(), store.Contract{ID: "C1", Name: "x", Product: store.ProductAntivirus, Timezone: "Asia/Tokyo", Since: "2020-01-01"}, true)
		for i, at := range times {
			row := store.DetectionRow{Contract: "C1", ID: id + string(rune('a'+i)), Detection: store.Detection{
				Feature: store.Virus, Time: at, Endpoint: "P\x00C\xff", Class: store.ClassDesktop, Name: "N", Result: "cleaned", Count: 1,
			}}
			if err == nil {
				err = tx.PutDetection(t.Context(), row)
			}
		}
		if err == nil {
			err = tx.flush(t.Context())
		}
		before()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Months get their tables as they come, and lose them when they are pruned: what the next month's table must keep,
// because it is of another month in the contract's zone, is kept.
func TestPrunedMonthsAreDropped(t *testing.T) {
	d := openOnPostgres(t)
	none := func() {}
	importOn(t, d, "a", none,
		time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 8, 31, 14, 0, 0, 0, time.UTC), time.Date(2026, 8, 31, 16, 0, 0, 0, time.UTC), // the last one is of September in Tokyo
		time.Date(2026, 7, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))
	found, err := d.Prunable(t.Context(), store.Retention{Before: store.Period{Year: 2026, Month: 9}})
	if err != nil || found.Rows() != 4 {
		t.Fatalf("%d rows would go, want 4; error %v", found.Rows(), err)
	}
	if err := d.Prune(t.Context(), found, time.Now(), func(int64) {}); err != nil {
		t.Fatal(err)
	}
	want := []string{"detections_2026_08", "detections_2026_09", "detections_after", "detections_before"}
	if diff := cmp.Diff(want, months(t, d)); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	rows, err := d.Rows(t.Context(), "C1")
	if err != nil || rows.Detections != 2 {
		t.Errorf("%d rows are left, want 2; error %v", rows.Detections, err)
	}
	// What went is unknown again, what stayed is not.
	importOn(t, d, "a", none, time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 8, 31, 14, 0, 0, 0, time.UTC), time.Date(2026, 8, 31, 16, 0, 0, 0, time.UTC))
	if rows, err = d.Rows(t.Context(), "C1"); err != nil || rows.Detections != 4 {
		t.Errorf("%d rows are there, want 4; error %v", rows.Detections, err)
	}
}

// Somebody who reads for long keeps a month from being dropped, and is told of; nobody waits for him for ever.
func TestAMonthThatIsReadStays(t *testing.T) {
	d := openOnPostgres(t)
	importOn(t, d, "a", func() {}, time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC))
	found, err := d.Prunable(t.Context(), store.Retention{Before: store.Period{Year: 2026, Month: 10}})
	if err != nil {
		t.Fatal(err)
	}
	err = d.ReadMonth(t.Context(), "C1", store.Period{Year: 2026, Month: 8}, func(store.MonthRows) error {
		return d.Prune(t.Context(), found, time.Now(), func(int64) {})
	})
	if err == nil || !isBusy(err) || !strings.Contains(err.Error(), "prune again") {
		t.Errorf("error %v", err)
	}
	if err := d.Prune(t.Context(), found, time.Now(), func(int64) {}); err != nil {
		t.Error(err)
	}
}

// Who reads does not wait for an import that makes a month's table.
func TestReadersDoNotWaitForAnImport(t *testing.T) {
	d := openOnPostgres(t)
	importOn(t, d, "a", func() {}, time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC))
	importOn(t, d, "b", func() {
		ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
		defer cancel()
		if m, err := d.Month(ctx, "C1", store.Period{Year: 2026, Month: 8}); err != nil || len(m.Detections) != 1 {
			t.Errorf("%v, error %v", m.Detections, err)
		} else if got := m.Detections[0].Endpoint; got != "P\ufffdC\ufffd" {
			t.Errorf("endpoint %q", got)
		}
	}, time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC))
}
