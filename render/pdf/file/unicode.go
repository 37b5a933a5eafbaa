package file

import (
	"sync"
	"unicode/utf16"

	"geppo/render/deflate"
)

// The map from glyphs back to characters (ISO 32000-1, 9.10.3), for search, copying and screen readers.
const (
	unicodeHead = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
	unicodeFoot = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
)

// unicodeCode is made for such maps, of one as long as a document's.
var unicodeCode = sync.OnceValue(func() *deflate.Code {
	var runes []rune
	for r := rune(0x3000); r < 0xA000; r += 0x49 { // where Japanese characters are
		runes = append(runes, r)
	}
	return deflate.NewCode(func(yield func([]byte) bool) {
		for _, part := range appendRanges(nil, runes, 0) {
			if !yield([]byte{part}) { // what repeats itself here does not elsewhere
				return
			}
		}
	})
})

// toUnicode appends the packed map of a document's glyphs.
func (s *subset) toUnicode(dst []byte) []byte {
	j := deflate.Join(dst)
	from, head := s.usual.packed, ""
	if from == 0 {
		from, head = 1, unicodeHead
	}
	j.Blocks(s.usual.unicode)
	j.Code(unicodeCode())
	j.Literals(append(appendRanges([]byte(head), s.runes, from), unicodeFoot...))
	return j.Close()
}

// appendRanges maps the glyphs of runes, from a number on.
func appendRanges(b []byte, runes []rune, from int) []byte {
	for from < len(runes) {
		to := min((from|0xFF)+1, len(runes)) // glyphs of a range have the higher byte of their numbers in common
		b = appendHex(append(b, "1 beginbfrange\n<"...), uint16(from))
		b = appendHex(append(b, "> <"...), uint16(to-1))
		b = append(b, "> ["...)
		for _, r := range runes[from:to] {
			b = append(b, '<')
			if r < 1<<16 {
				b = appendHex(b, uint16(r))
			} else {
				high, low := utf16.EncodeRune(r)
				b = appendHex(appendHex(b, uint16(high)), uint16(low))
			}
			b = append(b, '>')
		}
		b = append(b, "]\nendbfrange\n"...)
		from = to
	}
	return b
}

func appendHex(b []byte, v uint16) []byte {
	const digits = "0123456789ABCDEF"
	return append(b, digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}
