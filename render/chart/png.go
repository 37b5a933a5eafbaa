package chart

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
)

// PNG is the chart at Scale times its size, with a palette of at most 256 colours.
func (c Chart) PNG() ([]byte, error) { return c.Encode(c.Image()) }

// Encode writes the chart's image as a paletted PNG, for who has looked at it first. image/png has its own
// deflate, which takes most of a chart's time; this is the same file with a faster one.
func (c Chart) Encode(img *image.Paletted) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	header := binary.BigEndian.AppendUint32(nil, uint32(img.Rect.Dx()))
	header = binary.BigEndian.AppendUint32(header, uint32(img.Rect.Dy()))
	chunk(&out, "IHDR", append(header, 8, 3, 0, 0, 0)) // 8 bits, palette
	// 2 × 96 dpi, so that a reader without HTML shows the size that is meant.
	density := binary.BigEndian.AppendUint32(nil, 7559)
	chunk(&out, "pHYs", append(binary.BigEndian.AppendUint32(density, 7559), 1))
	palette := make([]byte, 0, 3*len(img.Palette))
	for _, p := range img.Palette {
		c, ok := p.(Color)
		if !ok {
			return nil, fmt.Errorf("encode png: palette holds a %T", p)
		}
		palette = append(palette, c.R, c.G, c.B)
	}
	chunk(&out, "PLTE", palette)
	data, err := c.drawer.deflate.Append(nil, filtered(img))
	if err != nil {
		return nil, fmt.Errorf("encode png: %w", err)
	}
	chunk(&out, "IDAT", data)
	chunk(&out, "IEND", nil)
	return out.Bytes(), nil
}

// filtered are the rows as PNG wants them: without a filter, as is best for palettes, but a row that
// repeats the one above as its difference from it (PNG's filter 2), zeros, which deflate swallows.
func filtered(img *image.Paletted) []byte {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	out := make([]byte, (1+width)*height)
	var above []byte
	for y := range height {
		pixels, row := img.Pix[y*img.Stride:y*img.Stride+width], out[y*(1+width):]
		if y > 0 && bytes.Equal(pixels, above) {
			row[0] = 2
		} else {
			copy(row[1:], pixels)
		}
		above = pixels
	}
	return out
}

func chunk(out *bytes.Buffer, kind string, data []byte) {
	body := append([]byte(kind), data...)
	out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
	out.Write(body)
	out.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}
