// Package chart draws the report's charts by go-charts: a month's trend, a ranking and a doughnut.
// A chart is laid out once and then drawn as a small PNG at twice its size for the mail, or as
// vectors into a PDF. The package owns the palette and the sanitising of what go-charts would hang
// or panic on; it refuses to know reports, wording and PDF. It is pure: equal input, equal bytes.
package chart

import (
	"fmt"
	"math"
	"strconv"

	charts "github.com/vicanso/go-charts/v2"

	"geppo/render/deflate"
)

// Limits of what is drawn. Larger input is clamped, never refused: a chart with a strange number
// is better than a report that does not go out.
const (
	maxValue  = 1_000_000_000_000_000 // go-charts computes ticks in int
	maxDays   = 31
	maxItems  = 30
	maxSlices = 14
	minWidth  = 320
	maxWidth  = 1600

	pngLevel   = 4 // of deflate
	fontPoints = 8.5
	fontPixels = fontPoints * dpi / 72
	labelDrop  = 4 // from the middle of a row to its baseline
)

// Size is a shown size in CSS pixels.
type Size struct{ W, H int }

// Drawer lays out charts. It is safe for use by several goroutines.
type Drawer struct {
	regular, bold *Face
	masks         glyphCache
	deflate       *deflate.Pool
}

// New makes a Drawer from the two weights of a TrueType font, and checks that go-charts is the one
// whose layout can be recorded.
func New(regular, bold []byte) (*Drawer, error) {
	r, err := LoadFace(regular)
	if err != nil {
		return nil, fmt.Errorf("regular: %w", err)
	}
	b, err := LoadFace(bold)
	if err != nil {
		return nil, fmt.Errorf("bold: %w", err)
	}
	d := &Drawer{regular: r, bold: b, deflate: deflate.New(pngLevel)}
	if _, _, err := d.canvas(Size{minWidth, minWidth}); err != nil {
		return nil, err
	}
	return d, nil
}

// Regular is the font of labels.
func (d *Drawer) Regular() *Face { return d.regular }

// Bold is the font of totals.
func (d *Drawer) Bold() *Face { return d.bold }

// Chart is one laid out chart.
type Chart struct {
	Size
	// Replaced counts characters of names that are printed as 〓.
	Replaced int
	ops      []op
	drawer   *Drawer
}

// Canvas is what a chart can be drawn on: the PNG of this package, a PDF page. Coordinates are CSS
// pixels from the chart's top left.
type Canvas interface {
	Fill(p Path, c Color)
	Stroke(p Path, width float64, c Color)
	// Text draws one line from its baseline's left end; size is the em in pixels.
	Text(s string, at Point, size float64, bold bool, c Color)
}

// Draw replays the chart on a canvas.
func (c Chart) Draw(to Canvas) {
	for _, o := range c.ops {
		switch o.kind {
		case 'f':
			to.Fill(o.path, o.color)
		case 's':
			to.Stroke(o.path, o.width, o.color)
		case 't':
			to.Text(o.text, o.at, o.width, o.bold, o.color)
		}
	}
}

// canvas is a recorder with an opaque white ground (dark mode must not shine through) and the
// painter that draws on it.
func (d *Drawer) canvas(size Size) (*recorder, *charts.Painter, error) {
	rec := &recorder{regular: d.regular, bold: d.bold, font: d.regular.font}
	p, err := rec.painter(size.W, size.H, func(v float64) string { return Comma(int64(math.Round(v))) })
	if err != nil {
		return nil, nil, err
	}
	box(p, 0, 0, size.W, size.H, White)
	return rec, p, nil
}

// theme is go-charts' light theme in our colours. Its own clone, because AddTheme writes a global
// map that every render reads.
func theme() charts.ColorPalette {
	t := charts.NewTheme(charts.ThemeLight)
	t.SetAxisStrokeColor(charts.Color(Axis))
	t.SetAxisSplitLineColor(charts.Color(Grid))
	t.SetTextColor(charts.Color(Ink))
	t.SetSeriesColor([]charts.Color{charts.Color(Bar)})
	t.SetBackgroundColor(charts.Color{R: 0xFF, G: 0xFF, B: 0xFF}) // transparent: the ground is drawn before
	t.SetFontSize(fontPoints)
	return t
}

// box fills a rectangle.
func box(p *charts.Painter, x0, y0, x1, y1 int, c Color) {
	p.SetDrawingStyle(charts.Style{FillColor: charts.Color(c)})
	p.MoveTo(x0, y0).LineTo(x1, y0).LineTo(x1, y1).LineTo(x0, y1).Close().Fill()
}

// line strokes from one point to another.
func line(p *charts.Painter, x0, y0, x1, y1 int, width float64, c Color) {
	p.SetDrawingStyle(charts.Style{StrokeColor: charts.Color(c), StrokeWidth: width})
	p.MoveTo(x0, y0).LineTo(x1, y1).Stroke()
}

// text writes s with its baseline at y; align is -1 (x is its left end), 0 (centre) or 1 (right).
func (d *Drawer) text(p *charts.Painter, f *Face, s string, x, y int, pixels float64, align int, c Color) {
	p.SetTextStyle(charts.Style{Font: f.font, FontSize: pixels * 72 / dpi, FontColor: charts.Color(c)})
	w := f.Width(s, pixels)
	switch align {
	case 0:
		x -= int(math.Round(w / 2))
	case 1:
		x -= int(math.Round(w))
	}
	p.Text(s, x, y)
}

// sane brings a value into the range that everything downstream can carry.
func sane(v int64) int64 { return min(max(v, 0), maxValue) }

// saneWidth does the same to a width.
func saneWidth(w int) int { return min(max(w, minWidth), maxWidth) }

// Comma writes n with thousands separators.
func Comma(n int64) string {
	if n < 0 {
		return "-" + Comma(-max(n, -math.MaxInt64))
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
