package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"geppo/cmd/internal/harmless"
	"geppo/render/words"
)

// table prints rows for people, of text, numbers and times, under each other. Its columns are as wide as the first rows
// need; where a later one needs more they widen. (The tempting other way, a library that lines up the whole, held every cell
// and took most of the time, and fits by cutting alone.)
//
// On a terminal it fits: rather than to have its lines broken, or to cut what nobody could then read elsewhere, it first
// writes times short, leaves out columns that say nothing, sets the last one under its rows, and only then cuts names in
// their middles. Elsewhere, in a file or a pipe, nothing is cut.
type table struct {
	w      *bufio.Writer
	width  int // of the terminal, 0 for what is none
	title  title
	held   [][]any // until the columns are measured
	layout *layout // nil: they are not yet
	line   strings.Builder
}

// title is the head of a table.
type title struct {
	names []string
	below bool // the last column may stand under its row
}

func columns(names ...string) title { return title{names: names} }

// columnsAbove are columns whose last may stand under its row.
func columnsAbove(names ...string) title { return title{names, true} }

const (
	measuredRows = 1000 // by which the columns are measured
	tableGap     = 2
	leastColumn  = 8  // to which a name is cut
	mostAligned  = 48 // beyond which a long cell moves no other, where nothing is cut
	belowIndent  = 4
)

func newTable(w io.Writer, t title) *table {
	return &table{w: bufio.NewWriter(w), width: terminalWidth(w), title: t}
}

func (t *table) Row(cells ...any) error {
	if t.layout != nil {
		return t.print(cells)
	}
	t.held = append(t.held, cells)
	if len(t.held) < measuredRows {
		return nil
	}
	return t.flow()
}

func (t *table) End() (err error) {
	if t.layout == nil {
		err = t.flow()
	}
	return errors.Join(err, t.w.Flush())
}

// flow prints what was held, and lets go what comes.
func (t *table) flow() error {
	t.layout = fitting(t.title, t.held, t.width)
	if !t.layout.records {
		if err := t.printLine(t.title.names); err != nil {
			return err
		}
	}
	held := t.held
	t.held = nil
	for _, cells := range held {
		if err := t.print(cells); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) print(cells []any) (err error) {
	text := t.layout.text(cells)
	if t.layout.records {
		room := 0
		for _, name := range t.title.names {
			room = max(room, words.Width(name))
		}
		for i, cell := range text {
			err = errors.Join(err, labelled(t.w, room, t.title.names[i], cell, t.width))
		}
		_, end := fmt.Fprintln(t.w)
		return errors.Join(err, end)
	}
	t.layout.widen(text, t.width)
	err = t.printLine(text)
	if under := t.layout.under; under >= 0 && text[under] != "" {
		for _, line := range folded(text[under], t.width-belowIndent) {
			_, e := fmt.Fprintf(t.w, "%*s%s\n", belowIndent, "", line)
			err = errors.Join(err, e)
		}
	}
	return err
}

func (t *table) printLine(text []string) error {
	t.line.Reset()
	spaces := 0 // that nothing follows yet
	pad := func(n int) { spaces += max(n, 0) }
	write := func(cell string) {
		if cell == "" {
			return
		}
		for ; spaces > 0; spaces-- {
			t.line.WriteByte(' ')
		}
		t.line.WriteString(cell)
	}
	for _, i := range t.layout.shown {
		cell, room := text[i], t.layout.widths[i]
		if t.width > 0 && columnsOf(cell) > room {
			cell = words.Cut(cell, room)
		}
		room -= columnsOf(cell)
		if t.layout.kinds[i] == kindNumber {
			pad(room)
			write(cell)
		} else {
			write(cell)
			pad(room)
		}
		pad(tableGap)
	}
	t.line.WriteByte('\n')
	_, err := t.w.WriteString(t.line.String())
	return err
}

// writeTable prints rows that are there.
func writeTable(w io.Writer, t title, rows [][]any) error {
	return printList(w, false, t, rows, func(row []any) []any { return row })
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(s string) int {
	if harmless.Plain(s) {
		return len(s)
	}
	return words.Width(s)
}

// shortTime is clockTime where room is short: the day and time of this year's, the day of others.
func shortTime(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.Local().Year() == time.Now().Year():
		return t.Local().Format("01-02 15:04")
	}
	return t.Local().Format(time.DateOnly)
}
