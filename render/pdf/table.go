package pdf

import (
	"fmt"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/pdf/file"
	"geppo/render/words"
)

// Measures of a table.
const (
	rowLine    = 12.5 // between the lines of a cell
	belowLine  = 10.0 // of its small type
	cellGap    = 4.0
	cellLines  = 3 // a name that needs more is cut in its middle
	headHeight = 16.0
	swatchRoom = 12.0
	rankRoom   = 17.0
)

// listOf is the element that a table's rows or a list's lines stand below; it is made with the first of them,
// so that it stands where it is read.
type listOf struct{ e *file.Element }

func (l *listOf) element(s *sheet, kind string) *file.Element {
	if l.e == nil {
		l.e = s.sect.Child(kind)
	}
	return l.e
}

// listed draws one name of a list.
func (s *sheet) listed(l *listOf, first bool, n edition.Name, x, y, width float64) {
	if first {
		l.e = nil
	}
	name := s.name(n.Text)
	cut := s.face(cellText).Shorten(name.shown, cellText.size, width-10)
	if cut != name.shown {
		s.shortened = true
		if name.actual == "" {
			name.actual = name.shown
		}
	}
	s.fill(x, y+4, 3, 3, chart.Axis)
	s.tag(l.element(s, "L").Child("LI").Child("LBody"), func() {
		s.spoken(name.actual, func() { s.put(cut, x+8, y+9, cellText) })
	})
}

// laid is a row with its lines broken.
type laid struct {
	cells  []edition.Cell
	lines  [][]string
	below  [][]string
	actual []string
	height float64
	swatch chart.Color // before the first cell; zero for none
	rank   string      // likewise; "" for none
	bar    float64     // below the first cell, as a part of its width; 0 for none
}

// table lays out rows under their column heads, each a box; where the table goes on to another page its
// heads are repeated, and it never begins with its head alone.
func (s *sheet) table(t edition.Table, width float64) []box { return s.swatched(t, width, nil) }

// swatched is table with a colour before each row. A label and its figure stand no further apart than half a page allows.
func (s *sheet) swatched(t edition.Table, width float64, swatches []chart.Color) []box {
	if len(t.Columns) == 2 && t.Columns[1].Right {
		width = min(width, half)
	}
	widths := s.columns(t, width)
	rows := make([]laid, 0, len(t.Rows))
	for i, row := range t.Rows {
		l := laid{cells: row}
		if i < len(swatches) {
			l.swatch = swatches[i]
		}
		rows = append(rows, s.lay(widths, l))
	}
	boxes := s.rows(t.Columns, widths, rows, width)
	if t.Rest > 0 {
		boxes = append(boxes, s.paragraph(s.e.Words.MoreRows.Say(words.Values{Count: fmt.Sprint(t.Rest)}), width, smallText)...)
	}
	return boxes
}

// columns are the widths of a table's columns.
func (s *sheet) columns(t edition.Table, width float64) []float64 {
	fixed, free := 0.0, 0
	for _, c := range t.Columns {
		fixed += c.Part
		if c.Part == 0 {
			free++
		}
	}
	widths := make([]float64, len(t.Columns))
	for i, c := range t.Columns {
		part := c.Part
		if part == 0 {
			part = (1 - fixed) / float64(free)
		}
		widths[i] = part * width
	}
	return widths
}

// rows are the boxes of a table.
func (s *sheet) rows(columns []edition.Column, widths []float64, rows []laid, width float64) []box {
	if len(rows) == 0 {
		return nil
	}
	headed := edition.Table{Columns: columns}.Headed()
	under := new(listOf)
	var boxes []box
	if headed {
		boxes = append(boxes, box{h: headHeight, keep: true, draw: func(x, y float64) {
			under.e = nil
			s.heads(columns, widths, x, y, width, under.element(s, "Table"))
		}})
	}
	total := 0.0
	for _, l := range rows {
		total += l.height
	}
	for i, l := range rows {
		b := box{h: l.height, draw: func(x, y float64) {
			if i == 0 && !headed {
				under.e = nil
				s.rule(x, x+width, y, chart.Grid, 0.6)
			}
			s.row(columns, widths, l, x, y, under.element(s, "Table").Child("TR"), headed)
			s.rule(x, x+width, y+l.height, chart.Grid, 0.6)
		}}
		if headed && i > 0 {
			b.again, b.againH = func(x, y float64) { s.heads(columns, widths, x, y, width, nil) }, headHeight
		}
		b.keep = total < (bottom-top)/3 && i+1 < len(rows) // short ones stay together
		boxes = append(boxes, b)
	}
	boxes[len(boxes)-1].h += 7
	return boxes
}

// heads draws the heads of a table, and tells of them if it is given one.
func (s *sheet) heads(columns []edition.Column, widths []float64, x, y, width float64, table *file.Element) {
	var row *file.Element
	if table != nil {
		row = table.Child("TR")
	}
	s.fill(x, y, width, headHeight, chart.Shade)
	for i, c := range columns {
		var head *file.Element
		if row != nil {
			head = row.Child("TH")
			head.Scope = "Column"
		}
		s.tag(head, func() {
			if c.Right {
				s.putRight(c.Head, x+widths[i]-cellGap, y+11.3, headText)
			} else {
				s.put(c.Head, x+cellGap, y+11.3, headText)
			}
		})
		x += widths[i]
	}
}

