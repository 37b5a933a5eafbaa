package render

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strconv"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
)

// Bounds of a logo. It goes out with every mail, and a mail program decodes whatever it is given.
const (
	maxLogoBytes = 100_000
	maxLogoSide  = 1600 // pixels
	minLogoSide  = 8
	logoWidth    = 220 // as shown, in CSS pixels
	logoHeight   = 48
)

// Logo reads a PNG for the head of mails and PDFs. What else the file holds, such as texts of whoever drew it, is left out.
func Logo(data []byte) (*edition.Logo, error) {
	if len(data) > maxLogoBytes {
		return nil, fmt.Errorf("the logo has %d bytes, at most %d are allowed; make it smaller", len(data), maxLogoBytes)
	}
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the logo is no PNG (%w); save it as one", err)
	}
	if min(size.Width, size.Height) < minLogoSide || max(size.Width, size.Height) > maxLogoSide {
		return nil, fmt.Errorf("the logo has %d × %d pixels; each side must have %d to %d", size.Width, size.Height, minLogoSide, maxLogoSide)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the logo is a broken PNG (%w); save it anew", err)
	}
	var clean bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&clean, picture); err != nil {
		return nil, fmt.Errorf("the logo cannot be written: %w", err)
	}
	w, h := shownSize(picture.Bounds())
	return &edition.Logo{PNG: clean.Bytes(), Image: picture, Width: w, Height: h}, nil
}

// shownSize fits a picture into the head. It is drawn for screens of double density, so it is shown at half its size or
// smaller.
func shownSize(b image.Rectangle) (w, h int) {
	scale := min(0.5, logoWidth/float64(b.Dx()), logoHeight/float64(b.Dy()))
	return max(1, int(float64(b.Dx())*scale+0.5)), max(1, int(float64(b.Dy())*scale+0.5))
}

// leastContrast is what a heading needs on white to be read (WCAG 2.2, 1.4.3).
const leastContrast = 4.5

// colours are a brand's: of headings, and of bars; ours where it has none. A heading that is too light to be read is an
// error.
func colours(list []string) (accent, bar chart.Color, err error) {
	accent, bar = chart.Accent, chart.Bar
	if len(list) > 2 {
		return accent, bar, fmt.Errorf("there are %d colours; name one for headings and one for bars", len(list))
	}
	for i, into := range []*chart.Color{&accent, &bar}[:len(list)] {
		if *into, err = hexColour(list[i]); err != nil {
			return accent, bar, err
		}
		if c := chart.Contrast(*into, chart.White); i == 0 && c < leastContrast {
			return accent, bar, fmt.Errorf("headings in %s cannot be read on white (contrast %.1f, at least %.1f is needed); name a darker colour", list[i], c, leastContrast)
		}
	}
	return accent, bar, nil
}

func hexColour(s string) (chart.Color, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != len("#rrggbb") || s[0] != '#' {
		return chart.Color{}, errors.New(strconv.Quote(s) + " is not a colour such as #1a73e8")
	}
	return chart.Color{R: uint8(n >> 16), G: uint8(n >> 8), B: uint8(n), A: 0xFF}, nil
}
