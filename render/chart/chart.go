// Package chart draws the report's charts: a month's trend, a ranking, shares of a total and a line of
// months. A chart is laid out once and then drawn as a small PNG at twice its size for the mail, or as
// vectors into a PDF. The package owns the palette and brings any number into a range that can be drawn;
// it refuses to know reports, wording and PDF. It is pure: equal input, equal bytes.
package chart

import (
	"math"
	"strconv"
	"sync"

	"geppo/render/font"
)

// Limits of what is drawn. Larger input is clamped, never refused: a chart with a strange number
// is better than a report that does not go out.
const (
	maxValue  = 1_000_000_000_000_000
	maxDays   = 31
	maxItems  = 30
	maxSlices = 14
	minWidth  = 320
	maxWidth  = 1600

	fontPixels = 8.5 * 96 / 72
	labelDrop  = 4 // from the middle of a row to its baseline
)

// Size is a shown size in CSS pixels.
type Size struct{ W, H int }

// Drawer lays out charts. It is safe for use by several goroutines.
type Drawer struct {
	// BarColor is that of bars and lines, PeakColor that of the one that is pointed out. They are set before the first use.
	BarColor, PeakColor Color

	family font.Family
	masks  glyphCache
	lines  sync.Pool // of *[]byte, those of pictures that were encoded
}

// New makes a Drawer that sets its labels in a family.
func New(family font.Family) *Drawer {
	return &Drawer{BarColor: Bar, PeakColor: Peak, family: family}
}

// Chart is one laid out chart.
type Chart struct {
	Size
	// Replaced counts characters of names that no font has.
	Replaced int
	ops      []op
	drawer   *Drawer
}

// op is one drawing step: exactly one of fill, stroke and text.
type op struct {
	kind  byte // 'f', 's', 't'
	path  Path
	width float64 // of a stroke; size of text
	color Color
	text  string
	at    Point // baseline, left
	bold  bool
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

// chart begins one on an opaque white ground: dark mode must not shine through.
func (d *Drawer) chart(w, h int) *Chart {
	c := &Chart{Size: Size{w, h}, drawer: d}
	c.box(0, 0, float64(w), float64(h), White)
	return c
}

func (c *Chart) fill(p Path, color Color) {
	c.ops = append(c.ops, op{kind: 'f', path: p, color: color})
}

func (c *Chart) box(x0, y0, x1, y1 float64, color Color) { c.fill(rectangle(x0, y0, x1, y1), color) }

func (c *Chart) line(x0, y0, x1, y1, width float64, color Color) {
	c.ops = append(c.ops, op{kind: 's', path: Path{}.to('M', x0, y0).to('L', x1, y1), width: width, color: color})
}

// type of a label.
type label struct {
	size  float64 // pixels
	bold  bool
	color Color
}

// Where x is of a text.
const (
	atLeft   = 0
	atMiddle = 0.5
	atRight  = 1
)

// text writes cleaned text with its baseline at y.
func (c *Chart) text(s string, x, y, align float64, l label) {
	if s == "" {
		return
	}
	x -= c.drawer.face(l.bold).Width(s, l.size) * align
	c.ops = append(c.ops, op{kind: 't', text: s, at: Point{x, y}, width: l.size, color: l.color, bold: l.bold})
}

func (d *Drawer) face(bold bool) *font.Face {
	if bold {
		return d.family.Bold
	}
	return d.family.Regular
}

// clean makes a name of the data printable, and counts what had to be spelled.
func (c *Chart) clean(name string) string {
	s, n := c.drawer.family.Regular.Clean(name)
	c.Replaced += n
	return s
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
