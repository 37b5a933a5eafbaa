package render

import (
	"fmt"
	"slices"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/words"
	"geppo/store"
)

// Shown sizes of the mail's charts in CSS pixels. They are narrow so that their labels stay
// legible where a phone of 375 pixels shrinks them.
var trendSize = chart.Size{W: 440, H: 180}

const doughnutWidth = 400

// trend draws a month's days. key names the image, feature its subject in the alt text.
func (b *body) trend(
	key, feature string, days []aggregate.DayCount, alt, day words.Phrase,
) (*Image, error) {
	if image := b.drawn(key + "-trend"); image != nil {
		return image, nil
	}
	defer b.r.watch("charts")()
	values := make([]chart.DayValue, 0, len(days))
	for i, d := range days {
		values = append(values, chart.DayValue{
			Label: i + 1, Value: d.Count, Shaded: shaded(d.Day, b.report.Holidays), Gap: slices.Contains(b.report.Gaps, d.Day),
		})
	}
	c := b.r.chart.Trend(chart.Trend{Days: values}, trendSize)
	return b.addImage(key+"-trend", c, alt.Say(words.Values{
		Feature: feature, Month: b.w.Month(b.report.Period), Names: b.w.Days(days, day),
	}))
}

// doughnut draws a feature's results, where there are several to compare; it is nil otherwise.
func (b *body) doughnut(f aggregate.Feature) (*Image, error) {
	if image := b.drawn(string(f.Feature) + "-results"); image != nil {
		return image, nil
	}
	defer b.r.watch("charts")()
	w := b.w
	slicesOf, several := make([]chart.Slice, 0, len(f.Results)), 0
	for _, c := range f.Results {
		label := w.Results[f.Feature][c.Result].Label
		slicesOf = append(slicesOf, chart.Slice{Label: label, Value: c.Count})
		if c.Count == 0 {
			continue
		}
		several++
	}
	if several < 2 {
		return nil, nil
	}
	c := b.r.chart.Doughnut(slicesOf, w.Mail.EventUnit, doughnutWidth)
	return b.addImage(string(f.Feature)+"-results", c,
		w.Mail.ResultsAlt.Say(words.Values{Feature: w.Features[f.Feature].Heading, Names: w.Shares(f)}))
}

// drawn finds an image that was drawn for a wider setting of the same bodies.
func (b *body) drawn(name string) *Image {
	for i := range b.images {
		if b.images[i].Name == name+".png" {
			return &b.images[i]
		}
	}
	return nil
}

// addImage encodes a chart, and refuses one on which nothing is drawn: no blank picture goes out as
// a success.
func (b *body) addImage(name string, c chart.Chart, alt string) (*Image, error) {
	drawn := c.Image()
	if chart.Blank(drawn) {
		return nil, fmt.Errorf("chart %s is blank", name)
	}
	data, err := c.Encode(drawn)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", name, err)
	}
	image := Image{
		CID:  fmt.Sprintf("%s.%s.%s@geppo", name, b.report.Contract.ID, b.report.Period),
		Name: name + ".png", Data: data, Width: c.W, Height: c.H, Alt: alt,
	}
	b.images = append(b.images, image)
	return &image, nil
}

// shaded tells weekends and holidays.
func shaded(d store.Day, holidays []store.Day) bool {
	t, err := time.Parse(time.DateOnly, string(d))
	weekend := err == nil && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
	return weekend || slices.Contains(holidays, d)
}
