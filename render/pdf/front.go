package pdf

import (
	"fmt"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/pdf/file"
	"geppo/render/words"
)

// front sets the first page (総評): who and when, the judgement, what the month was like, what is asked.
func (s *sheet) front() {
	s.title()
	s.verdict()
	f := s.e.Front
	if len(f.Sentences) > 0 {
		s.subheading(f.Heading)
		s.set(s.take(s.paragraph(strings.Join(f.Sentences, ""), measure, bodyText)))
	}
	s.set(s.take(s.funnel(f)))
	for _, remark := range f.Remarks {
		s.set(s.paragraph(remark, measure, smallText))
	}
	s.asks(f)
	s.summary(f.Summary)
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
	for _, fact := range s.e.Facts {
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
func (s *sheet) subheading(text string) {
	s.waiting = append(s.waiting, box{h: 22, keep: true, draw: func(x, y float64) {
		s.fill(x, y+3, 4, 14, s.accent)
		s.say("H2", func() { s.put(text, x+11, y+14.5, style{11, true, s.accent}) })
	}})
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

// frontAsks is how many items the first page takes at the most; the appendix has the rest.
const frontAsks = 7

// asks sets what the reader is asked. What the first page has no room for follows in the appendix.
func (s *sheet) asks(f edition.Front) {
	s.subheading(f.Asks.Heading)
	if len(f.Asks.Items) == 0 {
		s.set(s.take(s.paragraph(f.Asks.None, measure, bodyText)))
		return
	}
	room := bottom - s.summaryHeight(f.Summary) - 40
	for i, ask := range f.Asks.Items {
		b := s.ask(ask)
		if i > 0 && (i == frontAsks || s.y+b.h > room) {
			s.later = f.Asks.Items[i:]
			s.set(s.paragraph(s.e.Words.MoreAsksPDF.Say(words.Values{Count: fmt.Sprint(len(s.later))}), measure, smallText))
			s.contact(f.Asks)
			return
		}
		s.set(s.take([]box{b}))
	}
	s.contact(f.Asks)
}

// contact says whom to ask about what is asked.
func (s *sheet) contact(a edition.Asks) {
	if a.Contact != "" {
		s.set(s.paragraph(a.Contact, measure, smallText))
	}
}

// ask lays out one item: which machine, what about it, what to do.
func (s *sheet) ask(a edition.Ask) box {
	ground, edge := tint(a.Tone)
	const step, inset = 13.2, 14.0
	width := measure - 2*inset
	marks := strings.Join(a.Marks, "  ")
	var paragraphs [][]string
	bold := 0
	if head := s.joinNames(a.Endpoints); head != "" {
		paragraphs, bold = append(paragraphs, s.wrap(s.clean(a.Sign+" "+head), width, bodyText.strong())), 1
	} else {
		marks = a.Sign + " " + marks
	}
	paragraphs = append(paragraphs, s.wrap(s.clean(marks), width, bodyText))
	for _, step := range a.Steps {
		paragraphs = append(paragraphs, s.wrap(s.clean(step), width, bodyText))
	}
	count := 0
	for _, p := range paragraphs {
		count += len(p)
	}
	h := float64(count)*step + 9
	return box{h: h + 5, draw: func(x, y float64) {
		s.fill(x, y, measure, h, ground)
		s.fill(x, y, 5, h, edge)
		y += 14
		for i, lines := range paragraphs {
			st := bodyText
			st.bold = i < bold
			s.say("P", func() {
				for _, line := range lines {
					s.put(line, x+inset, y, st)
					y += step
				}
			})
		}
	}}
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
	return 22 + headHeight + float64(len(sum.Rows))*summaryRow + 16 + notes + noteRule
}

// summary sets the table of features, with a line of months.
func (s *sheet) summary(sum edition.Summary) {
	s.subheading(sum.Heading)
	columns := []edition.Column{{Part: 0.34}, {Right: true, Part: 0.12}, {Right: true, Part: 0.12}, {Part: 0.24}, {Part: 0.18}}
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
					s.put(r.Off, x+cellGap, base, cellText.in(chart.Muted))
				}
			})
		}
	} else {
		cell(1, func(x float64) { s.putRight(r.Current, x+widths[1]-cellGap, base, st) })
		cell(2, func(x float64) { s.putRight(r.Previous, x+widths[2]-cellGap, base, cellText) })
		cell(3, func(x float64) { s.put(r.Change, x+cellGap, base, cellText) })
		cell(4, func(x float64) {
			if len(r.Months) > 1 {
				c := s.m.draw.Spark(r.Months, chart.Size{W: sparkWidth * 5 / 4, H: sparkHeight * 5 / 4})
				s.page.In(nil) // the figures stand beside it
				c.Draw(canvas{s, x + cellGap, y + 2, 0.8})
			}
		})
	}
	s.rule(left, right, y+summaryRow, chart.Grid, 0.6)
}

// appendix sets the asks that the first page had no room for.
func (s *sheet) appendix() {
	if len(s.later) == 0 {
		return
	}
	s.beginPart("", s.e.Closing.Appendix)
	for _, ask := range s.later {
		s.set(s.take([]box{s.ask(ask)}))
	}
}

// closing sets what the signs mean, and the support desk.
func (s *sheet) closing() {
	c := s.e.Closing
	if s.shortened {
		s.set(s.paragraph(c.Shortened, measure, smallText))
	}
	if s.replaced > 0 {
		s.set(s.paragraph(c.Spelled, measure, smallText))
	}
	lines := []string{s.clean(c.Desk)}
	if c.Company != "" {
		lines = append([]string{s.clean(c.Company)}, lines...)
	}
	for _, fact := range []edition.Fact{c.Phone, c.Hours} {
		if fact.Value != "" {
			lines = append(lines, fact.Label+"  "+s.clean(fact.Value))
		}
	}
	h := float64(len(lines))*leading + 28
	s.set([]box{{h: h + 8, draw: func(x, y float64) {
		y += 8
		s.fill(x, y, measure, h, chart.Shade)
		s.say("P", func() { s.put(c.Heading, x+14, y+16, style{9.5, true, s.accent}) })
		for i, line := range lines {
			s.say("P", func() {
				s.put(s.face(bodyText).Shorten(line, bodyText.size, measure-28), x+14, y+17+float64(i+1)*leading, bodyText)
			})
		}
	}}})
}
