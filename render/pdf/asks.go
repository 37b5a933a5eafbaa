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
	sign   string
	lines  []string
	actual string // as in a label
	style  style
}

// mostOfName is how many half-width columns of a machine's name an item prints.
const mostOfName = 120

// machines are the names of an item's.
func (s *sheet) machines(a edition.Ask) label {
	var shown []edition.Name
	cut := false
	for _, n := range a.Endpoints {
		short := words.Cut(n.Text, mostOfName)
		shown, cut = append(shown, edition.Name{Text: short}), cut || short != n.Text
	}
	l := s.name(s.joinNames(shown) + a.Several)
	if cut {
		s.shortened = true
		l.actual = visible(s.joinNames(a.Endpoints) + a.Several)
	}
	return l
}

// ask lays out one item: which machines, what about them, what to do.
func (s *sheet) ask(a edition.Ask) box {
	const step, inset = 13.2, 14.0
	var list []said
	var notes []note
	count := 0
	add := func(sign string, text label, st style) {
		lines := s.wrap(text.shown, measure-2*inset-s.width(sign, st), st)
		list, count = append(list, said{sign, lines, text.actual, st}), count+len(lines)
	}
	explained := func(sign, text string) { // names explain no term
		marked, called := s.mark(s.clean(text))
		add(sign, label{shown: marked}, bodyText)
		notes = append(notes, called...)
	}
	sign := a.Sign + " "
	if len(a.Endpoints) > 0 {
		add(sign, s.machines(a), bodyText.strong())
		sign = ""
	}
	for _, text := range a.Marks {
		if sign == "" && len(a.Marks) > 1 {
			sign = s.e.Words.Mark
		}
		explained(sign, text)
		sign = ""
	}
	for _, text := range a.Steps {
		explained(s.e.Words.Action, text)
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
				s.spoken(p.actual, func() {
					for _, line := range p.lines {
						s.putMarked(line, x+inset+s.width(p.sign, p.style), y, p.style)
						y += step
					}
				})
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
