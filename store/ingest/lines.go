package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// maxLine is the longest line in bytes of UTF-8, without its line break.
const maxLine = 1_000_000

// lineSource reads a format whose records are lines. Blank lines and lines that begin with # are
// skipped, so that a file of rejected rows can be imported again.
type lineSource struct {
	r      *bufio.Reader // UTF-8, with a buffer for the longest line and its line break
	number int
	decode func(c *chunk, l *line)
}

func newLineSource(r io.Reader, decode func(c *chunk, l *line)) *lineSource {
	return &lineSource{r: bufio.NewReaderSize(r, maxLine+len("\r\n")), decode: decode}
}

func (s *lineSource) next(c *chunk) error {
	raw, length, err := s.read()
	if err != nil && !errors.Is(err, io.EOF) {
		return err // the last line may be cut
	}
	c.bytes += length
	text := bytes.TrimRight(raw, "\r\n")
	switch {
	case length > len(raw), len(text) > maxLine:
		c.add(s.number, nil).err = tooLong(length)
	case len(raw) == 0 || raw[0] == '#' || len(bytes.TrimSpace(text)) == 0:
	default:
		s.decode(c, c.add(s.number, text))
	}
	return err
}

func tooLong(length int) error {
	return fmt.Errorf("a line of %d bytes is longer than 1 MB; it is left out here, split it at its source", length)
}

// read reads a line with its line break; length is its length. One that does not fit the buffer is
// read to its end and given without its text.
func (s *lineSource) read() (raw []byte, length int, err error) {
	raw, err = s.r.ReadSlice('\n')
	length = len(raw)
	if length > 0 {
		s.number++
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		raw = nil
		var more []byte
		more, err = s.r.ReadSlice('\n')
		length += len(more)
	}
	return raw, length, err
}

// vendorLines reads a vendor's format whose records are lines.
func vendorLines(decode func(v *vendor, l *line, text string)) func(io.Reader, *vendor) source {
	return func(r io.Reader, v *vendor) source {
		return newLineSource(r, func(c *chunk, l *line) {
			if l.err = checkUTF8(l.text); l.err == nil {
				decode(v, l, unrepeated(l, trimEnd(string(l.text))))
			}
			c.check(l)
		})
	}
}

// trimEnd cuts what syslog daemons make of a line's end: its bytes, or their octal numbers.
func trimEnd(s string) string {
	for {
		cut := strings.TrimRight(s, " \t\r\n\x00")
		cut = strings.TrimSuffix(strings.TrimSuffix(cut, "#015"), "#012")
		if cut == s {
			return s
		}
		s = cut
	}
}

// repeated tells syslog's line about lines that it left out.
var repeated = regexp.MustCompile(`message repeated \d+ times?`)

// unrepeated warns of such a line, and takes the record out of the brackets in which some daemons repeat it.
func unrepeated(l *line, text string) string {
	if !strings.Contains(text, "message repeated") {
		return text
	}
	at := repeated.FindStringIndex(text)
	if at == nil {
		return text
	}
	l.warn("syslog left out repeated lines: figures may be short")
	inner, framed := strings.CutPrefix(text[at[1]:], ": [")
	inner, closed := strings.CutSuffix(inner, "]")
	if !framed || !closed {
		return text
	}
	return strings.TrimSpace(inner)
}
