package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"geppo/render/deflate"
)

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
	var length int
	w.scratch, length = o.program(w.scratch[:0], &s.usual, s.glyphs)
	w.packed(program, fmt.Sprintf("/Length1 %d", length), w.scratch)
	w.scratch = s.toUnicode(w.scratch[:0])
	w.packed(unicode, "", w.scratch)
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

// program appends the packed font of the given glyphs, which become its glyphs 0, 1, 2 and so on; those that they are made
// of follow. A font within a PDF needs no cmap, names or OS/2 (ISO 32000-1, 9.9). It also tells how long
// the font is.
//
// Outlines are two thirds of a document, and the longest to pack: all of them are packed already, and only joined.
func (o *outlines) program(dst []byte, u *usual, glyphs []uint16) (packed []byte, length int) {
	order := o.withParts(glyphs)
	pieces := make([]*packedGlyph, 0, len(order)-u.packed)
	glyf := table{tag: "glyf", check: u.check}
	ends := make([]int, 1, len(order)+1) // where each glyph ends, behind 0
	hmtx := make([]byte, 0, 4*len(order))
	for i, g := range order {
		hmtx = append(hmtx, o.metrics[g][:]...)
		glyf.length += len(o.glyphs[g])
		ends = append(ends, glyf.length)
		if i >= u.packed {
			p := o.piece(g, order)
			glyf.check += p.check
			pieces = append(pieces, p)
		}
	}
	loca, long := locations(ends)
	head, hhea, maxp := bytes.Clone(o.head), bytes.Clone(o.hhea), bytes.Clone(o.maxp)
	binary.BigEndian.PutUint32(head[8:], 0) // of the whole font; set below
	binary.BigEndian.PutUint16(head[50:], long)
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(order)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(order)))
	binary.BigEndian.PutUint16(maxp[26:], 0) // bytes of instructions of a glyph

	tables := []table{newTable("head", head), newTable("hhea", hhea), newTable("maxp", maxp), glyf, newTable("hmtx", hmtx), newTable("loca", loca)}
	dir, length := directory(tables)
	j := deflate.Join(dst)
	j.Stored(slices.Concat(dir, tables[0].data, tables[1].data, tables[2].data))
	j.Blocks(u.outline)
	j.Code(o.code)
	for _, p := range pieces {
		j.Piece(p.piece)
	}
	j.Literals(slices.Concat(tables[4].data, tables[5].data))
	return j.Close(), length
}

// withParts are glyphs, and behind them those that they are made of.
func (o *outlines) withParts(glyphs []uint16) []uint16 {
	order := slices.Clone(glyphs)
	for i := 0; i < len(order); i++ { // order grows
		if glyph := o.glyphs[order[i]]; isComposite(glyph) {
			// readOutlines has walked it: no error is left.
			_, _ = eachComponent(glyph, func(component []byte) {
				if part := binary.BigEndian.Uint16(component[2:]); !slices.Contains(order, part) {
					order = append(order, part)
				}
			})
		}
	}
	return order
}

// packedGlyph is an outline as it is joined to others.
type packedGlyph struct {
	piece deflate.Piece
	check uint32 // of the outline
}

// piece packs a glyph the first time that any document uses it; one that is made of others, each time.
func (o *outlines) piece(g uint16, order []uint16) *packedGlyph {
	glyph := o.glyphs[g]
	if isComposite(glyph) {
		glyph = bytes.Clone(glyph)
		_, _ = eachComponent(glyph, func(component []byte) {
			part := slices.Index(order, binary.BigEndian.Uint16(component[2:]))
			binary.BigEndian.PutUint16(component[2:], uint16(part))
		})
		return &packedGlyph{o.code.Pack(glyph), checksum(glyph)}
	}
	p := o.pieces[g].Load()
	if p == nil {
		p = &packedGlyph{o.code.Pack(glyph), checksum(glyph)}
		o.pieces[g].Store(p) // two goroutines make the same
	}
	return p
}

// locations is the table of where glyphs stand: short, as nearly always, or long.
func locations(ends []int) (loca []byte, long uint16) {
	if ends[len(ends)-1] >= 1<<17 {
		for _, at := range ends {
			loca = binary.BigEndian.AppendUint32(loca, uint32(at))
		}
		return loca, 1
	}
	loca = make([]byte, 0, 2*len(ends)+2)
	for _, at := range ends {
		loca = binary.BigEndian.AppendUint16(loca, uint16(at/2))
	}
	return loca, 0
}

// table of a font. Its data, if it is there, is filled up to whole words.
type table struct {
	tag    string
	data   []byte
	length int
	check  uint32
}

func newTable(tag string, data []byte) table {
	return table{tag, wholeWords(data), len(data), checksum(data)}
}

// directory is what a font of tables in this order begins with. It also tells how long the font is, and sets the checksum
// of the whole in head.
func directory(tables []table) (dir []byte, length int) {
	n := uint16(len(tables))
	log := uint16(bits.Len16(n) - 1)
	dir = binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []uint16{n, 16 << log, log, (n - 1<<log) * 16} {
		dir = binary.BigEndian.AppendUint16(dir, v)
	}
	length = len(dir) + 16*len(tables)
	var entries [][]byte
	var head []byte
	check := uint32(0)
	for _, t := range tables {
		entry := []byte(t.tag)
		for _, v := range []uint32{t.check, uint32(length), uint32(t.length)} {
			entry = binary.BigEndian.AppendUint32(entry, v)
		}
		entries = append(entries, entry)
		length += (t.length + 3) &^ 3
		check += t.check
		if t.tag == "head" {
			head = t.data
		}
	}
	slices.SortFunc(entries, bytes.Compare) // by their tags
	dir = append(dir, bytes.Join(entries, nil)...)
	binary.BigEndian.PutUint32(head[8:], 0xB1B0AFBA-check-checksum(dir))
	return dir, length
}
