package harmless

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Page is a page of html/template with codes in place of what its reader would not see or be deceived by, as Line has
// them on a terminal. What stands within tags stays: a form's values are sent back, and must name what they named. A
// template escapes all that could look like a tag's beginning or end.
//
// Line ends stay, and the mark of a broken character, which is seen, and the joiner that our own mails have in names so
// that no mail program makes links of them.
func Page(page []byte) []byte {
	if !bytes.ContainsFunc(page, deceives) {
		return page
	}
	var b strings.Builder
	tag := false
	for _, r := range string(page) {
		switch r {
		case '<':
			tag = true
		case '>':
			tag = false
		}
		if !tag && deceives(r) {
			Escape(&b, r)
		} else {
			b.WriteRune(r)
		}
	}
	return []byte(b.String())
}

func deceives(r rune) bool {
	const joiner = '\u2060'
	return Commands(r) && r != '\r' && r != joiner && r != utf8.RuneError
}
