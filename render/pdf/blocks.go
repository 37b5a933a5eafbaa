package pdf

import (
	"slices"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/pdf/file"
	"geppo/render/words"
	"geppo/store"
)

// part holds a heading of the first level.
func (s *sheet) part(no, title string) {
	s.hold(54, func() {
		if s.y > top {
			s.y += 16
		}
		s.enter(0, no, title)
		s.sect = s.doc.Root().Child("Sect")
		st := style{15, true, accent}
		s.fill(left, s.y, 4, 20, accent)
		s.say("H2", func() {
			s.put(no+" ", left+12, s.y+15.5, st)
			s.put(title, left+12+s.width(no, st)+9, s.y+15.5, st)
		})
		s.rule(s.y+26, right, chart.Grid, 0.8)
		s.y += 38
	})
}

// section holds a heading of the second level.
func (s *sheet) section(no, title string) {
	st := style{11, true, chart.Ink}
	indent := s.width(no, st) + 8
	lines := s.wrap(title, measure-indent, st)
	s.hold(float64(len(lines))*15+10, func() {
		s.enter(1, no, title)
		s.y += 4
		s.say("H3", func() {
			s.put(no+" ", left, s.y+11, st.in(accent))
			for _, line := range lines {
				s.put(line, left+indent, s.y+11, st)
				s.y += 15
			}
		})
		s.y += 6
	})
}

// lead holds the sentence below a heading.
func (s *sheet) lead(text string) {
	lines := s.wrap(s.mark(text), measure, bodyText)
	s.hold(float64(len(lines))*leading+3, func() { s.setLines(lines, bodyText) })
}

// enter notes a heading for contents and bookmarks.
func (s *sheet) enter(level int, no, title string) {
	at := file.Place{Page: s.page, Y: s.y - 6}
	s.doc.Bookmark(level, no+" "+title, at)
	s.entries = append(s.entries, entry{level, no, title, at})
}

// paragraph sets running text, with footnotes to the glossary terms that it is the first to use.
func (s *sheet) paragraph(text string, st style) {
	lines := s.wrap(s.mark(text), measure, st)
	s.need(float64(len(lines)) * leading)
	s.setLines(lines, st)
}

func (s *sheet) setLines(lines []string, st style) {
	s.say("P", func() {
		for _, line := range lines {
			s.putMarked(line, left, s.y+11, st)
			s.y += leading
		}
	})
	s.y += 3
}

