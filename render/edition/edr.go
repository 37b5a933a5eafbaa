package edition

import (
	"fmt"
	"slices"

	"geppo/aggregate"
	"geppo/render/words"
)

// Most that is printed of lists that may be long; report.json has all.
const (
	printedObjects = 50
	printedNames   = 100
)

// edr is the EDR report.
func (u *build) edr() Document {
	w, e := u.w, u.r.EDR
	d := Document{
		Kind: "edr", Product: u.r.Overview.EDRProduct, QuietHeading: w.Mail.Quiet,
		Title: w.Edition.FileTitle.Say(words.Values{Product: u.r.Overview.EDRProduct, Month: w.Month(u.r.Period)}),
	}
	d.Parts = []Part{u.activity(e), u.protection(e), u.endpointProtection(e), u.mailProtection()}
	return d
}

// activity is group 1.
func (u *build) activity(e *aggregate.EDR) Part {
	w, about := u.w.EDR, u.w.Edition.About
	events := []Block{Figure{u.w.Detections(e.Total), ""}}
	if e.Total > 0 {
		events = append(events, u.trend("edr", w.Events, e.Trend, e.Total, e.PreviousMean))
	}
	events = append(events, u.points("", aggregate.PointOpenEvents)...)
	return Part{No: "1", Heading: w.Activity, InMail: true, Sections: []Section{
		{No: "1-1", Heading: w.EventTrend, Lead: about["event_trend"], Blocks: events},
		{No: "1-2", Heading: w.ObjectsTop, Lead: about["objects_top"], Half: true, Blocks: []Block{u.ranking(u.w.Lists.Object, e.ObjectsTop, e.Total, false)}},
		{No: "1-3", Heading: w.EndpointsTop, Lead: about["endpoints_top"], Half: true, Blocks: []Block{u.ranking(u.w.Lists.Endpoint, e.EndpointsTop, e.Total, false)}},
		{No: "1-4", Heading: w.Status, Lead: w.StatusAt, Blocks: []Block{u.status(e)}},
		{No: "1-5", Heading: w.Objects, Lead: about["objects"], Blocks: u.objects(e)},
	}}
}

func (u *build) status(e *aggregate.EDR) Block {
	if len(e.Status) == 0 {
		return u.none()
	}
	t := Table{Columns: []Column{{Head: u.w.Lists.Status, Part: 0.7}, {Head: u.w.Lists.Events, Right: true}}}
	for _, s := range e.Status {
		t.Rows = append(t.Rows, []Cell{{Name: u.name(u.w.Status(s.Status))}, cell(u.w.Number(s.Count))})
	}
	return t
}

// objects are the cases, then the newest objects; the rest is counted.
func (u *build) objects(e *aggregate.EDR) []Block {
	if len(e.Objects) == 0 {
		return []Block{u.none()}
	}
	l := u.w.Lists
	t := Table{Columns: []Column{
		{Head: l.Object, Part: 0.24},
		{Head: l.Type, Part: 0.11},
		{Head: l.Endpoint, Part: 0.23},
		{Head: l.Result, Part: 0.17},
		{Head: l.Events, Part: 0.1, Right: true},
		{Head: l.LastSeen, Right: true},
	}}
	for _, o := range e.Objects[:min(len(e.Objects), printedObjects)] {
		t.Rows = append(t.Rows, []Cell{
			{Name: u.name(o.Name)},
			cell(u.optional(u.w.ObjectType(o.Type))),
			{Name: u.name(o.Endpoint)},
			cell(u.optional(u.w.ObjectResult(o.Result))), cell(u.w.Number(o.Count)), cell(u.w.Moment(o.LastSeen)),
		})
	}
	t.Rest = len(e.Objects) - len(t.Rows)
	blocks := []Block{t}
	if cases := u.cases(e); len(cases.Rows) > 0 {
		blocks = append([]Block{cases}, t)
	}
	return blocks
}

// objectWidth is the room for a name within the sentence of an event; the table below it has the whole.
const objectWidth = 60

// cases are the events that the desk works through, the open ones first.
func (u *build) cases(e *aggregate.EDR) Cases {
	w := u.w
	var c Cases
	for _, k := range e.Cases {
		row := Case{Date: u.w.Moment(k.At), Status: u.optional(w.Status(k.Status)), Endpoints: u.names(k.Endpoints), Tone: Warn, Acts: w.Edition.DeskActs.Say(words.Values{Desk: w.Desk})}
		if k.Status == "closed" {
			row.Tone, row.Acts = Calm, ""
		}
		for _, o := range k.Objects {
			what := w.Edition.CaseObject.Say(words.Values{Names: w.Name(o.Name, objectWidth), From: u.optional(w.ObjectType(o.Type)), To: u.optional(w.ObjectResult(o.Result))})
			row.What += what
		}
		c.Rows = append(c.Rows, row)
	}
	c.Rest = e.CasesTotal - len(c.Rows)
	return c
}

