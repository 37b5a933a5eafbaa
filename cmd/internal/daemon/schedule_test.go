package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"geppo/aggregate"
	"geppo/cmd/internal/daemon"
	"geppo/store"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestScheduleFires(t *testing.T) {
	for _, test := range []struct {
		line, zone, after string
		want              []string
	}{
		{"0 9 1 * *", "Asia/Tokyo", "2026-01-01T09:00", []string{"2026-02-01T09:00", "2026-03-01T09:00", "2026-04-01T09:00"}},
		{"0 9 31 * *", "Asia/Tokyo", "2026-01-15T00:00", []string{"2026-01-31T09:00", "2026-02-28T09:00", "2026-03-31T09:00", "2026-04-30T09:00"}},
		{"0 9 30 * *", "Asia/Tokyo", "2028-01-31T00:00", []string{"2028-02-29T09:00", "2028-03-30T09:00"}},
		{"0 9 29 * *", "Asia/Tokyo", "2027-02-01T00:00", []string{"2027-02-28T09:00", "2027-03-29T09:00"}},
		{"0 9 29 * *", "Asia/Tokyo", "2028-02-01T00:00", []string{"2028-02-29T09:00", "2028-03-29T09:00"}},
		{"0 9 30 2 *", "Asia/Tokyo", "2026-01-01T00:00", []string{"2026-02-28T09:00", "2027-02-28T09:00", "2028-02-29T09:00"}},
		// The 28th and the 31st: in February both fall on the 28th, which fires once.
		{"0 9 28,31 * *", "Asia/Tokyo", "2026-02-01T00:00", []string{"2026-02-28T09:00", "2026-03-28T09:00", "2026-03-31T09:00", "2026-04-28T09:00", "2026-04-30T09:00"}},
		{"30 8,20 31 * *", "Asia/Tokyo", "2026-04-30T08:30", []string{"2026-04-30T20:30", "2026-05-31T08:30"}},
		{"0 9 * * 1", "Asia/Tokyo", "2026-11-22T00:00", []string{"2026-11-23T09:00", "2026-11-30T09:00"}},
		// The hour that a spring skips: at the change. The hour that an autumn repeats: once.
		{"30 2 8 * *", "America/New_York", "2026-03-07T00:00", []string{"2026-03-08T03:00", "2026-04-08T02:30"}},
		{"0,15,59 2 8 3 *", "America/New_York", "2026-03-07T00:00", []string{"2026-03-08T03:00", "2027-03-08T02:00"}},
		{"59 1 8 * *", "America/New_York", "2026-03-07T00:00", []string{"2026-03-08T01:59", "2026-04-08T01:59"}},
		{"30 1 1 * *", "America/New_York", "2026-10-30T00:00", []string{"2026-11-01T01:30", "2026-12-01T01:30"}},
		{"0 2 1 11 *", "America/New_York", "2026-10-30T00:00", []string{"2026-11-01T02:00", "2027-11-01T02:00"}},
		// A change at midnight, one of half an hour, and a day that a zone left out.
		{"15 0 29 * *", "Africa/Cairo", "2027-04-29T00:00", []string{"2027-04-29T00:15", "2027-05-29T00:15"}},
		{"15 0 30 4 *", "Africa/Cairo", "2027-04-29T00:00", []string{"2027-04-30T01:00", "2028-04-30T00:15"}},
		{"15 2 4 10 *", "Australia/Lord_Howe", "2026-01-01T00:00", []string{"2026-10-04T02:30", "2027-10-04T02:15"}},
		{"0 9 30 * *", "Pacific/Apia", "2011-12-01T00:00", []string{"2011-12-31T00:00", "2012-01-30T09:00"}},
		{"0 9 1 * *", "America/New_York", "2026-03-01T09:00", []string{"2026-04-01T09:00", "2026-05-01T09:00"}},
	} {
		loc := zone(t, test.zone)
		s, err := daemon.NewSchedule(test.line, loc)
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		at, err := time.ParseInLocation("2006-01-02T15:04", test.after, loc)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range test.want {
			at = s.Next(at)
			got = append(got, at.In(loc).Format("2006-01-02T15:04"))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s after %s:\n%s", test.line, test.after, diff)
		}
	}
}

