package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"geppo/render/deflate"
)

// outlines are the glyphs of a TrueType font without their hinting, ready to be put together to the
// small font of a document.
//
// Hinting (fpgm, prep, cvt and each glyph's instructions) fits outlines to the pixels of screens of
// long ago; viewers and printers of today smooth instead. It is a quarter of the outlines.
type outlines struct {
	unitsEm          int
	head, hhea, maxp []byte
	glyphs           [][]byte // by the font's own index, in whole words; nil for a glyph without outline
	metrics          [][4]byte

	code   *deflate.Code // for such outlines
	pieces []atomic.Pointer[packedGlyph]
}

// A glyph that is made of others (Apple's TrueType Reference Manual, "glyf"): flags of its components.
const (
	argsAreWords    = 1 << 0
	hasScale        = 1 << 3
	moreComponents  = 1 << 5
	hasXYScale      = 1 << 6
	hasMatrix       = 1 << 7
	hasInstructions = 1 << 8
	componentsStart = 10 // behind the number of contours and the bounding box
)

var errFont = errors.New("broken TrueType font")

// readOutlines takes a TrueType font (glyf outlines) apart.
func readOutlines(ttf []byte) (*outlines, error) {
	tables, err := sfntTables(ttf)
	if err != nil {
		return nil, err
	}
	// What is kept is copied, so that the file itself, 4.5 MB, can go.
	o := &outlines{head: bytes.Clone(tables["head"]), hhea: bytes.Clone(tables["hhea"]), maxp: bytes.Clone(tables["maxp"])}
	if len(o.head) < 54 || len(o.hhea) < 36 || len(o.maxp) < 32 {
		return nil, fmt.Errorf("%w: head, hhea or maxp is too short", errFont)
	}
	o.unitsEm = int(binary.BigEndian.Uint16(o.head[18:]))
	count := int(binary.BigEndian.Uint16(o.maxp[4:]))
	wide := int(binary.BigEndian.Uint16(o.hhea[34:])) // metrics with an advance of their own
	loca, glyf, hmtx := tables["loca"], tables["glyf"], tables["hmtx"]
	long := binary.BigEndian.Uint16(o.head[50:]) == 1
	size := 2
	if long {
		size = 4
	}
	if o.unitsEm == 0 || wide == 0 || wide > count || len(loca) < (count+1)*size || len(hmtx) < wide*4+(count-wide)*2 {
		return nil, fmt.Errorf("%w: loca or hmtx is too short", errFont)
	}
	at := func(i int) int {
		if long {
			return int(binary.BigEndian.Uint32(loca[i*4:]))
		}
		return int(binary.BigEndian.Uint16(loca[i*2:])) * 2
	}
	o.glyphs, o.metrics = make([][]byte, count), make([][4]byte, count)
	for i := range count {
		from, to := at(i), at(i+1)
		if from > to || to > len(glyf) {
			return nil, fmt.Errorf("%w: glyph %d lies outside glyf", errFont, i)
		}
		if o.glyphs[i], err = unhinted(glyf[from:to], count); err != nil {
			return nil, fmt.Errorf("glyph %d: %w", i, err)
		}
		if i < wide {
			o.metrics[i] = [4]byte(hmtx[i*4:])
		} else { // the last advance holds for the rest
			o.metrics[i] = [4]byte{hmtx[wide*4-4], hmtx[wide*4-3], hmtx[wide*4+(i-wide)*2], hmtx[wide*4+(i-wide)*2+1]}
		}
	}
	o.code = deflate.NewCode(func(yield func([]byte) bool) {
		const every = 16 // as good as all of them
		for i := 0; i < count; i += every {
			if !yield(o.glyphs[i]) {
				return
			}
		}
	})
	o.pieces = make([]atomic.Pointer[packedGlyph], count)
	return o, nil
}

