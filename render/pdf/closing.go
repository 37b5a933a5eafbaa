package pdf

import (
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
)

// closing sets what the signs mean, and the support desk.
func (s *sheet) closing() {
	c := s.e.Closing
	if s.shortened {
		s.set(s.paragraph(c.Shortened, measure, smallText))
	}
	if s.replaced > 0 {
		s.set(s.paragraph(c.Spelled, measure, smallText))
	}
	var facts []string
	for _, text := range []string{c.Company, c.Desk} {
		if text != "" {
			facts = append(facts, text)
		}
	}
	for _, fact := range []edition.Fact{c.Phone, c.Hours} {
		if fact.Value != "" {
			facts = append(facts, fact.Label+" "+fact.Value)
		}
	}
	head := style{9.5, true, s.accent}
	room := s.width(c.Heading, head) + 28
	lines := s.wrap(s.clean(strings.Join(facts, s.e.Words.Between)), measure-room-12, bodyText)
	h := float64(len(lines))*leading + 10
	s.set([]box{{h: h, gap: 10, draw: func(x, y float64) {
		s.fill(x, y, measure, h, chart.Shade)
		s.say("P", func() { s.put(c.Heading, x+12, y+15.5, head) })
		s.say("P", func() {
			for i, line := range lines {
				s.put(line, x+room, y+15.5+float64(i)*leading, bodyText)
			}
		})
	}}})
}