// A working day is none of a weekend, a public holiday with its substitute, or the office's closed days.
func TestWorkdayFires(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	for _, test := range []struct {
		line, after string
		closed      []store.Day
		want        []string
	}{
		{"workday 1 09:00", "2026-10-31T00:00", nil, []string{"Mon 2026-11-02 09:00", "Tue 2026-12-01 09:00", "Mon 2027-01-04 09:00"}},
		{"workday 3 09:00", "2026-11-04T00:00", nil, []string{"Thu 2026-11-05 09:00", "Thu 2026-12-03 09:00", "Wed 2027-01-06 09:00"}}, // the 3rd is a holiday
		// Golden week: the 3rd of May is a Sunday, and its substitute the 6th.
		{"workday 2 8:30", "2026-05-01T00:00", nil, []string{"Thu 2026-05-07 08:30"}},
		{"workday 1 09:00", "2026-12-31T00:00", []store.Day{"2027-01-04", "2027-01-05"}, []string{"Wed 2027-01-06 09:00"}},
		// No month has so many: the last.
		{"workday 23 23:59", "2026-02-01T00:00", nil, []string{"Fri 2026-02-27 23:59", "Tue 2026-03-31 23:59", "Thu 2026-04-30 23:59"}},
		{"workday 15 00:00", "2026-09-01T00:00", nil, []string{"Thu 2026-09-24 00:00"}}, // the 22nd is free between two holidays
	} {
		s, err := daemon.NewSchedule(test.line, tokyo, test.closed...)
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		at, err := time.ParseInLocation("2006-01-02T15:04", test.after, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range test.want {
			at = s.Next(at)
			got = append(got, at.Format("Mon 2006-01-02 15:04"))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s after %s:\n%s", test.line, test.after, diff)
		}
	}
}

// Each month has one: the n-th day that is worked, or the last.
func TestEachMonthHasItsWorkday(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 23).Draw(t, "n")
		s, err := daemon.NewSchedule(fmt.Sprintf("workday %d 09:00", n), tokyo)
		if err != nil {
			t.Fatal(err)
		}
		p := store.Period{Year: 2020 + rapid.IntRange(0, 20).Draw(t, "year"), Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month"))}
		start, end := p.Bounds(tokyo)
		at := s.Next(start.Add(-time.Nanosecond))
		holidays := aggregate.PublicHolidays(p)
		upTo, after := 0, 0
		for day := start; day.Before(end); day = day.AddDate(0, 0, 1) {
			free := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || holidays[store.DayOf(day, tokyo)]
			switch {
			case free && store.DayOf(day, tokyo) == store.DayOf(at, tokyo):
				t.Errorf("%s is no working day", at)
			case !free && !day.After(at):
				upTo++
			case !free:
				after++
			}
		}
		if store.PeriodOf(at, tokyo) != p || upTo != n && (after > 0 || upTo > n) {
			t.Errorf("workday %d of %s is %s: the %d., with %d after it", n, p, at, upTo, after)
		}
		if next := s.Next(at); store.PeriodOf(next, tokyo) != p.Next() {
			t.Errorf("after %s it fires on %s", at, next)
		}
	})
}

// Where no month is too short and no clock changes, our times are cron's.
func TestScheduleAgreesWithCron(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	rapid.Check(t, func(t *rapid.T) {
		field := func(name string, from, to int) string {
			set := rapid.SliceOfNDistinct(rapid.IntRange(from, to), 1, 3, rapid.ID).Draw(t, name)
			return strings.ReplaceAll(strings.Trim(fmt.Sprint(set), "[]"), " ", ",")
		}
		days := []string{field("day", 1, 28) + " " + field("month", 1, 12) + " *", "* * " + field("weekday", 0, 6), "* " + field("month", 1, 12) + " *", "*/5 * *"}
		line := field("minute", 0, 59) + " " + field("hour", 0, 23) + " " + rapid.SampledFrom(days).Draw(t, "days")
		ours, err := daemon.NewSchedule(line, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := cron.ParseStandard("CRON_TZ=Asia/Tokyo " + line)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1.7e9, 2e9).Draw(t, "after"), 0).In(tokyo)
		for range 20 {
			got, want := ours.Next(at), theirs.Next(at)
			if strings.HasSuffix(line, "*/5 * *") && got.AddDate(0, 0, 1).Day() == 1 {
				return // a day that falls back
			}
			if !got.Equal(want) {
				t.Fatalf("%q after %s: %s, cron says %s", line, at, got, want)
			}
			at = got
		}
	})
}

// Over 20 years a line of day 29 to 31 fires once in every month.
func TestNoMonthIsSkipped(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	for _, line := range []string{"0 9 1 * *", "0 9 28 * *", "0 9 29 * *", "0 9 30 * *", "59 23 31 * *"} {
		s, err := daemon.NewSchedule(line, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2019, 12, 31, 23, 59, 59, 0, tokyo)
		for month := range 240 {
			at = s.Next(at)
			want := time.Date(2020, time.January+time.Month(month), 1, 0, 0, 0, 0, tokyo)
			if at.Year() != want.Year() || at.Month() != want.Month() {
				t.Fatalf("%s: fire %d is %s, want one in %s", line, month, at, want.Format("2006-01"))
			}
		}
	}
}

func TestFaultySchedulesAreRefusedWithTheReason(t *testing.T) {
	for line, reason := range map[string]string{
		"":                             "cron line",
		"0 9 1 *":                      "cron line",
		"0 9 32 * *":                   "cron line",
		"CRON_TZ=Asia/Tokyo":           "cron line",
		"CRON_TZ=UTC 0 9 1 * *":        "set timezone",
		"@every 1h":                    "name minute, hour and day",
		"0 9 1 * 1":                    "name one",
		"0 0 9 1 * *":                  "cron line",
		"TZ=":                          "cron line",
		"0 9 1 * * ; rm -rf /":         "cron line",
		"99999999999999999999 9 1 * *": "cron line",
		"workday":                      "workday 3 09:00",
		"workday 0 09:00":              "workday 3 09:00",
		"workday 24 09:00":             "workday 3 09:00",
		"workday 3 24:00":              "workday 3 09:00",
		"workdays 3 09:00":             "workday 3 09:00",
	} {
		if _, err := daemon.NewSchedule(line, time.UTC); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: error %v, want one that says %q", line, err, reason)
		}
	}
}
