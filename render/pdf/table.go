package pdf

import (
	"slices"

	"geppo/render/chart"
	"geppo/render/pdf/file"
)

// column is one column of a table. Widths are parts of the text's width and sum to 1.
type column struct {
	head  string
	part  float64
	right bool // figures stand right
}

// cell is one cell. bar is the length, 0 to 1, of a bar that is drawn instead of text.
type cell struct {
	label
	url    string
	bar    float64
	strong bool
	color  chart.Color // ink if zero
}

func text(s string) cell { return cell{label: label{shown: s}} }

// Measures of a table.
const (
	rowLine   = 12.5 // between the lines of a cell
	rowPad    = 6.0
	cellGap   = 5.0
	cellLines = 3 // a name that needs more is cut in its middle
)

// laid is a row with its lines broken.
type laid struct {
	cells  []cell
	lines  [][]string
	actual []string
	height float64
}

// table sets rows under their column heads. No row is split; where the table goes on to another
// page its heads are repeated; it never begins with its head alone.
func (s *sheet) table(columns []column, rows [][]cell) {
	set := make([]laid, 0, len(rows))
	head := headHeight
	if !slices.ContainsFunc(columns, func(c column) bool { return c.head != "" }) {
		head = 0
	}
	total := head
	for _, row := range rows {
		l := s.lay(columns, row)
		set = append(set, l)
		total += l.height
	}
	if len(set) == 0 {
		return
	}
	if total > (bottom-top)/2 { // too long to be kept together
		total = head + set[0].height
	}
	s.need(total)
	table := s.sect.Child("Table")
	s.tableHead(columns, head, table)
	for _, l := range set {
		if s.y+l.height > s.limit {
			s.newPage()
			s.tableHead(columns, head, nil) // heard once
		}
		s.row(columns, l, table.Child("TR"), head > 0)
	}
	s.y += 8
}

const headHeight = 20.0

// tableHead draws the heads of a table, and tells of them if it is given one.
func (s *sheet) tableHead(columns []column, height float64, table *file.Element) {
	if height == 0 {
		s.rule(s.y, right, chart.Grid, 0.6)
		return
	}
	s.fill(left, s.y, measure, headHeight-3, chart.Shade)
	var row *file.Element
	if table != nil {
		row = table.Child("TR")
	}
	x := left
	for _, c := range columns {
		var head *file.Element
		if row != nil && c.head != "" {
			head = row.Child("TH")
			head.Scope = "Column"
		}
		w := c.part * measure
		s.tag(head, func() {
			if c.right {
				s.putRight(c.head, x+w-cellGap, s.y+12, headText)
			} else {
				s.put(c.head, x+cellGap, s.y+12, headText)
			}
		})
		x += w
	}
	s.y += headHeight - 3
}

// lay breaks a row's lines.
func (s *sheet) lay(columns []column, row []cell) laid {
	l := laid{cells: row}
	most := 1
	for i, c := range row {
		lines, actual := s.fit(c.label, columns[i].part*measure-2*cellGap, c.style(), cellLines)
		l.lines, l.actual = append(l.lines, lines), append(l.actual, actual)
		most = max(most, len(lines))
	}
	l.height = float64(most)*rowLine + rowPad
	return l
}

func (c cell) style() style {
	st := cellText
	st.bold = c.strong
	if c.color.A != 0 {
		st.color = c.color
	}
	if c.url != "" {
		st.color = chart.Bar
	}
	return st
}

// row draws a row and tells of it. Where a table has no heads, its first column is the rows'. A column of bars
// is decoration: the figures stand beside it.
func (s *sheet) row(columns []column, l laid, row *file.Element, headed bool) {
	x := left
	for i, c := range l.cells {
		w := columns[i].part * measure
		if c.bar > 0 {
			s.fill(x+cellGap, s.y+(l.height-7)/2, max(1.5, c.bar*(w-2*cellGap)), 7, chart.Bar)
		}
		if headed && columns[i].head == "" {
			x += w
			continue
		}
		e := row.Child("TD")
		if !headed && i == 0 {
			e.Type, e.Scope = "TH", "Row"
		}
		if c.url != "" && len(l.lines[i]) > 0 {
			e = e.Child("Link")
			s.page.LinkOut(e, x+cellGap, s.y, min(w-2*cellGap, s.width(l.lines[i][0], c.style())), l.height, c.shown, c.url)
		}
		s.tag(e, func() { s.cell(c, l.lines[i], l.actual[i], columns[i], x) })
		x += w
	}
	s.y += l.height
	s.rule(s.y, right, chart.Grid, 0.6)
}

func (s *sheet) cell(c cell, lines []string, actual string, column column, x float64) {
	s.spoken(actual, func() {
		y := s.y + rowPad/2 + 9.2
		for _, line := range lines {
			if column.right {
				s.putRight(line, x+column.part*measure-cellGap, y, c.style())
			} else {
				s.putMarked(line, x+cellGap, y, c.style())
			}
			y += rowLine
		}
	})
}
