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
	c.stack(slices, total, 4, 4, float64(c.W)-8, stackHeight)
	c.legend(slices, total, 4, stackHeight+12)
	return *c
}

// Bar is Stack without its legend, in a given size.
func (d *Drawer) Bar(slices []Slice, size Size) Chart {
	slices, total := foldSlices(slices)
	c := d.chart(min(max(size.W, 40), maxWidth), min(max(size.H, 8), maxWidth))
	c.stack(slices, total, 0, 0, float64(c.W), float64(c.H))
	return *c
}

// stack draws one bar of all shares.
func (c *Chart) stack(slices []Slice, total int64, left, y, room, height float64) {
	if total == 0 {
		c.box(left, y, left+room, y+height, EmptyRing)
	}
	for i, w := range parts(slices, total, room) {
		if w > 0 {
			start := math.Round(left)
			c.box(start, y, max(math.Round(left+w)-1, start+1), y+height, slices[i].Color)
			left += w
		}
	}
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
