package pdf

import (
	"codeberg.org/go-pdf/fpdf"

	"geppo/render/chart"
)

// canvas draws a chart as vectors at a place of the page.
type canvas struct {
	s     *sheet
	x, y  float64
	scale float64
}

// chart draws c at the left margin and the next free line, scaled to width.
func (s *sheet) chart(c chart.Chart, width float64) {
	s.replaced += c.Replaced
	c.Draw(canvas{s, left, s.y, width / float64(c.W)})
}

func (c canvas) at(p chart.Point) (x, y float64) { return c.x + p.X*c.scale, c.y + p.Y*c.scale }

// Fill implements chart.Canvas.
func (c canvas) Fill(p chart.Path, color chart.Color) {
	f := c.s.f
	f.SetFillColor(int(color.R), int(color.G), int(color.B))
	if x0, y0, x1, y1, ok := p.Rect(); ok {
		f.Rect(c.x+x0*c.scale, c.y+y0*c.scale, (x1-x0)*c.scale, (y1-y0)*c.scale, "F")
		return
	}
	c.trace(f, p)
	f.DrawPath("F")
}

// Stroke implements chart.Canvas.
func (c canvas) Stroke(p chart.Path, width float64, color chart.Color) {
	f := c.s.f
	f.SetDrawColor(int(color.R), int(color.G), int(color.B))
	f.SetLineWidth(width * c.scale)
	c.trace(f, p)
	f.DrawPath("D")
}

func (c canvas) trace(f *fpdf.Fpdf, p chart.Path) {
	for _, s := range p {
		x, y := c.at(s.P[0])
		switch s.Verb {
		case 'M':
			f.MoveTo(x, y)
		case 'L':
			f.LineTo(x, y)
		case 'C':
			cx, cy := c.at(s.P[1])
			ex, ey := c.at(s.P[2])
			f.CurveBezierCubicTo(x, y, cx, cy, ex, ey)
		case 'Z':
			f.ClosePath()
		}
	}
}

// Text implements chart.Canvas.
func (c canvas) Text(text string, at chart.Point, size float64, bold bool, color chart.Color) {
	x, y := c.at(at)
	c.s.put(text, x, y, style{size * c.scale, bold, color})
}
