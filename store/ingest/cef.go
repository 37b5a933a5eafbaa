package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CEF of Apex Central (once Control Manager), which Vision One's "Standard Endpoint Protection" sends
// too, as syslog daemons write it:
//
//	<133>Feb 14 2022 05:15:47 relay CEF:0|Trend Micro|Apex Central|2019|AV:File cleaned|TROJ.X|3|rt=… act=…
//
// What stands before the header is syslog's and is not looked at: its time is the relay's. The usual
// parsers of syslog frames are of no use here: relays prepend frames of their own, of both RFCs and of
// none, and lose parts of them.
//
// rt is the event's time in UTC, also where it has no zone.

// cef decodes a line.
func (v *vendor) cef(l *line, text string) {
	header, rest, ok := cefHeader(text)
	switch {
	case !ok && strings.Contains(text, "CEF:"):
		v.otherCEF(l, text)
		return
	case !ok:
		l.class = "not CEF"
		return
	case len(header) < 7:
		l.err = fmt.Errorf("the CEF header has %d of 7 fields; the line is cut, get it again", len(header))
		return
	}
	v.scratch.set(header, rest)
	v.cefRecord(l, &v.scratch)
}

// otherCEF is a line of another product, or one that is cut before it names its product.
func (v *vendor) otherCEF(l *line, text string) {
	_, after, _ := strings.Cut(text, "CEF:")
	header, _ := splitHeader(after, 7)
	if len(header) < 3 || len(header) == 3 && strings.HasPrefix(header[1], "Trend") && cutProduct(header[2]) {
		l.err = fmt.Errorf("the CEF header has %d of 7 fields; the line is cut, get it again", len(header))
		return
	}
	l.class = "other product"
}

var cefProducts = []string{"Apex Central", "Control Manager"}

// cutProduct tells the beginning of a product's name at the end of a line.
func cutProduct(name string) bool {
	for _, p := range cefProducts {
		if strings.HasPrefix(p, name) {
			return true
		}
	}
	return false
}

// cefHeader finds the header of a product of ours, by the product: its vendor changed its name, and
// some relay loses "CEF:".
func cefHeader(text string) (fields []string, rest string, ok bool) {
	for _, product := range cefProducts {
		for at := 0; ; at++ {
			i := strings.Index(text[at:], "|"+product+"|")
			if i < 0 {
				break
			}
			at += i
			if start, found := headerStart(text[:at]); found {
				fields, rest = splitHeader(text[start:], 7)
				return fields, rest, true
			}
		}
	}
	return nil, "", false
}

// headerStart is where the header begins whose vendor ends before.
func headerStart(before string) (int, bool) {
	bar := strings.LastIndexByte(before, '|')
	if bar < 0 || !strings.HasPrefix(before[bar+1:], "Trend") {
		return 0, false
	}
	digits := len(strings.TrimRight(before[:bar], "0123456789"))
	return digits, digits < bar
}

// splitHeader takes up to most fields that end with an unescaped bar, or the line's last.
func splitHeader(text string, most int) ([]string, string) {
	fields, start := make([]string, 0, most), 0
	for i := 0; i < len(text) && len(fields) < most; i++ {
		switch text[i] {
		case '\\':
			i++
		case '|':
			fields = append(fields, headerEscapes.Replace(text[start:i]))
			start = i + 1
		}
	}
	if len(fields) < most && start < len(text) {
		return append(fields, headerEscapes.Replace(text[start:])), ""
	}
	return fields, text[min(start, len(text)):]
}

var (
	headerEscapes = strings.NewReplacer(`\|`, `|`, `\\`, `\`)
	// valueEscapes leave \n, \r and \t alone: some senders do not double backslashes, and C:\new\report would break.
	valueEscapes = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\|`, `|`)
)

// cefRecord is a line's header and extension.
type cefRecord struct {
	id, name string // of the header
	pairs    []cefPair
	labels   []cefPair // values by what their labels say, simplified
}

type cefPair struct{ key, value string }

// set makes r a record; the memory of the one before is used again.
func (r *cefRecord) set(header []string, extension string) {
	r.id, r.name, r.pairs, r.labels = header[4], header[5], r.pairs[:0], r.labels[:0]
	r.split(extension)
	for _, p := range r.pairs {
		if slot, ok := strings.CutSuffix(p.key, "Label"); ok {
			r.labels = append(r.labels, cefPair{foldLabel(p.value), r.get(slot)})
		}
	}
}

// split takes an extension apart. A key is a word at the start or after a blank, right before a "=";
// its value runs to the next key. So values may hold blanks and "?a=b".
func (r *cefRecord) split(text string) {
	key, start := "", 0
	for at := 0; at < len(text); {
		equals := strings.IndexByte(text[at:], '=')
		if equals < 0 {
			break
		}
		equals += at
		at = equals + 1
		word := equals
		for word > start && isWord(text[word-1]) {
			word--
		}
		if word == equals || text[word] >= '0' && text[word] <= '9' || word > 0 && text[word-1] != ' ' && text[word-1] != '\t' {
			continue
		}
		r.add(key, text[start:word])
		key, start = text[word:equals], equals+1
	}
	r.add(key, text[start:])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (r *cefRecord) add(key, value string) {
	if key == "" {
		return
	}
	value = strings.TrimSpace(value)
	if strings.IndexByte(value, '\\') >= 0 {
		value = valueEscapes.Replace(value)
	}
	r.pairs = append(r.pairs, cefPair{key, value})
}

// get is the value of a key; the first wins: a file's name can look like keys, and results stand
// before it.
func (r *cefRecord) get(key string) string {
	for i := range r.pairs {
		if r.pairs[i].key == key {
			return r.pairs[i].value
		}
	}
	return ""
}

// all are the values of keys.
func (r *cefRecord) all(keys ...string) []string {
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i] = r.get(key)
	}
	return values
}

// label is the first value whose label is one of the names: slots move between versions, and only
// their labels tell what they hold. Names are as foldLabel leaves them.
func (r *cefRecord) label(names ...string) string {
	for _, name := range names {
		for i := range r.labels {
			if r.labels[i].key == name && !absent(r.labels[i].value) {
				return r.labels[i].value
			}
		}
	}
	return ""
}

// foldLabel is the form in which labels are compared.
func foldLabel(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == '_' || r == ' ' || r == '/' || r >= 'A' && r <= 'Z' }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == ' ' || r == '/':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// count is how many detections the line stands for.
func (r *cefRecord) count() int { return wholeCount(r.get("cnt")) }

// wholeCount is a whole number from 1, else 1.
func wholeCount(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > maxNumber {
		return 1
	}
	return n
}

// time is when the event happened; without a zone in UTC.
func (r *cefRecord) time() (time.Time, error) {
	rt := r.get("rt")
	if rt == "" {
		return time.Time{}, errNoTime
	}
	if len(rt) == 10 || len(rt) == 13 {
		if n, err := strconv.ParseInt(rt, 10, 64); err == nil {
			if t, ok := epoch(float64(n)); ok {
				return t, nil
			}
		}
	}
	return parseTime(rt, time.UTC)
}

// ids are the format's own id. deviceExternalId is a counter that starts again, and no id.
func (r *cefRecord) ownID() string {
	if id := present(r.get("devicePayloadId")); id != "" {
		return "cef-" + id
	}
	return ""
}
