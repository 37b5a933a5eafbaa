package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Lists are printed as their elements come, for people or as JSON: a month of 100,000 contracts, held whole, takes
// hundreds of megabytes.

// listing is a list under way.
type listing[T any] struct {
	json  *jsonList
	table rows
	cells func(T) []any
	n     int
}

// rows is what an element's cells are printed by.
type rows interface {
	Row(cells ...any) error
	End() error
}

// newListing begins a list; cells are what people see of an element.
func newListing[T any](w io.Writer, asJSON bool, t title, cells func(T) []any) *listing[T] {
	l := &listing[T]{cells: cells}
	if asJSON {
		l.json = newJSONList(w, "")
	} else {
		l.table = newTable(w, t)
	}
	return l
}

func (l *listing[T]) add(element T) error {
	l.n++
	if l.json != nil {
		return l.json.add(element)
	}
	return l.table.Row(l.cells(element)...)
}

// end prints what is left.
func (l *listing[T]) end() error {
	if l.json != nil {
		return l.json.end("\n")
	}
	return l.table.End()
}

// printList prints a list that is there.
func printList[T any](w io.Writer, asJSON bool, t title, list []T, cells func(T) []any) error {
	l := newListing(w, asJSON, t, cells)
	for _, element := range list {
		if err := l.add(element); err != nil {
			return err
		}
	}
	return l.end()
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
