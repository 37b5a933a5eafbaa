package pdf

import (
	"fmt"

	"geppo/render/edition"
	"geppo/render/words"
)

// How many items of what is asked the first page takes at the most, and how many even where what the threats are then
// moves to the next; the appendix has the rest.
const (
	mostAsks  = 7
	leastAsks = 3
)

// afterAsks is the room for the lines that say where the rest is, and whom to call.
const afterAsks = 30.0

// asks sets what the reader is asked. What the first page has no room for follows in the appendix. threats is the height of
// what would stand on that page, too.
func (s *sheet) asks(f edition.Front, threats float64) {
	s.subheading(f.Asks.Heading)
	if len(f.Asks.Items) == 0 {
		s.set(s.take(s.paragraph(f.Asks.None, measure, bodyText)))
		return
	}
	for i, ask := range f.Asks.Items {
		noted := len(s.noted)
		b := s.ask(ask)
		room := s.limit - s.summaryHeight(f.Summary) - afterAsks
		if i >= leastAsks {
			room -= threats
		}
		if i > 0 && (i == mostAsks || s.y+b.h+notesHeight(b.notes) > room) {
			s.forget(noted)
			s.later = f.Asks.Items[i:]
			s.set(s.paragraph(s.e.Words.MoreAsksPDF.Say(words.Values{Count: fmt.Sprint(len(s.later))}), measure, smallText))
			break
		}
		s.set(s.take([]box{b}))
	}
	if f.Asks.Contact != "" {
		s.set(s.paragraph(f.Asks.Contact, measure, smallText))
	}
}

// said are the lines of a paragraph behind its sign.
type said struct {
	sign  string
	lines []string
	style style
}

// ask lays out one item: which machines, what about them, what to do.
func (s *sheet) ask(a edition.Ask) box {
	const step, inset = 13.2, 14.0
	var list []said
	var notes []note
	count := 0
	add := func(sign, text string, notesOf []note, st style) {
		lines := s.wrap(text, measure-2*inset-s.width(sign, st), st)
		list, notes, count = append(list, said{sign, lines, st}), append(notes, notesOf...), count+len(lines)
	}
	sign := a.Sign + " "
	if head := s.joinNames(a.Endpoints); head != "" {
		add(sign, s.clean(head+a.Several), nil, bodyText.strong()) // names explain no term
		sign = ""
	}
	for _, text := range a.Marks {
		if sign == "" && len(a.Marks) > 1 {
			sign = s.e.Words.Mark
		}
		marked, called := s.mark(s.clean(text))
		add(sign, marked, called, bodyText)
		sign = ""
	}
	for _, text := range a.Steps {
		marked, called := s.mark(s.clean(text))
		add(s.e.Words.Action, marked, called, bodyText)
	}
	ground, edge := tint(a.Tone)
	h := float64(count)*step + 8
	return box{h: h + 5, notes: notes, draw: func(x, y float64) {
		s.fill(x, y, measure, h, ground)
		s.fill(x, y, 5, h, edge)
		y += 13.5
		for _, p := range list {
			s.say("P", func() {
				s.put(p.sign, x+inset, y, p.style)
				for _, line := range p.lines {
					s.putMarked(line, x+inset+s.width(p.sign, p.style), y, p.style)
					y += step
				}
			})
		}
	}}
}

// appendix sets the asks that the first page had no room for.
func (s *sheet) appendix() {
	if len(s.later) == 0 {
		return
	}
	s.waiting = append(s.waiting, s.partHeading("", s.e.Closing.Appendix, measure))
	for _, ask := range s.later {
		s.set(s.take([]box{s.ask(ask)}))
	}
}
