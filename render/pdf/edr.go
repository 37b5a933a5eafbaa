package pdf

import (
	"fmt"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/words"
)

// printedObjects is how many rows of 1-5 are printed; report.json has all.
const printedObjects = 50

// edr sets the four groups of the EDR report.
func (s *sheet) edr() error {
	e := s.r.EDR
	s.state = s.edrState()
	if err := s.activity(e); err != nil {
		return err
	}
	if err := s.protection(e); err != nil {
		return err
	}
	w := s.w.EDR
	s.part("3", w.EndpointProtection)
	s.points("", aggregate.PointUnprotected)
	next := counter("3")
	for _, p := range []struct {
		title, about string
		names        []string
	}{
		{w.RealtimeScan, "realtime_scan", e.Off.RealtimeScan},
		{w.BehaviorMonitoring, "behavior_monitoring", e.Off.BehaviorMonitoring},
		{w.MachineLearning, "machine_learning", e.Off.MachineLearning},
		{w.WebReputation, "web_reputation", e.Off.WebReputation},
		{w.EDR, "edr", e.Off.EDR},
	} {
		s.section(next(), p.title)
		s.lead(s.m.own.About[p.about])
		s.endpoints(p.names, w.AllOn)
	}
	s.part("4", w.MailProtection)
	rows := make([][]cell, 0, len(w.MailSections))
	for _, title := range w.MailSections {
		rows = append(rows, []cell{text(title), text(w.NotProvided)})
	}
	s.numbered(counter("4"), rows)
	s.closing(false)
	return nil
}

// activity sets group 1.
func (s *sheet) activity(e *aggregate.EDR) error {
	w, about := s.w.EDR, s.m.own.About
	s.part("1", w.Activity)
	s.section("1-1", w.EventTrend)
	s.lead(about["event_trend"])
	s.hold(6, func() { s.y += 6 })
	s.need(34)
	s.say("P", func() { s.put(s.w.Detections(e.Total), left+8, s.y+18, style{20, true, accent}) })
	s.y += 34
	if e.Total > 0 {
		if err := s.trend(w.Events, e.Trend); err != nil {
			return err
		}
	}
	s.section("1-2", w.ObjectsTop)
	s.lead(about["objects_top"])
	s.ranking(s.w.Lists.Object, e.ObjectsTop, e.Total, false)
	s.section("1-3", w.EndpointsTop)
	s.lead(about["endpoints_top"])
	s.ranking(s.w.Lists.Endpoint, e.EndpointsTop, e.Total, false)
	s.section("1-4", w.Status)
	s.lead(w.StatusAt)
	s.status(e)
	s.points("", aggregate.PointOpenEvents)
	s.section("1-5", w.Objects)
	s.lead(about["objects"])
	s.objects(e.Objects)
	return nil
}

func (s *sheet) status(e *aggregate.EDR) {
	if len(e.Status) == 0 {
		s.paragraph(s.w.Lists.None, bodyText.in(chart.Muted))
		return
	}
	rows := make([][]cell, 0, len(e.Status))
	for _, st := range e.Status {
		rows = append(rows, []cell{{label: s.name(s.w.Status(st.Status))}, text(s.w.Number(st.Count))})
	}
	s.table([]column{{head: s.w.Lists.Status, part: 0.7}, {head: s.w.Lists.Events, part: 0.3, right: true}}, rows)
}

// objects sets the newest rows of 1-5 and counts the rest.
func (s *sheet) objects(list []aggregate.Object) {
	if len(list) == 0 {
		s.paragraph(s.w.Lists.None, bodyText.in(chart.Muted))
		return
	}
	rows := make([][]cell, 0, printedObjects)
	for _, o := range list[:min(len(list), printedObjects)] {
		rows = append(rows, []cell{
			{label: s.name(o.Name)},
			{label: s.optional(o.Type)},
			{label: s.name(o.Endpoint)},
			{label: s.optional(o.Result)},
			text(s.w.Number(o.Count)), text(s.moment(o.LastSeen)),
		})
	}
	l := s.w.Lists
	s.table([]column{
		{head: l.Object, part: 0.26},
		{head: l.Type, part: 0.1},
		{head: l.Endpoint, part: 0.2},
		{head: l.Result, part: 0.17},
		{head: l.Events, part: 0.11, right: true},
		{head: l.LastSeen, part: 0.16, right: true},
	}, rows)
	if rest := len(list) - printedObjects; rest > 0 {
		s.paragraph(s.w.Format.MoreRows.Say(words.Values{Count: s.w.Number(int64(rest))}), bodyText)
	}
}

// optional is a word of the vendor that may be absent.
func (s *sheet) optional(raw string) label {
	if strings.TrimSpace(raw) == "" {
		return label{shown: s.w.Overview.NoRate}
	}
	return s.name(raw)
}

// moment writes an RFC 3339 time of the report as "10/7 09:00"; another text stays as it is.
func (s *sheet) moment(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return s.clean(at)
	}
	return fmt.Sprintf("%d/%d %02d:%02d", t.Month(), t.Day(), t.Hour(), t.Minute())
}

// protection sets group 2.
func (s *sheet) protection(e *aggregate.EDR) error {
	w, about := s.w.EDR, s.m.own.About
	s.part("2", w.Protection)
	s.section("2-1", w.Offline)
	if err := s.agents(w.Offline, about["offline"], e.Offline, aggregate.PointOffline); err != nil {
		return err
	}
	s.section("2-2", w.Outdated)
	if err := s.agents(w.Outdated, about["outdated"], e.Outdated, aggregate.PointOutdated); err != nil {
		return err
	}
	s.section("2-3", w.UnsupportedOS)
	s.lead(about["unsupported_os"])
	s.points("", aggregate.PointUnsupported)
	if len(e.UnsupportedOS) == 0 {
		s.endpoints(nil, s.w.Lists.None)
		return nil
	}
	rows := make([][]cell, 0, len(e.UnsupportedOS))
	total := int64(0)
	for _, u := range e.UnsupportedOS {
		rows = append(rows, []cell{{label: s.name(u.OS)}, text(s.w.Endpoints(int(u.Count)))})
		total += u.Count
	}
	sum := []cell{text(s.w.Lists.Total), text(s.w.Endpoints(int(total)))}
	sum[0].strong, sum[1].strong = true, true
	s.table([]column{{head: s.w.Lists.OS, part: 0.7}, {head: s.w.Lists.Endpoints, part: 0.3, right: true}}, append(rows, sum))
	return nil
}

// agents sets 2-1 and 2-2: the number per day, and the names at the period's end.
func (s *sheet) agents(title, about string, a aggregate.AgentTrend, point aggregate.PointKind) error {
	s.lead(about)
	some := false
	for _, d := range a.Trend {
		some = some || d.Count > 0
	}
	if some {
		if err := s.trend(title, a.Trend); err != nil {
			return err
		}
	}
	s.points("", point)
	s.endpoints(a.Endpoints, s.w.Lists.None)
	return nil
}

// endpoints sets the number of some endpoints and their names, or a sentence that there are none.
func (s *sheet) endpoints(list []string, none string) {
	if len(list) == 0 {
		s.paragraph(s.w.Endpoints(0)+"  "+none, bodyText.in(chart.Muted))
		s.y += 4
		return
	}
	s.need(3 * 14)
	s.say("P", func() { s.put(s.w.Endpoints(len(list)), left, s.y+11, style{11, true, accent}) })
	s.y += 20
	s.names(list)
}
