package edition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/words"
	"geppo/store"
)

// antivirus is the antivirus report.
func (u *build) antivirus() Document {
	w, o := u.w, u.r.Overview
	d := Document{
		Kind: "av", Product: o.Product, QuietHeading: w.Mail.Quiet,
		Title: w.Edition.FileTitle.Say(words.Values{Product: o.Product, Month: w.Month(u.r.Period)}),
		Parts: []Part{u.overview()},
	}
	linked := false
	for i, f := range u.r.Antivirus {
		part := u.feature(fmt.Sprint(i+2), f)
		if !part.Quiet && isThreat(f.Feature) && !linked {
			last := &part.Sections[len(part.Sections)-1]
			last.Blocks = append(last.Blocks, Link{w.Database.Heading, w.Database.About, strings.TrimSuffix(u.b.ThreatURL, "search/")})
			linked = true
		}
		d.Parts = append(d.Parts, part)
	}
	return d
}

// overview is part 1. Its third section points to the table of features, which the first page has.
func (u *build) overview() Part {
	w, o := u.w, u.r.Overview
	usage := w.Overview.NoRate
	if o.UsagePercent != nil {
		usage = w.Format.Percent.Say(words.Values{Percent: w.Percent(*o.UsagePercent)})
		if *o.UsagePercent > 100 {
			usage += " ▲" + w.Overview.Over
		}
	}
	product := Table{Columns: []Column{{Part: 0.42}, {}}, Rows: [][]Cell{
		row(w.Overview.Product, o.Product),
		{cell(w.Overview.Company), {Name: u.name(u.r.Contract.Name)}},
		row(w.Overview.Contract, u.r.Contract.ID),
		row(w.Overview.Period, w.Period(u.r.Period)), row(w.Overview.Licences, w.Number(int64(o.Licences))),
	}}
	if o.Inventory { // else a rate would say what nobody knows
		product.Rows = append(product.Rows, row(w.Overview.Usage, usage))
	}
	p := Part{No: "1", Heading: w.Overview.Heading, InMail: true, Sections: []Section{
		{No: "1-1", Heading: w.Overview.ProductInfo, Half: true, Blocks: append([]Block{product}, u.points("", aggregate.PointUsage)...)},
		{No: "1-2", Heading: w.Overview.Agents, Half: true, Blocks: []Block{u.installed()}},
		{No: "1-3", Heading: w.Overview.Summary, OnFront: true, Blocks: append(
			[]Block{Text{Text: w.Edition.OnFront.Say(words.Values{Names: w.Edition.Summary})}}, u.pointsOf(u.changes())...)},
	}}
	return p
}

func cell(text string) Cell { return Cell{Name: Name{Text: text}} }

func row(label, value string) []Cell { return []Cell{cell(label), cell(value)} }

// installed counts the endpoints by class; 種別不明 only when there are any.
func (u *build) installed() Block {
	i, w := u.r.Overview.Installed, u.w
	if !u.r.Overview.Inventory {
		return Text{Text: w.Overview.NoInventory}
	}
	t := Table{Columns: []Column{{Part: 0.76}, {Right: true}}, Rows: [][]Cell{
		row(w.Classes[store.ClassDesktop], w.Endpoints(i.Desktop)),
		row(w.Classes[store.ClassServer], w.Endpoints(i.Server)),
		row(w.Classes[store.ClassMobile], w.Endpoints(i.Mobile)),
	}}
	if i.Unknown > 0 {
		t.Rows = append(t.Rows, row(w.Classes[store.ClassUnknown], w.Endpoints(i.Unknown)))
	}
	total := row(w.Lists.Total, w.Endpoints(i.Total()))
	total[0].Strong, total[1].Strong = true, true
	t.Rows = append(t.Rows, total)
	return t
}

// changes are the sentences on what grew and shrank, and on ransomware.
func (u *build) changes() []string {
	var sentences []string
	if s := u.w.Changes(u.r.Points, u.r.Period); s != "" {
		sentences = append(sentences, s)
	}
	for _, p := range u.r.Points {
		if p.Kind == aggregate.PointRansomware {
			sentences = append(sentences, u.w.Point(p, u.r.Period))
		}
	}
	return sentences
}

