package words

import (
	"strings"

	"geppo/aggregate"
)

// Sentences says in a few sentences what the month was like, and never more than is known: what was
// detected and what became of it, how it compares, what is known of the protection, what is missing.
func (w *Words) Sentences(r aggregate.Report) []string {
	say := w.State
	month := Values{Month: w.ShortMonth(r.Period)}
	total := r.Funnel.Detected + r.Funnel.Restricted
	var lines []string
	for _, m := range r.Missing {
		lines = append(lines, say.Missing[m].Say(Values{Desk: w.Desk}))
	}
	switch known := r.Overview.Inventory || r.Protection.Installed > 0 || len(r.Outside) > 0; {
	case total > 0:
		month.Count = w.Number(total)
		lines = append(lines, say.Detected.Say(month))
	case known && r.Judgement != aggregate.Undetermined:
		lines = append(lines, say.Zero.Say(month))
	}
	lines = append(lines, w.funnel(r)...)
	if changes := w.Changes(r.Points, r.Period); changes != "" {
		lines = append(lines, changes)
	}
	lines = append(lines, w.protection(r))
	if len(r.Gaps) > 0 {
		lines = append(lines, say.Gaps.Say(Values{Days: w.Ranges(r.Gaps)}))
	}
	return lines
}

// funnel tells what became of the detections, and of what the URL filter kept back apart from them.
func (w *Words) funnel(r aggregate.Report) (lines []string) {
	f := r.Funnel
	if f.Detected > 0 {
		lines = append(lines, w.State.Funnel.Say(Values{
			Count: w.Number(f.Detected), Handled: w.Number(f.Handled), To: w.Number(f.Desk), Asks: w.Number(int64(f.Asks)), Desk: w.Desk,
		}))
	}
	if f.Detected > 0 && f.Restricted > 0 {
		lines = append(lines, w.State.Restricted.Say(Values{Count: w.Number(f.Restricted)}))
	}
	for _, f := range r.Antivirus {
		for _, result := range f.Results {
			if result.Result == "passed" && result.Count > 0 {
				lines = append(lines, w.State.NotHandled.Say(Values{Count: w.Number(result.Count)}))
			}
		}
	}
	return lines
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
