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

// name prepares a name of the data: cleaned, and 「名称なし」 where nothing is left of it.
func (s *sheet) name(raw string) label {
	shown := words.Disarm(s.clean(raw))
	if shown == "" {
		return label{shown: s.w.Format.NoName}
	}
	if shown == raw {
		return label{shown: shown}
	}
	return label{shown: shown, actual: words.Disarm(visible(raw))}
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

// Kinsoku (JIS X 4051): what may not begin and what may not end a line.
const (
	noStart = "、。，．,.・:;：；？！?!゛゜ヽヾゝゞ々ー―–—…‥)）]］}｝」』】〕〉》’”ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％%℃～〜※"
	noEnd   = "(（[［{｛「『【〔〈《‘“■●▲"
)

// wrap breaks text into lines of at most width. Words of Latin letters, digits and what host and
// threat names are made of stay whole unless they are longer than a line.
func (s *sheet) wrap(text string, width float64, st style) []string {
	runes := []rune(text)
	face := s.face(st)
	var lines []string
	for start := 0; start < len(runes); {
		used, end, breakAt := 0.0, start, -1
		for end < len(runes) {
			if used += face.Width(string(runes[end]), st.size); used > width && end > start {
				break
			}
			end++
			if end < len(runes) && mayBreak(runes[end-1], runes[end]) {
				breakAt = end
			}
		}
		if end < len(runes) && breakAt > start {
			end = breakAt
		}
		lines = append(lines, strings.TrimRight(string(runes[start:end]), " "))
		for start = end; start < len(runes) && runes[start] == ' '; {
			start++
		}
	}
	return lines
}

// mayBreak tells whether a line may end between a and b.
func mayBreak(a, b rune) bool {
	switch {
	case strings.ContainsRune(noStart, b) || strings.ContainsRune(noEnd, a) || b == ' ':
		return false
	case a == ' ':
		return true
	case isWord(a) && isWord(b):
		return false
	case a >= '0' && a <= '9' && strings.ContainsRune("件台日月年版第％", b):
		return false // a number and its unit
	}
	return true
}

func isWord(r rune) bool {
	return r < 0x2E80 && r != '/' && !unicode.IsSpace(r)
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
