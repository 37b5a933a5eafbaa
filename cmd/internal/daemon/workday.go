package daemon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/store"
)

const workdayWord = "workday"

// workday is the n-th working day of a month (第N営業日) at a time of day: days but for weekends, the
// public holidays by which the charts are drawn, and an office's own closed days. In a month with fewer
// it is the last one, as a day of the month is.
type workday struct {
	n      int
	minute int // of the day
	closed map[store.Day]bool
}

// parseWorkday reads "workday 3 09:00".
func parseWorkday(line string, closed []store.Day) (w workday, err error) {
	fields := strings.Fields(line)
	fault := fmt.Errorf("%q is not of the form %q: a working day from 1 to 23 and a time", line, workdayWord+" 3 09:00")
	if len(fields) != 3 || fields[0] != workdayWord {
		return w, fault
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 1 || n > 23 {
		return w, fault
	}
	at, err := time.Parse("15:04", fields[2])
	if err != nil {
		return w, fault
	}
	w = workday{n: n, minute: at.Hour()*60 + at.Minute(), closed: map[store.Day]bool{}}
	for _, day := range closed {
		w.closed[day] = true
	}
	return w, nil
}

// on tells whether a date is the day.
func (w workday) on(date time.Time) bool {
	p := store.Period{Year: date.Year(), Month: date.Month()}
	holidays := aggregate.PublicHolidays(p)
	var last store.Day
	count := 0
	for _, day := range p.Days() {
		weekday := day.Start(time.UTC).Weekday()
		if weekday == time.Saturday || weekday == time.Sunday || holidays[day] || w.closed[day] {
			continue
		}
		if last, count = day, count+1; count == w.n {
			break
		}
	}
	return last == store.DayOf(date, time.UTC)
}
