package chart

import (
	"math"
	"strconv"
)

// DayValue is one day of a trend.
type DayValue struct {
	Label   int    // day of the month
	Weekday string // one letter below the day; "" for none
	Value   int64
	Shaded  bool // weekend or holiday
	Gap     bool // the data of the day is known to be incomplete: hatched, so that no bar is not read as 0
}

// Trend is a month, day by day.
type Trend struct {
	Days []DayValue // at most 31
	Unit string     // above the axis
	// Mean is drawn as a dashed line with a label, where it stands clear of the axis and the label is not empty.
	Mean      float64
	MeanLabel string
	// From and To are the days, counted from 0, of a stretch that is bracketed; equal: none is.
	From, To int
}

// Measures of a trend, in pixels.
const (
	trendTop    = 30.0 // above the plot: unit and legend, then the peak's label
	trendBottom = 31.0 // below it: days and weekdays
	axisMargin  = 8.0  // between the labels of the y axis and the plot
	barPart     = 0.66 // of a day's width
	small       = 9.0  // size of weekdays and of what is written into the plot
	roomForDay  = 17.0 // a day's width from which each day is numbered
	meanLeast   = 4.0  // above the axis, for a mean to be told from it
)

// Trend draws one bar for each day. The y axis begins at 0 and ends at a round integer; the highest day is
// dark and carries its figure.
func (d *Drawer) Trend(t Trend, size Size) Chart {
	days := t.Days[:min(len(t.Days), maxDays)]
	c := d.chart(saneWidth(size.W), min(max(size.H, 100), maxWidth))
	if len(days) == 0 {
		return *c
	}
	peak := 0
	for i := range days {
		if sane(days[i].Value) > sane(days[peak].Value) {
			peak = i
		}
	}
	top, ticks := roundAxis(max(sane(days[peak].Value), int64(math.Ceil(min(max(t.Mean, 0), maxValue)))))
	p := plot{
		c: c, left: math.Ceil(d.face(false).Width(Comma(top), fontPixels)) + axisMargin + 2, right: float64(c.W) - 4,
		top: trendTop, bottom: float64(c.H) - trendBottom, end: float64(top), days: len(days),
	}
	for i, day := range days {
		p.ground(i, day)
	}
	p.axis(top, ticks, t.Unit)
	for i, day := range days {
		p.day(i, day, i == peak)
	}
	if t.From < t.To && t.From >= 0 && t.To < len(days) {
		p.bracket(t.From, t.To)
	}
	if p.bottom-p.at(t.Mean) >= meanLeast && t.Mean <= p.end && t.MeanLabel != "" {
		p.mean(t.Mean, c.clean(t.MeanLabel))
	}
	return *c
}

// plot is where the bars of a trend stand.
type plot struct {
	c                        *Chart
	left, right, top, bottom float64
	end                      float64 // value at the top
	days                     int
}

// edge is a day's left side, on a whole pixel.
func (p plot) edge(i int) float64 {
	return math.Round(p.left + (p.right-p.left)*float64(i)/float64(p.days))
}

// at is the height at which a value stands, on a whole pixel.
func (p plot) at(v float64) float64 { return math.Round(p.bottom - (p.bottom-p.top)*v/p.end) }

// ground draws what stands behind a day's bar.
func (p plot) ground(i int, day DayValue) {
	x0, x1 := p.edge(i), p.edge(i+1)
	if day.Shaded {
		p.c.box(x0, p.top, x1, p.bottom, Shade)
	}
	if day.Gap {
		p.c.hatch(x0, p.top, x1, p.bottom)
	}
}

// axis draws the lines of the y axis with their figures, as many as have room, and always that of 0.
func (p plot) axis(top int64, ticks int, unit string) {
	every := int(math.Ceil(fontPixels * float64(ticks) / (p.bottom - p.top)))
	for i := range ticks + 1 {
		if (ticks-i)%every != 0 {
			continue
		}
		v := top / int64(ticks) * int64(ticks-i)
		y := p.at(float64(v))
		color := Grid
		if v == 0 {
			color = Axis
		}
		p.c.box(p.left, y, p.right, y+1, color)
		p.c.text(Comma(v), p.left-axisMargin, y+labelDrop, atRight, label{fontPixels, false, Ink})
	}
	p.c.text(p.c.clean(unit), 0, small+1, atLeft, label{small, false, Muted})
}

// day draws a day's bar and what stands below it.
func (p plot) day(i int, day DayValue, peak bool) {
	x0, x1 := p.edge(i), p.edge(i+1)
	middle, width := (x0+x1)/2, math.Max(2, math.Round((x1-x0)*barPart))
	if v := sane(day.Value); v > 0 {
		color := p.c.drawer.BarColor
		if peak {
			color = p.c.drawer.PeakColor
		}
		left, y := math.Round(middle-width/2), math.Min(p.at(float64(v)), p.bottom-2) // one beside a million is seen
		p.c.box(left, y, left+width, p.bottom, color)
		if peak {
			text := Comma(v)
			half := p.c.drawer.face(true).Width(text, fontPixels) / 2
			p.c.text(text, min(max(middle, p.left+half), p.right-half), y-4, atMiddle, label{fontPixels, true, Strong})
		}
	}
	ink := Ink
	if day.Shaded {
		ink = Weekend
	}
	number := min(max(day.Label, 0), 99)
	fifth := number%5 == 1
	if p.right-p.left >= roomForDay*float64(p.days) || fifth {
		p.c.text(strconv.Itoa(number), middle, p.bottom+14, atMiddle, label{fontPixels, false, ink})
	}
	if fifth || p.c.drawer.face(false).Width(day.Weekday, small)+1 <= (p.right-p.left)/float64(p.days) {
		p.c.text(day.Weekday, middle, p.bottom+26, atMiddle, label{small, false, ink})
	}
}

// bracket marks a stretch of days along the axis.
func (p plot) bracket(from, to int) {
	x0, x1, y := p.edge(from)+1, p.edge(to+1)-1, p.bottom+1
	p.c.box(x0, y, x1, y+2, Mark)
	p.c.box(x0, y-5, x0+2, y, Mark)
	p.c.box(x1-2, y-5, x1, y, Mark)
}

// mean draws a dashed line at a value, and says above the plot what it is.
func (p plot) mean(v float64, text string) {
	p.dashes(p.left, p.right, p.at(v))
	start := p.right - p.c.drawer.face(false).Width(text, small)
	p.c.text(text, start, small+1, atLeft, label{small, false, MarkInk})
	p.dashes(math.Round(start)-24, start-5, small-3)
}

func (p plot) dashes(from, to, y float64) {
	for x := from; x < to; x += 7 {
		p.c.box(x, y, math.Min(x+4, to), y+1, Mark)
	}
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

// hatch fills a band with rising diagonals.
func (c *Chart) hatch(x0, y0, x1, y1 float64) {
	const step = 6
	for k := y0 + step; k < y1+(x1-x0); k += step {
		// The line x-x0 + y = k, clipped to the band.
		fromX, fromY := x0, k
		if fromY > y1 {
			fromX, fromY = x0+k-y1, y1
		}
		toX, toY := x1, k-(x1-x0)
		if toY < y0 {
			toX, toY = x0+k-y0, y0
		}
		c.line(fromX, fromY, toX, toY, 1, Hatch)
	}
}
