package file

import (
	"fmt"
	"slices"
	"sync"

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

// Fonts are what documents choose from. They may be shared by several goroutines.
type Fonts struct{ list []*choice }

// choice is a font, with what all documents use of it.
type choice struct {
	*Font
	usual usual
	free  sync.Pool // of *subset: to make its table of codes takes longer than to set a page
}

// NewFonts makes the list by whose places text names its font.
func NewFonts(list ...*Font) *Fonts {
	f := &Fonts{}
	for _, font := range list {
		f.list = append(f.list, &choice{Font: font, usual: usual{runes: []rune{0}, glyphs: []uint16{0}}})
	}
	return f
}

// subset takes one that no document uses any more, or makes one.
func (c *choice) subset() *subset {
	s, ok := c.free.Get().(*subset)
	if !ok {
		s = &subset{choice: c, beyond: map[rune]uint16{}}
		s.runes, s.glyphs = slices.Clone(c.usual.runes), slices.Clone(c.usual.glyphs)
		for i, r := range s.runes {
			s.number(r, uint16(i))
		}
	}
	return s
}

// release gives a subset to the next document.
func (s *subset) release() {
	for _, r := range s.runes[len(s.usual.runes):] {
		s.number(r, 0)
	}
	s.runes, s.glyphs = s.runes[:len(s.usual.runes)], s.glyphs[:len(s.usual.glyphs)]
	s.free.Put(s)
}

// subset is what a document uses of a font. Its glyphs are numbered: 0 is the glyph of what a font lacks, then
// come the usual ones, then others as they are first used.
type subset struct {
	*choice
	codes  [1 << 16]uint16 // 0 for a rune that has not been used
	beyond map[rune]uint16 // the same beyond the BMP
	runes  []rune
	glyphs []uint16
}

// code is the number of r's glyph.
func (s *subset) code(r rune) uint16 {
	var code uint16
	if r < 1<<16 {
		code = s.codes[r]
	} else {
		code = s.beyond[r]
	}
	if code != 0 {
		return code
	}
	if g := s.Index(r); g != 0 {
		code = uint16(len(s.glyphs))
		s.runes, s.glyphs = append(s.runes, r), append(s.glyphs, g)
		s.number(r, code)
	}
	return code
}

// number gives r's glyph a number; 0 takes it back.
func (s *subset) number(r rune, code uint16) {
	if r < 1<<16 {
		s.codes[r] = code
	} else {
		s.beyond[r] = code
	}
}

// appendText appends text as the operand of a Tj: two bytes for each glyph.
func (s *subset) appendText(b []byte, text string) []byte {
	for _, r := range text {
		code := s.code(r)
		b = appendEscaped(appendEscaped(b, byte(code>>8)), byte(code))
	}
	return b
}