// protection is group 2.
func (u *build) protection(e *aggregate.EDR) Part {
	w, about, counts := u.w.EDR, u.w.Edition.About, u.r.Agents.Counts
	systems := []Block{Text{Text: u.w.Endpoints(0) + "  " + u.w.Lists.None, Muted: true}}
	if len(e.UnsupportedOS) > 0 {
		t := Table{Columns: []Column{{Head: u.w.Lists.OS, Part: 0.7}, {Head: u.w.Lists.Endpoints, Right: true}}}
		total := int64(0)
		for _, s := range e.UnsupportedOS {
			t.Rows = append(t.Rows, []Cell{{Name: u.name(s.OS)}, cell(u.w.Endpoints(int(s.Count)))})
			total += s.Count
		}
		sum := row(u.w.Lists.Total, u.w.Endpoints(int(total)))
		sum[0].Strong, sum[1].Strong = true, true
		t.Rows = append(t.Rows, sum)
		systems = append([]Block{t}, u.points("", aggregate.PointUnsupported)...)
	}
	return Part{No: "2", Heading: w.Protection, InMail: true, Sections: []Section{
		{No: "2-1", Heading: w.Offline, Lead: about["offline"], Blocks: u.agents("offline", w.Offline, e.Offline, counts.Offline, aggregate.PointOffline)},
		{No: "2-2", Heading: w.Outdated, Lead: about["outdated"], Blocks: u.agents("outdated", w.Outdated, e.Outdated, counts.Outdated, aggregate.PointOutdated)},
		{No: "2-3", Heading: w.UnsupportedOS, Lead: about["unsupported_os"], Blocks: systems},
	}}
}

// agents are 2-1 and 2-2: the number per day, and the names at the period's end.
func (u *build) agents(id, what string, a aggregate.AgentTrend, total int, point aggregate.PointKind) []Block {
	some := int64(0)
	for _, d := range a.Trend {
		some += d.Count
	}
	var blocks []Block
	if some > 0 {
		t := u.trend(id, what, a.Trend, some, nil).(Trend)
		t.Chart.Unit = u.w.Edition.EndpointUnit
		blocks = append(blocks, t)
	}
	blocks = append(blocks, u.points("", point)...)
	return append(blocks, u.endpoints(a.Endpoints, total, u.w.Lists.None))
}

// endpoints are the number of some endpoints and their names, or a sentence that there are none.
func (u *build) endpoints(list []string, total int, none string) Block {
	if len(list) == 0 {
		return Text{Text: u.w.Endpoints(0) + "  " + none, Muted: true}
	}
	shown := list[:min(len(list), printedNames)]
	return Names{Count: u.w.Endpoints(max(total, len(list))), List: u.names(shown), Rest: max(total, len(list)) - len(shown)}
}

// endpointProtection is group 3.
func (u *build) endpointProtection(e *aggregate.EDR) Part {
	w, about, counts := u.w.EDR, u.w.Edition.About, u.r.Agents.Counts
	p := Part{No: "3", Heading: w.EndpointProtection, InMail: true}
	for i, s := range []struct {
		title, about string
		names        []string
		total        int
	}{
		{w.RealtimeScan, "realtime_scan", e.Off.RealtimeScan, counts.RealtimeScan},
		{w.BehaviorMonitoring, "behavior_monitoring", e.Off.BehaviorMonitoring, counts.BehaviorMonitoring},
		{w.MachineLearning, "machine_learning", e.Off.MachineLearning, counts.MachineLearning},
		{w.WebReputation, "web_reputation", e.Off.WebReputation, counts.WebReputation},
		{w.EDR, "edr", e.Off.EDR, counts.EDR},
	} {
		p.Sections = append(p.Sections, Section{No: fmt.Sprintf("3-%d", i+1), Heading: s.title, Lead: about[s.about], Blocks: []Block{u.endpoints(s.names, s.total, w.AllOn)}})
	}
	// What is said of all of them stands where the first names are.
	first := max(slices.IndexFunc(p.Sections, func(s Section) bool { _, some := s.Blocks[0].(Names); return some }), 0)
	p.Sections[first].Blocks = append(u.points("", aggregate.PointUnprotected), p.Sections[first].Blocks...)
	return p
}

// mailProtection is group 4, which the service does not have.
func (u *build) mailProtection() Part {
	w := u.w.EDR
	p := Part{No: "4", Heading: w.MailProtection, Quiet: true, InMail: true}
	for i, title := range w.MailSections {
		p.Sections = append(p.Sections, Section{No: fmt.Sprintf("4-%d", i+1), Heading: title, Blocks: []Block{Text{Text: w.NotProvided, Muted: true}}})
	}
	return p
}