// lay breaks a row's lines.
func (s *sheet) lay(widths []float64, l laid) laid {
	most := 0.0
	for i, c := range l.cells {
		room := widths[i] - 2*cellGap
		if i == 0 {
			room -= l.indent()
		}
		lines, actual := s.fit(s.name(c.Text), room, s.cellStyle(c), cellLines)
		below := s.wrap(s.clean(c.Below), sum(widths[i:])-widths[i]+room, noteText) // it may go on below the next cells
		l.lines, l.below, l.actual = append(l.lines, lines), append(l.below, below), append(l.actual, actual)
		most = max(most, float64(max(len(lines), 1))*rowLine+float64(len(below))*belowLine)
	}
	l.height = most + s.white.row
	if l.bar > 0 {
		l.height += s.white.bar
	}
	return l
}

// indent is the room before a row's first cell.
func (l laid) indent() float64 {
	switch {
	case l.swatch.A != 0:
		return swatchRoom
	case l.rank != "":
		return rankRoom
	}
	return 0
}

func sum(list []float64) (total float64) {
	for _, v := range list {
		total += v
	}
	return total
}

func (s *sheet) cellStyle(c edition.Cell) style {
	st := cellText
	st.bold = c.Strong
	switch {
	case c.Tone == edition.Alarm || c.Tone == edition.Warn:
		_, st.color = tint(c.Tone)
	case c.URL != "":
		st.color = chart.Bar
	case c.Muted:
		st.color = chart.Muted
	}
	return st
}

// row draws a row and tells of it. Where a table has no heads, its first column is the rows'.
func (s *sheet) row(columns []edition.Column, widths []float64, l laid, x, y float64, row *file.Element, headed bool) {
	for i, c := range l.cells {
		e := row.Child("TD")
		if !headed && i == 0 {
			e.Type, e.Scope = "TH", "Row"
		}
		at := x
		if i == 0 {
			at += l.indent()
		}
		if i == 0 && l.swatch.A != 0 {
			s.fill(x+cellGap, y+4, 7, 7, l.swatch)
		}
		if i == 0 && l.rank != "" {
			s.tag(e, func() { s.put(l.rank+" ", x+cellGap, y+s.white.row/2+9, cellText) })
		}
		if i == 0 && l.bar > 0 {
			s.fill(x+cellGap, y+l.height-6, max(1.5, l.bar*(widths[0]-2*cellGap)), 2.5, s.m.draw.BarColor)
		}
		if c.URL != "" && len(l.lines[i]) > 0 {
			e = e.Child("Link")
			s.page.LinkOut(e, at+cellGap, y, min(widths[i]-2*cellGap, s.width(l.lines[i][0], s.cellStyle(c))), l.height, s.clean(c.Text), c.URL)
		}
		s.tag(e, func() { s.cell(c, l, i, columns[i].Right, at, widths[i]-(at-x), y) })
		x += widths[i]
	}
}

func (s *sheet) cell(c edition.Cell, l laid, i int, right bool, x, width, y float64) {
	st := s.cellStyle(c)
	y += s.white.row/2 + 9
	s.spoken(l.actual[i], func() {
		for _, line := range l.lines[i] {
			if right {
				s.putRight(line, x+width-cellGap, y, st)
			} else {
				s.put(line, x+cellGap, y, st)
			}
			y += rowLine
		}
	})
	y -= 1.5
	for _, line := range l.below[i] {
		s.put(line, x+cellGap, y, noteText.in(chart.Muted))
		y += belowLine
	}
}

// besideFrom is the number of lines from which a ranking as wide as the page stands in two columns, read down.
const besideFrom = 4

// ranking lays out a list by count, each with its share and a bar below its name. A line is no wider than half a page.
func (s *sheet) ranking(r edition.Ranking, width float64) []box {
	if width <= half || len(r.Rows) < besideFrom {
		return s.ranked(r, r.Rows, 0, min(width, half))
	}
	middle := (len(r.Rows) + 1) / 2
	first, second := s.ranked(r, r.Rows[:middle], 0, half), s.ranked(r, r.Rows[middle:], middle, half)
	return []box{{h: max(height(first), height(second)), draw: func(x, y float64) {
		for i, run := range [][]box{first, second} {
			at := y
			for _, b := range run {
				b.draw(x+float64(i)*(half+gutter), at)
				at += b.h
			}
		}
	}}}
}

// ranked lays out rows of a ranking, the first being number from+1.
func (s *sheet) ranked(r edition.Ranking, list []edition.Ranked, from int, width float64) []box {
	columns := []edition.Column{{Head: r.Head}, {Head: r.CountHead, Right: true}, {Head: r.ShareHead, Right: true}}
	widths := []float64{width, s.width(r.CountHead, headText), s.width(r.ShareHead, headText)}
	for _, row := range list {
		widths[1] = max(widths[1], s.width(row.Count, cellText))
		widths[2] = max(widths[2], s.width(row.Share, cellText))
	}
	widths[1], widths[2] = widths[1]+2*cellGap+6, widths[2]+2*cellGap+6
	widths[0] -= widths[1] + widths[2]
	rows := make([]laid, 0, len(list))
	for i, row := range list {
		rows = append(rows, s.lay(widths, laid{bar: row.Part, rank: fmt.Sprint(from+i+1) + ".", cells: []edition.Cell{
			{Name: row.Name}, {Name: edition.Name{Text: row.Count}}, {Name: edition.Name{Text: row.Share}, Muted: true},
		}}))
	}
	return s.rows(columns, widths, rows, width)
}
