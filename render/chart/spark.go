package chart

import "math"

// Spark draws how a figure went over months, the newest at the right with a dot; -1 is a month that is not
// known and breaks the line. It is small enough to stand in a table's row.
func (d *Drawer) Spark(values []int64, size Size) Chart {
	c := d.chart(min(max(size.W, 24), maxWidth), min(max(size.H, 12), maxWidth))
	top := int64(1)
	for _, v := range values {
		top = max(top, sane(v))
	}
	const margin = 4.0
	at := func(i int) Point {
		x := margin
		if len(values) > 1 {
			x += (float64(c.W) - 2*margin) * float64(i) / float64(len(values)-1)
		} else {
			x = float64(c.W) - margin
		}
		return Point{x, float64(c.H) - margin - (float64(c.H)-2*margin)*float64(sane(values[i]))/float64(top)}
	}
	c.box(margin, float64(c.H)-margin, float64(c.W)-margin, float64(c.H)-margin+1, Grid)
	for i := 1; i < len(values); i++ {
		if values[i-1] >= 0 && values[i] >= 0 {
			a, b := at(i-1), at(i)
			c.line(a.X, a.Y, b.X, b.Y, 1.5, d.BarColor)
		}
	}
	if n := len(values); n > 0 && values[n-1] >= 0 {
		c.fill(circle(Point{math.Round(at(n - 1).X), at(n - 1).Y}, 2.5), d.PeakColor)
	}
	return *c
}
