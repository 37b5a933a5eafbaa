package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The rows of a table, once its heading is known.

// row takes a row, or lets it wait.
func (s *csvSource) row(c *chunk, row csvRow) {
	if s.order == orderUnknown {
		s.order = max(dayShown(s.cell(row, s.timeColumn())), dayShown(s.cell(row, fieldReceived)))
		if s.order != orderUnknown {
			s.release(c)
		} else if s.ambiguous(row) && len(s.waiting) < maxWaiting {
			s.waiting = append(s.waiting, row)
			return
		}
	}
	if len(s.waiting) > 0 { // the order of the file is kept
		s.waiting = append(s.waiting, row)
		if len(s.waiting) > 2*maxWaiting {
			s.release(c)
		}
		return
	}
	s.decode(c, row)
}

func (s *csvSource) release(c *chunk) {
	for _, row := range s.waiting {
		s.decode(c, row)
	}
	s.waiting = nil
}

// timeColumn is the field that holds when it happened.
func (s *csvSource) timeColumn() field {
	if _, ok := s.columns[fieldGenerated]; ok {
		return fieldGenerated
	}
	return fieldTime
}

func (s *csvSource) cell(row csvRow, f field) string {
	if i, ok := s.columns[f]; ok && i < len(row.cells) {
		return present(row.cells[i])
	}
	return ""
}

func (s *csvSource) ambiguous(row csvRow) bool {
	for _, f := range []field{s.timeColumn(), fieldReceived} {
		if m, err := parseMoment(s.cell(row, f), orderUnknown); err == nil && m.ambiguous {
			return true
		}
	}
	return false
}

// decode makes a row a detection.
func (s *csvSource) decode(c *chunk, row csvRow) {
	l := c.add(row.number, nil)
	s.detection(l, row)
	c.check(l)
	if l.err == nil {
		return
	}
	l.text = s.text(row.cells)
	if !s.told { // above the first bad row, so that the rejected rows are a table again
		s.told = true
		l.text = append([]byte(s.heading+"\n"), l.text...)
	}
}

func (s *csvSource) detection(l *line, row csvRow) {
	for _, cell := range row.cells {
		if l.err = checkUTF8([]byte(cell)); l.err != nil {
			return
		}
	}
	if s.swallowed(row) {
		l.err = errors.New("a quote is not closed, and the rows behind it are read as its text; mend it at its source")
		return
	}
	if len(row.cells) < s.width {
		l.err = fmt.Errorf("%d of %d columns; the row is cut, export it again", len(row.cells), s.width)
		return
	}
	if _, reported := s.v.feature(s.class); !reported {
		l.class = s.class
		return
	}
	get := func(f field) string { return s.cell(row, f) }
	f := named(s.class, get)
	f.customers = []string{get(fieldCustomer)}
	if f.time, f.received, l.err = s.times(get, f.customers); l.err == nil {
		s.v.detection(l, f)
	}
}

// swallowed tells a cell with line breaks that holds further rows, or the beginning of one: a quote that
// is not closed takes them in silently, up to the next quote or the end.
func (s *csvSource) swallowed(row csvRow) bool {
	for _, cell := range row.cells {
		_, rest, _ := strings.Cut(cell, "\n")
		for text := range strings.Lines(rest) {
			below := csvRow{cells: cellsOf(text, s.r.Comma)}
			if len(below.cells) == 1 {
				continue
			}
			if _, err := parseMoment(s.cell(below, s.timeColumn()), orderUnknown); err == nil {
				return true
			}
		}
	}
	return false
}

// text is a row as a line of the table: what the reader took apart is put together again.
func (s *csvSource) text(cells []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = s.r.Comma
	if w.Write(cells) != nil {
		return nil // a buffer takes everything
	}
	w.Flush()
	return bytes.TrimRight(b.Bytes(), "\n")
}

// times are when the event happened and when the console heard of it. A table with one time does not
// say which it is; the console shows the one that its operator chose.
func (s *csvSource) times(get func(field) string, customers []string) (generated, received time.Time, err error) {
	when, heard := get(s.timeColumn()), get(fieldReceived)
	if when == "" {
		when = heard
	}
	if when == "" {
		return generated, received, errNoTime
	}
	if generated, err = s.moment(when, customers); err != nil {
		return generated, received, err
	}
	if heard != "" {
		received, err = s.moment(heard, customers)
	} else if s.v.Time == "received" {
		received = generated
	}
	return generated, received, err
}

func (s *csvSource) moment(text string, customers []string) (time.Time, error) {
	m, err := parseMoment(text, s.order)
	if err == nil && m.ambiguous {
		err = fmt.Errorf("%.80q may be month/day or day/month; say --date mdy or --date dmy", text)
	}
	switch {
	case err != nil:
		return time.Time{}, err
	case m.zone != nil:
		return m.in(m.zone), nil
	}
	return m.in(s.v.zone(customers...)), nil
}
