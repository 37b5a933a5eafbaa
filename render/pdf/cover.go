package pdf

import (
	"strconv"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/words"
)

// judgementColors print the judgement; its word and shape say the same without colour.
var judgementColors = map[aggregate.Judgement]chart.Color{
	aggregate.ActionRequired: {R: 0xB4, G: 0x23, B: 0x18, A: 0xFF},
	aggregate.Undetermined:   {R: 0x37, G: 0x41, B: 0x51, A: 0xFF},
	aggregate.Attention:      {R: 0x93, G: 0x5B, B: 0x00, A: 0xFF},
	aggregate.Good:           {R: 0x06, G: 0x6B, B: 0x47, A: 0xFF},
}

// cover sets the first page: who, what and when, the judgement, the contents.
func (s *sheet) cover() {
	const band = 132.0
	s.fill(0, 0, pageWidth, band, accent)
	white := func(size float64, bold bool) style { return style{size, bold, chart.White} }
	s.say("P", func() { s.put(s.face(white(13, false)).Shorten(s.product, 13, measure), left, 56, white(13, false)) })
	s.say("H1", func() { s.put(s.w.Mail.Title, left, 98, white(28, true)) })
	month := s.m.own.Issued.Say(words.Values{Month: s.w.Month(s.r.Period)})
	s.say("P", func() { s.putRight(month, right, 98, white(15, true)) })

	s.y = band + 24
	name := style{16, true, chart.Strong}
	company := s.name(s.r.Contract.Name)
	company.shown = s.m.own.Honorific.Say(words.Values{Names: company.shown})
	if company.actual != "" {
		company.actual = s.m.own.Honorific.Say(words.Values{Names: company.actual})
	}
	lines, actual := s.fit(company, measure, name, 2)
	s.say("P", func() {
		s.spoken(actual, func() {
			for _, line := range lines {
				s.put(line, left, s.y+16, name)
				s.y += 23
			}
		})
	})
	s.y += 10
	s.facts()
	s.y += 12
	s.verdict()
	s.y += 20
	s.contents()
}

// facts are the lines that identify the report.
func (s *sheet) facts() {
	o, facts := s.w.Overview, s.sect.Child("Table")
	for _, fact := range [][2]string{
		{o.Contract, s.r.Contract.ID},
		{o.Period, s.w.Period(s.r.Period) + " (" + s.clean(s.w.Timezone(s.r.Timezone)) + ")"},
		{o.Product, s.product},
		{o.Revision, s.m.own.Edition.Say(words.Values{Count: strconv.Itoa(s.r.Revision)})},
	} {
		row := facts.Child("TR")
		head := row.Child("TH")
		head.Scope = "Row"
		s.tag(head, func() { s.put(fact[0], left, s.y+10, style{9, false, chart.Muted}) })
		s.tag(row.Child("TD"), func() { s.put(fact[1], left+96, s.y+10, style{10, false, chart.Ink}) })
		s.y += 17
	}
}

// verdict is the judgement with the sentences that a hurried reader needs: what the month was like,
// and the first of what is asked, which the next page sets out in full.
func (s *sheet) verdict() {
	j := s.w.Judgements[s.r.Judgement]
	color := judgementColors[s.r.Judgement]
	var lines []string
	for _, sentence := range s.state {
		lines = append(lines, s.wrap(s.clean(sentence), measure-40, bodyText)...)
	}
	shown := s.asks[:min(len(s.asks), coverAsks)]
	h := 40 + float64(len(lines)+len(shown))*leading + 8
	s.fill(left, s.y, measure, h, chart.Color{R: 0xF8, G: 0xF9, B: 0xFB, A: 0xFF})
	s.fill(left, s.y, 5, h, color)
	word := style{17, true, color}
	title := j.Mark + " " + j.Word
	s.say("P", func() {
		s.put(title, left+20, s.y+27, word)
		s.put(j.Lead, left+20+s.width(title, word)+14, s.y+26, style{10.5, true, chart.Ink})
	})
	y := s.y + 32
	s.say("P", func() {
		for _, line := range lines {
			y += leading
			s.put(line, left+20, y, bodyText)
		}
	})
	for _, ask := range shown {
		y += leading
		st := bodyText.strong()
		s.say("P", func() {
			s.put("・"+s.face(st).Shorten(s.clean(ask.line(s.w.Format.Join)), st.size, measure-60), left+20, y, st)
		})
	}
	s.y += h
}

// coverAsks is how many asks the cover has room for; the contents stand below.
const coverAsks = 5

// antivirusState says what the month was like.
func (s *sheet) antivirusState() []string {
	out := append(s.revisionState(), s.w.Sentences(s.r)...)
	if s.r.Late > 0 {
		out = append(out, s.late())
	}
	return out
}

func (s *sheet) late() string {
	return s.w.State.Late.Say(words.Values{Month: s.w.ShortMonth(s.r.Period.Previous()), Count: s.w.Number(s.r.Late)})
}

// edrState says how many events there were.
func (s *sheet) edrState() []string {
	return append(s.revisionState(), s.w.EDR.Events+" "+s.w.Detections(s.r.EDR.Total))
}

func (s *sheet) revisionState() []string {
	if s.r.Revision < 2 {
		return nil
	}
	return []string{s.w.State.Revision.Say(words.Values{Count: strconv.Itoa(s.r.Revision)})}
}

// contents lists the headings in two columns with their pages, each a link.
func (s *sheet) contents() {
	s.say("P", func() { s.put(s.m.own.Contents, left, s.y+11, style{11, true, accent}) })
	list := s.sect.Child("TOC")
	s.rule(s.y+18, right, chart.Grid, 0.8)
	s.y += 26
	const gutter = 26.0
	width := (measure - gutter) / 2
	half := s.secondColumn()
	step := min(15.5, (pageHeight-66-s.y)/float64(max(half, len(s.entries)-half)))
	x, y := left, s.y
	for i, e := range s.entries {
		if i == half {
			x, y = left+width+gutter, s.y
		}
		st := style{8.5, false, chart.Ink}
		indent := 12.0
		if e.level == 0 {
			st, indent = style{9, true, chart.Ink}, 0
		}
		page := strconv.Itoa(e.at.Page.Number())
		numbered := e.no + "  " + e.title
		room := width - indent - s.width(page, st) - 14
		shown := s.face(st).Shorten(numbered, st.size, room)
		actual := ""
		if shown != numbered {
			actual = numbered
		}
		link := list.Child("TOCI").Child("Reference").Child("Link")
		s.tag(link, func() { s.spoken(actual, func() { s.put(shown+" ", x+indent, y+9, st) }) })
		s.dots(x+indent+s.width(shown, st)+4, x+width-s.width(page, st)-4, y+8)
		s.tag(link, func() { s.putRight(page, x+width, y+9, st) })
		s.page.LinkTo(link, x, y, width, step, numbered, e.at)
		y += step
	}
}

// secondColumn is the entry at which the second column begins: the heading of a part nearest to
// the middle.
func (s *sheet) secondColumn() int {
	best := len(s.entries)
	for i, e := range s.entries {
		if e.level == 0 && abs(2*i-len(s.entries)) < abs(2*best-len(s.entries)) {
			best = i
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// dots leads the eye from a title to its page.
func (s *sheet) dots(from, to, y float64) {
	if to-from < 8 {
		return
	}
	s.page.Line(from, y, to, y, 0.5, ink(chart.Axis), [2]float64{0.5, 2.5})
}
