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
	img := c.Image()
	defer c.drawer.pixels.Put(&img.Pix)
	if blank(img) {
		return nil, ErrBlank
	}
	out := append(make([]byte, 0, 16<<10), "\x89PNG\r\n\x1a\n"...)
	header := binary.BigEndian.AppendUint32(nil, uint32(img.Rect.Dx()))
	header = binary.BigEndian.AppendUint32(header, uint32(img.Rect.Dy()))
	out = chunk(out, "IHDR", append(header, 8, 3, 0, 0, 0)) // 8 bits, palette
	// 2 × 96 dpi, so that a reader without HTML shows the size that is meant.
	density := binary.BigEndian.AppendUint32(nil, 7559)
	out = chunk(out, "pHYs", append(binary.BigEndian.AppendUint32(density, 7559), 1))
	palette := make([]byte, 0, 3*len(img.Palette))
	for _, p := range img.Palette {
		c, ok := p.(Color)
		if !ok {
			return nil, fmt.Errorf("encode png: palette holds a %T", p)
		}
		palette = append(palette, c.R, c.G, c.B)
	}
	out = chunk(out, "PLTE", palette)
	out = chunk(out, "IDAT", deflate.Rows(nil, img.Pix, img.Stride))
	return chunk(out, "IEND", nil), nil
}

func chunk(out []byte, kind string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	start := len(out)
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}
