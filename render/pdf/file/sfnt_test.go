package file

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"pgregory.net/rapid"

	"geppo/render/deflate"
	"geppo/templates"
)

// TestOutlinesStayAsTheyAre puts the embedded fonts' tables into whole fonts and has another library
// draw from both.
func TestOutlinesStayAsTheyAre(t *testing.T) {
	for _, file := range []string{"fonts/BIZUDPGothic-Regular.ttf", "fonts/BIZUDPGothic-Bold.ttf"} {
		original, err := templates.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o, err := readOutlines(original)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]uint16, len(o.glyphs))
		for i := range all {
			all[i] = uint16(i)
		}
		want, err := sfnt.Parse(original)
		if err != nil {
			t.Fatal(err)
		}
		small := program(t, o, &usual{}, all)
		got, err := sfnt.Parse(withNames(t, small, original))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range " AMg1０〓あゎ漢鬱髙﨑■" {
			a, width := outline(t, got, r)
			b, wantWidth := outline(t, want, r)
			if r != ' ' && len(b) == 0 || !slices.Equal(a, b) || width != wantWidth {
				t.Errorf("%s: %q has %d segments and is %v wide, want %d and %v", file, r, len(a), width, len(b), wantWidth)
			}
		}
		if sum := checksum(small); sum != 0xB1B0AFBA {
			t.Errorf("%s: the file's checksum is %X", file, sum)
		}
	}
}

// withNames adds the tables that a font needs outside of a PDF.
func withNames(t *testing.T, small, original []byte) []byte {
	t.Helper()
	ours, err := sfntTables(small)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := sfntTables(original)
	if err != nil {
		t.Fatal(err)
	}
	var tables []table
	for _, tag := range []string{"OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post"} {
		data, ok := ours[tag]
		if !ok {
			data = theirs[tag]
		}
		tables = append(tables, newTable(tag, bytes.Clone(data)))
	}
	font, _ := directory(tables)
	for _, t := range tables {
		font = append(font, t.data...)
	}
	return font
}

// program is a font of glyphs as a reader unpacks it.
func program(t *testing.T, o *outlines, u *usual, glyphs []uint16) []byte {
	t.Helper()
	packed, length := o.program(nil, u, glyphs)
	font := unpacked(t, packed)
	if len(font) != length {
		t.Errorf("the font has %d bytes, and says %d", len(font), length)
	}
	return font
}

func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestUsualGlyphsMakeNoDifference: the font of a document is the same whether what it uses was packed before or not.
func TestUsualGlyphsMakeNoDifference(t *testing.T) {
	f := testFont(t, "BIZUDPGothic-Regular")
	plain, learned := NewFonts(f), NewFonts(f)
	sample := New(Info{}, plain)
	sample.AddPage().Text("月次報告書 0123", 0, 0, 0, 9, Color{})
	if err := learned.Learn(sample); err != nil {
		t.Fatal(err)
	}
	if got := string(learned.list[0].usual.runes[1:]); got != "月次報告書 0123" {
		t.Errorf("learned %q", got)
	}
	for range 2 { // the second uses what the first gave back
		a, b := plain.list[0].subset(), learned.list[0].subset()
		text := a.appendText(nil, "月次報告書 0123検知")
		if got := b.appendText(nil, "検知"); !bytes.Equal(got, text[len(text)-4:]) {
			t.Errorf("the glyphs are %x, want %x", got, text[len(text)-4:])
		}
		if !bytes.Equal(program(t, f.outlines, &a.usual, a.glyphs), program(t, f.outlines, &b.usual, b.glyphs)) {
			t.Error("the fonts differ")
		}
		for i, s := range []*subset{a, b} {
			if cmap := string(unpacked(t, s.toUnicode(nil))); strings.Count(cmap, "<6B21>") != 1 || strings.Count(cmap, "<691C><77E5>") != 1 {
				t.Errorf("%d: the map is\n%s", i, cmap)
			}
			s.release()
		}
	}
}

func outline(t *testing.T, f *sfnt.Font, r rune) ([]sfnt.Segment, fixed.Int26_6) {
	t.Helper()
	var buf sfnt.Buffer
	i, err := f.GlyphIndex(&buf, r)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := f.LoadGlyph(&buf, i, 2048, nil)
	if err != nil {
		t.Fatal(err)
	}
	segments = slices.Clone(segments)
	width, err := f.GlyphAdvance(&buf, i, 2048, font.HintingNone)
	if err != nil {
		t.Fatal(err)
	}
	return segments, width
}

func TestComponentsFollowTheirGlyph(t *testing.T) {
	simple := make([]byte, 10+2+2+6) // one contour
	binary.BigEndian.PutUint16(simple, 1)
	part := func(flags, glyph uint16, args ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, flags), glyph), args...)
	}
	composite := append([]byte{0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}, part(moreComponents|hasInstructions|argsAreWords, 3, 0, 1, 0, 2)...)
	composite = append(composite, part(hasInstructions|hasScale, 2, 5, 6, 7, 8)...)
	end := len(wholeWords(bytes.Clone(composite)))
	bare, err := unhinted(append(composite, 0, 2, 0xAA, 0xBB), 4)
	if err != nil || len(bare) != end {
		t.Fatalf("the glyph has %d bytes, want %d (%v)", len(bare), end, err)
	}
	o := &outlines{
		unitsEm: 1000, head: make([]byte, 54), hhea: make([]byte, 36), maxp: make([]byte, 32),
		glyphs: [][]byte{nil, bare, simple, simple}, metrics: make([][4]byte, 4),
		code: deflate.NewCode(slices.Values([][]byte{simple})), pieces: make([]atomic.Pointer[packedGlyph], 4),
	}
	if _, err := readOutlines(program(t, o, &usual{}, []uint16{0, 1})); err == nil {
		t.Error("a font without an em is read")
	}
	binary.BigEndian.PutUint16(o.head[18:], 1000)
	again, err := readOutlines(program(t, o, &usual{}, []uint16{0, 1}))
	if err != nil || len(again.glyphs) != 4 {
		t.Fatalf("%v, %v", again, err)
	}
	var parts []uint16
	if _, err := eachComponent(again.glyphs[1], func(c []byte) {
		parts = append(parts, binary.BigEndian.Uint16(c[2:]))
		if flags := binary.BigEndian.Uint16(c); flags&hasInstructions != 0 {
			t.Error("a component still promises instructions")
		}
	}); err != nil || !slices.Equal(parts, []uint16{2, 3}) {
		t.Errorf("the glyph is made of %v, want 2 and 3 (%v)", parts, err)
	}
	if !bytes.HasPrefix(again.glyphs[2], simple) || !bytes.HasPrefix(again.glyphs[3], simple) {
		t.Error("the parts are not those of the original")
	}
}

func TestBrokenFontsAreRefused(t *testing.T) {
	whole, err := readOutlines(mustRead(t, "fonts/BIZUDPGothic-Regular.ttf"))
	if err != nil {
		t.Fatal(err)
	}
	small := program(t, whole, &usual{}, []uint16{0, 40, 900})
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(small)
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			bad[rapid.IntRange(0, min(len(bad), 400)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		bad = bad[:rapid.IntRange(0, len(bad)).Draw(t, "length")]
		o, err := readOutlines(bad)
		if err != nil && !errors.Is(err, errFont) {
			t.Fatal(err)
		}
		if err == nil && len(o.glyphs) != len(o.metrics) {
			t.Fatal("glyphs and metrics do not agree")
		}
	})
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	b, err := templates.FS.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
