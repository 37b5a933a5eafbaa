// Package font knows which glyph of which font draws a character, how wide it is, and what becomes of
// a name that no font can draw. Charts and PDFs set their text by it. It refuses to know colours, pages
// and wording.
package font

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// Font is one TrueType font. It is safe for use by several goroutines.
type Font struct {
	Name string // PostScript's, which is the file's
	// Data is the font file. It is the one that was given and must not be changed.
	Data []byte

	parsed  *sfnt.Font
	buffers sync.Pool
	unitsEm float64
	table   *[1 << 16]entry // of the BMP; nil in a font that few characters are asked of
}

// entry is what is asked for each character of a report.
type entry struct {
	glyph   uint16
	plain   bool    // it is printed as it is, whatever stands before and behind it
	advance float32 // ems
}

// tabulate looks up the BMP once and for all.
func (f *Font) tabulate() {
	table := new([1 << 16]entry)
	for r := range table {
		if i := f.Index(rune(r)); i != 0 {
			table[r] = entry{i, isPlain(rune(r)), float32(f.Advance(i))}
		}
	}
	f.table = table
}

// isPlain tells characters that Clean leaves alone, but for runs of spaces.
func isPlain(r rune) bool {
	if ' ' <= r && r <= '~' {
		return true
	}
	s := string(r)
	return !unicode.IsControl(r) && !unicode.In(r, unicode.Cf, unicode.Variation_Selector) && (r == '\u3000' || !unicode.IsSpace(r)) &&
		norm.NFC.IsNormalString(s) && norm.NFC.PropertiesString(s).BoundaryBefore()
}

// entry is r's; the zero one if there is no table, or no glyph.
func (f *Font) entry(r rune) entry {
	if f.table == nil || r < 0 || int(r) >= len(f.table) {
		return entry{}
	}
	return f.table[r]
}

// Parse reads a TrueType font with glyf outlines (no OTF, no TTC).
func Parse(name string, ttf []byte) (*Font, error) {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parse font %s: %w", name, err)
	}
	f := &Font{Name: name, Data: ttf, parsed: parsed, unitsEm: float64(parsed.UnitsPerEm())}
	f.buffers.New = func() any { return new(sfnt.Buffer) }
	return f, nil
}

// Index is the glyph that draws r, 0 if the font has none.
func (f *Font) Index(r rune) uint16 {
	if e := f.entry(r); e.glyph != 0 {
		return e.glyph
	}
	buf := f.buffers.Get().(*sfnt.Buffer)
	defer f.buffers.Put(buf)
	i, err := f.parsed.GlyphIndex(buf, r)
	if err != nil {
		return 0 // a broken cmap has no glyph for it either
	}
	return uint16(i)
}

// Advance is a glyph's width in ems.
func (f *Font) Advance(glyph uint16) float64 {
	buf := f.buffers.Get().(*sfnt.Buffer)
	defer f.buffers.Put(buf)
	ppem := fixed.Int26_6(f.unitsEm) << 6
	a, err := f.parsed.GlyphAdvance(buf, sfnt.GlyphIndex(glyph), ppem, font.HintingNone)
	if err != nil {
		return 0
	}
	return float64(a) / 64 / f.unitsEm
}

// Outline calls draw with each segment of a glyph at a size in pixels, y downwards from the baseline.
func (f *Font) Outline(glyph uint16, size fixed.Int26_6, draw func(sfnt.Segment)) error {
	buf := f.buffers.Get().(*sfnt.Buffer)
	defer f.buffers.Put(buf)
	segments, err := f.parsed.LoadGlyph(buf, sfnt.GlyphIndex(glyph), size, nil)
	if err != nil {
		return fmt.Errorf("glyph %d of %s: %w", glyph, f.Name, err)
	}
	for _, s := range segments {
		draw(s)
	}
	return nil
}

// The two weights, and the others by the start of their names, in a template file system.
const (
	regularFile   = "fonts/BIZUDPGothic-Regular.ttf"
	boldFile      = "fonts/BIZUDPGothic-Bold.ttf"
	fallbackFiles = "fonts/fallback-*.ttf"
)

// Family is the report's typeface: two weights, and what both draw with what they lack.
type Family struct{ Regular, Bold *Face }

// Fonts are all of a family: regular, bold, then the fallbacks. It is by their places in this list that
// Face.Runs names them.
func (f Family) Fonts() []*Font {
	return append([]*Font{f.Regular.fonts[0], f.Bold.fonts[0]}, f.Regular.fonts[1:]...)
}

// Load reads the family from a template file system.
func Load(fsys fs.FS) (Family, error) {
	names, err := fs.Glob(fsys, fallbackFiles)
	if err != nil {
		return Family{}, err
	}
	slices.Sort(names)
	var fonts []*Font
	for _, name := range append([]string{regularFile, boldFile}, names...) {
		ttf, err := fs.ReadFile(fsys, name)
		if err != nil {
			return Family{}, fmt.Errorf("read font: %w", err)
		}
		f, err := Parse(strings.TrimSuffix(path.Base(name), ".ttf"), ttf)
		if err != nil {
			return Family{}, err
		}
		fonts = append(fonts, f)
	}
	return Family{newFace(0, fonts[0], fonts[2:]), newFace(1, fonts[1], fonts[2:])}, nil
}
