package words

import (
	"strings"
	"unicode"
)

// Kinsoku (JIS X 4051): what may not begin and what may not end a line.
const (
	noStart = "、。，．,.・:;：；？！?!゛゜ヽヾゝゞ々ー―–—…‥)）]］}｝」』】〕〉》’”ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％%℃～〜※"
	noEnd   = "(（[［{｛「『【〔〈《‘“■●▲"

	wordSigns = "_-.\\:=&?"
)

// Wrap breaks text into lines of at most width, in the unit of advance, which tells how wide a character is. Words
// of Latin letters, digits and what host and threat names are made of stay whole unless they are longer
// than a line; then they break behind one of their signs, if they have any.
func Wrap(text string, width float64, advance func(rune) float64) []string {
	runes := []rune(text)
	var lines []string
	for start := 0; start < len(runes); {
		used, end, breakAt, within := 0.0, start, -1, -1
		for end < len(runes) {
			if used += advance(runes[end]); used > width && end > start {
				break
			}
			end++
			if end < len(runes) && mayBreak(runes[end-1], runes[end]) {
				breakAt = end
			}
			if strings.ContainsRune(wordSigns, runes[end-1]) {
				within = end
			}
		}
		switch {
		case end == len(runes):
		case breakAt > start:
			end = breakAt
		case within > start:
			end = within
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
	case b == '/':
		return false // dates and lists of names break behind it
	case isWord(a) && isWord(b):
		return false
	case a == '/' && b >= '0' && b <= '9':
		return false // a date
	case a >= '0' && a <= '9' && strings.ContainsRune("件台日月年版第％", b):
		return false // a number and its unit
	}
	return true
}

func isWord(r rune) bool {
	return r < 0x2E80 && r != '/' && !unicode.IsSpace(r)
}
