package chart

import "math"

// Measures of a stacked bar, in pixels.
const (
	stackHeight = 26.0
	stackMin    = 4.0 // of a share that is there
)

// Stack draws the shares of a total as one bar, with a legend below it. Zero slices are listed but have no
// part of the bar; if all are zero it is empty. The height follows the number of slices.
func (d *Drawer) Stack(slices []Slice, width int) Chart {
	slices, total := foldSlices(slices)
	c := d.chart(saneWidth(width), int(stackHeight)+16+len(slices)*legendRow)
	left, room := 4.0, float64(c.W)-8
	if total == 0 {
		c.box(left, 4, left+room, 4+stackHeight, EmptyRing)
	}
	for i, w := range parts(slices, total, room) {
		if w == 0 {
			continue
		}
		end := math.Round(left + w)
		c.box(math.Round(left), 4, max(end-1, math.Round(left)+1), 4+stackHeight, slices[i].Color)
		left += w
	}
	c.legend(slices, total, 4, stackHeight+12)
	return *c
}

// parts are the widths of the slices; small ones are widened at the cost of the largest.
func parts(slices []Slice, total int64, room float64) []float64 {
	widths := sweeps(slices, total)
	largest, extra := 0, 0.0
	for i, turn := range widths {
		widths[i] = turn / fullTurn * room
		if widths[i] > 0 && widths[i] < stackMin {
			extra += stackMin - widths[i]
			widths[i] = stackMin
		}
		if widths[i] > widths[largest] {
			largest = i
		}
	}
	if len(widths) > 0 {
		widths[largest] -= extra
	}
	return widths
}
