package ingest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dayOrder is the order of month and day where the year stands last.
type dayOrder int

const (
	orderUnknown dayOrder = iota
	monthFirst
	dayFirst
)

// moment is a time as a vendor writes it, before it is known in which zone and in which order.
type moment struct {
	year, month, day     int
	hour, minute, second int
	nanosecond           int
	zone                 *time.Location // nil: none is written
	ambiguous            bool           // month and day may stand the other way round
}

var errNoTime = errors.New("no time; write one like 2026-10-05 14:03:22, or leave the row out")

// parseMoment reads the times that vendors write:
//
//	2026-10-05T14:03:22.123+09:00   2026/10/5 14:03   2026年10月5日 9時05分
//	10/13/2026 2:03:22 PM           Oct 05 2026 05:03:22 GMT+00:00
//
// with or without a zone. Seconds may be absent; ":60" is the next second.
func parseMoment(s string, order dayOrder) (m moment, err error) {
	p := scanner{rest: strings.TrimSpace(s)}
	if p.rest == "" {
		return m, errNoTime
	}
	p.date(&m, order)
	p.clock(&m)
	p.zone(&m)
	if p.failed || p.rest != "" || !m.possible() {
		return m, fmt.Errorf("%.80q is no time; write it like 2026-10-05 14:03:22", s)
	}
	return m, nil
}

func (m *moment) possible() bool {
	if m.month < 1 || m.month > 12 || m.day < 1 || m.hour > 23 || m.minute > 59 || m.second > 60 || m.year < 1970 || m.year > 9999 {
		return false
	}
	return m.day <= time.Date(m.year, time.Month(m.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// in is the instant; zone is that of times that have none.
func (m *moment) in(zone *time.Location) time.Time {
	if m.zone != nil {
		zone = m.zone
	}
	return time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.nanosecond, zone)
}

// parseTime is the instant of s; times without a zone are in zone.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	m, err := parseMoment(s, orderUnknown)
	if err != nil {
		return time.Time{}, err
	}
	return m.in(zone), nil
}

// scanner takes a time apart; once something does not fit, failed stays set.
type scanner struct {
	rest   string
	failed bool
}

func (p *scanner) take(prefix string) bool {
	if !strings.HasPrefix(p.rest, prefix) {
		return false
	}
	p.rest = p.rest[len(prefix):]
	return true
}

func (p *scanner) blanks() { p.rest = strings.TrimLeft(p.rest, " \u3000") }

// number takes least to most digits.
func (p *scanner) number(least, most int) int {
	n := 0
	for n < len(p.rest) && n < most && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	if n < least {
		p.failed = true
		return 0
	}
	value, err := strconv.Atoi(p.rest[:n])
	if err != nil {
		p.failed = true
	}
	p.rest = p.rest[n:]
	return value
}

func (p *scanner) need(separators ...string) string {
	for _, s := range separators {
		if p.take(s) {
			return s
		}
	}
	p.failed = true
	return ""
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

func (p *scanner) date(m *moment, order dayOrder) {
	if len(p.rest) > 3 && p.rest[0] > '9' {
		at := strings.Index(monthNames, strings.ToLower(p.rest[:3]))
		if at < 0 || at%3 != 0 {
			p.failed = true
			return
		}
		p.rest = p.rest[3:]
		m.month = at/3 + 1
		p.blanks()
		m.day = p.number(1, 2)
		p.take(",")
		p.blanks()
		m.year = p.number(4, 4)
		return
	}
	first := p.number(1, 4)
	switch separator := p.need("-", "/", "年", "."); {
	case first > 31:
		m.year, m.month = first, p.number(1, 2)
		if separator == "年" {
			separator = "月"
		}
		p.need(separator)
		m.day = p.number(1, 2)
		if separator == "月" {
			p.need("日")
		}
	default:
		second := p.number(1, 2)
		p.need(separator)
		m.year = p.number(4, 4)
		m.place(first, second, order)
	}
}

// place tells month from day: a number over 12 is no month.
func (m *moment) place(first, second int, order dayOrder) {
	m.month, m.day = first, second
	switch {
	case first > 12, second <= 12 && order == dayFirst:
		m.month, m.day = second, first
	case second <= 12 && first != second && order == orderUnknown:
		m.ambiguous = true
	}
}

// dayShown tells which order of month and day the time shows by itself.
func dayShown(s string) dayOrder {
	p := scanner{rest: strings.TrimSpace(s)}
	first := p.number(1, 2)
	separator := p.need("/", "-", ".")
	second := p.number(1, 2)
	p.need(separator)
	p.number(4, 4)
	switch {
	case p.failed:
		return orderUnknown
	case first > 12 && second <= 12:
		return dayFirst
	case second > 12 && first <= 12:
		return monthFirst
	}
	return orderUnknown
}

func (p *scanner) clock(m *moment) {
	if !p.take("T") && !p.take("t") {
		p.blanks()
	}
	half := p.half()
	if half != "" {
		p.blanks()
	}
	m.hour = p.number(1, 2)
	switch p.need(":", "時") {
	case "時":
		m.minute = p.number(1, 2)
		p.need("分")
		if p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9' {
			m.second = p.number(1, 2)
			p.need("秒")
		}
	default:
		m.minute = p.number(2, 2)
		if p.take(":") {
			m.second = p.number(2, 2)
			if p.take(".") || p.take(",") {
				p.fraction(m)
			}
		}
	}
	p.blanks()
	if half == "" {
		half = p.half()
	}
	p.halfDay(m, half)
}

func (p *scanner) fraction(m *moment) {
	digits := 0
	for digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' {
		digits++
	}
	text := (p.rest[:digits] + "000000000")[:9]
	p.rest = p.rest[digits:]
	value, err := strconv.Atoi(text)
	p.failed = p.failed || err != nil || digits == 0
	m.nanosecond = value
}

