package render

import (
	"slices"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
)

// feature is the section of one feature that had detections.
func (b *body) feature(f aggregate.Feature) (featureView, error) {
	w := b.w
	head := w.Features[f.Feature]
	v := featureView{
		Heading: head.Heading, About: head.About, Total: w.Detections(f.Total),
		Points: b.pointTexts(f.Feature,
			aggregate.PointToConfirm, aggregate.PointRestart, aggregate.PointNotHandled,
			aggregate.PointConcentration, aggregate.PointChange, aggregate.PointHoliday, aggregate.PointWeekday),
	}
	for _, line := range b.report.Overview.Summary {
		if line.Feature == f.Feature {
			v.Compared = b.compared(line)
		}
	}
	image, err := b.trend(string(f.Feature), head.Heading, f.Trend, w.Mail.TrendAlt, w.Mail.DayCount)
	if err != nil {
		return v, err
	}
	v.Trend = trendView{Heading: head.Trend, Image: image, Days: b.w.Days(f.Trend, w.Mail.DayCount)}
	v.Lists = append(v.Lists, b.list(head.Endpoints, w.Lists.Endpoint, f.Endpoints, false))
	if head.Servers != words.None {
		v.Lists = append(v.Lists, b.list(head.Servers, w.Lists.Server, f.Servers, false))
	}
	if head.Names != words.None {
		v.Lists = append(v.Lists, b.list(head.Names, head.Name, f.Names, hasThreatNames(f.Feature)))
	}
	if head.Results != words.None {
		v.ResultsHeading = head.Results
		v.Results = b.results(f)
		v.Doughnut, err = b.doughnut(f)
	}
	return v, err
}

// compared is the month before in a few words: 「前月(9月)は10件、+20％」, 「前月(9月)は0件」, or nothing.
func (b *body) compared(line aggregate.SummaryLine) string {
	switch {
	case line.Previous == nil:
		return ""
	case *line.Previous == 0 && line.Current > 0:
		return b.w.Change(line, b.report.Period)
	}
	return b.w.Mail.Compared.Say(words.Values{
		Month: b.w.ShortMonth(b.report.Period.Previous()), Count: b.w.Number(*line.Previous), Names: b.w.Change(line, b.report.Period),
	})
}

// list is a ranking; where it is empty it says so in its place.
func (b *body) list(heading, column string, ranked []aggregate.Ranked, linked bool) listView {
	v := listView{Heading: heading, Column: column}
	for _, n := range ranked[:min(len(ranked), b.room.rows)] {
		row := rowView{Name: b.w.Name(n.Name, b.room.name), Count: b.w.Number(n.Count)}
		if top := ranked[0].Count; top > 0 {
			row.Bar = max(1, int(float64(n.Count)/float64(top)*100))
		}
		if linked && words.Clean(n.Name) != "" {
			row.URL = b.r.threatURL(n.Name)
		}
		v.Rows = append(v.Rows, row)
	}
	v.More = b.more(len(ranked))
	return v
}

func (b *body) results(f aggregate.Feature) []resultView {
	var rows []resultView
	for _, c := range f.Results {
		e := b.w.Results[f.Feature][c.Result]
		rows = append(rows, resultView{
			Label: e.Label, Means: e.Means, Count: b.w.Number(c.Count), Zero: c.Count == 0,
			Alert: c.Count > 0 && aggregate.AsksForAction(c.Result),
		})
	}
	return rows
}

// edrView is the EDR report's essentials.
type edrView struct {
	Product, Total              string
	Points                      []string
	Found                       bool
	Trend                       trendView
	Lists                       []listView
	Status                      []pair
	Objects                     []objectView
	MoreObjects                 string
	MoreStatus, MoreUnsupported string
	Protection                  []agentView // 2-1 to 2-3
	Off                         []agentView // 3-1 to 3-5
	Unsupported                 []pair
	SomeAgents                  bool // one of them is not 0
}

type objectView struct{ Name, Type, Endpoint, Result, Count, LastSeen string }

type agentView struct {
	Heading, Count string
	Some           bool
}

