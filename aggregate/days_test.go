package aggregate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
)

// officialHolidays are the 国民の祝日・休日 as the Cabinet Office lists them, written by hand;
// those of 2028 follow from the law and the computed equinoxes, which are announced a year before.
const officialHolidays = `
2024-01-01 2024-01-08 2024-02-11 2024-02-12 2024-02-23 2024-03-20 2024-04-29 2024-05-03 2024-05-04 2024-05-05 2024-05-06
2024-07-15 2024-08-11 2024-08-12 2024-09-16 2024-09-22 2024-09-23 2024-10-14 2024-11-03 2024-11-04 2024-11-23
2025-01-01 2025-01-13 2025-02-11 2025-02-23 2025-02-24 2025-03-20 2025-04-29 2025-05-03 2025-05-04 2025-05-05 2025-05-06
2025-07-21 2025-08-11 2025-09-15 2025-09-23 2025-10-13 2025-11-03 2025-11-23 2025-11-24
2026-01-01 2026-01-12 2026-02-11 2026-02-23 2026-03-20 2026-04-29 2026-05-03 2026-05-04 2026-05-05 2026-05-06
2026-07-20 2026-08-11 2026-09-21 2026-09-22 2026-09-23 2026-10-12 2026-11-03 2026-11-23
2027-01-01 2027-01-11 2027-02-11 2027-02-23 2027-03-21 2027-03-22 2027-04-29 2027-05-03 2027-05-04 2027-05-05
2027-07-19 2027-08-11 2027-09-20 2027-09-23 2027-10-11 2027-11-03 2027-11-23
2028-01-01 2028-01-10 2028-02-11 2028-02-23 2028-03-20 2028-04-29 2028-05-03 2028-05-04 2028-05-05
2028-07-17 2028-08-11 2028-09-18 2028-09-22 2028-10-09 2028-11-03 2028-11-23
`

func TestHolidaysAreTheOfficialOnes(t *testing.T) {
	var got []string
	for year := 2024; year <= 2028; year++ {
		for month := time.January; month <= time.December; month++ {
			for _, day := range newCalendar(store.Period{Year: year, Month: month}, time.UTC).holidays {
				got = append(got, string(day))
			}
		}
	}
	if diff := cmp.Diff(strings.Fields(officialHolidays), got); diff != "" {
		t.Error(diff)
	}
}

// TestHolidaysOfConcurrentReports fails under -race if reports share what the holiday library
// writes into.
func TestHolidaysOfConcurrentReports(t *testing.T) {
	done := make(chan int)
	for range 2 {
		go func() { done <- len(PublicHolidays(store.Period{Year: 2026, Month: time.September})) }()
	}
	if a, b := <-done, <-done; a != 3 || b != 3 {
		t.Errorf("September 2026 has %d and %d holidays, want 3", a, b)
	}
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestIndexOfInstants(t *testing.T) {
	for _, c := range []struct {
		zone   string
		period store.Period
		at     string
		want   int
	}{
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-10-01T00:00:00+09:00", 0},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-09-30T23:59:59.999+09:00", -1},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-10-31T23:59:59.999+09:00", 30},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-11-01T00:00:00+09:00", -1},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-10-31T14:59:59Z", 30},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-10-31T15:00:00Z", -1},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "2026-09-30T15:00:00Z", 0},
		{"Asia/Tokyo", store.Period{Year: 2024, Month: 2}, "2024-02-29T23:59:59.999+09:00", 28},
		{"Asia/Tokyo", store.Period{Year: 2025, Month: 2}, "2025-03-01T00:00:00+09:00", -1},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "0001-01-01T00:00:00Z", -1},
		{"Asia/Tokyo", store.Period{Year: 2026, Month: 10}, "9999-12-31T23:59:59Z", -1},
		// Days of 23 and 25 hours.
		{"America/New_York", store.Period{Year: 2026, Month: 3}, "2026-03-08T23:59:59.5-04:00", 7},
		{"America/New_York", store.Period{Year: 2026, Month: 3}, "2026-03-31T23:59:59.999-04:00", 30},
		{"America/New_York", store.Period{Year: 2026, Month: 3}, "2026-04-01T00:00:00-04:00", -1},
		{"America/New_York", store.Period{Year: 2026, Month: 11}, "2026-11-01T00:00:00-04:00", 0},
		{"America/New_York", store.Period{Year: 2026, Month: 11}, "2026-11-01T23:59:59-05:00", 0},
		{"America/New_York", store.Period{Year: 2026, Month: 11}, "2026-11-02T00:00:00-05:00", 1},
		// Clocks that skip midnight: the day begins at 01:00.
		{"America/Santiago", store.Period{Year: 2026, Month: 9}, "2026-09-05T23:59:59-04:00", 4},
		{"America/Santiago", store.Period{Year: 2026, Month: 9}, "2026-09-06T01:00:00-03:00", 5},
		{"Asia/Beirut", store.Period{Year: 2026, Month: 3}, "2026-03-28T23:59:59+02:00", 27},
		{"Asia/Beirut", store.Period{Year: 2026, Month: 3}, "2026-03-29T01:00:00+03:00", 28},
		// Clocks that fall from midnight back into the day before, and one with midnight twice.
		{"America/Santiago", store.Period{Year: 2026, Month: 4}, "2026-04-04T23:30:00-03:00", 3},
		{"America/Santiago", store.Period{Year: 2026, Month: 4}, "2026-04-04T23:30:00-04:00", 3},
		{"America/Santiago", store.Period{Year: 2026, Month: 4}, "2026-04-05T00:00:00-04:00", 4},
		{"America/Havana", store.Period{Year: 2026, Month: 11}, "2026-11-01T00:30:00-04:00", 0},
		{"America/Havana", store.Period{Year: 2026, Month: 11}, "2026-11-01T00:30:00-05:00", 0},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		cal := newCalendar(c.period, location(t, c.zone))
		if got := cal.index(at); got != c.want {
			t.Errorf("%s in %s: day %d, want %d", c.at, c.zone, got, c.want)
		}
	}
}

// TestIndexAgreesWithTheCalendarDay walks over whole years of zones with all kinds of changes.
func TestIndexAgreesWithTheCalendarDay(t *testing.T) {
	for _, zone := range []string{"Asia/Tokyo", "UTC", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "America/Havana", "Asia/Beirut", "Asia/Kathmandu", "Pacific/Kiritimati"} {
		loc := location(t, zone)
		for month := time.January; month <= time.December; month++ {
			p := store.Period{Year: 2026, Month: month}
			cal := newCalendar(p, loc)
			for at := time.Date(2026, month, 1, -30, 0, 0, 0, time.UTC); at.Before(time.Date(2026, month+1, 2, 0, 0, 0, 0, time.UTC)); at = at.Add(17 * time.Minute) {
				want := slices.Index(cal.days, store.DayOf(at, loc))
				if got := cal.index(at); got != want {
					t.Fatalf("%s in %s: day %d of %s, want %d", at, zone, got, p, want)
				}
			}
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        float64
	}{
		{0, 5, 0},
		{1, 3, 33.3},
		{2, 3, 66.7},
		{4, 20, 20},
		{1, 8, 12.5},
		{1, 2000, 0.1},
		{-1, 2000, -0.1}, // exactly half of a tenth, away from zero
		{1, 2001, 0},
		{-1, 2001, 0},
		{172, 1000, 17.2},
		{-100, 100, -100},
		{7, 5, 140},
		{1 << 62, 1 << 61, 200},
		{-(1 << 62), 1 << 61, -200},
	} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d is %v %%, want %v", c.part, c.whole, got, c.want)
		}
	}
}
