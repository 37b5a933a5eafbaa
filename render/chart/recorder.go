package chart

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"unsafe"

	"github.com/golang/freetype/truetype"
	charts "github.com/vicanso/go-charts/v2"
	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

const (
	dpi       = 96   // one pixel of the layout is one CSS pixel
	capHeight = 0.74 // height of a digit in em, what go-charts centres labels by
)

// Point is a place in CSS pixels, from the chart's top left.
type Point struct{ X, Y float64 }

// Seg is one step of a path: a move (one point), a line (one), a cubic curve (three) or a close.
type Seg struct {
	Verb byte // 'M', 'L', 'C', 'Z'
	P    [3]Point
}

// Path is a sequence of steps.
type Path []Seg

// Rect tells whether p is one axis-parallel rectangle, and which.
func (p Path) Rect() (x0, y0, x1, y1 float64, ok bool) {
	for len(p) > 0 && (p[len(p)-1].Verb == 'Z' || len(p) > 4 && p[len(p)-1].P[0] == p[0].P[0]) {
		p = p[:len(p)-1]
	}
	if len(p) != 4 || p[1].Verb != 'L' || p[2].Verb != 'L' || p[3].Verb != 'L' {
		return 0, 0, 0, 0, false
	}
	a, b, c, d := p[0].P[0], p[1].P[0], p[2].P[0], p[3].P[0]
	if a.Y != b.Y || b.X != c.X || c.Y != d.Y || d.X != a.X {
		return 0, 0, 0, 0, false
	}
	return math.Min(a.X, c.X), math.Min(a.Y, c.Y), math.Max(a.X, c.X), math.Max(a.Y, c.Y), true
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

// recorder is a go-chart renderer that notes down what go-charts draws, so that one layout can be
// drawn as a small paletted image at any scale and as vectors into a PDF. go-charts itself knows
// only a slow PNG and an SVG writer that does not escape text.
type recorder struct {
	regular, bold *Face
	ops           []op
	path          Path
	fill, stroke  Color
	strokeWidth   float64
	font          *truetype.Font
	fontColor     Color
	fontSize      float64 // points
}

// painter returns a go-charts painter of the given size that draws into r. The painter's renderer
// is private and NewPainter makes only its own two, so the field is set by reflection: New checks
// once that it is there, and go.mod pins the version. valueFormatter has the same fate: without it
// the y axis reads "1.2k".
func (r *recorder) painter(width, height int, format charts.ValueFormatter) (*charts.Painter, error) {
	p, err := charts.NewPainter(charts.PainterOptions{Width: 1, Height: 1, Font: r.regular.font},
		charts.PainterWidthHeightOption(width, height))
	if err != nil {
		return nil, err
	}
	var renderer gochart.Renderer = r
	if err := setPrivate(p, "render", renderer); err != nil {
		return nil, err
	}
	return p, setPrivate(p, "valueFormatter", format)
}

func setPrivate[T any](p *charts.Painter, name string, value T) error {
	field := reflect.ValueOf(p).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return fmt.Errorf("go-charts: Painter has no field %s of type %T; pin v2.6.10 or mend render/chart/recorder.go", name, value)
	}
	*(*T)(unsafe.Pointer(field.UnsafeAddr())) = value //nolint:gosec // checked above; see painter
	return nil
}

func (r *recorder) ResetStyle()                    { r.fill, r.stroke, r.strokeWidth = Color{}, Color{}, 0 }
func (r *recorder) GetDPI() float64                { return dpi }
func (r *recorder) SetDPI(float64)                 {}
func (r *recorder) SetClassName(string)            {}
func (r *recorder) SetStrokeColor(c drawing.Color) { r.stroke = Color(c) }
func (r *recorder) SetFillColor(c drawing.Color)   { r.fill = Color(c) }
func (r *recorder) SetStrokeWidth(w float64)       { r.strokeWidth = w }
func (r *recorder) SetStrokeDashArray([]float64)   {}
func (r *recorder) SetFont(f *truetype.Font)       { r.font = f }
func (r *recorder) SetFontColor(c drawing.Color)   { r.fontColor = Color(c) }
func (r *recorder) SetFontSize(size float64)       { r.fontSize = size }
func (r *recorder) SetTextRotation(float64)        {}
func (r *recorder) ClearTextRotation()             {}
func (r *recorder) MoveTo(x, y int)                { r.add('M', at(x, y)) }
func (r *recorder) LineTo(x, y int)                { r.add('L', at(x, y)) }
func (r *recorder) Close()                         { r.add('Z', Point{}) }
func (r *recorder) Save(io.Writer) error           { return errors.New("chart: a recorder saves nothing") }
func at(x, y int) Point                            { return Point{float64(x), float64(y)} }