// putMarked draws text whose footnote signs stand small and raised.
func (s *sheet) putMarked(text string, x, y float64, st style) {
	sign, _, _ := strings.Cut(s.m.own.Note.Say(words.Values{Count: "\x00"}), "\x00")
	if sign == "" {
		sign = "※"
	}
	for {
		at := strings.Index(text, sign)
		if at < 0 {
			break
		}
		end := at + len(sign)
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

// points sets the POINT sentences of some kinds, about one feature or, with "", about any, in one
// tinted box with its sign.
func (s *sheet) points(feature store.Feature, kinds ...aggregate.PointKind) {
	sentences, h := s.sentences(feature, kinds...)
	if len(sentences) == 0 {
		return
	}
	sign := style{7.5, true, chart.White}
	tag := s.pointTag(sign)
	s.need(h)
	s.fill(left, s.y, measure, h, chart.Color{R: 0xEE, G: 0xF4, B: 0xFB, A: 0xFF})
	s.fill(left+8, s.y+6, tag, 13, accent)
	s.say("P", func() { s.put(s.w.Points.Heading, left+14, s.y+15.5, sign) })
	y := s.y + 16
	for _, p := range sentences {
		s.clean(p.text) // counts what no font has
		if len(p.lines) == 1 {
			p.text = "" // several lines would be read with the sign in their middle, one is not
		}
		s.say("P", func() {
			s.spoken(p.text, func() {
				for _, line := range p.lines {
					s.put(line, left+tag+18, y, bodyText)
					y += leading
				}
			})
		})
	}
	s.y += h + 8
}

// sentence is a POINT with its lines broken.
type sentence struct {
	text  string
	lines []string
}

// sentences are those of a box of points, and the box's height.
func (s *sheet) sentences(feature store.Feature, kinds ...aggregate.PointKind) ([]sentence, float64) {
	var out []sentence
	count := 0
	room := measure - s.pointTag(style{7.5, true, chart.White}) - 30
	for _, p := range s.r.Points {
		if slices.Contains(kinds, p.Kind) && (feature == "" || p.Feature == feature) {
			text, _ := s.m.family.Regular.Clean(p.Text)
			lines := s.wrap(text, room, bodyText)
			out = append(out, sentence{text, lines})
			count += len(lines)
		}
	}
	return out, float64(count)*leading + 9
}

// pointTag is the width of the sign before the sentences.
func (s *sheet) pointTag(st style) float64 { return s.width(s.w.Points.Heading, st) + 12 }

// keepPoints asks that a box of points stay on the page of the block that is set next.
func (s *sheet) keepPoints(feature store.Feature, kinds ...aggregate.PointKind) {
	if sentences, h := s.sentences(feature, kinds...); len(sentences) > 0 {
		s.after = h + 10
	}
}

// trend sets the chart of a month's days of something with the key to its bands.
func (s *sheet) trend(what string, days []aggregate.DayCount) error {
	values := make([]chart.DayValue, 0, len(days))
	shaded, gaps := false, false
	for i, d := range days {
		v := chart.DayValue{Label: i + 1, Value: d.Count, Shaded: free(d.Day, s.r.Holidays), Gap: slices.Contains(s.r.Gaps, d.Day)}
		shaded, gaps = shaded || v.Shaded, gaps || v.Gap
		values = append(values, v)
	}
	c := s.m.draw.Trend(chart.Trend{Days: values}, trendSize)
	h := float64(c.H) * measure / float64(c.W)
	s.need(h + 18)
	s.chart(c, measure, s.w.Mail.TrendAlt.Say(words.Values{
		Feature: what, Month: s.w.Month(s.r.Period), Names: s.w.Days(days, s.w.Mail.DayCount),
	}))
	s.y += h + 2
	key := ""
	if shaded {
		key += s.w.Mail.Shading
	}
	if gaps {
		key += s.w.Mail.Hatching
	}
	s.say("P", func() { s.put(key, left, s.y+7, smallText) })
	s.y += 22
	return nil
}

// trendSize makes the labels 9 points large at the width of the text.
var trendSize = chart.Size{W: 620, H: 168}

// free tells weekends and holidays.
func free(d store.Day, holidays []store.Day) bool {
	t, err := time.Parse(time.DateOnly, string(d))
	weekend := err == nil && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
	return weekend || slices.Contains(holidays, d)
}

// listNames is how many names of a list are printed before the rest is counted.
const listNames = 100

// names sets a list of names in three columns, read down, then the number of the rest. It may go
// over pages, and each page's columns are read on their own.
func (s *sheet) names(list []string) {
	const columns, gutter = 3, 14.0
	width := (measure - (columns-1)*gutter) / columns
	shown := list[:min(len(list), listNames)]
	named := s.sect.Child("L")
	for len(shown) > 0 {
		s.need(2 * 14)
		fit := max(1, int((s.limit-s.y)/14))
		rows := min(fit, (len(shown)+columns-1)/columns)
		page := shown[:min(len(shown), rows*columns)]
		for i, raw := range page {
			l := s.name(raw)
			x := left + float64(i/rows)*(width+gutter)
			cut := s.face(cellText).Shorten(l.shown, cellText.size, width-10)
			if cut != l.shown {
				s.shortened = true
				if l.actual == "" {
					l.actual = l.shown
				}
			}
			y := s.y + float64(i%rows)*14
			s.fill(x, y+4, 3, 3, chart.Axis)
			s.tag(named.Child("LI").Child("LBody"), func() {
				s.spoken(l.actual, func() { s.put(cut, x+8, y+9, cellText) })
			})
		}
		s.y += float64(rows)*14 + 2
		shown = shown[len(page):]
	}
	if rest := len(list) - listNames; rest > 0 {
		s.paragraph(s.w.Format.MoreEndpoints.Say(words.Values{Count: s.w.Number(int64(rest))}), bodyText)
	}
	s.y += 6
}

// closing sets the threat database where no list has introduced it, what the signs mean, and the
// support desk.
func (s *sheet) closing(threats bool) {
	if threats && !s.linked {
		s.database()
	}
	if s.shortened {
		s.paragraph(s.m.own.Shortened, smallText)
	}
	if s.replaced > 0 {
		s.paragraph(s.m.own.Replaced, smallText)
	}
	lines := []string{s.clean(s.w.Desk)}
	if s.m.opts.SupportPhone != "" {
		lines = append(lines, s.w.Mail.Phone+"  "+s.clean(s.m.opts.SupportPhone))
	}
	if s.m.opts.SupportHours != "" {
		hours, last := s.w.Mail.Hours+"  "+s.clean(s.m.opts.SupportHours), len(lines)-1
		if both := lines[last] + "    " + hours; last > 0 && s.width(both, bodyText) <= measure-28 {
			lines[last] = both
		} else {
			lines = append(lines, hours)
		}
	}
	s.y += 8
	h := float64(len(lines))*leading + 28
	s.need(h)
	s.fill(left, s.y, measure, h, chart.Shade)
	s.say("P", func() { s.put(s.m.own.Contact, left+14, s.y+16, style{9.5, true, accent}) })
	y := s.y + 17
	for _, line := range lines {
		y += leading
		s.say("P", func() { s.put(s.face(bodyText).Shorten(line, bodyText.size, measure-28), left+14, y, bodyText) })
	}
	s.y += h
}

// database sets the sentence on the vendor's threat database, with its address.
func (s *sheet) database() {
	s.linked = true
	lines := s.wrap(s.w.Database.About, measure, bodyText)
	s.need(float64(len(lines))*leading + 48)
	s.y += 4
	s.say("P", func() { s.put(s.w.Database.Heading, left, s.y+11, style{9.5, true, accent}) })
	s.y += 17
	s.say("P", func() {
		for _, line := range lines {
			s.put(line, left, s.y+11, bodyText)
			s.y += leading
		}
	})
	address := s.clean(s.m.database())
	st := bodyText.in(chart.Bar)
	link := s.sect.Child("P").Child("Link")
	s.tag(link, func() { s.put(s.face(st).Shorten(address, st.size, measure), left, s.y+11, st) })
	s.page.LinkOut(link, left, s.y, min(measure, s.width(address, st)), 14, address, s.m.database())
	s.y += leading + 8
}

// askedInFull is how many asks are set with what to do about them. The other endpoints follow in a line
// each: what was found there, which tells what to do by the first ones.
const askedInFull = words.NamesShown

// requests sets ご確認いただきたい事項, before the numbered parts: every endpoint that is asked about.
func (s *sheet) requests() {
	if len(s.asks) == 0 {
		return
	}
	title := style{13, true, judgementColors[s.r.Judgement]}
	s.say("H2", func() { s.put(s.w.State.Asks, left, s.y+12, title) })
	s.y += 24
	for _, ask := range s.asks[:min(len(s.asks), askedInFull)] {
		s.request(ask, title.color)
	}
	if len(s.asks) > askedInFull {
		s.paragraph(s.w.State.MoreAsksPDF, bodyText)
		for _, ask := range s.asks[askedInFull:] {
			s.paragraph(s.clean(ask.line(s.w.Format.Join)), bodyText)
		}
		if rest := s.r.Funnel.Asks - len(s.asks); rest > 0 {
			s.paragraph(s.w.Format.MoreEndpoints.Say(words.Values{Count: s.w.Number(int64(rest))}), bodyText)
		}
	}
	s.y += 8
}

// line is an ask in short: the endpoint and what was found there.
func (a *Ask) line(join string) string {
	found := make([]string, 0, len(a.Marks))
	for _, m := range a.Marks {
		found = append(found, m.What)
	}
	if a.Title == "" {
		return strings.Join(found, join)
	}
	return a.Title + ": " + strings.Join(found, join)
}

// request sets one ask in full.
func (s *sheet) request(ask Ask, color chart.Color) {
	type block struct {
		lines []string
		bold  bool
	}
	var blocks []block
	if ask.Title != "" {
		blocks = append(blocks, block{s.wrap(s.clean(ask.Title), measure-16, bodyText.strong()), true})
	}
	for _, m := range ask.Marks {
		blocks = append(blocks,
			block{s.wrap(s.clean(m.What), measure-16, bodyText.strong()), ask.Title == ""}, block{s.wrap(s.clean(m.Do), measure-16, bodyText), false})
	}
	h := 5.0
	for _, b := range blocks {
		h += float64(len(b.lines)) * leading
	}
	s.need(h)
	s.fill(left, s.y+1, 3, h-7, color)
	for _, b := range blocks {
		st := bodyText
		st.bold = b.bold
		s.say("P", func() {
			for _, line := range b.lines {
				s.put(line, left+12, s.y+10.5, st)
				s.y += leading
			}
		})
	}
	s.y += 5
}