// sfntTables reads a font's table directory.
func sfntTables(ttf []byte) (map[string][]byte, error) {
	if len(ttf) < 12 || binary.BigEndian.Uint32(ttf) != 0x00010000 {
		return nil, fmt.Errorf("%w: not TrueType", errFont)
	}
	count := int(binary.BigEndian.Uint16(ttf[4:]))
	if len(ttf) < 12+16*count {
		return nil, fmt.Errorf("%w: the table directory is cut off", errFont)
	}
	tables := map[string][]byte{}
	for i := range count {
		entry := ttf[12+16*i:]
		from, size := int(binary.BigEndian.Uint32(entry[8:])), int(binary.BigEndian.Uint32(entry[12:]))
		if from > len(ttf) || size > len(ttf)-from {
			return nil, fmt.Errorf("%w: table %q is cut off", errFont, entry[:4])
		}
		tables[string(entry[:4])] = ttf[from : from+size]
	}
	return tables, nil
}

// unhinted is a glyph without its instructions. If it is made of others, they must be among count.
func unhinted(glyph []byte, count int) ([]byte, error) {
	if len(glyph) == 0 {
		return nil, nil
	}
	if len(glyph) < componentsStart {
		return nil, fmt.Errorf("%w: no bounding box", errFont)
	}
	contours := int(int16(binary.BigEndian.Uint16(glyph)))
	if isComposite(glyph) {
		out, unknown := bytes.Clone(glyph), false
		end, err := eachComponent(out, func(component []byte) {
			flags, part := binary.BigEndian.Uint16(component), binary.BigEndian.Uint16(component[2:])
			binary.BigEndian.PutUint16(component, flags&^hasInstructions)
			unknown = unknown || int(part) >= count
		})
		if unknown {
			return nil, fmt.Errorf("%w: a component is not in the font", errFont)
		}
		if err != nil {
			return nil, err
		}
		return wholeWords(out[:end]), nil
	}
	at := componentsStart + 2*contours // the number of bytes of instructions, then they
	if len(glyph) < at+2 {
		return nil, fmt.Errorf("%w: contours are cut off", errFont)
	}
	rest := at + 2 + int(binary.BigEndian.Uint16(glyph[at:]))
	if rest > len(glyph) {
		return nil, fmt.Errorf("%w: instructions are cut off", errFont)
	}
	out := make([]byte, 0, at+2+len(glyph)-rest+3)
	out = append(append(out, glyph[:at]...), 0, 0)
	return wholeWords(append(out, glyph[rest:]...)), nil
}

// isComposite tells whether a glyph is made of others.
func isComposite(glyph []byte) bool { return len(glyph) > 0 && glyph[0]&0x80 != 0 }

// wholeWords fills data up, as it stands in a font.
func wholeWords(data []byte) []byte {
	for len(data)%4 != 0 {
		data = append(data, 0)
	}
	return data
}

// eachComponent calls do with each component of a composite glyph, flags and glyph index first, and
// tells where the last one ends.
func eachComponent(glyph []byte, do func([]byte)) (int, error) {
	for at := componentsStart; ; {
		if len(glyph) < at+6 {
			return 0, fmt.Errorf("%w: a component is cut off", errFont)
		}
		flags := binary.BigEndian.Uint16(glyph[at:])
		do(glyph[at:])
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&hasScale != 0:
			at += 2
		case flags&hasXYScale != 0:
			at += 4
		case flags&hasMatrix != 0:
			at += 8
		}
		if at > len(glyph) {
			return 0, fmt.Errorf("%w: a component is cut off", errFont)
		}
		if flags&moreComponents == 0 {
			return at, nil
		}
	}
}

// checksum adds up data as big-endian words, the last one filled with zeros.
func checksum(data []byte) uint32 {
	sum := uint32(0)
	for ; len(data) >= 4; data = data[4:] {
		sum += binary.BigEndian.Uint32(data)
	}
	if len(data) > 0 {
		var last [4]byte
		copy(last[:], data)
		sum += binary.BigEndian.Uint32(last[:])
	}
	return sum
}
