package pdf

import (
	"fmt"
	"strconv"
	"strings"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/pdf/file"
	"geppo/render/words"
)

// The page, in points.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	left       = 48.0
	right      = pageWidth - left
	measure    = right - left // width of the text
	top        = 66.0
	bottom     = pageHeight - 62
	leading    = 15.5 // of body text
	noteLine   = 10.0
	noteRule   = 8.0
)

// accent is the colour of headings and rules.
var accent = chart.SliceColor(0)

// sheet is one document being set. Everything is set from the top down at y; need is asked before
// each block that must not be split.
type sheet struct {
	m       *Maker
	w       *words.Words
	doc     *file.Doc
	page    *file.Page
	front   *file.Element // the cover, which is heard first and set last
	sect    *file.Element // the section that is being set
	r       aggregate.Report
	asks    []Ask
	product string
	company string
	state   []string // what the cover says below the judgement

	y, limit  float64 // next free line, and where the page ends above its footnotes
	replaced  int
	shortened bool // some name lost its middle
	linked    bool // the threat database has been introduced

	noted   map[string]int // glossary terms that have been explained, and under which number
	pending []note         // of the block that is being measured
	notes   []note         // of this page
	held    []held         // headings and leads that wait for the block they introduce
	after   float64        // height of a box that is to stay with the next block
	entries []entry
}

// held is a block of height h that must not stand last on a page.
type held struct {
	h    float64
	draw func()
}

// note is a footnote: its number and its lines.
type note struct {
	number int
	lines  []string
}

// entry is a line of the contents.
type entry struct {
	level     int
	no, title string
	at        file.Place
}

// newPage ends the page, with its footnotes, and begins another.
func (s *sheet) newPage() {
	s.flushNotes()
	s.page = s.doc.AddPage()
	s.y, s.limit = top, bottom
}

// tag says that what draw draws is e's. All else on a page is decoration.
func (s *sheet) tag(e *file.Element, draw func()) {
	s.page.In(e)
	draw()
	s.page.In(nil)
}

// say is tag with a new element of the section.
func (s *sheet) say(kind string, draw func()) { s.tag(s.sect.Child(kind), draw) }

// hold keeps a block for the next call of need, so that a heading never stands alone at the foot
// of a page.
func (s *sheet) hold(h float64, draw func()) { s.held = append(s.held, held{h, draw}) }

// need makes sure that the next h points, the headings held for them, and the footnotes that they
// call for, stand on one page; it sets the headings.
func (s *sheet) need(h float64) {
	for _, head := range s.held {
		h += head.h
	}
	extra := 0.0
	for _, n := range s.pending {
		extra += float64(len(n.lines)) * noteLine
	}
	rule := 0.0 // above the first footnote of a page
	if extra > 0 && len(s.notes) == 0 {
		rule = noteRule
	}
	after := s.after
	s.after = 0
	if s.y+h+extra+rule+after > s.limit && s.y > top {
		pending := s.pending
		s.newPage()
		s.pending = pending
		if extra > 0 {
			rule = noteRule
		}
	}
	s.limit -= extra + rule
	s.notes = append(s.notes, s.pending...)
	s.pending = nil
	heads := s.held
	s.held = nil
	for _, head := range heads {
		head.draw()
	}
}

// mark puts the number of a footnote behind each glossary term that text is the first to use.
func (s *sheet) mark(text string) string {
	var marked strings.Builder
	for {
		term, at := s.firstTerm(text)
		if at < 0 {
			return marked.String() + text
		}
		number := len(s.noted) + 1
		s.noted[term.Term] = number
		sign := s.m.own.Note.Say(words.Values{Count: strconv.Itoa(number)})
		end := at + len(term.Term)
		marked.WriteString(text[:end] + sign)
		text = text[end:]
		lines := s.wrap(sign+" "+term.Term+": "+term.Means, measure, noteText)
		s.pending = append(s.pending, note{number, lines})
	}
}

// firstTerm finds the first term in text that has no footnote yet, and where; of two that begin there the longer, which is the
// one that is read. The glossary has no order of its own: equal reports must have equal footnotes.
func (s *sheet) firstTerm(text string) (first words.Term, at int) {
	at = -1
	for _, term := range s.w.Glossary {
		if s.noted[term.Term] != 0 {
			continue
		}
		i := strings.Index(text, term.Term)
		if i >= 0 && (at < 0 || i < at || i == at && len(term.Term) > len(first.Term)) {
			first, at = term, i
		}
	}
	return first, at
}

// flushNotes sets the page's footnotes at its foot.
func (s *sheet) flushNotes() {
	if len(s.notes) == 0 {
		return
	}
	total := 0
	for _, n := range s.notes {
		total += len(n.lines)
	}
	y := bottom - float64(total)*noteLine
	s.rule(y, left+120, chart.Axis, 0.5)
	for _, n := range s.notes {
		e := s.sect.Child("Note")
		e.Identify(fmt.Sprintf("note-%03d", n.number))
		s.tag(e, func() {
			for _, line := range n.lines {
				y += noteLine
				s.put(line, left, y, noteText)
			}
		})
	}
	s.notes = nil
}

// furniture is a page's header (not on the cover) and footer.
func (s *sheet) furniture(n, pages int) {
	st := smallText
	if n > 1 {
		s.put(s.product+" "+s.w.Mail.Title, left, 42, st)
		month := s.m.own.Issued.Say(words.Values{Month: s.w.Month(s.r.Period)})
		room := measure - s.width(s.product+s.w.Mail.Title+month, st) - 40
		s.putRight(s.face(st).Shorten(s.company, st.size, room)+"  "+month, right, 42, st)
		s.rule(49, right, chart.Grid, 0.7)
	}
	y := pageHeight - 34
	s.rule(y-14, right, chart.Grid, 0.7)
	s.put(s.w.Overview.Contract+" "+s.r.Contract.ID, left, y, st)
	page := s.m.own.Page.Say(words.Values{From: strconv.Itoa(n), To: strconv.Itoa(pages)})
	s.putRight(page, right, y, st)
}

// rule draws a horizontal line from the left margin.
func (s *sheet) rule(y, to float64, c chart.Color, width float64) {
	s.page.Line(left, y, to, y, width, ink(c), [2]float64{})
}

// fill draws a box.
func (s *sheet) fill(x, y, w, h float64, c chart.Color) {
	s.page.Rect(x, y, w, h, ink(c))
}
