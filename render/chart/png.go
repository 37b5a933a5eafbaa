package chart

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"geppo/render/deflate"
)

// ErrBlank says that nothing is drawn on a chart: no blank picture goes out as a success.
var ErrBlank = errors.New("the chart is blank")

// PNG is the chart at Scale times its size, with a palette of at most 256 colours. It fails with ErrBlank if the
// picture has one colour only. image/png has its own deflate, which takes most of a chart's time; this
// is the same file with one that knows what charts are made of.
func (c Chart) PNG() ([]byte, error) {
	lines, img := c.image()
	defer c.drawer.lines.Put(&lines)
	if blank(img) {
		return nil, ErrBlank
	}
	palette := make([]byte, 0, 3*len(img.Palette))
	for _, p := range img.Palette {
		c, ok := p.(Color)
		if !ok {
			return nil, fmt.Errorf("encode png: palette holds a %T", p)
		}
		palette = append(palette, c.R, c.G, c.B)
	}
	out := append(make([]byte, 0, 16<<10), "\x89PNG\r\n\x1a\n"...)
	out = chunk(out, "IHDR", func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, uint32(img.Rect.Dx()))
		b = binary.BigEndian.AppendUint32(b, uint32(img.Rect.Dy()))
		return append(b, 8, 3, 0, 0, 0) // 8 bits, palette
	})
	out = chunk(out, "pHYs", func(b []byte) []byte {
		// 2 × 96 dpi, so that a reader without HTML shows the size that is meant.
		b = binary.BigEndian.AppendUint32(b, 7559)
		return append(binary.BigEndian.AppendUint32(b, 7559), 1)
	})
	out = chunk(out, "PLTE", func(b []byte) []byte { return append(b, palette...) })
	out = chunk(out, "IDAT", func(b []byte) []byte { return deflate.Rows(b, lines, img.Stride) })
	return chunk(out, "IEND", func(b []byte) []byte { return b }), nil
}

// chunk appends a chunk with the data that add appends.
func chunk(out []byte, kind string, add func([]byte) []byte) []byte {
	start := len(out)
	out = add(append(append(out, 0, 0, 0, 0), kind...))
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-8))
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start+4:]))
}
