package pdf

import (
	"slices"

	"geppo/render/chart"
	"geppo/render/edition"
)

// What has nothing to show takes little room: each of its sections is one line of a list, its heading at the
// left, and at the right what there is to say.

// quietRun is how many of the first sections are such lines: all of a quiet part, else those that say nothing but that
// nothing was found.
func quietRun(p edition.Part, list []edition.Section) (n int) {
	for n < len(list) && (p.Quiet || isQuiet(list[n])) {
		n++
	}
	return n
}

func isQuietPart(p edition.Part) bool { return quietRun(p, p.Sections) == len(p.Sections) }

func isQuiet(sec edition.Section) bool {
	for _, b := range sec.Blocks {
		if t, ok := b.(edition.Text); !ok || !t.Muted {
			return false
		}
	}
	return len(sec.Blocks) > 0
}

// quietParts sets two quiet parts side by side.
func (s *sheet) quietParts(a, b edition.Part) {
	column := func(p edition.Part) []box { return append(s.partHead(p, half), s.quietList(p.Sections, half)...) }
	p := pair{left: column(a), right: column(b)}
	if s.y > top && !s.fits([]box{{h: p.height(), notes: p.notes()}}) {
		s.newPage()
	}
	s.setPair(p)
}

// quietList lays out quiet sections, which stay together.
func (s *sheet) quietList(list []edition.Section, width float64) []box {
	boxes := make([]box, 0, len(list))
	for _, sec := range list {
		boxes = append(boxes, s.quietSection(sec, width))
	}
	for i := range boxes[:len(boxes)-1] {
		boxes[i].keep = true
	}
	boxes[len(boxes)-1].h += 4
	return boxes
}

// quietSection is one such line. Where the column is too narrow, what there is to say goes on below the heading.
func (s *sheet) quietSection(sec edition.Section, width float64) box {
	const row, indent = 13.0, 26.0
	aside := width * 0.6
	if width <= half {
		aside = width * 0.68
	}
	found, st := style{8, false, chart.Muted}, style{8.5, true, chart.Ink}
	marked, notes := s.mark(sec.Heading)
	heading := s.wrap(marked, aside-indent-4, st)
	lines, first := s.inline(sec.Blocks, width-aside, found), 0
	if len(lines) > len(heading) {
		aside, first = indent, len(heading)
		lines = s.inline(sec.Blocks, width-aside, found)
	}
	return box{h: float64(max(len(heading), first+len(lines))) * row, notes: notes, draw: func(x, y float64) {
		s.enter(1, sec.No, sec.Heading, y)
		s.say("H3", func() {
			s.put(sec.No+" ", x, y+10, st.in(s.accent))
			for i, line := range heading {
				s.putMarked(line, x+indent, y+10+float64(i)*row, st)
			}
		})
		s.say("P", func() {
			for i, line := range lines {
				s.put(line, x+aside, y+10+float64(first+i)*row, found)
			}
		})
	}}
}

// inline sets what the blocks of a quiet section say in lines that end between the pieces.
func (s *sheet) inline(blocks []edition.Block, width float64, st style) (lines []string) {
	for _, piece := range pieces(blocks) {
		piece = s.clean(piece)
		if last := len(lines) - 1; last >= 0 && s.width(lines[last]+"  "+piece, st) <= width {
			lines[last] += "  " + piece
			continue
		}
		lines = append(lines, s.wrap(piece, width, st)...)
	}
	return lines
}

func pieces(blocks []edition.Block) (list []string) {
	for _, b := range blocks {
		switch b := b.(type) {
		case edition.Text:
			list = append(list, b.Text)
		case edition.Figure:
			list = append(list, b.Value, b.Compare)
		case edition.Shares:
			for _, r := range b.Rows {
				list = append(list, r.Label+" "+r.Count)
			}
		}
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
