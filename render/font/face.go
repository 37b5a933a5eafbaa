package font

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Face is one weight of the family: its own font first, then those that draw what it lacks. It is safe for
// use by several goroutines.
type Face struct {
	fonts []*Font // its own, then the fallbacks
	place int     // of its own in the family's list

	mu   sync.RWMutex
	more map[rune]Glyph // found in the fallbacks, or beyond the BMP; glyph 0 where there is none
}

// Glyph is what draws a character.
type Glyph struct {
	Font    *Font
	Place   int // of the font in the family's list
	Index   uint16
	Advance float64 // ems
}

func newFace(place int, own *Font, fallbacks []*Font) *Face {
	own.tabulate()
	return &Face{fonts: append([]*Font{own}, fallbacks...), place: place, more: map[rune]Glyph{}}
}

// Glyph is what draws r; ok is false where no font can.
func (f *Face) Glyph(r rune) (g Glyph, ok bool) {
	if e := f.fonts[0].entry(r); e.glyph != 0 {
		return Glyph{f.fonts[0], f.place, e.glyph, float64(e.advance)}, true
	}
	f.mu.RLock()
	g, known := f.more[r]
	f.mu.RUnlock()
	if !known {
		g = f.find(r)
		f.mu.Lock()
		f.more[r] = g // at most one entry for each character there is
		f.mu.Unlock()
	}
	return g, g.Index != 0
}

// find asks one font after the other.
func (f *Face) find(r rune) Glyph {
	for i, font := range f.fonts {
		if index := font.Index(r); index != 0 {
			place := f.place
			if i > 0 {
				place = i + 1 // behind both weights
			}
			return Glyph{font, place, index, font.Advance(index)}
		}
	}
	return Glyph{}
}

// Has tells whether some font draws r.
func (f *Face) Has(r rune) bool {
	_, ok := f.Glyph(r)
	return ok
}

// Width is the advance of s at the given size, in the unit of size.
func (f *Face) Width(s string, size float64) float64 {
	sum := 0.0
	for _, r := range s {
		g, _ := f.Glyph(r)
		sum += g.Advance
	}
	return sum * size
}

// Runs cuts s into pieces that one font draws, named by its place in the family's list; width is in ems.
func (f *Face) Runs(s string, do func(place int, run string, width float64)) {
	start, place, width := 0, -1, 0.0
	for i, r := range s {
		g, _ := f.Glyph(r)
		if place >= 0 && g.Place != place {
			do(place, s[start:i], width)
			start, width = i, 0
		}
		place, width = g.Place, width+g.Advance
	}
	if start < len(s) {
		do(place, s[start:], width)
	}
}

// Clean makes any string printable on one line: composed (NFC), white space as single spaces,
// invisible format characters (bidirectional overrides, joiners, variation selectors) left out, and
// what no font has, control characters among them, spelled as U+XXXX. It tells how many were spelled.
func (f *Face) Clean(s string) (string, int) {
	if f.isPlain(s) {
		return s, 0
	}
	var b strings.Builder
	spelled, space := 0, true
	for _, r := range norm.NFC.String(s) {
		switch {
		case unicode.IsSpace(r) && r != '\u3000':
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
			continue
		case unicode.IsControl(r) || !f.Has(r):
			fmt.Fprintf(&b, "U+%04X", r)
			spelled++
		default:
			b.WriteRune(r)
		}
		space = false
	}
	return strings.TrimRight(b.String(), " "), spelled
}

// isPlain is true for the common case: characters that its own font draws as they are, without runs of spaces.
func (f *Face) isPlain(s string) bool {
	space := true
	for _, r := range s {
		if !f.fonts[0].entry(r).plain || r == ' ' && space {
			return false
		}
		space = r == ' '
	}
	return !space || s == ""
}

// Shorten leaves out the middle of s (…) so that it fits into width at size; host names and threat
// names differ at both ends.
func (f *Face) Shorten(s string, size, width float64) string {
	if f.Width(s, size) <= width {
		return s
	}
	runes := []rune(s)
	room := width - f.Width("…", size)
	head, tail := 0, len(runes)
	for used := 0.0; head < tail; {
		next := runes[head]
		if head > len(runes)-tail {
			next = runes[tail-1]
		}
		if used += f.Width(string(next), size); used > room {
			break
		}
		if head > len(runes)-tail {
			tail--
		} else {
			head++
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}
