package chart

import (
	"fmt"
	"math"
	"strconv"

	charts "github.com/vicanso/go-charts/v2"
)

// DayValue is one day of a trend.
type DayValue struct {
	Label  int // day of the month
	Value  int64
	Shaded bool // weekend or holiday
	Gap    bool // the data of the day is known to be incomplete: hatched, so that no bar is not read as 0
}

// go-charts' own measures, needed to put shading behind its bars.
const (
	axisHeight = 30 // below the plot
	axisMargin = 10 // between the labels of the y axis and the plot
)

// Trend draws one bar for each day, at most 31. The y axis begins at 0 and ends at a round integer.
func (d *Drawer) Trend(days []DayValue, size Size) (Chart, error) {
	days = days[:min(len(days), maxDays)]
	size = Size{saneWidth(size.W), min(max(size.H, 100), maxWidth)}
	rec, root, err := d.canvas(size)
	if err != nil {
		return Chart{}, err
	}
	chart := Chart{Size: size, drawer: d}
	if len(days) == 0 {
		chart.ops = rec.ops
		return chart, nil
	}
	labels, data, top := trendData(days)
	top, ticks := roundAxis(top)
	p := root.Child(charts.PainterPaddingOption(charts.Box{Left: 2, Top: 10, Right: 6, Bottom: -6}))
	d.shade(p, days, int(math.Ceil(d.regular.Width(Comma(top), fontPixels)))+axisMargin)

	_, err = charts.NewBarChart(p, charts.BarChartOption{
		Theme:      theme(),
		Font:       d.regular.font,
		SeriesList: charts.SeriesList{{Data: data}},
		// Labels every fifth day, the first at day 1: go-charts would centre them in their five.
		XAxis: charts.XAxisOption{Data: labels, SplitNumber: 5, FirstAxis: -2, FontSize: fontPoints, Font: d.regular.font},
		YAxisOptions: []charts.YAxisOption{{
			Min: charts.NewFloatPoint(0), Max: charts.NewFloatPoint(float64(top)), DivideCount: ticks, Unit: 1,
			FontSize: fontPoints, Font: d.regular.font,
		}},
	}).Render()
	if err != nil {
		return Chart{}, fmt.Errorf("draw trend: %w", err)
	}
	chart.ops = rec.ops
	return chart, nil
}

// trendData is the input of go-charts and the largest value. Days without detections get a
// transparent bar: go-charts draws 0 as a line of one pixel.
func trendData(days []DayValue) (labels []string, data []charts.SeriesData, top int64) {
	for _, day := range days {
		v := sane(day.Value)
		item := charts.SeriesData{Value: float64(v)}
		if v == 0 {
			item.Style.FillColor = charts.Color{R: 0xFF, G: 0xFF, B: 0xFF}
		}
		labels = append(labels, strconv.Itoa(min(max(day.Label, 0), 99)))
		data = append(data, item)
		top = max(top, v)
	}
	return labels, data, top
}

// roundAxis is the end of an axis that holds top, and into how many integer steps it is divided.
func roundAxis(top int64) (end int64, steps int) {
	if top <= 5 {
		return 5, 5
	}
	for unit := int64(1); ; unit *= 10 {
		for _, f := range []int64{1, 2, 5} {
			if step := f * unit; step*5 >= top {
				n := (top + step - 1) / step
				return step * n, int(n)
			}
		}
	}
}

// shade draws the bands of weekends, holidays and gaps behind the plot that go-charts will draw in
// p, whose y axis takes left pixels.
func (d *Drawer) shade(p *charts.Painter, days []DayValue, left int) {
	width, bottom := p.Width()-left, p.Height()-axisHeight
	edge := func(i int) int { return left + i*width/len(days) }
	for i, day := range days {
		x0, x1 := edge(i), edge(i+1)
		if day.Shaded {
			box(p, x0, 0, x1, bottom, Shade)
		}
		if day.Gap {
			hatch(p, x0, 0, x1, bottom)
		}
	}
}

// hatch fills a band with rising diagonals and marks its edges.
func hatch(p *charts.Painter, x0, y0, x1, y1 int) {
	const step = 6
	for c := y0 + step; c < y1+(x1-x0); c += step {
		// The line x-x0 + y = c, clipped to the band.
		fromX, fromY := x0, c
		if fromY > y1 {
			fromX, fromY = x0+c-y1, y1
		}
		toX, toY := x1, c-(x1-x0)
		if toY < y0 {
			toX, toY = x0+c-y0, y0
		}
		line(p, fromX, fromY, toX, toY, 1, Hatch)
	}
}
