package main

import (
	"fmt"
	"slices"
	"time"
)

// layout is which columns of a table are shown, and how wide.
type layout struct {
	clock   func(time.Time) string
	kinds   []kind
	widths  []int
	shown   []int
	under   int  // the column that stands under its row, -1: none
	records bool // no row would fit: each of its cells is a line of its own
}

type kind int

const (
	kindText kind = iota
	kindTime
	kindNumber
)

// fitting is the layout that tells most in so many columns; width 0: in a file.
func fitting(t title, rows [][]any, width int) *layout {
	l := measured(t, rows, clockTime)
	if width == 0 {
		l.bound()
		return l
	}
	if l.total() <= width {
		return l
	}
	l = measured(t, rows, shortTime)
	l.leaveOut(rows, width)
	if last := len(t.names) - 1; t.below && l.total() > width {
		l.under = last
		l.shown = slices.DeleteFunc(l.shown, func(i int) bool { return i == last })
	}
	l.cut(width)
	l.records = l.total() > width
	return l
}

func measured(t title, rows [][]any, clock func(time.Time) string) *layout {
	l := &layout{clock: clock, kinds: make([]kind, len(t.names)), widths: make([]int, len(t.names)), under: -1}
	for i, name := range t.names {
		l.shown, l.widths[i] = append(l.shown, i), columnsOf(name)
	}
	for _, row := range rows {
		for i, cell := range l.text(row) {
			l.widths[i] = max(l.widths[i], columnsOf(cell))
		}
	}
	return l
}

// text is what is shown of a row's cells; no terminal obeys it.
func (l *layout) text(row []any) []string {
	cells := make([]string, len(row))
	for i, cell := range row {
		switch cell := cell.(type) {
		case time.Time:
			l.kinds[i], cells[i] = kindTime, l.clock(cell)
		case int, int64:
			l.kinds[i], cells[i] = kindNumber, fmt.Sprint(cell)
		case string:
			cells[i] = printable(cell)
		default:
			cells[i] = printable(fmt.Sprint(cell))
		}
	}
	return cells
}

// bound keeps a long cell from moving all the others, where it may stand out.
func (l *layout) bound() {
	for i := range l.widths {
		l.widths[i] = min(l.widths[i], mostAligned)
	}
}

func (l *layout) total() int {
	sum := -tableGap
	for _, i := range l.shown {
		sum += l.widths[i] + tableGap
	}
	return sum
}

// widen makes room for a later row: on a terminal as far as there is any.
func (l *layout) widen(text []string, width int) {
	for _, i := range l.shown {
		l.widths[i] = max(l.widths[i], columnsOf(text[i]))
	}
	if width == 0 {
		l.bound()
	} else {
		l.cut(width)
	}
}

// leaveOut takes out columns that say nothing, from the right, until the others fit. The first names the rows and stays.
func (l *layout) leaveOut(rows [][]any, width int) {
	says := make([]bool, len(l.widths))
	for _, row := range rows {
		for i, cell := range l.text(row) {
			says[i] = says[i] || cell != "" && cell != "-" && cell != "0" && cell != "no"
		}
	}
	for i := len(says) - 1; i > 0 && l.total() > width && len(rows) > 0; i-- {
		if !says[i] {
			l.shown = slices.DeleteFunc(l.shown, func(column int) bool { return column == i })
		}
	}
}

// cut takes room from the widest names, as far as they stay legible.
func (l *layout) cut(width int) {
	for over := l.total() - width; over > 0; over-- {
		widest := -1
		for _, i := range l.shown {
			if l.kinds[i] == kindText && l.widths[i] > leastColumn && (widest < 0 || l.widths[i] > l.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		l.widths[widest]--
	}
}
