package store

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold is the form by which names of machines are compared. Consoles, agents and directories spell
// one machine in capitals and in small letters, in full-width and half-width letters, composed and
// decomposed, with blanks around it and with marks that nobody sees; all of these fold to the same
// string. It is for comparing and never for showing: what a reader sees is a name as it was
// received. A name of which nothing visible remains folds to "".
//
// The letters of strings.ToLower would not do: they leave ß, ς and the Turkish İ apart from the
// capitals that a Windows console makes of them.
func Fold(name string) string {
	if plain(name) {
		return strings.ToLower(name)
	}
	// Normalizing can bring out what folding changes (a full-width letter), and folding can undo the
	// normal form (ẗ from its capital); one more round is the fixed point of both (UAX #15, NFKC_Casefold).
	s := name
	for range 3 {
		folded := strings.Map(visible, norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))))
		if folded = strings.TrimSpace(folded); folded == s {
			break
		}
		s = folded
	}
	return s
}

// Bare is a machine's own name where its folded name ends in a domain, as some programs write it; "" for
// other names, addresses among them. It names the machine only if exactly one of an inventory is called so.
func Bare(folded string) string {
	label, _, dotted := strings.Cut(folded, ".")
	if !dotted {
		return ""
	}
	if _, err := netip.ParseAddr(folded); err == nil {
		return ""
	}
	return label
}

// plain tells names of printable ASCII without blanks around them, which are nearly all: only their
// capitals are to be folded.
func plain(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] >= 0x7f {
			return false
		}
	}
	return name == "" || name[0] != ' ' && name[len(name)-1] != ' '
}

// visible drops what leaves no mark on a page: controls, format characters (zero width, direction,
// byte order mark, tags), variation selectors, fillers, and bytes that are no UTF-8. Private characters
// (外字) are visible to their owner, and stay.
func visible(r rune) rune {
	switch {
	case r >= 0xab70 && r <= 0xabbf:
		return r - 0xab70 + 0x13a0 // Cherokee folds to capitals, and cases.Fold turns these into small letters again
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 8
	case r == '\t', r == '\n', r == '\r':
		return ' ' // trimmed at the ends, and a blank between two words
	case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return -1
	}
	return r
}
