package store_test

import (
	"testing"
	"time"

	"geppo/store"
)

// A month has begun when it has in the easternmost zone, and not a second before.
func TestPeriodBegun(t *testing.T) {
	november := store.Period{Year: 2026, Month: time.November}
	begin := time.Date(2026, 10, 31, 10, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]bool{begin: true, begin.Add(-time.Second): false, begin.AddDate(1, 0, 0): true} {
		if got := november.Begun(at); got != want {
			t.Errorf("at %s: %v, want %v", at, got, want)
		}
	}
}
