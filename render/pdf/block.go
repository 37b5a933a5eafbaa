package pdf

import (
	"fmt"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/words"
)

// block lays out one block at a width.
func (s *sheet) block(b edition.Block, width float64) []box {
	switch b := b.(type) {
	case edition.Text:
		st := bodyText
		if b.Muted {
			st = st.in(chart.Muted)
		}
		return s.paragraph(b.Text, width, st)
	case edition.Figure:
		return s.figure(b)
	case edition.Table:
		return s.table(b, width)
	case edition.Ranking:
		return s.ranking(b, width)
	case edition.Trend:
		return s.trend(b, width)
	case edition.Shares:
		return s.shares(b, width)
	case edition.Names:
		return s.names(b)
	case edition.Points:
		return s.points(b, width)
	case edition.Cases:
		return s.cases(b, width)
	case edition.Link:
		return s.link(b, width)
	}
	return nil
}

// paragraph lays out running text, with footnotes to the glossary terms that it is the first to use.
func (s *sheet) paragraph(text string, width float64, st style) []box {
	marked, notes := s.mark(s.clean(text))
	return s.lines(marked, notes, width, st)
}

func (s *sheet) lines(marked string, notes []note, width float64, st style) []box {
	lines := s.wrap(marked, width, st)
	step := st.size + 5
	return []box{{h: float64(len(lines))*step + s.white.paragraph, notes: notes, draw: func(x, y float64) {
		s.say("P", func() {
			for _, line := range lines {
				s.putMarked(line, x, y+st.size+1.5, st)
				y += step
			}
		})
	}}}
}

// putMarked draws text whose footnote signs stand small and raised.
func (s *sheet) putMarked(text string, x, y float64, st style) {
	for {
		at := strings.Index(text, s.e.Words.Note)
		if at < 0 {
			break
		}
		end := at + len(s.e.Words.Note)
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		s.put(text[:at], x, y, st)
		x += s.width(text[:at], st)
		small := style{st.size * 0.68, st.bold, st.color}
		s.put(text[at:end], x, y-st.size*0.3, small)
		x += s.width(text[at:end], small)
		text = text[end:]
	}
	s.put(text, x, y, st)
}

// figure lays out a section's one number.
func (s *sheet) figure(f edition.Figure) []box {
	return []box{{h: 32, draw: func(x, y float64) {
		big := style{19, true, s.accent}
		s.say("P", func() {
			s.put(f.Value, x+6, y+18, big)
			if f.Compare != "" {
				s.put(" "+f.Compare, x+6+s.width(f.Value, big)+12, y+17, style{9.5, false, chart.Muted})
			}
		})
	}}}
}

// trend lays out the chart of a month's days with the key to its bands.
func (s *sheet) trend(t edition.Trend, width float64) []box {
	h := s.white.trend
	if width <= half {
		h = s.white.halfTrend
	}
	const scale = 0.8 // of a pixel: labels of 9 points
	c := s.m.draw.Trend(t.Chart, chart.Size{W: int(width / scale), H: int(h / scale)})
	full := float64(c.H) * width / float64(c.W)
	key := s.wrap(t.Key, width, noteText)
	return []box{{h: full + float64(len(key))*10 + 8, draw: func(x, y float64) {
		s.chart(c, x, y, width, t.Alt)
		if len(key) == 0 {
			return
		}
		s.say("P", func() {
			for i, line := range key {
				s.put(line, x, y+full+8+float64(i)*10, noteText.in(chart.Muted))
			}
		})
	}}}
}

// tint is the ground of a box of a tone, and the colour of its edge and words.
func tint(t edition.Tone) (ground, edge chart.Color) {
	switch t {
	case edition.Alarm:
		return chart.AlarmGround, chart.Alarm
	case edition.Warn:
		return chart.WarnGround, chart.Warn
	case edition.Calm:
		return chart.CalmGround, chart.Calm
	case edition.Plain:
	}
	return chart.Shade, chart.Ink
}

// points lays out computed sentences in one tinted box with its sign.
func (s *sheet) points(p edition.Points, width float64) []box {
	sign := style{7, true, chart.White}
	tag := s.width(s.e.Words.Point, sign) + 10
	var sentences [][]string
	count := 0
	for _, text := range p.Sentences {
		lines := s.wrap(s.clean(text), width-tag-22, style{9, false, chart.Ink})
		sentences = append(sentences, lines)
		count += len(lines)
	}
	if count == 0 {
		return nil
	}
	const step = 13.5
	h := float64(count)*step + 8
	return []box{{h: h + 8, draw: func(x, y float64) {
		s.fill(x, y, width, h, chart.PointGround)
		s.fill(x+6, y+5, tag, 12, s.accent)
		s.say("P", func() { s.put(s.e.Words.Point, x+11, y+13.6, sign) })
		y += 13.5
		for _, lines := range sentences {
			s.say("P", func() {
				for _, line := range lines {
					s.put(line, x+tag+14, y, style{9, false, chart.Ink})
					y += step
				}
			})
		}
	}}}
}

