package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Saved answers of programs' interfaces are JSON: one value over many lines or in one, a list, an
// object with a list, or a value a line. They are read token by token, so that a list of any length
// takes the memory of one item.

// items says what a format makes of its JSON.
type items struct {
	lists []string // names of the members that hold the items
	// item is one item.
	item func(c *chunk, number int, value jsontext.Value)
	// rest, if set, is an object around a list of items, without it.
	rest func(c *chunk, number int, object node) error
	// finish, if set, is the end of the input.
	finish func(c *chunk) error
}

// tolerant reads what real programs write: names that stand twice, and text cut within a character.
var tolerant = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// documents reads a file of JSON.
func documents(r io.Reader, of items) source {
	br := bufio.NewReaderSize(r, window)
	head, err := br.Peek(window)
	if byLine(head, err != nil) {
		return &valueLines{newLineSource(br, func(c *chunk, l *line) { ofLine(c, l, of) }), of.finish}
	}
	b := &budget{r: br, left: maxRecord}
	return &document{walker: walker{of: of, dec: jsontext.NewDecoder(b, tolerant), number: 1}, budget: b}
}

// byLine tells a file with a value a line from one value over many lines: its first line is whole,
// or it and the second are not the beginning of one value either, because it is cut.
func byLine(head []byte, all bool) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	first, rest, broken := bytes.Cut(head, []byte("\n"))
	if !broken {
		return all // one line: whole, cut, or too long for a line
	}
	if len(first) > 0 && first[0] == '#' || jsontext.Value(first).IsValid(tolerant) {
		return true
	}
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	return !begins(slices.Concat(first, []byte("\n"), second))
}

// begins tells whether text is the beginning of a value.
func begins(text []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(text), tolerant)
	for {
		if _, err := dec.ReadToken(); err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// valueLines reads a value a line.
type valueLines struct {
	*lineSource
	finish func(c *chunk) error
}

func (s *valueLines) next(c *chunk) error {
	err := s.lineSource.next(c)
	return finished(s.finish, c, err)
}

// finished calls finish at the end of the input.
func finished(finish func(c *chunk) error, c *chunk, err error) error {
	if !errors.Is(err, io.EOF) || finish == nil {
		return err
	}
	if failed := finish(c); failed != nil {
		return failed
	}
	return err
}

// ofLine reads the items of one line.
func ofLine(c *chunk, l *line, of items) {
	number, text := l.number, l.text
	if l.err = checkUTF8(text); l.err != nil {
		return
	}
	if !jsontext.Value(text).IsValid(tolerant) {
		l.err = malformed(errOf(text))
		return
	}
	w := walker{of: of, dec: jsontext.NewDecoder(bytes.NewReader(text), tolerant), number: number}
	for {
		switch err := w.step(c); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			c.add(number, text).err = malformed(err)
			return
		}
	}
}

func errOf(text []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(text), tolerant)
	if _, err := dec.ReadValue(); err != nil {
		return err
	}
	return errors.New("more than one value in a line")
}

func malformed(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d: %w; get the answer again", e.ByteOffset+1, e.Err)
	}
	return fmt.Errorf("malformed JSON: %w; get the answer again", err)
}

// document reads values over many lines.
type document struct {
	walker
	budget *budget
	offset int64
	done   bool
}

func (d *document) next(c *chunk) error {
	if d.done {
		return io.EOF
	}
	err := d.step(c)
	at := d.dec.InputOffset()
	c.bytes += int(at - d.offset)
	d.offset, d.budget.left = at, maxRecord
	if err == nil {
		return nil
	}
	d.done = true
	if _, syntax := errors.AsType[*jsontext.SyntacticError](err); syntax || errors.Is(err, errTooLong) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.add(d.number, nil).err = fmt.Errorf("%w; what follows is not read", malformed(err))
		err = io.EOF
	}
	return finished(d.of.finish, c, err)
}

// walker goes through values and finds the items: the values themselves, the elements of a list, or
// those of a list in an object.
type walker struct {
	of     items
	dec    *jsontext.Decoder
	number int
	list   bool         // within a list of items
	object bool         // within an object, perhaps around the list
	raw    bytes.Buffer // the object as long as it may be an item itself
	listed bool         // the object has a list of items
}

// step takes one item or one member; it returns io.EOF after the last value.
func (w *walker) step(c *chunk) error {
	kind := w.dec.PeekKind()
	switch {
	case w.list && kind == ']':
		w.list = false
		return w.skip()
	case w.list:
		return w.item(c)
	case w.object && kind == '}':
		return w.endObject(c)
	case w.object:
		return w.member()
	case kind == '[':
		w.list = true
		return w.skip()
	case kind == '{':
		w.object, w.listed = true, false
		w.raw.Reset()
		return w.skip()
	}
	return w.item(c)
}

func (w *walker) skip() error {
	_, err := w.dec.ReadToken()
	return err
}

func (w *walker) item(c *chunk) error {
	value, err := w.dec.ReadValue()
	if err != nil {
		return err
	}
	w.of.item(c, w.number, value)
	return nil
}

func (w *walker) member() error {
	name, err := w.dec.ReadValue()
	if err != nil {
		return err
	}
	name = name.Clone()
	key, err := jsontext.AppendUnquote(nil, name)
	if err != nil {
		return err
	}
	if slices.Contains(w.of.lists, string(key)) && w.dec.PeekKind() == '[' {
		w.list, w.listed = true, true
		return w.skip()
	}
	value, err := w.dec.ReadValue()
	if err != nil {
		return err
	}
	if w.raw.Len() > 0 {
		w.raw.WriteByte(',')
	}
	w.raw.Write(name)
	w.raw.WriteByte(':')
	w.raw.Write(value)
	if w.raw.Len() > maxRecord {
		return errTooLong
	}
	return nil
}

// endObject ends an object: one without a list is an item itself.
func (w *walker) endObject(c *chunk) error {
	w.object = false
	if err := w.skip(); err != nil {
		return err
	}
	whole := jsontext.Value("{" + w.raw.String() + "}")
	if !w.listed {
		w.of.item(c, w.number, whole)
		return nil
	}
	if w.of.rest == nil {
		return nil
	}
	object, err := parse(whole)
	if err != nil {
		return err
	}
	return w.of.rest(c, w.number, object)
}

// oneLine is a value as it may stand among rejected rows.
func oneLine(value jsontext.Value) []byte {
	value = value.Clone()
	if value.Compact() != nil {
		return nil
	}
	return value
}
