package pdf

import (
	"geppo/render/chart"
	"geppo/render/pdf/file"
)

// canvas draws a chart as vectors at a place of the page.
type canvas struct {
	s     *sheet
	x, y  float64
	scale float64
}

// chart draws c with its top left at a place, scaled to width. alt says what it shows.
func (s *sheet) chart(c chart.Chart, x, y, width float64, alt string) {
	s.replaced += c.Replaced
	figure := s.sect.Child("Figure")
	figure.Alt, figure.Box = alt, [4]float64{x, y, x + width, y + float64(c.H)*width/float64(c.W)}
	s.tag(figure, func() { c.Draw(canvas{s, x, y, width / float64(c.W)}) })
}

func (c canvas) at(p chart.Point) (x, y float64) { return c.x + p.X*c.scale, c.y + p.Y*c.scale }

// Fill implements chart.Canvas.
func (c canvas) Fill(p chart.Path, color chart.Color) {
	if x0, y0, x1, y1, ok := p.Rect(); ok {
		c.s.fill(c.x+x0*c.scale, c.y+y0*c.scale, (x1-x0)*c.scale, (y1-y0)*c.scale, color)
		return
	}
	c.s.page.Fill(ink(color), func(pen file.Pen) { c.trace(pen, p) })
}

// Stroke implements chart.Canvas.
func (c canvas) Stroke(p chart.Path, width float64, color chart.Color) {
	c.s.page.Stroke(ink(color), width*c.scale, func(pen file.Pen) { c.trace(pen, p) })
}

func (c canvas) trace(pen file.Pen, p chart.Path) {
	for _, s := range p {
		x, y := c.at(s.P[0])
		switch s.Verb {
		case 'M':
			pen.Move(x, y)
		case 'L':
			pen.Line(x, y)
		case 'C':
			cx, cy := c.at(s.P[1])
			ex, ey := c.at(s.P[2])
			pen.Curve(x, y, cx, cy, ex, ey)
		case 'Z':
			pen.Close()
		}
	}
}

// Text implements chart.Canvas.
func (c canvas) Text(text string, at chart.Point, size float64, bold bool, color chart.Color) {
	x, y := c.at(at)
	c.s.put(text, x, y, style{size * c.scale, bold, color})
}

func ink(c chart.Color) file.Color { return file.Color{R: c.R, G: c.G, B: c.B} }
