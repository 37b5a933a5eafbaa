package file

import "geppo/render/deflate"

// usual are the characters that all documents use of a font. They stand first in each document's, always the same, so
// that they are packed once.
type usual struct {
	runes   []rune // 0 first, as in any subset
	glyphs  []uint16
	packed  int            // of the glyphs: none or all
	outline deflate.Blocks // their outlines
	check   uint32         // whose checksum it is
	unicode deflate.Blocks // what maps them back to characters
}

// Learn finds out which characters all of the given documents use. They will be in the fonts of all documents to come, so
// there should be some as short as can be. It is called before the first one that is written.
func (f *Fonts) Learn(docs ...*Doc) error {
	for i, c := range f.list {
		often := map[rune]int{}
		var first []rune // in the order of one document, for a map has none
		for _, d := range docs {
			if s := d.used[i]; s != nil {
				first = s.runes
				for _, r := range s.runes[1:] {
					often[r]++
				}
			}
		}
		runes := []rune{0}
		for _, r := range first {
			if often[r] == len(docs) {
				runes = append(runes, r)
			}
		}
		if len(runes) == 1 {
			continue
		}
		if err := c.learn(runes); err != nil {
			return err
		}
	}
	return nil
}

func (c *choice) learn(runes []rune) (err error) {
	if err := c.Load(); err != nil {
		return err
	}
	u := usual{}
	var outlines []byte
	for _, r := range runes {
		g := c.Index(r)
		if isComposite(c.outlines.glyphs[g]) {
			continue // its parts have other numbers in each document
		}
		u.runes, u.glyphs = append(u.runes, r), append(u.glyphs, g)
		outlines = append(outlines, c.outlines.glyphs[g]...)
	}
	u.packed, u.check = len(u.glyphs), checksum(outlines)
	if u.outline, err = deflate.NewBlocks(outlines); err != nil {
		return err
	}
	if u.unicode, err = deflate.NewBlocks(appendRanges([]byte(unicodeHead), u.runes, 1)); err != nil {
		return err
	}
	c.usual = u
	return nil
}
