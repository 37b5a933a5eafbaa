package pdf

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf16"

	"geppo/render/chart"
)

// weight is one of the two fonts: its outlines, and which of them is whose.
type weight struct {
	*outlines
	face *chart.Face
	name string // within a document
}

// loadFonts takes the two fonts apart. The drawer's faces must have been made from the same.
func loadFonts(fsys fs.FS, d *chart.Drawer) (weights [2]weight, err error) {
	for i, w := range []struct {
		file string
		face *chart.Face
	}{{fontRegular, d.Regular()}, {fontBold, d.Bold()}} {
		ttf, err := fs.ReadFile(fsys, w.file)
		if err != nil {
			return weights, fmt.Errorf("read font: %w", err)
		}
		o, err := readOutlines(ttf)
		if err != nil {
			return weights, fmt.Errorf("%s: %w", w.file, err)
		}
		weights[i] = weight{o, w.face, strings.TrimSuffix(path.Base(w.file), ".ttf")}
	}
	return weights, nil
}

// subset is what a document uses of a font. Its glyphs are numbered as they are first used, from 1;
// 0 is the glyph of what a font lacks.
type subset struct {
	weight
	codes  [1 << 16]uint16 // 0 for a rune that has not been used
	runes  []uint16
	glyphs []uint16
}

func newSubset(w weight) *subset {
	return &subset{weight: w, runes: []uint16{0}, glyphs: []uint16{0}}
}

// code is the number of r's glyph. r must have passed chart.Face's Clean.
func (s *subset) code(r rune) uint16 {
	if r >= 1<<16 {
		return 0
	}
	if s.codes[r] == 0 {
		s.codes[r] = uint16(len(s.glyphs))
		s.runes, s.glyphs = append(s.runes, uint16(r)), append(s.glyphs, s.face.Glyph(r))
	}
	return s.codes[r]
}

// appendText appends text as the operand of a Tj: two bytes for each glyph.
func (s *subset) appendText(b []byte, text string) []byte {
	b = append(b, '(')
	for _, r := range text {
		code := s.code(r)
		b = appendEscaped(b, byte(code>>8))
		b = appendEscaped(b, byte(code))
	}
	return append(b, ')')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '(', ')', '\\':
		return append(b, '\\', c)
	case '\r':
		return append(b, '\\', 'r')
	}
	return append(b, c)
}

// textString is a string outside of pages: UTF-16 with a byte order mark (ISO 32000-1, 7.9.2.2).
func textString(s string) string {
	b := []byte{0xFE, 0xFF}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return string(b)
}
