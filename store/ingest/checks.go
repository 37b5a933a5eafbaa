package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"geppo/store"
)

const (
	// maxName is the longest name in characters.
	maxName = 1000
	// maxNumber bounds counts and licences, so that sums of them cannot overflow.
	maxNumber = 1_000_000_000

	defaultZone = "Asia/Tokyo"
)

// What a field of a fixed set may say.
var (
	products       = []store.Product{store.ProductAntivirus, store.ProductSecurityPackage}
	machineClasses = []store.Class{store.ClassDesktop, store.ClassServer, store.ClassMobile, store.ClassUnknown}
	features       = []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
		store.MachineLearning, store.DeviceControl, store.ApplicationControl, store.DLP,
	}
	states = []store.Protection{store.On, store.Off, store.Unknown}
)

// checks checks the fields of one row, and keeps what is wrong with the first bad one.
type checks struct{ err error }

func (c *checks) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *checks) missing(field string) { c.fail("%q is missing; give it a value", field) }

// required fails on a field that is absent or empty.
func (c *checks) required(field, s string) string {
	if s == "" {
		c.missing(field)
	}
	return s
}

// long accepts any text of any length, but for NUL.
func (c *checks) long(field, s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		c.fail("%q holds a NUL; remove it", field)
	}
	return s
}

// text accepts up to 1,000 characters, none too. Control characters and runs of white space become
// one space: they break lines of logs, tables and mails, and make one name two.
func (c *checks) text(field, s string) string { return tidy(c.exact(field, s)) }

// exact is text as it stands, for what is compared and never shown.
func (c *checks) exact(field, s string) string {
	if len(s) > maxName && utf8.RuneCountInString(s) > maxName {
		c.fail("%q is longer than %d characters; shorten it", field, maxName)
	}
	return c.long(field, s)
}

// name accepts 1 to 1,000 characters.
func (c *checks) name(field, s string) string { return c.required(field, c.text(field, s)) }

// id is a name as it stands.
func (c *checks) id(field, s string) string { return c.required(field, c.exact(field, s)) }

// tidy makes each run of white space and control characters one space and trims them. A single
// full-width space is part of a Japanese name and stays.
func tidy(s string) string {
	if tidied(s) {
		return s
	}
	var b strings.Builder
	run, space := 0, ' '
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			run, space = run+1, r
			continue
		}
		if run > 0 && b.Len() > 0 {
			if run > 1 || space != '\u3000' {
				space = ' '
			}
			b.WriteRune(space)
		}
		run = 0
		b.WriteRune(r)
	}
	return b.String()
}

// tidied tells, for nearly every name, that there is nothing to do.
func tidied(s string) bool {
	before := ' '
	for _, r := range s {
		switch {
		case r == ' ' && before == ' ', r < ' ', r >= 0x7f && r <= 0xa0: // controls, and a blank that does not break
			return false
		case r == 0x1680, r >= 0x2000 && r <= 0x205f, r == '\u3000': // the other blanks
			return false
		}
		before = r
	}
	return before != ' ' || s == ""
}

func (c *checks) contractID(field, id string) string {
	c.required(field, id)
	if err := store.CheckContractID(id); err != nil {
		c.fail("%w", err)
	}
	return id
}

func (c *checks) number(field string, n *int, least int) int {
	switch {
	case n == nil:
		c.missing(field)
		return 0
	case *n < least || *n > maxNumber:
		c.fail("%q is %d; it must be from %d to %d", field, *n, least, maxNumber)
	}
	return *n
}

// time reads RFC 3339 with an offset; years before 1970 are clocks that were never set.
func (c *checks) time(field, s string) time.Time {
	t := c.clock(field, s)
	if c.err == nil && t.UnixMilli() < 0 {
		c.fail("%q is %.80q, which is before 1970; mend the clock it came from", field, s)
	}
	return t
}

// clock is a time that a clock may have got wrong.
func (c *checks) clock(field, s string) time.Time {
	c.required(field, s)
	var t time.Time
	err := t.UnmarshalText([]byte(s))
	if err != nil {
		t, err = unusualTime(s)
	}
	if err != nil {
		c.fail("%q is %.80q, which is no time; write it like 2026-10-05T14:03:22+09:00", field, s)
	}
	return t
}

// unusualTime reads what RFC 3339 allows and package time does not: small letters, and a leap second,
// which stays within its minute, and so within its day and month.
func unusualTime(s string) (t time.Time, err error) {
	b := bytes.ToUpper([]byte(s))
	const seconds = len("2006-01-02T15:04:")
	leap := len(b) > seconds+2 && string(b[seconds:seconds+2]) == "60"
	if leap {
		copy(b[seconds:], "59")
	}
	err = t.UnmarshalText(b)
	if leap {
		t = t.Truncate(time.Second).Add(time.Second - time.Millisecond)
	}
	return t, err
}

func (c *checks) optionalTime(field, s string) (t time.Time) {
	if s == "" {
		return t
	}
	return c.time(field, s)
}

func (c *checks) day(field, s string) store.Day {
	c.required(field, s)
	day, err := store.ParseDay(s)
	if err != nil {
		c.fail("%q is %.80q, which is no day; write it like 2026-10-05", field, s)
	}
	return day
}

func (c *checks) optionalDay(field, s string) store.Day {
	if s == "" {
		return ""
	}
	return c.day(field, s)
}

func (c *checks) timezone(field, s string) string {
	if s == "" || s == defaultZone {
		return defaultZone
	}
	// LoadLocation also takes "Local", which is another zone on another machine.
	if _, err := time.LoadLocation(s); err != nil || s == "Local" || len(s) > maxName {
		c.fail("%q is %.80q, which is no time zone; write an IANA name like Asia/Tokyo", field, s)
	}
	return s
}

func (c *checks) protection(field, s string) store.Protection {
	if s == "" {
		return store.Unknown
	}
	return oneOf(c, field, s, states)
}

// recipients checks a list of addresses; of several spellings of one mailbox the first is kept.
func (c *checks) recipients(list []recipient) (kept []store.Recipient) {
	seen := map[string]bool{}
	for _, r := range list {
		c.required("recipients.address", r.Address)
		known := c.recipient("recipients.name", r)
		if c.err != nil {
			return nil
		}
		if mailbox := store.Mailbox(r.Address); !seen[mailbox] {
			seen[mailbox] = true
			kept = append(kept, known)
		}
	}
	return kept
}

func (c *checks) recipient(nameField string, r recipient) store.Recipient {
	if err := store.CheckAddress(r.Address); err != nil {
		c.fail("%w; write one address like kanri@example.jp", err)
	}
	return store.Recipient{Address: r.Address, Name: c.text(nameField, r.Name)}
}

// oneOf finds the value that a field says.
func oneOf[T ~string](c *checks, field, s string, known []T) T {
	for _, k := range known {
		if string(k) == s {
			return k
		}
	}
	c.required(field, s)
	c.fail("%q is %.80q, which is unknown; use one of %q", field, s, known)
	return ""
}
