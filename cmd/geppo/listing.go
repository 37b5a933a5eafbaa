package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/mattn/go-runewidth"
)

// Lists are printed as their elements come, for people or as JSON: a month of 100,000 contracts, held whole, takes
// hundreds of megabytes.

// listing is a list under way.
type listing[T any] struct {
	json  *jsonList
	table *table
	cells func(T) []string
	n     int
}

// newListing begins a list; cells are what people see of an element.
func newListing[T any](w io.Writer, asJSON bool, header []string, cells func(T) []string) *listing[T] {
	l := &listing[T]{cells: cells}
	if asJSON {
		l.json = newJSONList(w, "")
	} else {
		l.table = newTable(w, header)
	}
	return l
}

func (l *listing[T]) add(element T) error {
	l.n++
	if l.json != nil {
		return l.json.add(element)
	}
	return l.table.row(l.cells(element))
}

// end prints what is left.
func (l *listing[T]) end() error {
	if l.json != nil {
		return l.json.end("\n")
	}
	return l.table.end()
}

// printList prints a list that is there.
func printList[T any](w io.Writer, asJSON bool, header []string, list []T, cells func(T) []string) error {
	l := newListing(w, asJSON, header, cells)
	for _, element := range list {
		if err := l.add(element); err != nil {
			return err
		}
	}
	return l.end()
}

// table prints rows under each other. Its columns are as wide as the first rows need, and widen where a later one needs
// more. (The tempting other way, a library that lines up the whole, held every cell and took most of the time.)
type table struct {
	w      *bufio.Writer
	widths []int
	held   [][]string // until they are measured
	flows  bool       // they were
	line   []byte
}

// measuredRows are how many rows the columns are measured by.
const measuredRows = 1000

// longestCell keeps a table's columns on the screen; --json has the whole.
const longestCell = 60

func newTable(w io.Writer, header []string) *table {
	t := &table{w: bufio.NewWriter(w), widths: make([]int, len(header))}
	t.hold(header)
	return t
}

func (t *table) row(cells []string) error {
	if t.flows {
		t.measure(cells)
		return t.print(cells)
	}
	t.hold(cells)
	if len(t.held) < measuredRows {
		return nil
	}
	return t.flow()
}

func (t *table) hold(cells []string) {
	t.measure(cells)
	t.held = append(t.held, cells)
}

// measure also makes the cells fit to be shown.
func (t *table) measure(cells []string) {
	for i, cell := range cells {
		cells[i] = shortened(cell)
		t.widths[i] = max(t.widths[i], width(cells[i]))
	}
}

// flow prints what was held, and lets go what comes.
func (t *table) flow() (err error) {
	for _, cells := range t.held {
		err = errors.Join(err, t.print(cells))
	}
	t.held, t.flows = nil, true
	return err
}

func (t *table) print(cells []string) error {
	t.line = t.line[:0]
	for i, cell := range cells {
		t.line = append(append(t.line, ' '), cell...)
		for range t.widths[i] - width(cell) + 1 {
			t.line = append(t.line, ' ')
		}
	}
	_, err := t.w.Write(append(t.line, '\n'))
	return err
}

// width is how many columns of a terminal a text takes.
func width(s string) int {
	if plain(s) {
		return len(s)
	}
	return runewidth.StringWidth(s)
}

func (t *table) end() error { return errors.Join(t.flow(), t.w.Flush()) }

// shortened is a cell that is not too long, and that no terminal obeys.
func shortened(cell string) string {
	cell = printable(cell)
	if len(cell) <= longestCell {
		return cell
	}
	runes := []rune(cell)
	if len(runes) <= longestCell {
		return cell
	}
	return string(runes[:longestCell-1]) + "…"
}

// writeTable prints rows that are there.
func writeTable(w io.Writer, header []string, rows [][]string) error {
	return printList(w, false, header, rows, func(row []string) []string { return row })
}

// jsonList prints an array of JSON as its elements come, just as writeJSON would print the whole.
type jsonList struct {
	w      *bufio.Writer
	indent string
	text   bytes.Buffer
	n      int
}

// newJSONList begins an array that stands at an indent.
func newJSONList(w io.Writer, indent string) *jsonList {
	return &jsonList{w: bufio.NewWriter(w), indent: indent}
}

func (l *jsonList) add(element any) error {
	l.text.Reset()
	if l.n == 0 {
		l.text.WriteByte('[')
	} else {
		l.text.WriteByte(',')
	}
	l.n++
	l.text.WriteString("\n" + l.indent + "  ")
	encoder := json.NewEncoder(&l.text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(l.indent+"  ", "  ")
	if err := encoder.Encode(element); err != nil {
		return err
	}
	_, err := l.w.Write(bytes.TrimSuffix(l.text.Bytes(), []byte("\n")))
	return err
}

// end closes the array; after is what stands behind it.
func (l *jsonList) end(after string) error {
	closing := "[]"
	if l.n > 0 {
		closing = "\n" + l.indent + "]"
	}
	_, err := l.w.WriteString(closing + after)
	return errors.Join(err, l.w.Flush())
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
