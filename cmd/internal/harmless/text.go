// Package harmless writes what others wrote so that nobody's program obeys it: a terminal, a browser, a spreadsheet.
package harmless

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line makes text that others wrote safe for a line on a terminal and for a cell of a table.
func Line(s string) string {
	if Plain(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == '\t' || Commands(r) {
			Escape(&b, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Plain tells text of printable ASCII, which nearly all is: a letter is a column wide, and none does anything else.
func Plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Commands tells what a terminal would obey, or a reader would not see: control characters, among them the escapes
// that move a cursor or set a title, what turns the direction of writing, and what has no width. The joiners within
// emoji stay.
func Commands(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d':
		return false
	case utf8.RuneError, '\u2028', '\u2029':
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf)
}

// Escape writes a character's code as JSON does, so that cleaned JSON means the same.
func Escape(b *strings.Builder, r rune) {
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(b, `\u%04x`, unit)
	}
}