func (r *recorder) add(verb byte, p Point) {
	if verb == 'L' && len(r.path) == 0 {
		verb = 'M'
	}
	r.path = append(r.path, Seg{Verb: verb, P: [3]Point{p}})
}

// QuadCurveTo records the cubic that is the same curve.
func (r *recorder) QuadCurveTo(cx, cy, x, y int) {
	if len(r.path) == 0 {
		r.MoveTo(cx, cy)
	}
	last := r.path[len(r.path)-1]
	from, c, to := last.P[0], at(cx, cy), at(x, y)
	if last.Verb == 'C' {
		from = last.P[2]
	}
	r.path = append(r.path, Seg{Verb: 'C', P: [3]Point{
		{from.X + (c.X-from.X)*2/3, from.Y + (c.Y-from.Y)*2/3},
		{to.X + (c.X-to.X)*2/3, to.Y + (c.Y-to.Y)*2/3},
		to,
	}})
}

// ArcTo records an arc as cubics of at most a quarter turn, joined to the path by a line.
func (r *recorder) ArcTo(cx, cy int, rx, ry, start, delta float64) {
	on := func(a float64) Point {
		return Point{float64(cx) + rx*math.Cos(a), float64(cy) + ry*math.Sin(a)}
	}
	r.add('L', on(start))
	n := int(math.Ceil(math.Abs(delta) / (math.Pi / 2)))
	for i := range n {
		a, b := start+delta*float64(i)/float64(n), start+delta*float64(i+1)/float64(n)
		k := 4.0 / 3 * math.Tan((b-a)/4)
		p, q := on(a), on(b)
		r.path = append(r.path, Seg{Verb: 'C', P: [3]Point{
			{p.X - k*rx*math.Sin(a), p.Y + k*ry*math.Cos(a)},
			{q.X + k*rx*math.Sin(b), q.Y - k*ry*math.Cos(b)},
			q,
		}})
	}
}

// Circle records a full circle.
func (r *recorder) Circle(radius float64, x, y int) {
	r.add('M', Point{float64(x) + radius, float64(y)})
	r.ArcTo(x, y, radius, radius, 0, 2*math.Pi)
	r.Close()
}

func (r *recorder) Fill()       { r.paint(true, false) }
func (r *recorder) Stroke()     { r.paint(false, true) }
func (r *recorder) FillStroke() { r.paint(true, true) }

func (r *recorder) paint(fill, stroke bool) {
	if fill && r.fill.A > 0 && len(r.path) > 0 {
		r.ops = append(r.ops, op{kind: 'f', path: r.path, color: r.fill})
	}
	if stroke && r.stroke.A > 0 && r.strokeWidth > 0 && len(r.path) > 0 {
		r.ops = append(r.ops, op{kind: 's', path: r.path, color: r.stroke, width: r.strokeWidth})
	}
	r.path = nil
}

// Text records a line of text at its baseline.
func (r *recorder) Text(body string, x, y int) {
	if body == "" {
		return
	}
	r.ops = append(r.ops, op{
		kind: 't', text: body, at: at(x, y), width: r.fontSize * dpi / 72,
		color: r.fontColor, bold: r.font == r.bold.font,
	})
}

// MeasureText gives the advance and the height of a digit.
func (r *recorder) MeasureText(body string) gochart.Box {
	px := r.fontSize * dpi / 72
	return gochart.Box{Right: int(math.Ceil(r.face().Width(body, px))), Bottom: int(math.Ceil(px * capHeight))}
}

func (r *recorder) face() *Face {
	if r.font == r.bold.font {
		return r.bold
	}
	return r.regular
}
