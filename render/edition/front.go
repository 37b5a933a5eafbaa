package edition

import (
	"strings"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
)

// tones are the judgements' colours.
var tones = map[aggregate.Judgement]Tone{
	aggregate.ActionRequired: Alarm, aggregate.Attention: Warn, aggregate.Undetermined: Plain, aggregate.Good: Calm,
}

// front words the first page.
func (u *build) front() Front {
	w, r := u.w, u.r
	j := w.Judgements[r.Judgement]
	f := Front{
		Key: string(r.Judgement), Mark: j.Mark, Word: j.Word, Lead: j.Lead, Tone: tones[r.Judgement],
		Heading:   w.Edition.Review.Say(words.Values{Month: w.ShortMonth(r.Period)}),
		Sentences: u.closed(w.Sentences(r)), Asks: u.asks(), Summary: u.summary(), Threats: u.threats(),
	}
	if r.Funnel.Asks > 0 {
		f.Lead = j.Asked.Say(words.Values{Count: w.Number(int64(r.Funnel.Asks))})
	}
	if r.Judgement != aggregate.Undetermined || r.Funnel.Detected > 0 {
		f.Funnel = u.funnel()
	}
	if r.Funnel.Restricted > 0 {
		f.Restricted = &Stage{Label: w.Edition.Restricted, Value: w.Detections(r.Funnel.Restricted)}
	}
	if r.Revision > 1 {
		f.Remarks = append(f.Remarks, w.State.Revision.Say(words.Values{Count: w.Number(int64(r.Revision))}))
	}
	if len(r.Gaps) > 0 {
		f.Remarks = append(f.Remarks, w.State.Gaps.Say(words.Values{Days: w.Ranges(r.Gaps)}))
	}
	return f
}

// closed ends each sentence.
func (u *build) closed(sentences []string) []string {
	out := make([]string, 0, len(sentences))
	for _, s := range sentences {
		out = append(out, u.w.Format.Sentence.Say(words.Values{Names: strings.TrimRight(s, "。. ")}))
	}
	return out
}

// funnel is what became of the detections, in four numbers.
func (u *build) funnel() []Stage {
	f, x := u.r.Funnel, u.w.Edition
	stages := []Stage{
		{Label: x.Detected, Value: u.w.Number(f.Detected)},
		{Label: x.Handled, Value: u.w.Number(f.Handled)},
		{Label: x.AtDesk, Value: u.w.Number(f.Desk)},
		{Label: x.Asked, Value: u.w.Number(int64(f.Asks))},
	}
	if f.Desk > 0 {
		stages[2].Tone = Alarm
	}
	if f.Asks > 0 {
		stages[3].Tone = Warn
	}
	return stages
}

