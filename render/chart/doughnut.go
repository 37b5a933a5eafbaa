package chart

import (
	"math"
	"strconv"
)

// Slice is one share of a total.
type Slice struct {
	Label string
	Value int64
	Color Color // zero: by its place
}

const (
	legendRow = 21
	ringMin   = 150
	ringHole  = 0.6                   // of the radius
	sliceMin  = 2.5 * math.Pi / 180.0 // radians: one detection in 20,000 is still seen
	sliceGap  = 1.5                   // pixels between sectors
	fullTurn  = 2 * math.Pi
)

// Doughnut draws the shares of a total with the total and its unit in the middle, and a legend of
// its own with counts and shares. Zero slices are listed but have no sector; if all are zero the
// ring is empty. The height follows the number of slices, of which the last are summed beyond 14.
func (d *Drawer) Doughnut(slices []Slice, unit string, width int) Chart {
	slices, total := foldSlices(slices)
	c := d.chart(saneWidth(width), max(ringMin, len(slices)*legendRow+16))
	radius := float64(ringMin/2 - 8)
	center := Point{radius + 8, float64(c.H / 2)}
	c.ring(slices, total, center, radius)

	hole := 2 * radius * ringHole * 0.82
	number, pixels := Comma(total), 22.0
	if w := d.face(true).Width(number, pixels); w > hole {
		pixels *= hole / w
	}
	c.text(number, center.X, center.Y+3, atMiddle, label{pixels, true, Strong})
	c.text(c.clean(unit), center.X, center.Y+19, atMiddle, label{fontPixels, false, Muted})
	c.legend(slices, total, 2*center.X+8, float64(c.H)/2-float64(len(slices)*legendRow)/2)
	return *c
}

// foldSlices makes values sane, gives each its colour, and sums what goes beyond the longest legend.
func foldSlices(in []Slice) (out []Slice, total int64) {
	for i, s := range in {
		s.Value = sane(s.Value)
		total += s.Value
		if i >= maxSlices {
			last := &out[maxSlices-1]
			last.Label, last.Value = "…", sane(last.Value+s.Value)
			continue
		}
		if s.Color == (Color{}) {
			s.Color = SliceColor(i)
		}
		out = append(out, s)
	}
	return out, total
}

// ring draws the sectors clockwise from the top with slim gaps between them. Each is drawn once on
// white, so that the edges of the PNG need few colours.
func (c *Chart) ring(slices []Slice, total int64, center Point, radius float64) {
	hole := radius * ringHole
	full := func(color Color) {
		c.fill(circle(center, radius), color)
		c.fill(circle(center, hole), White)
	}
	if total == 0 {
		full(EmptyRing)
		return
	}
	angle := -math.Pi / 2
	for i, turn := range sweeps(slices, total) {
		if turn >= fullTurn {
			full(slices[i].Color)
			return
		}
		if turn == 0 {
			continue
		}
		outer, inner := sliceGap/2/radius, sliceGap/2/hole
		sector := Path(nil).arc(center, radius, angle+outer, turn-2*outer)
		c.fill(sector.arc(center, hole, angle+turn-inner, -(turn-2*inner)).closed(), slices[i].Color)
		angle += turn
	}
}

// sweeps are the angles of the slices; small ones are widened at the cost of the largest.
func sweeps(slices []Slice, total int64) []float64 {
	turns := make([]float64, len(slices))
	largest, extra := 0, 0.0
	for i, s := range slices {
		if s.Value == 0 {
			continue
		}
		turns[i] = float64(s.Value) / float64(total) * fullTurn
		if turns[i] < sliceMin {
			extra += sliceMin - turns[i]
			turns[i] = sliceMin
		}
		if turns[i] > turns[largest] {
			largest = i
		}
	}
	if len(turns) > 0 {
		turns[largest] -= extra
	}
	return turns
}

// legend lists every slice with its count and share, from top on.
func (c *Chart) legend(slices []Slice, total int64, left, top float64) {
	face := c.drawer.face(false)
	counts, labels := 0.0, 0.0
	names := make([]string, len(slices))
	shareRoom := face.Width("100.0%", fontPixels) + 14
	for i, s := range slices {
		names[i] = c.clean(s.Label)
		counts = max(counts, face.Width(Comma(s.Value), fontPixels))
		labels = max(labels, face.Width(names[i], fontPixels))
	}
	// The columns stand close to the labels, so that the eye needs no ruler on a wide chart.
	swatch := left + 18
	labels = min(labels, float64(c.W)-swatch-counts-shareRoom-28)
	countAt := swatch + math.Round(labels+24+counts)
	for i, s := range slices {
		baseline := top + float64(i*legendRow) + math.Floor(legendRow/2) + labelDrop
		ink := Ink
		if s.Value == 0 {
			ink = Muted
		}
		c.box(left, baseline-9, left+10, baseline+1, s.Color)
		c.text(face.Shorten(names[i], fontPixels, labels), swatch, baseline, atLeft, label{fontPixels, false, ink})
		c.text(Comma(s.Value), countAt, baseline, atRight, label{fontPixels, false, ink})
		c.text(share(s.Value, total), countAt+shareRoom, baseline, atRight, label{fontPixels, false, Muted})
	}
}

// share is v's part of total in percent with one decimal; a part that is there is never "0.0%".
func share(v, total int64) string {
	if total == 0 {
		return "–"
	}
	percent := float64(v) / float64(total) * 100
	if v > 0 && percent < 0.1 {
		return "<0.1%"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + "%"
}
