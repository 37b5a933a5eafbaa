package chart

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/golang/freetype/truetype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// Geta (〓) is the printers' sign for a character that is not in the case.
const Geta = '〓'

// Face is one parsed TrueType font with its advance widths. It is read-only after LoadFace and may
// be shared. It knows the BMP only: freetype reads no further.
type Face struct {
	font     *truetype.Font
	unitsEm  float64
	advances [1 << 16]uint16 // font units; 0 for runes without a glyph
	glyphs   [1 << 16]uint16 // glyph index; 0 for runes without a glyph
}

// LoadFace parses a TrueType font with glyf outlines (no OTF, no TTC).
func LoadFace(ttf []byte) (*Face, error) {
	font, err := truetype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	f := &Face{font: font, unitsEm: float64(font.FUnitsPerEm())}
	scale := fixed.Int26_6(font.FUnitsPerEm())
	for r := range f.glyphs {
		if i := font.Index(rune(r)); i != 0 {
			f.glyphs[r] = uint16(i)
			f.advances[r] = uint16(font.HMetric(scale, i).AdvanceWidth)
		}
	}
	if !f.Has(Geta) {
		return nil, fmt.Errorf("font %q lacks 〓, which stands for what it lacks", font.Name(truetype.NameIDFontFullName))
	}
	return f, nil
}

// Has tells whether the font can print r.
func (f *Face) Has(r rune) bool { return r >= 0 && r < 1<<16 && f.glyphs[r] != 0 }

// Glyph is the index of r's outline in the font, 0 if it has none.
func (f *Face) Glyph(r rune) uint16 {
	if !f.Has(r) {
		return 0
	}
	return f.glyphs[r]
}

// Width is the advance of s at the given size, in the unit of size.
func (f *Face) Width(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		if r < 1<<16 {
			sum += int(f.advances[r])
		}
	}
	return float64(sum) * size / f.unitsEm
}

// Clean makes any string printable on one line: composed (NFC), white space as single spaces,
// invisible format characters (bidirectional overrides, joiners, variation selectors) left out,
// and control characters and what the font lacks replaced by 〓. It tells how many were replaced.
func (f *Face) Clean(s string) (string, int) {
	if isPlain(s) {
		return s, 0
	}
	var b strings.Builder
	replaced, space := 0, true
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
			b.WriteRune(Geta)
			replaced++
		default:
			b.WriteRune(r)
		}
		space = false
	}
	return strings.TrimRight(b.String(), " "), replaced
}

// isPlain is true for the common case: printable ASCII without runs of spaces.
func isPlain(s string) bool {
	space := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && space {
			return false
		}
		space = s[i] == ' '
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
