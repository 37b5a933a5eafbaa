package chart

import "math"

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

func (p Path) to(verb byte, x, y float64) Path {
	return append(p, Seg{Verb: verb, P: [3]Point{{x, y}}})
}

func (p Path) closed() Path { return append(p, Seg{Verb: 'Z'}) }

func rectangle(x0, y0, x1, y1 float64) Path {
	return make(Path, 0, 5).to('M', x0, y0).to('L', x1, y0).to('L', x1, y1).to('L', x0, y1).closed()
}

// arc goes on along a circle, by cubics of at most a quarter turn, joined to the path by a line.
func (p Path) arc(center Point, radius, start, turn float64) Path {
	on := func(a float64) Point { return Point{center.X + radius*math.Cos(a), center.Y + radius*math.Sin(a)} }
	first := on(start)
	if len(p) == 0 {
		p = p.to('M', first.X, first.Y)
	} else {
		p = p.to('L', first.X, first.Y)
	}
	n := int(math.Ceil(math.Abs(turn) / (math.Pi / 2)))
	for i := range n {
		a, b := start+turn*float64(i)/float64(n), start+turn*float64(i+1)/float64(n)
		k := 4.0 / 3 * math.Tan((b-a)/4) * radius
		from, to := on(a), on(b)
		p = append(p, Seg{Verb: 'C', P: [3]Point{
			{from.X - k*math.Sin(a), from.Y + k*math.Cos(a)},
			{to.X + k*math.Sin(b), to.Y - k*math.Cos(b)},
			to,
		}})
	}
	return p
}

func circle(center Point, radius float64) Path {
	return Path(nil).arc(center, radius, 0, 2*math.Pi).closed()
}
