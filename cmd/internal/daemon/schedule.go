package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"geppo/store"
)

// Schedule says when the previous month is planned: a cron line of five fields in a zone, or a working
// day. The line is read by cron; the times are our own, because cron's pass over some months in
// silence, which is the defect that operators tell of other products. A day of the month that a short
// month lacks falls back to that month's last day, a time that a clock change skips to the change, and
// one that it repeats fires the first time only.
type Schedule struct {
	line    *cron.SpecSchedule // nil: workday
	workday workday
	zone    *time.Location
}

// NewSchedule parses a line such as "0 9 1 * *" or "workday 3 09:00"; closed are days beside weekends and
// public holidays on which nobody works. It refuses what would never fire, what would fire in other
// ways than it reads, and what makes the library panic.
func NewSchedule(line string, zone *time.Location, closed ...store.Day) (s Schedule, err error) {
	s.zone = zone
	if strings.HasPrefix(strings.TrimSpace(line), workdayWord) {
		s.workday, err = parseWorkday(line, closed)
	} else {
		s.line, err = parseCron(line)
	}
	if err != nil {
		return Schedule{}, err
	}
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
		return Schedule{}, fmt.Errorf("%q never fires; name a day that some month has", line)
	}
	return s, nil
}

func parseCron(line string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		// The parser indexes a missing field after CRON_TZ=.
		if r := recover(); r != nil {
			err = fmt.Errorf("%q is not a cron line of five fields", line)
		}
	}()
	parsed, err := cron.ParseStandard(line)
	if err != nil {
		return nil, fmt.Errorf("%q is not a cron line of five fields: %w", line, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	switch {
	case !ok:
		return nil, fmt.Errorf("%q counts from the daemon's start; name minute, hour and day", line)
	case spec.Location != time.Local:
		return nil, fmt.Errorf("%q names a zone; set timezone instead", line)
	case !star(spec.Dom) && !star(spec.Dow):
		return nil, fmt.Errorf("%q names a day of the month and of the week, which cron takes as either; name one", line)
	}
	return spec, nil
}

// starBit is set by cron in a field that was given as "*".
const starBit = 1 << 63

func star(field uint64) bool { return field&starBit != 0 }

// farthest is how many days the next fire of a line can be away: it names at least one month, and in
// that month a day.
const farthest = 366 + 31

// Next is the first fire after t, zero if there is none. It is a pure function: the last fire comes
// from the ledger, and a clock that jumps cannot lose one.
func (s Schedule) Next(t time.Time) time.Time {
	today := t.In(s.zone)
	for day := range farthest {
		date := time.Date(today.Year(), today.Month(), today.Day()+day, 0, 0, 0, 0, time.UTC)
		if !s.firesOn(date) {
			continue
		}
		for minute := range 24 * 60 {
			if !s.firesAt(minute) {
				continue
			}
			if at := onClock(date.Add(time.Duration(minute)*time.Minute), s.zone); at.After(t) {
				return at
			}
		}
	}
	return time.Time{}
}

func has(field uint64, value int) bool { return field&(1<<value) != 0 }

func (s Schedule) firesAt(minute int) bool {
	if s.line == nil {
		return minute == s.workday.minute
	}
	return has(s.line.Hour, minute/60) && has(s.line.Minute, minute%60)
}

// firesOn tells whether the line names a date, or a later day of its month than the month has.
func (s Schedule) firesOn(date time.Time) bool {
	if s.line == nil {
		return s.workday.on(date)
	}
	if !has(s.line.Month, int(date.Month())) || !has(s.line.Dow, int(date.Weekday())) {
		return false
	}
	lastDay := date.AddDate(0, 0, 1).Day() == 1
	laterDays := s.line.Dom &^ starBit >> (date.Day() + 1)
	return has(s.line.Dom, date.Day()) || lastDay && laterDays != 0
}

// onClock is when a zone's clock first shows a wall time, given as if it were UTC's. A time that the
// clock skips is shown as the change itself.
func onClock(wall time.Time, zone *time.Location) time.Time {
	shows := func(at time.Time) bool {
		_, offset := at.Zone()
		return at.Add(time.Duration(offset) * time.Second).Equal(wall)
	}
	var at time.Time
	// By the offset of the day before it is the earlier one of two, by that of the day after the later.
	for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := wall.Add(day).In(zone).Zone()
		if at = wall.Add(-time.Duration(offset) * time.Second).In(zone); shows(at) {
			return at
		}
	}
	// Neither: the day after's offset puts it before the change.
	_, end := at.ZoneBounds()
	return end
}
