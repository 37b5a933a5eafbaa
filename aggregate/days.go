package aggregate

import (
	"sort"
	"time"

	"github.com/rickar/cal/v2/jp"

	"geppo/store"
)

// offlineDays is after how many days of silence an agent counts as offline, and how old a snapshot
// may be to vouch for a working protection.
const offlineDays = 14

// calendar is the period cut into the days of the contract's zone. Instants are found by
// arithmetic on the days' beginnings, so that a row costs no formatting, and days of 23 or 25
// hours come out right.
type calendar struct {
	loc      *time.Location
	days     []store.Day
	starts   []time.Time // of each day, and the period's end
	unix     []int64     // the same in seconds; a day begins on a whole second
	cutoffs  []time.Time // an agent last seen then or before is offline on that day
	weekdays []time.Weekday
	free     []bool // a weekend day or a public holiday
	holidays []store.Day
}

func newCalendar(p store.Period, loc *time.Location) *calendar {
	c := &calendar{loc: loc, days: p.Days(), holidays: []store.Day{}}
	holidays := PublicHolidays(p)
	for i, day := range c.days {
		noon := time.Date(p.Year, p.Month, i+1, 12, 0, 0, 0, time.UTC)
		weekday := noon.Weekday()
		c.weekdays = append(c.weekdays, weekday)
		c.free = append(c.free, weekday == time.Saturday || weekday == time.Sunday || holidays[day])
		if holidays[day] {
			c.holidays = append(c.holidays, day)
		}
	}
	// An agent is offline on a day if it was last seen offlineDays before the end of that day.
	first := 2 - offlineDays
	starts := make([]time.Time, 0, len(c.days)+offlineDays)
	for day := first; day <= len(c.days)+1; day++ {
		starts = append(starts, dayStart(p, day, loc))
	}
	c.cutoffs, c.starts = starts[:len(c.days)], starts[1-first:]
	for _, start := range c.starts {
		c.unix = append(c.unix, start.Unix())
	}
	return c
}

// dayStart is the first instant of a day of the period's month (day 0 is the one before the first)
// in loc. Where clocks change at midnight, time.Date may return an instant of the day before, or
// the second of two midnights; there the beginning is searched for.
func dayStart(p store.Period, day int, loc *time.Location) time.Time {
	want := time.Date(p.Year, p.Month, day, 0, 0, 0, 0, time.UTC).YearDay()
	on := func(t time.Time) bool { return t.In(loc).YearDay() == want }
	start := time.Date(p.Year, p.Month, day, 0, 0, 0, 0, loc)
	if on(start) && !on(start.Add(-time.Second)) {
		return start
	}
	from := time.Date(p.Year, p.Month, day, 12, 0, 0, 0, loc).Add(-24 * time.Hour)
	seconds := sort.Search(24*60*60, func(s int) bool { return on(from.Add(time.Duration(s) * time.Second)) })
	return from.Add(time.Duration(seconds) * time.Second)
}

// index is the day of the period on which t falls, -1 outside of it.
func (c *calendar) index(t time.Time) int {
	s, last := t.Unix(), len(c.days)
	if s < c.unix[0] || s >= c.unix[last] {
		return -1
	}
	i := min(int((s-c.unix[0])/(24*60*60)), last-1)
	for c.unix[i] > s {
		i--
	}
	for c.unix[i+1] <= s {
		i++
	}
	return i
}

// installed tells whether an endpoint was there at the end of a day of the period.
func (c *calendar) installed(e *store.Endpoint, day int) bool {
	end := c.starts[day+1]
	return e.InstalledAt.Before(end) && (e.RemovedAt.IsZero() || !e.RemovedAt.Before(end))
}

// quietFrom is the first day of the period on which an agent that was last seen at t is offline; the
// number of days if there is none.
func (c *calendar) quietFrom(t time.Time) uint8 {
	return uint8(sort.Search(len(c.cutoffs), func(day int) bool { return !t.After(c.cutoffs[day]) }))
}

// end is the first instant after the period.
func (c *calendar) end() time.Time { return c.starts[len(c.days)] }

// numberOf is the calendar day of an instant in the contract's zone, as a number that grows with it.
func (c *calendar) numberOf(t time.Time) int32 {
	y, m, d := t.In(c.loc).Date()
	return dayNumber(y, int(m), d)
}

func dayNumber(year, month, day int) int32 { return int32((year*100+month)*100 + day) }

// numberOfDay reads "YYYY-MM-DD"; 0 for anything else.
func numberOfDay(d store.Day) int32 {
	var n int32
	for i := range len(d) {
		switch c := d[i]; {
		case (i == 4 || i == 7) && c == '-':
		case i < 10 && c >= '0' && c <= '9':
			n = n*10 + int32(c-'0')
		default:
			return 0
		}
	}
	return n
}

func (c *calendar) trend(perDay []int64) []DayCount {
	trend := make([]DayCount, len(perDay))
	for i, n := range perDay {
		trend[i] = DayCount{c.days[i], n}
	}
	return trend
}

// PublicHolidays are the period's Japanese public holidays with their substitutes.
func PublicHolidays(p store.Period) map[store.Day]bool {
	days := map[store.Day]bool{}
	for _, shared := range jp.Holidays {
		// Some of the library's holidays write into themselves when asked for a year; a copy keeps
		// concurrent reports apart.
		own := *shared
		actual, observed := own.Calc(p.Year) // the zero time where it was no holiday that year
		for _, t := range [...]time.Time{actual, observed} {
			// Noon, because in a few zones of this machine a day has no midnight.
			if t = t.Add(12 * time.Hour); t.Year() == p.Year && t.Month() == p.Month {
				days[store.Day(t.Format(time.DateOnly))] = true
			}
		}
	}
	return days
}
