package chart

import (
	"fmt"
	"image/color"
	"math"
)

// Color is an opaque colour of a chart.
type Color = color.RGBA

// The one palette of mail charts and PDFs. Ink and grid follow the look that was agreed; Slices
// are ordered so that neighbours differ in lightness, and any two differ to readers with a red,
// green or blue deficiency and in black-and-white print (TestPalette measures all of it).
var (
	White     = rgb(0xFFFFFF)
	Ink       = rgb(0x374151)
	Strong    = rgb(0x111827) // totals
	Muted     = rgb(0x6B7280) // shares, units
	Axis      = rgb(0x9CA3AF)
	Grid      = rgb(0xE5E7EB)
	Shade     = rgb(0xEEF1F5) // weekends and holidays
	Hatch     = rgb(0xB4BAC4) // days without complete data
	Bar       = rgb(0x1D5FB4)
	Peak      = rgb(0x0E2D77) // the highest day
	Weekend   = rgb(0xB42318) // its day and letter
	Mark      = rgb(0xC98A00) // what is pointed at: a mean, a stretch of days
	MarkInk   = rgb(0x7A5300) // its words
	EmptyRing = rgb(0xE5E7EB) // a total of 0

	Accent = rgb(0x0E2D77) // headings and rules

	// What a tone colours: words and edges, and the ground behind them.
	Alarm       = rgb(0xB42318)
	AlarmGround = rgb(0xFDECEA)
	Warn        = rgb(0x8A5A00)
	WarnGround  = rgb(0xFFF6DB)
	Calm        = rgb(0x0B6B4F)
	CalmGround  = rgb(0xE7F5EF)
	PointGround = rgb(0xEAF2FC)

	Slices = [...]Color{
		rgb(0x0E2D77), // deep blue
		rgb(0x90CDF2), // sky
		rgb(0x008166), // green
		rgb(0xECA21C), // amber
		rgb(0x7F2E69), // plum
		rgb(0xE0662C), // vermilion
		rgb(0xDADDE2), // light grey
	}
)

// SliceColor is the colour of the i-th slice; a slice keeps its colour whether or not the ones
// before it are zero, so that one result has one colour in every report.
func SliceColor(i int) Color { return Slices[i%len(Slices)] }

// CSS writes a colour for a style sheet.
func CSS(c Color) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

func rgb(hex uint32) Color {
	return Color{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xFF}
}

// outcomes colour what became of detections: blue and green tones were handled, amber was left alone, red is
// still to be handled. Neighbours in the stacked bar differ in lightness.
var outcomes = map[string]Color{
	"cleaned": rgb(0x0E2D77), "deleted": rgb(0x5B93D6), "quarantined": rgb(0x008166), "renamed": rgb(0x90CDF2),
	"passed": rgb(0xDB8F12), "uncleanable": rgb(0xB42318), "noncleaned": rgb(0xB42318), "unsafe": rgb(0xE0662C),
	"reboot": rgb(0xF2C14E), "unknown": rgb(0x9CA3AF),
}

// Result is the colour of one of the vendor's results.
func Result(name string) Color { return outcomes[name] }

// Contrast is how well text of one colour is read on the other, 1 to 21 (WCAG 2.2).
func Contrast(a, b Color) float64 {
	y := func(c Color) float64 { return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B) }
	light, dark := max(y(a), y(b)), min(y(a), y(b))
	return (light + 0.05) / (dark + 0.05)
}

// linear is a channel of sRGB as light.
func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}
