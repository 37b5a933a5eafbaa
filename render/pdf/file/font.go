package file

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"unicode/utf16"

	"geppo/render/font"
)

// Font is a font that documents may use. It may be shared by several goroutines. Its outlines are taken
// apart when the first document needs them: most of the fallback fonts never are.
type Font struct {
	*font.Font
	once     sync.Once
	outlines *outlines
	err      error
}

// NewFont makes f usable in documents.
func NewFont(f *font.Font) *Font { return &Font{Font: f} }

// Load takes the outlines apart, if that is not done.
func (f *Font) Load() error {
	f.once.Do(func() {
		if f.outlines, f.err = readOutlines(f.Data); f.err != nil {
			f.err = fmt.Errorf("font %s: %w", f.Name, f.err)
		}
	})
	return f.err
}

// subset is what a document uses of a font. Its glyphs are numbered as they are first used, from 1;
// 0 is the glyph of what a font lacks.
type subset struct {
	*Font
	codes  [1 << 16]uint16 // 0 for a rune that has not been used
	beyond map[rune]uint16 // the same beyond the BMP
	runes  []rune
	glyphs []uint16
}

func newSubset(f *Font) *subset {
	return &subset{Font: f, beyond: map[rune]uint16{}, runes: []rune{0}, glyphs: []uint16{0}}
}

// code is the number of r's glyph.
func (s *subset) code(r rune) uint16 {
	if r < 1<<16 {
		if s.codes[r] == 0 {
			s.codes[r] = s.use(r)
		}
		return s.codes[r]
	}
	code, ok := s.beyond[r]
	if !ok {
		code = s.use(r)
		s.beyond[r] = code
	}
	return code
}

func (s *subset) use(r rune) uint16 {
	g := s.Index(r)
	if g == 0 {
		return 0
	}
	s.runes, s.glyphs = append(s.runes, r), append(s.glyphs, g)
	return uint16(len(s.glyphs) - 1)
}

// appendText appends text as the operand of a Tj: two bytes for each glyph.
func (s *subset) appendText(b []byte, text string) []byte {
	for _, r := range text {
		code := s.code(r)
		b = appendEscaped(appendEscaped(b, byte(code>>8)), byte(code))
	}
	return b
}

// fonts writes those that are used and tells their objects; 0 for one that is not.
func (w *writer) fonts(list []*subset) ([]int, error) {
	numbers := make([]int, len(list))
	for i, s := range list {
		if s == nil {
			continue
		}
		n, err := w.font(s, fmt.Sprintf("AAAAA%c", 'A'+i))
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}

// font writes a font's objects (ISO 32000-1, 9.7, 9.8 and 9.10.3) and tells the number of the first.
func (w *writer) font(s *subset, tag string) (int, error) {
	if err := s.Load(); err != nil {
		return 0, err
	}
	o, top := s.outlines, w.reserve(5)
	descendant, descriptor, program, unicode := top+1, top+2, top+3, top+4
	ttf := o.font(s.glyphs)
	if err := w.stream(program, fmt.Sprintf("/Length1 %d", len(ttf)), ttf, true); err != nil {
		return 0, err
	}
	if err := w.stream(unicode, "", s.toUnicode(), true); err != nil {
		return 0, err
	}
	name := tag + "+" + s.Name
	em := func(table []byte, at int) int { // a measure of the font in thousandths of its em
		return int(int16(binary.BigEndian.Uint16(table[at:]))) * 1000 / o.unitsEm
	}
	w.open(top)
	w.small = fmt.Appendf(w.small, "<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, descendant, unicode)
	w.open(descendant)
	w.small = fmt.Appendf(w.small, "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDToGIDMap/Identity"+
		"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %d 0 R/W[0[", name, descriptor)
	for _, g := range s.glyphs {
		advance := int(binary.BigEndian.Uint16(o.metrics[g][:]))
		w.small = append(strconv.AppendInt(w.small, int64((advance*1000+o.unitsEm/2)/o.unitsEm), 10), ' ')
	}
	w.add("]]>>")
	w.open(descriptor)
	w.small = fmt.Appendf(w.small, "<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]"+
		"/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %d 0 R>>",
		name, em(o.head, 36), em(o.head, 38), em(o.head, 40), em(o.head, 42), em(o.hhea, 4), em(o.hhea, 6), em(o.hhea, 4), program)
	return top, nil
}

// toUnicode maps glyphs back to characters, for search, copying and screen readers.
func (s *subset) toUnicode() []byte {
	b := append(make([]byte, 0, 400+14*len(s.runes)), "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"+
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"+
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"+
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"...)
	const most = 100 // of one block
	for from := 1; from < len(s.runes); from += most {
		to := min(from+most, len(s.runes))
		b = append(strconv.AppendInt(b, int64(to-from), 10), " beginbfchar\n"...)
		for code := from; code < to; code++ {
			b = append(appendHex(append(b, '<'), uint16(code)), "> <"...)
			if r := s.runes[code]; r < 1<<16 {
				b = appendHex(b, uint16(r))
			} else {
				high, low := utf16.EncodeRune(r)
				b = appendHex(appendHex(b, uint16(high)), uint16(low))
			}
			b = append(b, ">\n"...)
		}
		b = append(b, "endbfchar\n"...)
	}
	return append(b, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"...)
}

func appendHex(b []byte, v uint16) []byte {
	const digits = "0123456789ABCDEF"
	return append(b, digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}
