package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

// Data as bad as real data is imported without a loss: every row is accepted, every detection is
// there once with its last outcome, what cannot be trusted is told, and the file again leaves every
// month as it was.
func TestMessIsImportedWithoutLoss(t *testing.T) {
	const contracts = 30
	file := func(mess sample.Mess) []byte {
		var b bytes.Buffer
		opts := sample.Options{Contracts: contracts, Seed: 7, Period: october, Mix: sample.Mix{None: 3, Few: 5, Many: 2}, Mess: mess}
		if err := sample.Write(&b, opts); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	load := func(db *sqlstore.Detections, file []byte) ingest.Result {
		r, err := ingest.JSONLines(t.Context(), db, bytes.NewReader(file), options())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	clean, messy := open(t), open(t)
	load(clean, file(0))
	spoilt := file(sample.MessAll)
	first := load(messy, spoilt)
	for _, warning := range []string{store.WarnClock, store.WarnOutside, store.WarnNoInventory} {
		if first.Warnings[warning] == 0 {
			t.Errorf("no warning of %q: %v", warning, first.Warnings)
		}
	}
	before := months(t, messy, contracts)
	for id, m := range before {
		want := outcomes(months(t, clean, contracts)[id])
		if diff := cmp.Diff(want, outcomes(m)); diff != "" {
			t.Errorf("%s: outcomes (-clean +messy):\n%s", id, diff)
		}
	}
	if again := load(messy, spoilt); again.New != 0 {
		t.Errorf("again: %+v", again)
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(before, months(t, messy, contracts), sameZone); diff != "" {
		t.Errorf("months after the file came again (-before +after):\n%s", diff)
	}
}

func months(t *testing.T, db *sqlstore.Detections, contracts int) map[string]store.Month {
	t.Helper()
	all := map[string]store.Month{}
	for k := range contracts {
		id := fmt.Sprintf("C%06d", k+1)
		m, err := db.Month(context.Background(), id, october)
		if err != nil {
			t.Fatal(err)
		}
		all[id] = m
	}
	return all
}

// outcomes counts the period's detections by feature, name and result.
func outcomes(m store.Month) map[string]int64 {
	counts := map[string]int64{}
	for _, d := range m.Detections {
		counts[fmt.Sprint(d.Feature, " ", d.Name, " ", d.Result)] += d.Count
	}
	return counts
}
