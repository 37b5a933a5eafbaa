package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// A detection whose time is corrected into another month has changed both: the one that it came to, and the one that it
// has left, of which no row of the import tells.
func TestAMonthThatADetectionLeavesHasChanged(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := openedDetections(t, newDSN(t))
		september, november := october.Previous(), october.Next()
		detected := func(at time.Time) {
			put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
				return tx.PutDetection(ctx, store.DetectionRow{Contract: "C1", ID: "d", Detection: store.Detection{
					Feature: store.Virus, Time: at, Class: store.ClassDesktop, Count: 1, Endpoint: "E", Name: "N", Result: "cleaned",
				}, Received: at})
			})
		}
		last := func(p store.Period) int64 {
			changed, err := db.ChangedUntil(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			return changed["C1"].Import
		}
		put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error { // the first import
			return tx.PutContract(ctx, store.Contract{ID: "C1", Name: "x", Product: store.ProductAntivirus, Timezone: "Asia/Tokyo", Since: "2025-04-01"}, false)
		})
		detected(time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC))
		before := last(september)
		detected(time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC))
		if after := last(september); after != before+1 {
			t.Errorf("September is as of import %d, was %d: it does not know that a detection has left it", after, before)
		}
		if at := last(november); at != before+1 {
			t.Errorf("November is as of import %d", at)
		}
		detected(time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)) // nothing new
		if at := last(november); at != before+1 {
			t.Errorf("November is as of import %d, by one that told nothing new", at)
		}
	})
}
