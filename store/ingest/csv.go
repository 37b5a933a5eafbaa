package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"geppo/store"
)

// Tables that consoles export. Everything hangs on the heading: the first line among the first
// twenty that has three known names; titles and blank lines stand before it.

const (
	headingLines = 20
	headingNames = 3
)

// csvSource reads a table. Rows whose date may be month/day or day/month wait until a row shows the
// order; if none does, they are bad, because a guess would put them into another month.
type csvSource struct {
	v       *vendor
	budget  *budget
	r       *csv.Reader
	first   int // line of the heading, less one
	width   int
	heading string
	columns map[field]int
	class   string
	order   dayOrder
	waiting []csvRow
	offset  int64
	told    bool // that rejected rows need the heading
	end     error
}

type csvRow struct {
	number int
	cells  []string
}

// maxWaiting bounds how many rows wait for their order.
const maxWaiting = 50_000

func openCSV(r io.Reader, v *vendor) source {
	s := &csvSource{v: v, budget: &budget{r: bufio.NewReaderSize(r, window), left: maxRecord}}
	switch v.Date {
	case "mdy":
		s.order = monthFirst
	case "dmy":
		s.order = dayFirst
	}
	return s
}

func (s *csvSource) next(c *chunk) error {
	switch {
	case s.end != nil:
		return s.end
	case s.r == nil:
		if err := s.begin(c); err != nil {
			s.end = err
			return err
		}
		return nil
	}
	cells, err := s.r.Read()
	at := s.r.InputOffset()
	c.bytes += int(at - s.offset)
	s.offset = at
	s.budget.left = maxRecord
	if err != nil {
		return s.finish(c, err)
	}
	line, _ := s.r.FieldPos(0)
	s.row(c, csvRow{s.first + line, cells})
	return nil
}

// finish ends the table. What cannot be read any further is a bad row, if the text is to blame.
func (s *csvSource) finish(c *chunk, err error) error {
	s.release(c)
	s.end = io.EOF
	if parse, ok := errors.AsType[*csv.ParseError](err); ok || errors.Is(err, errTooLong) {
		line := s.first + 1
		if ok {
			line = s.first + parse.StartLine
		}
		l := c.add(line, nil)
		l.err = fmt.Errorf("%w; what follows is not read, mend it at its source", err)
	} else if !errors.Is(err, io.EOF) {
		s.end = err
	}
	return s.end
}

// begin finds the heading.
func (s *csvSource) begin(c *chunk) error {
	head, err := s.budget.r.(*bufio.Reader).Peek(window)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	start := 0
	for n := range headingLines {
		end := bytes.IndexByte(head[start:], '\n')
		if end < 0 {
			end = len(head) - start - 1
		}
		text := string(head[start : start+end+1])
		if comma := separator(text); s.headed(text, comma) {
			return s.from(n, start, comma)
		}
		start += end + 1
		if start >= len(head) {
			break
		}
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return io.EOF
	}
	return &RowError{Line: 1, Reason: "none of the first 20 lines is a heading with three known columns; name them in [csv.columns]"}
}

func separator(heading string) rune {
	if strings.Count(heading, "\t") > strings.Count(heading, ",") {
		return '\t'
	}
	return ','
}

// headed tells a heading, and takes its columns.
func (s *csvSource) headed(text string, comma rune) bool {
	cells := cellsOf(text, comma)
	if s.v.names.known(cells) < headingNames {
		return false
	}
	s.columns, s.width, s.heading = map[field]int{}, len(cells), strings.TrimRight(text, "\r\n")
	ranks := map[field]int{}
	for i, name := range cells {
		at := s.v.names.find(strings.TrimSpace(name))
		if rank, stands := ranks[at.field]; !stands || at.rank < rank {
			s.columns[at.field], ranks[at.field] = i, at.rank
		}
	}
	return true
}

func cellsOf(text string, comma rune) []string {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes = comma, true
	cells, err := r.Read()
	if err != nil {
		return nil
	}
	return cells
}

// known counts the names that are fields.
func (n *names) known(cells []string) (known int) {
	for _, name := range cells {
		if n.find(strings.TrimSpace(name)).field != "" {
			known++
		}
	}
	return known
}

// from begins to read below the heading, which is line n from 0.
func (s *csvSource) from(n, offset int, comma rune) error {
	if s.class = s.classOf(); s.class == "" {
		return &RowError{Line: n + 1, Reason: "the columns do not tell what was detected; say --feature"}
	}
	if _, err := s.budget.r.(*bufio.Reader).Discard(offset); err != nil {
		return err
	}
	s.first = n
	s.r = csv.NewReader(s.budget)
	s.r.Comma, s.r.Comment, s.r.LazyQuotes, s.r.FieldsPerRecord = comma, '#', true, -1
	_, err := s.r.Read()
	return err
}

// classOf is the class of event that the columns tell.
func (s *csvSource) classOf() string {
	has := func(f field) bool { _, ok := s.columns[f]; return ok }
	switch {
	case s.v.Feature != "":
		return string(s.v.Feature)
	case has(fieldVirus):
		return string(store.Virus)
	case has(fieldSpyware):
		return string(store.Spyware)
	case has(fieldUnknown):
		return string(store.MachineLearning)
	case has(fieldNetwork):
		return string(store.NetworkVirus)
	case has(fieldURL) && has(fieldCategory):
		return string(store.URLFiltering)
	case has(fieldURL):
		return string(store.WebReputation)
	case has(fieldProgram):
		return string(store.BehaviorMonitoring)
	}
	return ""
}

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
