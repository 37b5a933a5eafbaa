package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

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
		if err := s.begin(); err != nil {
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
	if !remark.MatchString(cells[0]) {
		s.row(c, csvRow{s.first + line, cells})
	}
	return nil
}

// remark is a reason among rejected rows, which are imported again as they are. The reader's own
// remarks would not do: it leaves out every row, and a heading, that begins with a number sign.
var remark = regexp.MustCompile(`^# .*:\d+: `)

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
func (s *csvSource) begin() error {
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
	s.r.Comma, s.r.LazyQuotes, s.r.FieldsPerRecord = comma, true, -1
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
