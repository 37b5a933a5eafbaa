package store_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"geppo/store"
)

// TestDaysAreThoseOfTheCalendar: whatever the month, its days are what the calendar gives one after the other.
func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := store.Period{Year: rapid.IntRange(1900, 9999).Draw(t, "year"), Month: time.Month(rapid.IntRange(0, 12).Draw(t, "month"))}
		next := time.Date(p.Year, p.Month, 1, 0, 0, 0, 0, time.UTC)
		for _, day := range p.Days() {
			if want := store.Day(next.Format(time.DateOnly)); day != want {
				t.Fatalf("%s is followed by %s, want %s", p, day, want)
			}
			next = next.AddDate(0, 0, 1)
		}
		if p.Month != 0 && next.Day() != 1 {
			t.Fatalf("%s ends before %s", p, next)
		}
	})
}
