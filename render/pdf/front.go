package pdf

import (
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/pdf/file"
	"geppo/render/words"
)

// front sets the first page (総評): who and when, the judgement, what the month was like, what is asked.
func (s *sheet) front() {
	s.title()
	f := s.e.Front
	for _, remark := range f.Remarks {
		s.set(s.paragraph(remark, measure, bodyText.strong()))
	}
	s.verdict()
	if len(f.Sentences) > 0 {
		s.subheading(f.Heading)
		s.set(s.take(s.paragraph(strings.Join(f.Sentences, ""), measure, bodyText)))
	}
	s.set(s.take(s.funnel(f)))
	threats := s.threats(f.Threats)
	s.asks(f, height(threats))
	s.summary(f.Summary)
	s.set(threats)
}

// threats lays out what the month's threats are.
func (s *sheet) threats(sec edition.Section) []box {
	if len(sec.Blocks) == 0 {
		return nil
	}
	boxes := []box{s.subheadingBox(sec.Heading)}
	for _, b := range sec.Blocks {
		boxes = append(boxes, s.block(b, measure)...)
	}
	return boxes
}

// title names the company, the report and the month.
func (s *sheet) title() {
	name := style{15, true, chart.Strong}
	company := s.name(s.e.Company.Text)
	company.shown = s.e.Closing.Honorific.Say(words.Values{Names: company.shown})
	if company.actual != "" {
		company.actual = s.e.Closing.Honorific.Say(words.Values{Names: company.actual})
	}
	month := style{10.5, false, chart.Ink}
	side := s.e.Month + " " + s.e.Title
	y := 52.0 + s.logo()
	s.say("H1", func() { s.putRight(side, right, y, month) })
	s.say("P", func() {
		s.putRight(s.face(smallText).Shorten(s.clean(s.d.Product), 9, 260), right, y+15, style{9, false, chart.Muted})
	})
	lines, actual := s.fit(company, measure-210, name, 2)
	s.say("P", func() {
		s.spoken(actual, func() {
			for _, line := range lines {
				s.put(line, left, y+4, name)
				y += 20
			}
		})
	})
	facts := make([]string, 0, len(s.e.Facts))
	for _, fact := range s.e.Facts[1:] { // the first is the product
		facts = append(facts, fact.Label+" "+s.clean(fact.Value))
	}
	s.y = max(y+4, 76)
	s.set(s.lines(strings.Join(facts, s.e.Words.Between), nil, measure, smallText)) // names, which explain no term
	s.y += 2
}

// logo draws the brand's picture, and tells how much room it takes.
func (s *sheet) logo() float64 {
	const pixel, from = 0.75, 28.0 // in points
	logo := s.e.Brand.Logo
	if s.m.logo == nil || logo == nil {
		return 0
	}
	w, h := float64(logo.Width)*pixel, float64(logo.Height)*pixel
	figure := s.sect.Child("Figure")
	figure.Alt, figure.Box = s.e.Brand.Company, [4]float64{left, from, left + w, from + h}
	s.tag(figure, func() { s.page.Picture(s.m.logo, left, from, w, h) })
	return h
}

// verdict is the judgement in its band.
func (s *sheet) verdict() {
	f := s.e.Front
	_, edge := tint(f.Tone)
	word := style{17, true, chart.White}
	mark := f.Mark + " " + f.Word
	room := measure - s.width(mark, word) - 42
	lines := s.wrap(s.clean(f.Lead), room, style{10, false, chart.White})
	h := max(36, float64(len(lines))*14+14)
	s.fill(left, s.y, measure, h, edge)
	s.say("P", func() { s.put(mark, left+14, s.y+h/2+6, word) })
	s.say("P", func() {
		y := s.y + h/2 - float64(len(lines))*7 + 10.5
		for _, line := range lines {
			s.put(line, left+28+s.width(mark, word), y, style{10, false, chart.White})
			y += 14
		}
	})
	s.y += h + 8
}

// subheading holds a heading of the first page for what follows.
func (s *sheet) subheading(text string) { s.waiting = append(s.waiting, s.subheadingBox(text)) }

func (s *sheet) subheadingBox(text string) box {
	return box{h: 21, gap: 3, keep: true, draw: func(x, y float64) {
		s.fill(x, y+1, 4, 14, s.accent)
		s.say("H2", func() { s.put(text, x+11, y+12.5, style{11, true, s.accent}) })
	}}
}

