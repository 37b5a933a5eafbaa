package aggregate_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/aggregate"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

// The same machines under all their spellings, and with their domain, give the same reports, from a file to the last
// figure; so do the same detections told twice or in disorder.
func TestReportsDoNotDependOnSpelling(t *testing.T) {
	october := store.Period{Year: 2026, Month: time.October}
	const contracts = 6
	for seed := range uint64(3) {
		reports := func(mess sample.Mess) (list []aggregate.Report) {
			opts := sample.Options{Contracts: contracts, Seed: seed, Period: october, Mix: sample.Mix{None: 1, Few: 4, Many: 1}, Mess: mess}
			var file bytes.Buffer
			if err := sample.Write(&file, opts); err != nil {
				t.Fatal(err)
			}
			db := imported(t, &file)
			for k := range contracts {
				m, err := db.Month(t.Context(), fmt.Sprintf("C%06d", k+1), october)
				if err != nil {
					t.Fatal(err)
				}
				r, err := aggregate.Compute(m.Rows(), aggregate.Options{Revision: 1})
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, r)
			}
			return list
		}
		clean := reports(0)
		for _, mess := range []sample.Mess{sample.MessNames, sample.MessDomains, sample.MessNames | sample.MessDomains | sample.MessTwice | sample.MessLate} {
			if diff := cmp.Diff(clean, reports(mess)); diff != "" {
				t.Fatalf("mess %b (-clean +messy):\n%s", mess, diff)
			}
		}
	}
}

func imported(t *testing.T, file io.Reader) *sqlstore.Detections {
	t.Helper()
	db, err := sqlstore.OpenDetections(t.Context(), t.TempDir()+"/d.db", sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	done, err := ingest.Import(t.Context(), db, file, ingest.Options{Format: "jsonl", Now: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range []string{store.WarnOutside, store.WarnNoInventory} {
		if n := done.Warnings[warning]; n > 0 {
			t.Errorf("%s: %d", warning, n)
		}
	}
	return db
}
