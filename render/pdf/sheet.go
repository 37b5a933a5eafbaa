package pdf

import (
	"fmt"
	"strconv"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
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
	top        = 64.0
	bottom     = pageHeight - 58
	leading    = 15.0 // of body text
	noteLine   = 10.0
	noteRule   = 8.0
)

// white is the room that is left between things.
type white struct {
	row, bar                 float64 // in a table's rows
	part, section, paragraph float64 // before what they are named after, and behind a paragraph
	trend, halfTrend         float64 // height of a chart
	shortPage                int     // a page that ends higher; 0 for none
	short                    float64 // by so much
}

var (
	roomy = white{row: 5.5, bar: 4, part: 14, section: 4, paragraph: 4, trend: 104, halfTrend: 122}
	dense = white{row: 3.5, bar: 3.5, part: 7, section: 2, paragraph: 2, trend: 88, halfTrend: 100}
)

// sheet is one document being set. Everything is set from the top down at y.
type sheet struct {
	m       *Maker
	e       edition.Edition
	d       edition.Document
	accent  chart.Color
	company string
	doc     *file.Doc
	page    *file.Page
	sect    *file.Element // the section that is being set

	white     white
	y, limit  float64 // next free line, and where the page ends above its footnotes
	replaced  int
	shortened bool // some name lost its middle

	noted   map[string]int // glossary terms that have been explained, and under which number
	notes   []note         // of this page
	waiting []box          // headings that wait for what they introduce
	later   []edition.Ask  // asks that the first page had no room for
}

// note is a footnote: its number and its lines.
type note struct {
	number int
	lines  []string
}

// newPage ends the page, with its footnotes, and begins another.
func (s *sheet) newPage() {
	if s.page != nil {
		s.flushNotes()
	}
	s.page = s.doc.AddPage()
	s.y, s.limit = top, bottom
	if s.doc.Pages() == s.white.shortPage {
		s.limit -= s.white.short
	}
}

// tag says that what draw draws is e's. All else on a page is decoration.
func (s *sheet) tag(e *file.Element, draw func()) {
	s.page.In(e)
	draw()
	s.page.In(nil)
}

// say is tag with a new element of the section.
func (s *sheet) say(kind string, draw func()) { s.tag(s.sect.Child(kind), draw) }

// mark puts the number of a footnote behind each glossary term that text is the first to use, and gives the
// footnotes.
func (s *sheet) mark(text string) (string, []note) {
	var marked strings.Builder
	var notes []note
	for {
		term, at := s.firstTerm(text)
		if at < 0 {
			return marked.String() + text, notes
		}
		number := len(s.noted) + 1
		s.noted[term.Term] = number
		sign := s.e.Words.Note + strconv.Itoa(number)
		end := at + len(term.Term)
		marked.WriteString(text[:end] + sign)
		text = text[end:]
		notes = append(notes, note{number, s.wrap(sign+" "+term.Term+": "+term.Means, measure, noteText)})
	}
}

// firstTerm finds the first term in text that has no footnote yet, and where; of two that begin there the longer, which is the
// one that is read.
func (s *sheet) firstTerm(text string) (first words.Term, at int) {
	at = -1
	for _, term := range s.e.Glossary {
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
	y := bottom - notesHeight(s.notes)
	s.rule(left, left+120, y, chart.Axis, 0.5)
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

func notesHeight(notes []note) (h float64) {
	for _, n := range notes {
		h += float64(len(n.lines)) * noteLine
	}
	return h
}

// furniture is a page's header (not on the first) and footer.
func (s *sheet) furniture(n, pages int) {
	st := smallText
	if n > 1 {
		title := s.clean(s.d.Product) + " " + s.e.Title
		s.put(title, left, 42, st)
		room := measure - s.width(title+s.e.Month, st) - 40
		s.putRight(s.face(st).Shorten(s.company, st.size, room)+"  "+s.e.Month, right, 42, st)
		s.rule(left, right, 49, chart.Grid, 0.7)
	}
	y := pageHeight - 32
	s.rule(left, right, y-13, chart.Grid, 0.7)
	contract := s.e.Closing.Contract
	s.put(contract.Label+" "+s.clean(contract.Value), left, y, st)
	s.putRight(s.e.Closing.Page.Say(words.Values{From: strconv.Itoa(n), To: strconv.Itoa(pages)}), right, y, st)
}

// rule draws a horizontal line.
func (s *sheet) rule(from, to, y float64, c chart.Color, width float64) {
	s.page.Line(from, y, to, y, width, ink(c), [2]float64{})
}

// fill draws a box.
func (s *sheet) fill(x, y, w, h float64, c chart.Color) { s.page.Rect(x, y, w, h, ink(c)) }
