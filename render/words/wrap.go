package words

import (
	"cmp"
	"strings"
	"unicode"
)

// Kinsoku (JIS X 4051): what may not begin and what may not end a line.
const (
	noStart = "、。，．,.・:;：；？！?!゛゜ヽヾゝゞ々ー―–—…‥)）]］}｝」』】〕〉》’”ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％%℃～〜※"
	noEnd   = "(（[［{｛「『【〔〈《‘“■●▲"

	wordSigns = "_-.\\:=&?"
	units     = "件台日月年版第％"
)

// role is what a character is to Wrap: which of the lists above have it.
type role uint8

const (
	mayNotStart role = 1 << iota
	mayNotEnd
	isWordSign
	isUnit
)

// roles are those of the BMP, where all of them are. To look through the lists for each character of a report takes
// longer than all else that breaking its lines does.
var roles = func() *[1 << 16]role {
	table := new([1 << 16]role)
	for of, list := range map[role]string{mayNotStart: noStart, mayNotEnd: noEnd, isWordSign: wordSigns, isUnit: units} {
		for _, r := range list {
			table[r] |= of
		}
	}
	return table
}()

func (c role) of(r rune) bool { return r >= 0 && int(r) < len(roles) && roles[r]&c != 0 }

// Wrap breaks text into lines of at most width, in the unit of advance, which tells how wide a character is. Words
// of Latin letters, digits and what host and threat names are made of stay whole unless they are longer
// than a line; then they break behind one of their signs, if they have any.
func Wrap(text string, width float64, advance func(rune) float64) []string {
	var lines []string
	for text != "" {
		end := lineEnd(text, width, advance)
		lines = append(lines, strings.TrimRight(text[:end], " "))
		text = strings.TrimLeft(text[end:], " ")
	}
	return lines
}

// lineEnd is where the first line of text ends.
func lineEnd(text string, width float64, advance func(rune) float64) int {
	used, between, within := 0.0, 0, 0 // the last place to break between words, and within one
	var before rune
	for i, r := range text {
		if i > 0 && mayBreak(before, r) {
			between = i
		}
		if i > 0 && isWordSign.of(before) {
			within = i
		}
		if used += advance(r); used > width && i > 0 {
			return cmp.Or(between, within, i)
		}
		before = r
	}
	return len(text)
}

// mayBreak tells whether a line may end between a and b.
func mayBreak(a, b rune) bool {
	switch {
	case b == ' ' || mayNotStart.of(b) || mayNotEnd.of(a):
		return false
	case a == ' ':
		return true
	case b == '/':
		return false // dates and lists of names break behind it
	case isWord(a) && isWord(b):
		return false
	case a == '/' && b >= '0' && b <= '9':
		return false // a date
	case a >= '0' && a <= '9' && isUnit.of(b):
		return false // a number and its unit
	}
	return true
}

func isWord(r rune) bool {
	return r < 0x2E80 && r != '/' && !unicode.IsSpace(r)
}
