package pdf

import (
	"slices"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/pdf/file"
)

// part sets a numbered part.
func (s *sheet) part(p edition.Part) {
	s.beginPart(p.No, p.Heading)
	if p.Quiet {
		s.quiet(p)
		return
	}
	var lead []box
	if p.About != "" {
		lead = s.paragraph(p.About, measure, bodyText)
	}
	for i := range lead {
		lead[i].keep = true
	}
	s.waiting = append(s.waiting, lead...)
	sections := p.Sections
	for len(sections) > 0 {
		if isTotal(sections[0]) { // never parted from what follows
			for _, b := range s.section(sections[0], measure) {
				b.keep = true
				s.waiting = append(s.waiting, b)
			}
			sections = sections[1:]
			continue
		}
		if len(sections) > 1 && sections[0].Half && sections[1].Half && s.beside(sections[0], sections[1]) {
			sections = sections[2:]
			continue
		}
		s.set(s.take(s.section(sections[0], measure)))
		sections = sections[1:]
	}
}

// beginPart holds the heading of a part for what it introduces.
func (s *sheet) beginPart(no, title string) {
	s.waiting = append(s.waiting, box{h: 44, keep: true, draw: func(x, y float64) {
		s.sect = s.doc.Root().Child("Sect")
		if y > top {
			y += 12
		}
		s.enter(0, no, title, y)
		st := style{14, true, s.accent}
		s.fill(x, y, 4, 19, s.accent)
		s.say("H2", func() {
			if no != "" {
				s.put(no+" ", x+12, y+14.5, st)
				x += s.width(no, st) + 9
			}
			s.put(title, x+12, y+14.5, st)
		})
		s.rule(left, right, y+24, chart.Grid, 0.8)
	}})
}

// take puts what waits before boxes.
func (s *sheet) take(boxes []box) []box {
	boxes = append(s.waiting, boxes...)
	s.waiting = nil
	return boxes
}

// isTotal tells a section that is one number.
func isTotal(sec edition.Section) bool {
	if len(sec.Blocks) != 1 {
		return false
	}
	_, ok := sec.Blocks[0].(edition.Figure)
	return ok
}

// beside sets two sections side by side. Where they have no room so and the page would be left too empty, it
// tells so, and nothing was drawn.
func (s *sheet) beside(a, b edition.Section) bool {
	noted := len(s.noted)
	p := pair{s.section(a, half), s.section(b, half)}
	whole := append(slices.Clone(s.waiting), box{h: p.height(), notes: p.notes()})
	if s.y > top && !s.fits(whole) || height(whole) > bottom-top-60 {
		if s.y < top+(bottom-top)*fullEnough || height(whole) > bottom-top-60 {
			s.forget(noted)
			return false
		}
		s.newPage()
	}
	for _, b := range s.take(nil) {
		s.place(b)
	}
	s.setPair(p)
	return true
}

// forget takes back the footnotes beyond the first n: what called for them is laid out anew.
func (s *sheet) forget(n int) {
	for term, number := range s.noted {
		if number > n {
			delete(s.noted, term)
		}
	}
}

// section lays out a section at a width.
func (s *sheet) section(sec edition.Section, width float64) []box {
	boxes := s.heading(sec.No, sec.Heading, width)
	if sec.Lead != "" {
		boxes = append(boxes, s.paragraph(sec.Lead, width, smallText)...)
		boxes[len(boxes)-1].keep = true
	}
	for i, b := range sec.Blocks {
		more := s.block(b, width)
		// A box of points stays with what it is about, and a total with what follows.
		if i > 0 && len(more) > 0 {
			if _, about := b.(edition.Points); about {
				boxes[len(boxes)-1].keep = true
			}
		}
		boxes = append(boxes, more...)
	}
	return boxes
}

// heading lays out a heading of the second level, which stays with what follows.
func (s *sheet) heading(no, title string, width float64) []box {
	st := style{10.5, true, chart.Ink}
	indent := 0.0
	if no != "" {
		indent = s.width(no, st) + 8
		no += " "
	}
	lines := s.wrap(title, width-indent, st)
	return []box{{h: float64(len(lines))*14 + 9, keep: true, draw: func(x, y float64) {
		s.enter(1, strings.TrimRight(no, " "), title, y)
		y += 4
		s.say("H3", func() {
			s.put(no, x, y+11, st.in(s.accent))
			for _, line := range lines {
				s.put(line, x+indent, y+11, st)
				y += 14
			}
		})
	}}}
}

// enter notes a heading for the bookmarks.
func (s *sheet) enter(level int, no, title string, y float64) {
	if no != "" {
		title = no + " " + title
	}
	s.doc.Bookmark(level, title, file.Place{Page: s.page, Y: y - 6})
}

// quiet sets a part in which nothing was found: each section is one line of a list.
func (s *sheet) quiet(p edition.Part) {
	var boxes []box
	if p.About != "" {
		boxes = s.paragraph(p.About, measure, smallText)
	}
	for _, sec := range p.Sections {
		boxes = append(boxes, s.quietSection(sec))
	}
	for i := range boxes[:len(boxes)-1] {
		boxes[i].keep = true
	}
	s.set(s.take(boxes))
	s.y += 4
}

func (s *sheet) quietSection(sec edition.Section) box {
	const row, aside = 13.5, measure * 0.52
	found := style{8.5, false, chart.Muted}
	lines := s.wrap(plain(sec.Blocks), measure-aside, found)
	return box{h: float64(max(1, len(lines))) * row, draw: func(x, y float64) {
		s.enter(1, sec.No, sec.Heading, y)
		st := style{9, true, chart.Ink}
		s.say("H3", func() {
			s.put(sec.No+" ", x, y+10, st.in(s.accent))
			s.put(sec.Heading, x+30, y+10, st)
		})
		s.say("P", func() {
			for i, line := range lines {
				s.put(line, x+aside, y+10+float64(i)*row, found)
			}
		})
	}}
}

// plain is what the blocks of a quiet section say, on one line.
func plain(blocks []edition.Block) (text string) {
	for _, b := range blocks {
		switch b := b.(type) {
		case edition.Text:
			text += b.Text + " "
		case edition.Figure:
			text += b.Value + " " + b.Compare
		case edition.Shares:
			for _, r := range b.Rows {
				text += r.Label + " " + r.Count + "  "
			}
		}
	}
	return text
}