// funnel lays out what became of the detections.
func (s *sheet) funnel(f edition.Front) []box {
	if len(f.Funnel) == 0 {
		return nil
	}
	const h, arrow = 42.0, 16.0
	n := float64(len(f.Funnel))
	width := (measure - arrow*(n-1)) / n
	boxes := []box{{h: h + 6, draw: func(x, y float64) {
		for i, stage := range f.Funnel {
			ground, _ := tint(stage.Tone)
			s.fill(x, y, width, h, ground)
			number, label := style{17, true, chart.Ink}, style{8.5, false, chart.Ink}
			s.say("P", func() {
				s.put(stage.Value, x+(width-s.width(stage.Value, number))/2, y+20, number)
				s.put(" "+stage.Label, x+(width-s.width(" "+stage.Label, label))/2, y+34, label)
			})
			if i+1 < len(f.Funnel) {
				s.put("▶", x+width+4, y+h/2+3, style{7, false, chart.Muted})
			}
			x += width + arrow
		}
	}}}
	if f.Restricted != nil {
		boxes = append(boxes, s.paragraph(f.Restricted.Label+" "+f.Restricted.Value, measure, smallText)...)
	}
	return boxes
}

// Measures of the table of features.
const (
	summaryRow  = 19.0
	sparkWidth  = 84
	sparkHeight = 16
)

// summaryHeight is the room that the table takes, with the footnotes that it will call for.
func (s *sheet) summaryHeight(sum edition.Summary) float64 {
	noted, notes := len(s.noted), 0.0
	for _, r := range sum.Rows {
		_, called := s.mark(r.Label)
		notes += notesHeight(called)
	}
	s.forget(noted)
	if notes > 0 && len(s.notes) == 0 {
		notes += noteRule
	}
	return 24 + headHeight + float64(len(sum.Rows))*summaryRow + notes + 4
}

// summary sets the table of features, with a line of months.
func (s *sheet) summary(sum edition.Summary) {
	s.subheading(sum.Heading)
	columns := []edition.Column{{Part: 0.34}, {Right: true, Part: 0.12}, {Right: true, Part: 0.13}, {Right: true, Part: 0.2}, {Right: true, Part: 0.21}}
	for i := range columns {
		columns[i].Head = sum.Heads[i]
	}
	widths := s.columns(edition.Table{Columns: columns}, measure)
	under := new(listOf)
	boxes := []box{{h: headHeight, keep: true, draw: func(x, y float64) {
		s.heads(columns, widths, x, y, measure, under.element(s, "Table"))
	}}}
	for i, r := range sum.Rows {
		label, notes := s.mark(r.Label)
		boxes = append(boxes, box{h: summaryRow, keep: i+1 < len(sum.Rows), notes: notes, draw: func(x, y float64) {
			s.summaryRow(widths, r, label, x, y, under.element(s, "Table"))
		}})
	}
	s.set(s.take(boxes))
	if sum.Remark != "" {
		s.set(s.paragraph(sum.Remark, measure, smallText))
	}
	s.y += 4
}

func (s *sheet) summaryRow(widths []float64, r edition.SummaryRow, label string, x, y float64, table *file.Element) {
	row := table.Child("TR")
	st := cellText
	st.bold = r.Found
	cell := func(i int, draw func(x float64)) {
		e := row.Child("TD")
		if i == 0 {
			e.Type, e.Scope = "TH", "Row"
		}
		s.tag(e, func() { draw(x) })
		x += widths[i]
	}
	base := y + 12.5
	cell(0, func(x float64) { s.putMarked(label, x+cellGap, base, st) })
	if r.Off != "" {
		for i := 1; i < 5; i++ {
			cell(i, func(x float64) {
				if i == 3 {
					s.putRight(r.Off, x+widths[3]-cellGap, base, cellText.in(chart.Muted))
				}
			})
		}
	} else {
		cell(1, func(x float64) { s.putRight(r.Current, x+widths[1]-cellGap, base, st) })
		cell(2, func(x float64) { s.putRight(r.Previous, x+widths[2]-cellGap, base, cellText) })
		cell(3, func(x float64) { s.putRight(r.Change, x+widths[3]-cellGap, base, cellText) })
		cell(4, func(x float64) {
			if len(r.Months) > 1 {
				c := s.m.draw.Spark(r.Months, chart.Size{W: sparkWidth * 5 / 4, H: sparkHeight * 5 / 4})
				s.page.In(nil) // the figures stand beside it
				c.Draw(canvas{s, x + widths[4] - sparkWidth, y + 2, 0.8})
			}
		})
	}
	s.rule(left, right, y+summaryRow, chart.Grid, 0.6)
}
