package pdf

import (
	"slices"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/pdf/file"
)

// parts sets the numbered parts. Two in which nothing was found stand side by side.
func (s *sheet) parts(list []edition.Part) {
	for len(list) > 0 {
		if len(list) > 1 && isQuietPart(list[0]) && isQuietPart(list[1]) {
			s.quietParts(list[0], list[1])
			list = list[2:]
			continue
		}
		s.part(list[0])
		list = list[1:]
	}
}

// part sets one.
func (s *sheet) part(p edition.Part) {
	s.waiting = append(s.waiting, s.partHead(p, measure)...)
	for sections := p.Sections; len(sections) > 0; {
		sections = sections[s.next(p, sections):]
	}
}

// next sets the first of some sections, or as many as go together, and tells how many.
func (s *sheet) next(p edition.Part, list []edition.Section) int {
	if n := quietRun(p, list); n > 0 {
		s.set(s.take(s.quietList(list[:n], measure)))
		return n
	}
	if isTotal(list[0]) {
		s.waiting = append(s.waiting, s.total(list[0])) // never parted from what follows
		return 1
	}
	if len(list) > 1 && list[0].Half && list[1].Half {
		if n := s.beside(list); n > 0 {
			return n
		}
	}
	s.set(s.take(s.section(list[0], measure)))
	return 1
}

// partHead is the heading of a part with what it is about, which stay with what follows.
func (s *sheet) partHead(p edition.Part, width float64) []box {
	boxes := []box{s.partHeading(p.No, p.Heading, width)}
	if p.About != "" {
		boxes = append(boxes, s.paragraph(p.About, width, smallText)...)
	}
	for i := range boxes {
		boxes[i].keep = true
	}
	return boxes
}

func (s *sheet) partHeading(no, title string, width float64) box {
	return box{h: 30, gap: s.white.part, keep: true, draw: func(x, y float64) {
		s.sect = s.doc.Root().Child("Sect")
		s.enter(0, no, title, y)
		st := style{14, true, s.accent}
		s.fill(x, y, 4, 19, s.accent)
		s.rule(x, x+width, y+24, chart.Grid, 0.8)
		s.say("H2", func() {
			if no != "" {
				s.put(no+" ", x+12, y+14.5, st)
				x += s.width(no, st) + 9
			}
			s.put(title, x+12, y+14.5, st)
		})
	}}
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

// total lays out such a section on one line.
func (s *sheet) total(sec edition.Section) box {
	f, _ := sec.Blocks[0].(edition.Figure)
	return box{h: 26, gap: 2, keep: true, draw: func(x, y float64) {
		s.enter(1, sec.No, sec.Heading, y)
		st, big := style{10.5, true, chart.Ink}, style{17, true, s.accent}
		s.say("H3", func() {
			s.put(sec.No+" ", x, y+16, st.in(s.accent))
			s.put(sec.Heading, x+s.width(sec.No, st)+8, y+16, st)
		})
		x += s.width(sec.No+sec.Heading, st) + 28
		s.say("P", func() {
			s.put(f.Value, x, y+17, big)
			if f.Compare != "" {
				s.put(" "+f.Compare, x+s.width(f.Value, big)+12, y+16, style{9.5, false, chart.Muted})
			}
		})
	}}
}

// beside sets two sections side by side, and a third below the first if it has room beside the second. It tells how many
// it has set: none, and nothing was drawn, where they have no room so and the page would be left too empty.
func (s *sheet) beside(list []edition.Section) int {
	noted := len(s.noted)
	p := pair{left: s.section(list[0], half), right: s.section(list[1], half)}
	n := 2
	if len(list) > 2 && quietRun(edition.Part{}, list[2:]) == 0 {
		noted := len(s.noted)
		if below := s.section(list[2], half); height(p.left)+height(below) <= height(p.right)+overhang {
			p.below, n = below, 3
		} else {
			s.forget(noted)
		}
	}
	whole := append(slices.Clone(s.waiting), box{h: p.height(), notes: p.notes()})
	if s.y > top && !s.fits(whole) || height(whole) > bottom-top-60 {
		if s.y < top+(s.limit-top)*fullEnough || height(whole) > bottom-top-60 {
			s.forget(noted)
			return 0
		}
		s.newPage()
	}
	for _, b := range s.take(nil) {
		s.place(b)
	}
	s.setPair(p)
	return n
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
		// A box of points stays with what it is about, and a figure with what tells of it.
		if len(more) > 0 && i > 0 {
			_, about := b.(edition.Points)
			_, figure := sec.Blocks[i-1].(edition.Figure)
			boxes[len(boxes)-1].keep = boxes[len(boxes)-1].keep || about || figure
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
	return []box{{h: float64(len(lines))*14 + 5, gap: s.white.section, keep: true, draw: func(x, y float64) {
		s.enter(1, strings.TrimRight(no, " "), title, y)
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
