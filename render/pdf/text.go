package pdf

import (
	"strings"
	"unicode"

	"geppo/render/chart"
	"geppo/render/font"
	"geppo/render/words"
)

// style is how text looks; size is in points.
type style struct {
	size  float64
	bold  bool
	color chart.Color
}

// The type of the documents.
var (
	bodyText  = style{9.5, false, chart.Ink}
	smallText = style{8, false, chart.Muted}
	noteText  = style{7.5, false, chart.Ink}
	headText  = style{8, true, chart.Muted}
	cellText  = style{9, false, chart.Ink}
)

func (st style) in(c chart.Color) style { st.color = c; return st }
func (st style) strong() style          { st.bold = true; return st }

// face is the font whose metrics the style has.
func (s *sheet) face(st style) *font.Face {
	if st.bold {
		return s.m.family.Bold
	}
	return s.m.family.Regular
}

func (s *sheet) width(text string, st style) float64 { return s.face(st).Width(text, st.size) }

// clean passes a string of the data through the one filter that all of them pass: what no font has
// would print as boxes.
func (s *sheet) clean(raw string) string {
	text, replaced := s.m.family.Regular.Clean(raw)
	s.replaced += replaced
	return text
}

// put draws cleaned text with its baseline at y.
func (s *sheet) put(text string, x, y float64, st style) {
	if text == "" {
		return
	}
	s.face(st).Runs(text, func(font int, run string, width float64) {
		s.page.Text(run, x, y, font, st.size, ink(st.color))
		x += width * st.size
	})
}

// putRight draws text that ends at x.
func (s *sheet) putRight(text string, x, y float64, st style) {
	s.put(text, x-s.width(text, st), y, st)
}

// label is a name as it is printed and, where that is not the whole name, the name itself.
type label struct{ shown, actual string }

// name prepares a name of the data.
func (s *sheet) name(raw string) label {
	shown := s.clean(raw)
	if shown == raw {
		return label{shown: shown}
	}
	return label{shown: shown, actual: visible(raw)}
}

// visible is a name without control characters and direction marks: what a search in the PDF shall find, also where
// no font has a character.
func visible(raw string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, raw)
}

// spoken runs draw so that search, copying and screen readers get text instead of the glyphs that
// draw prints: names that are cut, wrapped or spelled stay findable.
func (s *sheet) spoken(text string, draw func()) {
	if text == "" {
		draw()
		return
	}
	s.page.Spoken(text, draw)
}

// wrap breaks text into lines of at most width.
func (s *sheet) wrap(text string, width float64, st style) []string {
	face := s.face(st)
	return words.Wrap(text, width, func(r rune) float64 {
		g, _ := face.Glyph(r)
		return g.Advance * st.size
	})
}

// fit wraps a name into at most max lines. Where it needs more, its middle is left out; then, and
// where it takes several lines, the label says the whole name.
func (s *sheet) fit(l label, width float64, st style, limit int) ([]string, string) {
	lines := s.wrap(l.shown, width, st)
	actual := l.actual
	if len(lines) > 1 && actual == "" {
		actual = l.shown
	}
	if len(lines) > limit {
		// Lines break early, so a name of exactly limit widths can need one more: leave some room.
		room := width * (float64(limit) - 0.4)
		for len(lines) > limit && room > width/4 {
			lines = s.wrap(s.face(st).Shorten(l.shown, st.size, room), width, st)
			room -= width / 4
		}
		lines = lines[:min(len(lines), limit)]
		s.shortened = true
	}
	return lines, actual
}