// isThreat tells the features whose names the vendor's database knows; the others' are programs,
// categories and addresses.
func isThreat(f store.Feature) bool {
	return slices.Contains([]store.Feature{store.Virus, store.Spyware, store.NetworkVirus}, f)
}

// feature is one of the parts 2 to 7.
func (u *build) feature(no string, f aggregate.Feature) Part {
	w := u.w
	head := w.Features[f.Feature]
	p := Part{No: no, Heading: head.Heading, About: head.About, InMail: f.Total > 0, Quiet: f.Total == 0}
	if f.Feature == store.URLFiltering && !u.r.Overview.URLFiltering {
		return Part{No: no, Heading: head.Heading, Quiet: false, Sections: []Section{{No: no + "-1", Heading: head.Total, Blocks: []Block{Text{Text: w.Overview.NotConfigured, Muted: true}}}}}
	}
	add := func(heading string, half bool, blocks ...Block) {
		if heading != words.None {
			p.Sections = append(p.Sections, Section{No: fmt.Sprintf("%s-%d", no, len(p.Sections)+1), Heading: heading, Half: half, Blocks: blocks})
		}
	}
	add(head.Total, false, Figure{w.Detections(f.Total), u.compared(f.Feature)})
	crowd := u.points(f.Feature, aggregate.PointConcentration)
	second := head.Servers != words.None
	add(head.Endpoints, true, append([]Block{u.ranking(w.Lists.Endpoint, f.Endpoints, f.Total, false)}, pick(!second, crowd)...)...)
	add(head.Servers, true, append([]Block{u.ranking(w.Lists.Server, f.Servers, f.Total, false)}, pick(second, crowd)...)...)
	when := u.points(f.Feature, aggregate.PointWeekday, aggregate.PointHoliday)
	add(head.Trend, !second, append([]Block{u.trend(string(f.Feature), head.Heading, f.Trend, f.Total, u.line(f.Feature).PreviousMean)}, when...)...)
	after := u.points(f.Feature, aggregate.PointToConfirm, aggregate.PointRestart, aggregate.PointNotHandled)
	if f.Results != nil {
		add(head.Results, false, append([]Block{u.shares(head.Heading, f)}, after...)...)
	}
	if f.Names != nil {
		add(head.Names, false, u.ranking(head.Name, f.Names, f.Total, isThreat(f.Feature)))
	}
	return p
}

func pick(yes bool, blocks []Block) []Block {
	if yes {
		return blocks
	}
	return nil
}

// compared is the month before in a few words: 「前月(9月)は10件、+20％」, 「前月(9月)は0件」, or nothing.
func (u *build) compared(f store.Feature) string {
	line := u.line(f)
	switch {
	case line.Previous == nil:
		return ""
	case *line.Previous == 0 && line.Current > 0:
		return u.w.Change(line, u.r.Period)
	case *line.Previous == 0:
		return u.w.Mail.ComparedNone.Say(words.Values{Month: u.w.ShortMonth(u.r.Period.Previous())})
	}
	return u.w.Mail.Compared.Say(words.Values{
		Month: u.w.ShortMonth(u.r.Period.Previous()), Count: u.w.Number(*line.Previous), Names: u.w.Change(line, u.r.Period),
	})
}

// line compares a feature with the month before.
func (u *build) line(f store.Feature) (line aggregate.SummaryLine) {
	for _, line = range u.r.Overview.Summary {
		if line.Feature == f {
			return line
		}
	}
	return aggregate.SummaryLine{}
}

