package daemon

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when the previous month is planned: a cron line of five fields in a zone. Unlike cron's
// own, a day of the month that a short month lacks falls back to that month's last day, because a
// report that silently skips February is the defect that operators tell of other products.
type Schedule struct {
	spec *cron.SpecSchedule
	// last fires on days 28 to 30 at the spec's hours, among them the last days of short months.
	last *cron.SpecSchedule
}

// NewSchedule parses a line such as "0 9 1 * *". It refuses what would never fire, what would fire
// in other ways than it reads, and what makes the library panic.
func NewSchedule(line string, zone *time.Location) (s Schedule, err error) {
	defer func() {
		// The parser indexes a missing field after CRON_TZ=.
		if r := recover(); r != nil {
			err = fmt.Errorf("%q is not a cron line of five fields", line)
		}
	}()
	parsed, err := cron.ParseStandard(line)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a cron line of five fields: %w", line, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("%q counts from the daemon's start; name minute, hour and day", line)
	}
	if spec.Location != time.Local {
		return Schedule{}, fmt.Errorf("%q names a zone; set timezone instead", line)
	}
	if !star(spec.Dom) && !star(spec.Dow) {
		return Schedule{}, fmt.Errorf("%q names a day of the month and of the week, which cron takes as either; name one", line)
	}
	spec.Location = zone
	last := *spec
	last.Dom = 1<<28 | 1<<29 | 1<<30
	s = Schedule{spec: spec, last: &last}
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
		return Schedule{}, fmt.Errorf("%q never fires; name a day that some month has", line)
	}
	return s, nil
}

// star tells a field that was given as "*", for which cron sets the highest bit.
func star(field uint64) bool { return bits.LeadingZeros64(field) == 0 }

// Next is the first fire after t. It is a pure function: the last fire comes from the ledger, and a
// clock that jumps cannot lose one.
func (s Schedule) Next(t time.Time) time.Time {
	next := s.spec.Next(t)
	if star(s.spec.Dom) {
		return next
	}
	// A short month comes within a year; the bound is against a line that never falls back.
	for candidate, n := s.last.Next(t), 0; n < 3*12 && !candidate.IsZero(); candidate, n = s.last.Next(candidate), n+1 {
		if !next.IsZero() && !candidate.Before(next) {
			break
		}
		if s.fallsBackOn(candidate) {
			return candidate
		}
	}
	return next
}

// fallsBackOn tells the last day of a month too short for a day that the line names.
func (s Schedule) fallsBackOn(t time.Time) bool {
	if t.AddDate(0, 0, 1).Day() != 1 {
		return false
	}
	named := s.spec.Dom
	return named>>(t.Day()+1) != 0 && named&(1<<t.Day()) == 0
}
