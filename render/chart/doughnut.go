package chart

import (
	"math"
	"strconv"

	charts "github.com/vicanso/go-charts/v2"
)

// Slice is one share of a doughnut.
type Slice struct {
	Label string
	Value int64
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
//
// go-charts' pie refuses a total of 0, colours a single slice wrongly and overlaps labels, so the
// sectors are set from its painter's primitives.
func (d *Drawer) Doughnut(slices []Slice, unit string, width int) (Chart, error) {
	slices = foldSlices(slices)
	size := Size{saneWidth(width), max(ringMin, len(slices)*legendRow+16)}
	rec, p, err := d.canvas(size)
	if err != nil {
		return Chart{}, err
	}
	chart := Chart{Size: size, drawer: d}
	total := int64(0)
	for _, s := range slices {
		total += s.Value
	}
	radius := ringMin/2 - 8
	cx, cy := radius+8, size.H/2
	ring(p, slices, total, cx, cy, float64(radius))

	hole := 2 * float64(radius) * ringHole * 0.82
	unit, replaced := d.regular.Clean(unit)
	chart.Replaced += replaced
	number, pixels := Comma(total), 22.0
	if w := d.bold.Width(number, pixels); w > hole {
		pixels *= hole / w
	}
	d.text(p, d.bold, number, cx, cy+3, pixels, 0, Strong)
	d.text(p, d.regular, unit, cx, cy+19, fontPixels, 0, Muted)
	chart.Replaced += d.legend(p, slices, total, 2*cx+8, size)
	chart.ops = rec.ops
	return chart, nil
}

// foldSlices makes values sane and sums what goes beyond the longest legend.
func foldSlices(in []Slice) []Slice {
	out := make([]Slice, 0, min(len(in), maxSlices))
	for i, s := range in {
		if i >= maxSlices {
			last := &out[maxSlices-1]
			last.Label, last.Value = "…", sane(last.Value+sane(s.Value))
			continue
		}
		out = append(out, Slice{s.Label, sane(s.Value)})
	}
	return out
}

// ring draws the sectors clockwise from the top with slim gaps between them. Each is drawn once on
// white, so that the edges of the PNG need few colours.
func ring(p *charts.Painter, slices []Slice, total int64, cx, cy int, radius float64) {
	fill := func(c Color) { p.SetDrawingStyle(charts.Style{FillColor: charts.Color(c)}) }
	hole := radius * ringHole
	full := func(c Color) {
		fill(c)
		p.Circle(radius, cx, cy).Fill()
		fill(White)
		p.Circle(hole, cx, cy).Fill()
	}
	if total == 0 {
		full(EmptyRing)
		return
	}
	angle := -math.Pi / 2
	for i, turn := range sweeps(slices, total) {
		if turn >= fullTurn {
			full(SliceColor(i))
			return
		}
		if turn == 0 {
			continue
		}
		outer, inner := sliceGap/2/radius, sliceGap/2/hole
		fill(SliceColor(i))
		p.ArcTo(cx, cy, radius, radius, angle+outer, turn-2*outer)
		p.ArcTo(cx, cy, hole, hole, angle+turn-inner, -(turn - 2*inner))
		p.Close().Fill()
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

// legend lists every slice with its count and share, and tells how many characters it replaced.
func (d *Drawer) legend(p *charts.Painter, slices []Slice, total int64, left int, size Size) int {
	replaced, counts, labels := 0, 0.0, 0.0
	names := make([]string, len(slices))
	shareRoom := d.regular.Width("100.0%", fontPixels) + 14
	for i, s := range slices {
		var n int
		names[i], n = d.regular.Clean(s.Label)
		replaced += n
		counts = max(counts, d.regular.Width(Comma(s.Value), fontPixels))
		labels = max(labels, d.regular.Width(names[i], fontPixels))
	}
	// The columns stand close to the labels, so that the eye needs no ruler on a wide chart.
	swatch := left + 18
	room := float64(size.W-swatch) - counts - shareRoom - 28
	labels = min(labels, room)
	countAt := swatch + int(labels+24+counts)
	for i, s := range slices {
		y := size.H/2 - len(slices)*legendRow/2 + i*legendRow
		baseline := y + legendRow/2 + labelDrop
		ink := Ink
		if s.Value == 0 {
			ink = Muted
		}
		box(p, left, baseline-9, left+10, baseline+1, SliceColor(i))
		d.text(p, d.regular, d.regular.Shorten(names[i], fontPixels, labels), swatch, baseline, fontPixels, -1, ink)
		d.text(p, d.regular, Comma(s.Value), countAt, baseline, fontPixels, 1, ink)
		d.text(p, d.regular, share(s.Value, total), countAt+int(shareRoom), baseline, fontPixels, 1, Muted)
	}
	return replaced
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
