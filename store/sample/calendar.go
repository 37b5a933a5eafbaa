package sample

import (
	"strconv"
	"time"

	"github.com/rickar/cal/v2/jp"

	"geppo/store"
)

// jst needs no time zone database: Japan has had no summer time since 1951.
var jst = time.FixedZone("Asia/Tokyo", 9*60*60)

const daySeconds = 24 * 60 * 60

// calendar counts time in seconds since the first instant of the month before the period, in
// Japan, where every day has daySeconds. The days are written once, so that a time costs no
// formatting.
type calendar struct {
	base  time.Time
	days  []day // both months, and a few days for what is received late
	first int   // index of the period's first day
	end   int   // index after the period's last day
}

type day struct {
	text string // YYYY-MM-DD
	rest bool   // a weekend day or a public holiday
}

// late is the longest time, in days, that a detection takes to be received.
const late = 3

func newCalendar(p store.Period) calendar {
	base, start := p.Previous().Bounds(jst)
	c := calendar{base: base, first: daysBetween(base, start)}
	_, end := p.Bounds(jst)
	c.end = daysBetween(base, end)
	holidays := map[string]bool{}
	for year := base.Year(); year <= end.Year(); year++ {
		for _, h := range jp.Holidays {
			own := *h // Calc writes into some of the library's shared values
			actual, observed := own.Calc(year)
			holidays[actual.Format(time.DateOnly)] = true
			holidays[observed.Format(time.DateOnly)] = true
		}
	}
	for i := range c.end + late + 1 {
		t := base.AddDate(0, 0, i)
		text := t.Format(time.DateOnly)
		weekend := t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
		c.days = append(c.days, day{text, weekend || holidays[text]})
	}
	return c
}

func daysBetween(a, b time.Time) int { return int(b.Sub(a) / (24 * time.Hour)) }

// appendTime writes second s of the calendar in RFC 3339.
func (c *calendar) appendTime(b []byte, s int) []byte {
	at := s / daySeconds
	if s < 0 || at >= len(c.days) {
		return c.base.Add(time.Duration(s)*time.Second).AppendFormat(b, time.RFC3339)
	}
	b = append(b, c.days[at].text...)
	s %= daySeconds
	h, m := s/3600, s/60%60
	s %= 60
	return append(b, 'T', digit(h/10), digit(h%10), ':', digit(m/10), digit(m%10), ':', digit(s/10), digit(s%10), '+', '0', '9', ':', '0', '0')
}

// dayText is day at of the calendar, which may lie before the two months.
func (c *calendar) dayText(at int) string {
	if at >= 0 && at < len(c.days) {
		return c.days[at].text
	}
	return c.base.AddDate(0, 0, at).Format(time.DateOnly)
}

func digit(n int) byte { return '0' + byte(n) }

// appendString writes a JSON string. What this package invents holds no control characters.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// appendField writes a name with a string, after a comma; appendInt and appendBool likewise. Names
// come with their quotes.
func appendField(b []byte, name, value string) []byte {
	b = append(b, ',')
	b = append(b, name...)
	b = append(b, ':')
	return appendString(b, value)
}

func appendInt(b []byte, name string, value int) []byte {
	b = append(b, ',')
	b = append(b, name...)
	b = append(b, ':')
	return strconv.AppendInt(b, int64(value), 10)
}

func appendBool(b []byte, name string, value bool) []byte {
	b = append(b, ',')
	b = append(b, name...)
	b = append(b, ':')
	return strconv.AppendBool(b, value)
}

func (c *calendar) appendTimeField(b []byte, name string, s int) []byte {
	b = append(b, ',')
	b = append(b, name...)
	b = append(b, ':', '"')
	return append(c.appendTime(b, s), '"')
}