// shares lays out a stacked bar and what each part means.
func (s *sheet) shares(b edition.Shares, width float64) []box {
	var boxes []box
	if b.Several {
		const h = 20.0
		c := s.m.draw.Bar(b.Slices, chart.Size{W: int(width / 0.8), H: int(h / 0.8)})
		full := float64(c.H) * width / float64(c.W)
		boxes = append(boxes, box{h: full + 8, keep: true, draw: func(x, y float64) { s.chart(c, x, y, width, b.Alt) }})
	}
	t := edition.Table{Columns: []edition.Column{{Head: b.Head, Part: 0.76}, {Head: b.CountHead, Right: true, Part: 0.24}}}
	if width > half {
		t.Columns = []edition.Column{{Head: b.Head, Part: 0.2}, {Head: b.CountHead, Right: true, Part: 0.12}, {Head: b.MeansHead, Part: 0.68}}
	}
	swatches := make([]chart.Color, 0, len(b.Rows))
	for i, r := range b.Rows {
		name := edition.Cell{Name: edition.Name{Text: r.Label}, Strong: !r.Zero, Muted: r.Zero, Tone: r.Tone}
		count := edition.Cell{Name: edition.Name{Text: r.Count}, Strong: !r.Zero, Muted: r.Zero}
		if width > half {
			t.Rows = append(t.Rows, []edition.Cell{name, count, {Name: edition.Name{Text: r.Means}, Muted: r.Zero}})
		} else {
			name.Below = r.Means
			t.Rows = append(t.Rows, []edition.Cell{name, count})
		}
		swatches = append(swatches, b.Slices[i].Color)
	}
	return append(boxes, s.swatched(t, width, swatches)...)
}

// names lays out the number of some machines and their names in three columns, read down.
func (s *sheet) names(n edition.Names) []box {
	const columns, rowHeight = 3, 13.5
	width := (measure - (columns-1)*14.0) / columns
	boxes := []box{{h: 18, keep: len(n.List) > 0, draw: func(x, y float64) {
		s.say("P", func() { s.put(n.Count, x, y+11, style{11, true, s.accent}) })
	}}}
	rows := (len(n.List) + columns - 1) / columns
	list := new(listOf)
	for r := range rows {
		boxes = append(boxes, box{h: rowHeight, draw: func(x, y float64) {
			for c := range columns {
				if i := c*rows + r; i < len(n.List) {
					s.listed(list, r == 0 && c == 0, n.List[i], x+float64(c)*(width+14), y, width)
				}
			}
		}})
	}
	if n.Rest > 0 {
		boxes = append(boxes, s.paragraph(s.e.Words.MoreNames.Say(words.Values{Count: fmt.Sprint(n.Rest)}), measure, smallText)...)
	}
	boxes[len(boxes)-1].h += 6
	return boxes
}

// link lays out the address of a page elsewhere.
func (s *sheet) link(l edition.Link, width float64) []box {
	lines := s.wrap(l.Text, width, bodyText)
	address := s.clean(l.URL)
	return []box{{h: float64(len(lines))*leading + 38, draw: func(x, y float64) {
		y += 4
		s.say("P", func() { s.put(l.Heading, x, y+11, style{9.5, true, s.accent}) })
		y += 16
		s.say("P", func() {
			for _, line := range lines {
				s.put(line, x, y+11, bodyText)
				y += leading
			}
		})
		e := s.sect.Child("P").Child("Link")
		st := bodyText.in(chart.Bar)
		s.tag(e, func() { s.put(s.face(st).Shorten(address, st.size, width), x, y+11, st) })
		s.page.LinkOut(e, x, y, min(width, s.width(address, st)), 14, address, l.URL)
	}}}
}

// cases lays out events, what is open first.
func (s *sheet) cases(c edition.Cases, width float64) []box {
	var boxes []box
	for _, k := range c.Rows {
		ground, edge := tint(k.Tone)
		head := k.Date + "  " + s.joinNames(k.Endpoints) + "  " + k.Status
		lines := s.wrap(s.clean(head), width-20, bodyText.strong())
		heads := len(lines)
		lines = append(lines, s.wrap(s.clean(k.What), width-20, bodyText)...)
		if k.Acts != "" {
			lines = append(lines, s.wrap(s.clean(k.Acts), width-20, bodyText)...)
		}
		h := float64(len(lines))*13.5 + 9
		boxes = append(boxes, box{h: h + 5, draw: func(x, y float64) {
			s.fill(x, y, width, h, ground)
			s.fill(x, y, 4, h, edge)
			for i, line := range lines {
				st := bodyText
				st.bold = i < heads
				s.say("P", func() { s.put(line, x+12, y+14+float64(i)*13.5, st) })
			}
		}})
	}
	if c.Rest > 0 {
		boxes = append(boxes, s.paragraph(s.e.Words.MoreRows.Say(words.Values{Count: fmt.Sprint(c.Rest)}), width, smallText)...)
	}
	return boxes
}

func (s *sheet) joinNames(names []edition.Name) string {
	var list []string
	for _, n := range names {
		list = append(list, n.Text)
	}
	return strings.Join(list, s.e.Words.Join)
}