// ranking is a list by count; where it is empty it says so.
func (u *build) ranking(head string, list []aggregate.Ranked, total int64, threats bool) Block {
	if len(list) == 0 {
		return u.none()
	}
	w := u.w
	r := Ranking{Head: head, CountHead: w.Lists.Count, ShareHead: w.Lists.Share}
	for _, n := range list {
		name := u.name(n.Name)
		if threats {
			name = u.threat(n.Name)
		}
		row := Ranked{Name: name, Count: w.Number(n.Count)}
		if total > 0 {
			row.Share = w.Format.Percent.Say(words.Values{Percent: w.Percent(float64(n.Count) / float64(total) * 100)})
		}
		if list[0].Count > 0 {
			row.Part = float64(n.Count) / float64(list[0].Count)
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

// trend is a month's days.
func (u *build) trend(id, what string, days []aggregate.DayCount, total int64, mean *float64) Block {
	w := u.w
	if total == 0 {
		return Text{Text: w.Mail.TrendNone, Muted: true}
	}
	t := Trend{
		ID: id + "-trend", Days: w.Days(days, w.Mail.DayCount), Chart: chart.Trend{Unit: w.Mail.EventUnit},
		Alt: w.Mail.TrendAlt.Say(words.Values{Feature: what, Month: w.Month(u.r.Period), Names: w.Days(days, w.Mail.DayCount)}),
	}
	shaded, gaps := false, false
	for i, d := range days {
		v := chart.DayValue{Label: i + 1, Value: d.Count, Gap: slices.Contains(u.r.Gaps, d.Day)}
		if day, err := time.Parse(time.DateOnly, string(d.Day)); err == nil {
			v.Weekday = w.Format.Weekdays[day.Weekday()]
			v.Shaded = day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || slices.Contains(u.r.Holidays, d.Day)
		}
		shaded, gaps = shaded || v.Shaded, gaps || v.Gap
		t.Chart.Days = append(t.Chart.Days, v)
	}
	for _, p := range u.r.Points {
		if p.Kind == aggregate.PointWeekday && string(p.Feature) == id {
			t.Chart.From, t.Chart.To = dayOf(p.From, u.r.Period), dayOf(p.To, u.r.Period)
		}
	}
	if mean != nil && *mean > 0 {
		t.Chart.Mean = *mean
		t.Chart.MeanLabel = w.Edition.Mean.Say(words.Values{Month: w.ShortMonth(u.r.Period.Previous()), Count: w.Decimal(*mean)})
		t.Alt += w.Format.Join + t.Chart.MeanLabel
	}
	if shaded {
		t.Key += w.Mail.Shading
	}
	if gaps {
		t.Key += w.Mail.Hatching
	}
	if t.Chart.From < t.Chart.To {
		t.Key += w.Edition.Bracket
	}
	return t
}

// dayOf is a day's place in the month, counted from 0; days outside are its ends.
func dayOf(d store.Day, p store.Period) int {
	days := p.Days()
	switch i := slices.Index(days, d); {
	case i >= 0:
		return i
	case d < days[0]:
		return 0
	}
	return len(days) - 1
}

// shares are the results of a feature. What a colour says is what became of the detections: blue and green
// were handled, amber and red were not.
func (u *build) shares(what string, f aggregate.Feature) Block {
	w := u.w
	s := Shares{
		ID: string(f.Feature) + "-results", Head: w.Lists.Result, CountHead: w.Lists.Count, MeansHead: w.Lists.Means,
		Alt: w.Mail.ResultsAlt.Say(words.Values{Feature: what, Names: w.Shares(f)}),
	}
	some := 0
	for _, c := range f.Results {
		e := w.Results[f.Feature][c.Result]
		row := Share{Label: e.Label, Count: w.Detections(c.Count), Means: e.Means, Zero: c.Count == 0}
		if c.Count > 0 {
			some++
			row.Tone = resultTones[c.Result]
		}
		s.Slices = append(s.Slices, chart.Slice{Label: e.Label, Value: c.Count, Color: chart.Result(c.Result)})
		s.Rows = append(s.Rows, row)
	}
	s.Several = some > 1
	return s
}

// resultTones are those of results after which somebody has to act.
var resultTones = map[string]Tone{
	"uncleanable": Alarm, "noncleaned": Alarm, "unsafe": Alarm, "reboot": Alarm, "passed": Warn,
}
