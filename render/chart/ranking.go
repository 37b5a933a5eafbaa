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
//
// go-charts' own horizontal bars begin at the smallest value and stand upside down, so the rows
// are set from its painter's primitives.
func (d *Drawer) Ranking(items []Item, width int) (Chart, error) {
	items = items[:min(len(items), maxItems)]
	size := Size{saneWidth(width), max(len(items), 1)*rowHeight + 8}
	rec, p, err := d.canvas(size)
	if err != nil {
		return Chart{}, err
	}
	chart := Chart{Size: size, drawer: d}
	top, names, values := int64(1), make([]string, len(items)), 0.0
	nameRoom, nameWidth := float64(size.W)*0.42, 0.0
	for i, item := range items {
		name, replaced := d.regular.Clean(item.Name)
		chart.Replaced += replaced
		names[i] = d.regular.Shorten(name, fontPixels, nameRoom)
		nameWidth = max(nameWidth, d.regular.Width(names[i], fontPixels))
		values = max(values, d.regular.Width(Comma(sane(item.Value)), fontPixels))
		top = max(top, sane(item.Value))
	}
	left := labelGap + int(math.Ceil(nameWidth)) + labelGap
	room := float64(size.W - left - 2*labelGap - int(math.Ceil(values)))
	for i, item := range items {
		v := sane(item.Value)
		y := 4 + i*rowHeight + (rowHeight-barHeight)/2
		baseline := y + barHeight/2 + labelDrop
		end := left + int(math.Round(float64(v)/float64(top)*room))
		if v > 0 {
			end = max(end, left+2)
			box(p, left, y, end, y+barHeight, Bar)
		}
		d.text(p, d.regular, names[i], left-labelGap, baseline, fontPixels, 1, Ink)
		d.text(p, d.regular, Comma(v), end+labelGap, baseline, fontPixels, -1, Ink)
	}
	line(p, left, 4, left, size.H-4, 1, Axis)
	chart.ops = rec.ops
	return chart, nil
}
