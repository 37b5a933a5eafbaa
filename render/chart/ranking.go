package chart

import "math"

// Item is one line of a ranking.
type Item struct {
	Name  string
	Value int64
}

const (
	rowHeight = 24
	barHeight = 13
	labelGap  = 8 // between name, bar and value
)

// Ranking draws one bar for each item, at most 30, in the given order from the top. The value axis
// begins at 0 and is hidden; each bar carries its value. Long names lose their middle. The height
// follows the number of items.
func (d *Drawer) Ranking(items []Item, width int) Chart {
	items = items[:min(len(items), maxItems)]
	c := d.chart(saneWidth(width), max(len(items), 1)*rowHeight+8)
	face := d.face(false)
	top, names, values := int64(1), make([]string, len(items)), 0.0
	nameRoom, nameWidth := float64(c.W)*0.42, 0.0
	for i, item := range items {
		names[i] = face.Shorten(c.clean(item.Name), fontPixels, nameRoom)
		nameWidth = max(nameWidth, face.Width(names[i], fontPixels))
		values = max(values, face.Width(Comma(sane(item.Value)), fontPixels))
		top = max(top, sane(item.Value))
	}
	left := labelGap + math.Ceil(nameWidth) + labelGap
	room := float64(c.W) - left - 2*labelGap - math.Ceil(values)
	for i, item := range items {
		v := sane(item.Value)
		y := float64(4 + i*rowHeight + (rowHeight-barHeight)/2)
		baseline := y + barHeight/2 + labelDrop
		end := left + math.Round(float64(v)/float64(top)*room)
		if v > 0 {
			end = max(end, left+2)
			c.box(left, y, end, y+barHeight, Bar)
		}
		c.text(names[i], left-labelGap, baseline, atRight, label{fontPixels, false, Ink})
		c.text(Comma(v), end+labelGap, baseline, atLeft, label{fontPixels, false, Ink})
	}
	c.box(left, 4, left+1, float64(c.H-4), Axis)
	return *c
}