func (b *body) edr() (edrView, error) {
	w, e := b.w, b.report.EDR
	v := edrView{
		Product: b.report.Overview.EDRProduct, Total: w.Detections(e.Total), Found: e.Total > 0,
		Points: b.pointTexts("", append([]aggregate.PointKind{aggregate.PointOpenEvents}, agentPoints...)...),
	}
	b.agents(e, &v)
	if !v.Found {
		return v, nil
	}
	image, err := b.trend("edr", w.EDR.Events, e.Trend, w.Mail.TrendAlt, w.Mail.DayCount)
	if err != nil {
		return v, err
	}
	v.Trend = trendView{Heading: w.EDR.EventTrend, Image: image, Days: b.w.Days(e.Trend, w.Mail.DayCount)}
	v.Lists = []listView{
		b.list(w.EDR.ObjectsTop, w.Lists.Object, e.ObjectsTop, false),
		b.list(w.EDR.EndpointsTop, w.Lists.Endpoint, e.EndpointsTop, false),
	}
	for _, s := range e.Status[:min(len(e.Status), b.room.rows)] {
		v.Status = append(v.Status, pair{w.Name(w.Status(s.Status), b.room.name), w.Number(s.Count)})
	}
	v.MoreStatus = b.more(len(e.Status))
	for _, o := range e.Objects[:min(len(e.Objects), b.room.rows)] {
		v.Objects = append(v.Objects, objectView{
			Name: w.Name(o.Name, b.room.name), Type: w.Cut(o.Type, b.room.name/2), Endpoint: w.Name(o.Endpoint, b.room.name),
			Result: w.Cut(o.Result, b.room.name/2), Count: w.Number(o.Count), LastSeen: b.lastSeen(o.LastSeen),
		})
	}
	v.MoreObjects = b.more(len(e.Objects))
	return v, nil
}

// more counts what a list of n rows does not print: 「ほか 3 件」, or nothing.
func (b *body) more(n int) string {
	if n <= b.room.rows {
		return ""
	}
	return b.w.Format.MoreRows.Say(words.Values{Count: b.w.Number(int64(n - b.room.rows))})
}

// agents fills the sections 2-1 to 3-5 as numbers; who it is stands under ご確認いただきたい事項.
func (b *body) agents(e *aggregate.EDR, v *edrView) {
	w := b.w
	for _, u := range e.UnsupportedOS[:min(len(e.UnsupportedOS), b.room.rows)] {
		v.Unsupported = append(v.Unsupported, pair{w.Name(u.OS, b.room.name), w.Endpoints(int(u.Count))})
	}
	v.MoreUnsupported = b.more(len(e.UnsupportedOS))
	line := func(heading string, n int) agentView {
		return agentView{Heading: heading, Count: w.Endpoints(n), Some: n > 0}
	}
	n := b.report.Agents.Counts
	v.Protection = []agentView{line(w.EDR.Offline, n.Offline), line(w.EDR.Outdated, n.Outdated), line(w.EDR.UnsupportedOS, n.Unsupported)}
	v.Off = []agentView{
		line(w.EDR.RealtimeScan, n.RealtimeScan),
		line(w.EDR.BehaviorMonitoring, n.BehaviorMonitoring),
		line(w.EDR.MachineLearning, n.MachineLearning),
		line(w.EDR.WebReputation, n.WebReputation),
		line(w.EDR.EDR, n.EDR),
	}
	for _, a := range slices.Concat(v.Protection, v.Off) {
		v.SomeAgents = v.SomeAgents || a.Some
	}
}

// lastSeen writes an RFC 3339 time, already in the contract's zone, as 「10/7 09:00」; another
// text is shown as it came.
func (b *body) lastSeen(s string) string {
	if len(s) < len("2006-01-02T15:04") || s[10] != 'T' {
		return b.w.Cut(s, b.room.name/2)
	}
	return b.w.Day(store.Day(s[:10])) + " " + words.Clean(s[11:16])
}

// anyShortened tells whether the mail cuts a name, so that it can say where the whole one stands.
func (b *body) anyShortened() bool {
	long := func(s string) bool { c := words.Shown(s); return words.Cut(s, b.room.name) != c }
	ranked := func(list []aggregate.Ranked) bool {
		return slices.ContainsFunc(list, func(n aggregate.Ranked) bool { return long(n.Name) })
	}
	for _, f := range b.report.Antivirus {
		if ranked(f.Endpoints) || ranked(f.Servers) || ranked(f.Names) {
			return true
		}
	}
	if e := b.report.EDR; e != nil {
		return ranked(e.ObjectsTop) || ranked(e.EndpointsTop) ||
			slices.ContainsFunc(e.Objects, func(o aggregate.Object) bool { return long(o.Name) || long(o.Endpoint) })
	}
	return false
}