// asks are the items of what the reader is asked. Machines of which the same is asked share one.
func (u *build) asks() Asks {
	w := u.w
	a := Asks{Heading: w.State.Asks, None: w.State.NoAsks}
	same := map[string]int{}
	for _, ask := range u.r.Asks {
		item := Ask{Tone: Warn, Sign: w.Judgements[aggregate.Attention].Mark}
		if ask.Grave {
			item.Tone, item.Sign = Alarm, w.Judgements[aggregate.ActionRequired].Mark
		}
		key := ""
		for _, m := range w.Marked(ask, u.r) {
			item.Marks = append(item.Marks, m.What)
			if !contains(item.Steps, m.Do) {
				item.Steps = append(item.Steps, m.Do)
			}
			key += m.What + "\x00"
		}
		if i, ok := same[key]; ok && ask.Endpoint != "" {
			a.Items[i].Endpoints = append(a.Items[i].Endpoints, u.name(ask.Endpoint))
			continue
		}
		if !ofContract(ask) {
			item.Endpoints = []Name{u.name(ask.Endpoint)}
			same[key] = len(a.Items)
		}
		a.Items = append(a.Items, item)
	}
	for i, item := range a.Items {
		if n := len(item.Endpoints); n > 1 {
			a.Items[i].Several = w.Edition.Several.Say(words.Values{Count: w.Number(int64(n))})
		}
	}
	if len(a.Items) > 0 && u.b.Phone != "" {
		a.Contact = w.State.AsksContact.Say(words.Values{Desk: w.Desk, Names: u.b.Phone})
	}
	return a
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// ofContract tells what is asked of the contract as a whole from what is asked of an endpoint without a name.
func ofContract(a aggregate.Ask) bool {
	return len(a.Marks) == 1 && (a.Marks[0].Kind == aggregate.MarkOver || a.Marks[0].Kind == aggregate.MarkNoEndpoints)
}

// sparkMonths is how many months the line in the table of features shows.
const sparkMonths = 6

// summary is the table of features.
func (u *build) summary() Summary {
	w, r := u.w, u.r
	s := Summary{Heading: w.Edition.Summary, Points: u.changes(), Heads: []string{
		w.Overview.Feature, w.ShortMonth(r.Period), w.MonthBefore(r.Period), w.Overview.Change, u.months(),
	}}
	known := false
	for _, line := range r.Overview.Summary {
		row := SummaryRow{
			Label: w.Features[line.Feature].Heading, Current: w.Detections(line.Current), Previous: w.Overview.NoRate,
			Change: w.Change(line, r.Period), Found: line.Current > 0, Months: u.history(line.Feature),
		}
		if line.Previous != nil {
			row.Previous, known = w.Detections(*line.Previous), true
		} else {
			row.Change = ""
		}
		if line.Feature == store.URLFiltering && !r.Overview.URLFiltering {
			row = SummaryRow{Label: row.Label, Off: w.Overview.NotConfigured}
		}
		if row.Alt = u.monthsAlt(row.Months); row.Alt != "" {
			row.ID = string(line.Feature) + "-months"
		}
		s.Rows = append(s.Rows, row)
	}
	if !known {
		s.Remark = w.Overview.NoLastMonth.Say(words.Values{Month: w.ShortMonth(r.Period.Previous())})
	}
	if r.Late > 0 {
		s.Remark += w.State.Late.Say(words.Values{Month: w.ShortMonth(r.Period.Previous()), Count: w.Number(r.Late)})
	}
	return s
}

// first is the month at which the lines of months begin: the oldest that is known of the last six.
func (u *build) first() store.Period {
	first := u.r.Period
	for range sparkMonths - 1 {
		first = first.Previous()
	}
	for _, h := range u.r.History {
		if h.Period.Compare(first) >= 0 {
			return h.Period
		}
	}
	return u.r.Period
}

// months names the months of the lines: 「5月～10月」.
func (u *build) months() string {
	if first := u.first(); first != u.r.Period {
		return u.w.Format.Span.Say(words.Values{From: u.w.ShortMonth(first), To: u.w.ShortMonth(u.r.Period)})
	}
	return ""
}

// history is a feature's line of months, -1 where one is not known.
func (u *build) history(f store.Feature) (list []int64) {
	for p := u.first(); p.Compare(u.r.Period) <= 0; p = p.Next() {
		v := int64(-1)
		for _, h := range u.r.History {
			if h.Period == p {
				v = h.Of(f)
			}
		}
		list = append(list, v)
	}
	return list
}

// monthsAlt tells a line of months in words; "" if there is nothing to see in it.
func (u *build) monthsAlt(months []int64) string {
	var said []string
	some := false
	p := u.first()
	for _, n := range months {
		if n >= 0 {
			said = append(said, u.w.Format.Aside.Say(words.Values{From: u.w.ShortMonth(p), To: u.w.Detections(n)}))
			some = some || n > 0
		}
		p = p.Next()
	}
	if !some || len(said) < 2 {
		return ""
	}
	return strings.Join(said, u.w.Format.Join)
}
