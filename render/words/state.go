package words

import (
	"strings"

	"geppo/aggregate"
)

// Sentences says in a few sentences what the month was like, and never more than is known: what is missing, what
// was detected and what became of it, what matters most of it or how it compares, what is known of the
// protection.
func (w *Words) Sentences(r aggregate.Report) []string {
	say := w.State
	month := Values{Month: w.ShortMonth(r.Period), Count: w.Number(r.Funnel.Detected), Handled: w.Number(r.Funnel.Handled)}
	var lines []string
	for _, m := range r.Missing {
		lines = append(lines, say.Missing[m].Say(Values{Desk: w.Desk}))
	}
	switch known := r.Overview.Inventory || r.Protection.Installed > 0 || len(r.Outside) > 0; {
	case r.Funnel.Detected > 0 && r.Funnel.Handled == r.Funnel.Detected:
		lines = append(lines, say.DetectedAll.Say(month))
	case r.Funnel.Detected > 0:
		lines = append(lines, say.Detected.Say(month))
	case r.Funnel.Restricted > 0:
		month.Count = w.Number(r.Funnel.Restricted)
		lines = append(lines, say.Restricted.Say(month))
	case known && r.Judgement != aggregate.Undetermined:
		lines = append(lines, say.Zero.Say(month))
	}
	if most := w.gravest(r); most != "" {
		lines = append(lines, most)
	} else if changes := w.Changes(r.Points, r.Period); changes != "" {
		lines = append(lines, changes)
	}
	return append(lines, w.protection(r))
}

// gravest is the sentence of the month that matters most, "" if there is none.
func (w *Words) gravest(r aggregate.Report) string {
	for _, kind := range []aggregate.PointKind{
		aggregate.PointToConfirm, aggregate.PointRestart, aggregate.PointRansomware, aggregate.PointNotHandled, aggregate.PointOpenEvents, aggregate.PointHoliday,
	} {
		for _, p := range r.Points {
			if p.Kind == kind {
				return w.Point(p, r.Period)
			}
		}
	}
	return ""
}

// protection tells in numbers what is known of it.
func (w *Words) protection(r aggregate.Report) string {
	switch {
	case !r.Overview.Inventory:
		return w.State.NoInventory
	case r.Protection.Installed == 0:
		return w.State.NoEndpoints
	}
	return w.State.Protection.Say(Values{Count: w.Number(int64(r.Protection.Installed)), Confirmed: w.Number(int64(r.Protection.Confirmed))})
}

// Marked is one thing that an ask is about: what was found, and what to do about it.
type Marked struct{ What, Do string }

// Marked words the marks of an ask.
func (w *Words) Marked(a aggregate.Ask, r aggregate.Report) (list []Marked) {
	for _, m := range a.Marks {
		v := Values{
			Feature: w.Features[m.Feature].Heading, Threats: w.Threats(m.Names), Count: w.Number(m.Count), Days: w.Span(m.From, m.To),
			Names: w.Name(m.OS, nameWidth), Desk: w.Desk,
		}
		if len(m.Features) > 0 {
			var features []string
			for _, f := range m.Features {
				features = append(features, w.Features[f].Heading)
			}
			v.Feature = strings.Join(features, w.Format.Join)
		}
		if r.Overview.UsagePercent != nil {
			v.Percent = w.Percent(*r.Overview.UsagePercent)
		}
		phrase := w.Asks[m.Kind]
		list = append(list, Marked{phrase.Title.Say(v), phrase.Do.Say(v)})
	}
	return list
}
