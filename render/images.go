package render

import (
	"fmt"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/html"
)

// Shown sizes of the mail's charts in CSS pixels. They are narrow so that their labels stay
// legible where a phone of 375 pixels shrinks them.
var (
	trendSize = chart.Size{W: 440, H: 180}
	barSize   = chart.Size{W: 440, H: 24}
	sparkSize = chart.Size{W: 84, H: 18}
)

// addImages draws the charts of the parts that the mail shows.
func (r *Renderer) addImages(parts *Parts, e edition.Edition, report aggregate.Report) (map[string]*html.Image, error) {
	defer r.watch("charts")()
	images := map[string]*html.Image{}
	for _, row := range e.Front.Summary.Rows {
		if row.ID == "" {
			continue
		}
		if err := parts.draw(images, r.chart.Spark(row.Months, sparkSize), row.ID, row.Alt, report); err != nil {
			return nil, err
		}
	}
	for _, d := range e.Documents {
		for _, p := range d.Parts {
			if !p.InMail {
				continue
			}
			for _, s := range p.Sections {
				for _, b := range s.Blocks {
					if err := r.addImage(parts, images, b, report); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return images, nil
}

// addImage draws a block's chart, if it is one.
func (r *Renderer) addImage(parts *Parts, images map[string]*html.Image, block edition.Block, report aggregate.Report) error {
	var c chart.Chart
	var id, alt string
	switch b := block.(type) {
	case edition.Trend:
		c, id, alt = r.chart.Trend(b.Chart, trendSize), b.ID, b.Alt
	case edition.Shares:
		if !b.Several {
			return nil
		}
		c, id, alt = r.chart.Bar(b.Slices, barSize), b.ID, b.Alt
	default:
		return nil
	}
	return parts.draw(images, c, id, alt, report)
}

// draw adds a chart as an image.
func (p *Parts) draw(images map[string]*html.Image, c chart.Chart, id, alt string, report aggregate.Report) error {
	data, err := c.PNG()
	if err != nil {
		return fmt.Errorf("chart %s: %w", id, err)
	}
	image := Image{
		CID:  fmt.Sprintf("%s.%s.%s@report", id, report.Contract.ID, report.Period),
		Name: id + ".png", Data: data, Width: c.W, Height: c.H, Alt: alt,
	}
	p.Images = append(p.Images, image)
	images[id] = &html.Image{CID: image.CID, Width: c.W, Height: c.H, Alt: alt}
	return nil
}

// addLogo adds the brand's logo to the images of a mail.
func (p *Parts) addLogo(b edition.Brand) *html.Image {
	if b.Logo == nil {
		return nil
	}
	image := Image{CID: "logo@report", Name: "logo.png", Data: b.Logo.PNG, Width: b.Logo.Width, Height: b.Logo.Height, Alt: b.Company}
	p.Images = append(p.Images, image)
	return &html.Image{CID: image.CID, Width: image.Width, Height: image.Height, Alt: image.Alt}
}
