package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A file is read in one step, whatever its format: a source takes one record after another, and each
// record becomes a line: none, one or several rows; or a class of events that no report holds; or a
// reason why it is bad. What goes with it, and stops nothing, is a warning. All of them are counted,
// because a figure that is silently short is worse than a file that is refused.

// Formats are the formats that can be read, our own first.
func Formats() []string {
	names := []string{}
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Features are the features that a detection may be of.
func Features() (names []string) {
	for _, f := range features {
		names = append(names, string(f))
	}
	return names
}

// source reads the records of one file. next reads one and puts what became of it into out; what
// it returns with the last one is io.EOF. A *RowError refuses the whole file.
type source interface {
	next(out *chunk) error
}

// format is one of the formats: how its text is encoded and how it is read.
type format struct {
	name  string
	cp932 func(head []byte) bool // tells text in CP932 by its beginning, see encoding.go
	open  func(r io.Reader, v *vendor) source
}

var formats = []format{
	{"jsonl", isCP932, func(r io.Reader, _ *vendor) source { return newLineSource(r, decodeLine) }},
	{"cef", hardlyUTF8, vendorLines((*vendor).cef)},
	{"feeder", hardlyUTF8, vendorLines((*vendor).feeder)},
	{"csv", notUTF8, openCSV},
	{"pccnt", notUTF8, openPccnt},
	{"ofcurlf", notUTF8, openOfcUrlf},
	{"workbench", hardlyUTF8, openWorkbench},
	{"smpi", hardlyUTF8, openSMPI},
	{"ocsf", hardlyUTF8, openOCSF},
}

// open begins to read r, and says in which format.
func open(r io.Reader, opts Options) (source, string, error) {
	name := opts.Format
	if name == "" {
		var err error
		if name, r, err = Guess(r, opts.Columns); err != nil {
			return nil, "", fmt.Errorf("read %s: %w", opts.File, err)
		}
	}
	format, err := formatNamed(name)
	if err != nil {
		return nil, "", err
	}
	v := newVendor(opts)
	return asking{format.open(toUTF8(r, format.cp932), v), v}, format.name, nil
}

// asking ends a source once the store cannot answer its vendor's questions.
type asking struct {
	source
	v *vendor
}

func (a asking) next(out *chunk) error {
	err := a.source.next(out)
	if a.v.failed != nil {
		return a.v.failed
	}
	return err
}

// refused is a file that is refused before it is read.
type refused struct{ why error }

func (r refused) next(*chunk) error { return r.why }

func formatNamed(name string) (format, error) {
	at := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if at < 0 {
		return format{}, fmt.Errorf("format %q is unknown; use one of %s", name, strings.Join(Formats(), ", "))
	}
	return formats[at], nil
}

// Row is one row as it stands in our own format, and marshals to a line of it.
type Row interface {
	// record is the row as the store takes it, checked.
	record() (record, error)
}

// line is one record of the input: a line, a row of a table, or a value of a JSON document.
type line struct {
	number   int      // of the line where it begins, from 1
	text     []byte   // as received, in UTF-8; for the rejects
	rows     []Row    // of vendors' formats; of our own, text is the row
	records  []record // what the store takes: one for each row
	class    string   // set if no report holds it: the class of event it is
	warnings []string
	err      error // why it is bad
}

func (l *line) warn(what string) { l.warnings = append(l.warnings, what) }

// counted is how many rows the record counts as: one that gives none is one, unless it only warns.
func (l *line) counted() int {
	switch {
	case l.err != nil, l.class != "":
		return 1
	default:
		return len(l.records)
	}
}

// chunkBytes is about how much text one chunk holds.
const chunkBytes = 128 << 10

// chunk is a run of lines that are handed on together, because handing on each would cost more
// than decoding it.
type chunk struct {
	lines []line
	bytes int   // of text that they stand for
	err   error // why reading ended, if not by the end of the input

	text    []byte   // holds the lines' text, which outlives the reader's buffer
	records []record // holds the lines' records
}

// add begins a record, with a copy of its text.
func (c *chunk) add(number int, text []byte) *line {
	start := len(c.text)
	c.text = append(c.text, text...)
	c.lines = append(c.lines, line{number: number, text: c.text[start:len(c.text):len(c.text)]})
	return &c.lines[len(c.lines)-1]
}

// keep makes r the line's record.
func (c *chunk) keep(l *line, r record) {
	c.records = append(c.records, r)
	l.records = c.records[len(c.records)-1:]
}

// check makes the line's rows records; a row that cannot be one makes the whole line bad.
func (c *chunk) check(l *line) {
	if l.err != nil || l.class != "" {
		l.rows = nil
		return
	}
	start := len(c.records)
	for _, row := range l.rows {
		r, err := row.record()
		if err != nil {
			l.rows, l.err = nil, err
			return
		}
		c.records = append(c.records, r)
	}
	l.records = c.records[start:len(c.records):len(c.records)]
}

func readChunk(from source) *chunk {
	c := &chunk{text: make([]byte, 0, chunkBytes)}
	for c.bytes < chunkBytes && c.err == nil {
		c.err = from.next(c)
	}
	return c
}

// readChunks reads from into chunks until its end, an error or the end of ctx; then it closes the
// channel.
func readChunks(ctx context.Context, from source, to chan<- *chunk) {
	defer close(to)
	for {
		c := readChunk(from)
		end := c.err != nil
		if errors.Is(c.err, io.EOF) {
			c.err = nil
		}
		select {
		case to <- c:
		case <-ctx.Done():
			return
		}
		if end {
			return
		}
	}
}

// Notes count what a file's records became besides rows, by what was said of them.
type Notes struct {
	NotReported map[string]int64 // by class of event
	Warnings    map[string]int64
}

func (n *Notes) take(l *line) {
	if l.class != "" && l.err == nil {
		count(&n.NotReported, l.class)
	}
	for _, w := range l.warnings {
		count(&n.Warnings, w)
	}
}

func count(in *map[string]int64, what string) {
	if *in == nil {
		*in = map[string]int64{}
	}
	(*in)[what]++
}
