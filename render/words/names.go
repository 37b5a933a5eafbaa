package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// replacement stands for a character that would act instead of being seen: a line end, a terminal
// escape, a change of the writing direction.
const replacement = '\uFFFD'

// mostMarks is how many marks a letter keeps; no script needs more, and a pile of them is drawn over
// the lines above.
const mostMarks = 4

// Clean makes a name from a customer's machine safe to print on one line: control characters and
// marks that turn the direction of writing become a visible "\uFFFD", invisible ones and piles of marks are dropped, runs
// of white space become one space, and broken UTF-8 becomes "\uFFFD". Markup is left alone: each output
// escapes for itself.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	space, marks := false, 0
	for _, r := range s {
		if !unicode.Is(unicode.M, r) {
			marks = 0
		} else if marks++; marks > mostMarks {
			continue
		}
		if r == '\t' || unicode.Is(unicode.Zs, r) && r != '\u3000' {
			space = b.Len() > 0
			continue
		}
		if invisible(r) {
			continue
		}
		if acts(r) {
			r = replacement
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain spares nearly every name the work: printable ASCII without double or outer spaces.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
		if s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// acts tells control characters, line and paragraph separators, and the marks of Unicode's
// bidirectional algorithm (UAX 9).
func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// invisible tells characters that print nothing and join nothing. The joiners that emoji and Indic
// scripts need are kept.
func invisible(r rune) bool {
	switch r {
	case '\u00AD', '\u200B', '\u2060', '\uFEFF', '\u180E', '\u3164', '\u115F', '\u1160':
		return true
	}
	return r >= 0xE0000 && r <= 0xE0FFF || r >= 0x2061 && r <= 0x2064 || r >= 0xFFF9 && r <= 0xFFFB
}

// Columns measures text set in a fixed pitch. Characters of ambiguous width (…, ※, ■, α) count two:
// so Japanese fonts, terminals and phones draw them.
var columns = &runewidth.Condition{EastAsianWidth: true}

// Width is the number of half-width columns that s takes.
func Width(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return columns.StringWidth(s)
		}
	}
	return len(s)
}

// RuneWidth is that of a character that stands for itself.
func RuneWidth(r rune) int {
	if ' ' <= r && r <= '~' {
		return 1
	}
	return columns.RuneWidth(r)
}

// Cut is what is shown of s and, where it is wider than the given half-width columns, takes out its middle: of
// host and threat names both the beginning and the end tell. Marks, which take no column, count half a
// column, so that no name grows without bound.
func Cut(s string, width int) string {
	s = Shown(s)
	if Width(s) <= width && utf8.RuneCountInString(s) <= 2*width {
		return s
	}
	runes := []rune(s)
	room := 2 * (width - 2) // in half columns; "…" takes two columns
	head, used := 0, 0
	for head < len(runes) && used+halves(runes[head]) <= room*3/5 {
		used += halves(runes[head])
		head++
	}
	tail := len(runes)
	for tail > head && used+halves(runes[tail-1]) <= room {
		used += halves(runes[tail-1])
		tail--
	}
	for tail < len(runes) && unicode.Is(unicode.M, runes[tail]) {
		tail++ // a mark needs the letter it stood on
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}

func halves(r rune) int { return max(1, 2*columns.RuneWidth(r)) }

// Name is Cut, and says so where there is no name.
func (w *Words) Name(s string, width int) string {
	if s = Cut(s, width); strings.TrimSpace(s) != "" {
		return s
	}
	return w.Format.NoName
}