// half takes the mark of a half day.
func (p *scanner) half() string {
	for _, mark := range [...]struct{ text, half string }{{"午前", "am"}, {"午後", "pm"}, {"AM", "am"}, {"PM", "pm"}, {"am", "am"}, {"pm", "pm"}, {"a.m.", "am"}, {"p.m.", "pm"}} {
		if p.take(mark.text) {
			return mark.half
		}
	}
	return ""
}

func (p *scanner) halfDay(m *moment, half string) {
	if half == "" {
		return
	}
	if m.hour > 12 {
		p.failed = true
		return
	}
	m.hour %= 12
	if half == "pm" {
		m.hour += 12
	}
}

func (p *scanner) zone(m *moment) {
	p.blanks()
	named := p.take("GMT") || p.take("UTC") || p.take("Z") || p.take("z")
	if named {
		m.zone = time.UTC
	}
	if p.take("JST") {
		m.zone = tokyo
		return
	}
	var sign int
	switch {
	case p.take("+"):
		sign = 1
	case p.take("-"), p.take("−"):
		sign = -1
	default:
		return
	}
	hours := p.number(2, 2)
	p.take(":")
	minutes := p.number(2, 2)
	if hours > 23 || minutes > 59 {
		p.failed = true
		return
	}
	if offset := sign * (hours*60 + minutes) * 60; offset == 0 {
		m.zone = time.UTC
	} else {
		m.zone = time.FixedZone("", offset)
	}
}

// epoch is an instant given as a number, whose size tells its unit: seconds, or thousandths or
// millionths of them. 0 is the time of clocks that were never set.
func epoch(n float64) (time.Time, bool) {
	switch {
	case !(n > 0), n >= 1e17:
		return time.Time{}, false
	case n < 1e11:
		return time.UnixMilli(int64(n * 1e3)), true
	case n < 1e14:
		return time.UnixMilli(int64(n)), true
	}
	return time.UnixMicro(int64(n)), true
}
