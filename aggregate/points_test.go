package aggregate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
)

// october has 21 working days and 10 free ones: nine weekend days and the 12th, a holiday. The 1st
// is a Thursday, the 31st a Saturday.
var october = store.Period{Year: 2026, Month: time.October}

// emptyMonth is October of a contract with one endpoint that is fine, and without detections.
func emptyMonth(t testing.TB) store.Month {
	tokyo := location(t, "Asia/Tokyo")
	joined := time.Date(2025, 4, 1, 10, 0, 0, 0, tokyo)
	return store.Month{
		Contract:  store.Contract{ID: "C000001", Name: "株式会社サンプル商事", Product: "antivirus", URLFiltering: true, Licences: 4, Timezone: "Asia/Tokyo", Since: "2025-04-01"},
		Period:    october,
		Location:  tokyo,
		Endpoints: []store.Endpoint{{Name: "PC-1", Class: "desktop", OS: "Windows 11", InstalledAt: joined}},
		Statuses:  []store.AgentStatus{snapshot("PC-1", "2026-10-31", on)},
	}
}

var on = store.Protections{RealtimeScan: "on", BehaviorMonitoring: "on", MachineLearning: "on", WebReputation: "on", EDR: "on"}

func snapshot(endpoint string, day store.Day, p store.Protections) store.AgentStatus {
	return store.AgentStatus{Endpoint: endpoint, Day: day, LastSeen: day.Start(time.UTC), PatternCurrent: new(true), OS: "Windows 11", OSSupported: new(true), Protections: p}
}

func seen(feature store.Feature, day int, endpoint string, count int64) store.Detection {
	at := time.Date(2026, 10, day, 12, 0, 0, 0, time.FixedZone("", 9*60*60))
	return store.Detection{Feature: feature, Time: at, Endpoint: endpoint, Class: "desktop", Name: "x", Result: "cleaned", Count: count}
}

func pointsOf(r Report, kind PointKind) []Point {
	return slices.DeleteFunc(slices.Clone(r.Points), func(p Point) bool { return p.Kind != kind })
}

func TestConcentration(t *testing.T) {
	type hits map[string]int64
	for _, c := range []struct {
		name  string
		hits  hits
		names []string
		share float64
	}{
		{"exactly half", hits{"a": 5, "b": 3, "c": 2}, []string{"a"}, 50},
		{"just below half", hits{"a": 49, "b": 17, "c": 17, "d": 17}, []string{"a", "b"}, 66},
		{"total of 9", hits{"a": 8, "b": 1}, nil, 0},
		{"total of 10", hits{"a": 9, "b": 1}, []string{"a"}, 90},
		{"one endpoint alone", hits{"a": 100}, nil, 0},
		{"two name one", hits{"a": 7, "b": 3}, []string{"a"}, 70},
		{"three cannot name two", hits{"a": 4, "b": 4, "c": 4}, nil, 0},
		{"four can name two", hits{"a": 3, "b": 3, "c": 3, "d": 3}, []string{"a", "b"}, 50},
		{"five cannot name three", hits{"a": 1, "b": 2, "c": 2, "d": 2, "e": 3}, []string{"e", "b"}, 50},
		{"six name three, ties by name", hits{"f": 2, "e": 2, "d": 2, "c": 2, "b": 2, "a": 2}, []string{"a", "b", "c"}, 50},
		{"seven alike", hits{"a": 2, "b": 2, "c": 2, "d": 2, "e": 2, "f": 2, "g": 2}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			for host, n := range c.hits {
				m.Detections = append(m.Detections, seen("spyware", 1, host, n))
			}
			r := compute(t, m, Options{})
			var want []Point
			if c.names != nil {
				want = []Point{{Kind: PointConcentration, Feature: "spyware", Endpoints: c.names, Percent: &c.share}}
			}
			if diff := cmp.Diff(want, pointsOf(r, PointConcentration)); diff != "" && len(want)+len(pointsOf(r, PointConcentration)) > 0 {
				t.Error(diff)
			}
			if wantJudgement := map[bool]Judgement{true: Attention, false: Good}[c.names != nil]; r.Judgement != wantJudgement {
				t.Errorf("judged %s, want %s", r.Judgement, wantJudgement)
			}
		})
	}
}

func TestConcentrationJoinsTheClassesOfAnEndpoint(t *testing.T) {
	m := emptyMonth(t)
	server := seen("virus", 1, "a", 3)
	server.Class = store.ClassServer
	m.Detections = []store.Detection{server, seen("virus", 1, "a", 3), seen("virus", 1, "b", 4), seen("virus", 1, "c", 1)}
	r := compute(t, m, Options{})
	if got := pointsOf(r, PointConcentration); len(got) != 1 || !slices.Equal(got[0].Endpoints, []string{"a"}) || *got[0].Percent != 54.5 {
		t.Errorf("got %+v, want a with 6 of 11", got)
	}
	wantServers, wantOthers := []Ranked{{"a", 3}}, []Ranked{{"b", 4}, {"a", 3}, {"c", 1}}
	if diff := cmp.Diff([][]Ranked{wantServers, wantOthers}, [][]Ranked{r.Antivirus[0].Servers, r.Antivirus[0].Endpoints}); diff != "" {
		t.Error(diff)
	}
}

func TestWeekdayAndHoliday(t *testing.T) {
	week := func(from, to store.Day) []Point {
		return []Point{{Kind: PointWeekday, Feature: "web_reputation", From: from, To: to}}
	}
	holiday := []Point{{Kind: PointHoliday, Feature: "web_reputation"}}
	for _, c := range []struct {
		name   string
		perDay map[int]int64
		want   []Point
	}{
		{"exactly 1.5 times", map[int]int64{14: 63, 17: 20}, week("2026-10-12", "2026-10-16")},
		{"just below 1.5 times", map[int]int64{14: 62, 17: 20}, nil},
		{"the reverse, exactly", map[int]int64{14: 7, 17: 5}, holiday},
		{"the reverse, just below", map[int]int64{14: 8, 17: 5}, nil},
		{"nothing on free days", map[int]int64{14: 10}, week("2026-10-12", "2026-10-16")},
		{"nothing on working days", map[int]int64{17: 10}, holiday},
		{"a public holiday is free", map[int]int64{12: 10}, holiday},
		{"total of 9", map[int]int64{14: 9}, nil},
		{"clipped to the beginning", map[int]int64{1: 6, 2: 6, 14: 11}, week("2026-10-01", "2026-10-02")},
		{"the last week", map[int]int64{26: 10, 30: 10, 14: 19}, week("2026-10-26", "2026-10-30")},
		{"the earliest of equals", map[int]int64{22: 10, 14: 10}, week("2026-10-12", "2026-10-16")},
		{"its public holiday counts too", map[int]int64{12: 1, 13: 10, 22: 10}, week("2026-10-12", "2026-10-16")},
		{"its weekend does not", map[int]int64{13: 10, 22: 11, 17: 2}, week("2026-10-19", "2026-10-23")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			for day, n := range c.perDay {
				m.Detections = append(m.Detections, seen("web_reputation", day, "PC-1", n))
			}
			r := compute(t, m, Options{})
			got := append(pointsOf(r, PointWeekday), pointsOf(r, PointHoliday)...)
			if diff := cmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}

func TestWeekThatEndsWithTheMonth(t *testing.T) {
	m := emptyMonth(t)
	m.Period = store.Period{Year: 2026, Month: time.September} // ends on a Wednesday
	m.Detections = []store.Detection{seen("virus", 0, "PC-1", 10)}
	r := compute(t, m, Options{})
	if got := pointsOf(r, PointWeekday); len(got) != 1 || got[0].From != "2026-09-28" || got[0].To != "2026-09-30" {
		t.Errorf("got %+v, want 9/28-9/30", got)
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		name              string
		since             store.Day
		current, previous int64
		want              *float64
	}{
		{"up", "2025-04-01", 68, 58, new(17.2)},
		{"down", "2025-04-01", 9, 10, new(-10.0)},
		{"gone", "2025-04-01", 0, 3, new(-100.0)},
		{"the same", "2025-04-01", 5, 5, new(0.0)},
		{"rounded to 0.0", "2025-04-01", 10001, 10000, new(0.0)},
		{"half a tenth up", "2025-04-01", 2001, 2000, new(0.1)},
		{"half a tenth down", "2025-04-01", 1999, 2000, new(-0.1)},
		{"from 0", "2025-04-01", 5, 0, nil},
		{"0 and 0", "2025-04-01", 0, 0, nil},
		{"since the last day before", "2026-09-30", 6, 4, new(50.0)},
		{"since the first day", "2026-10-01", 6, 4, nil},
		{"since within", "2026-10-20", 6, 4, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			m.Contract.Since = c.since
			if c.current > 0 {
				m.Detections = []store.Detection{seen("virus", 5, "PC-1", c.current)}
			}
			if c.previous > 0 {
				m.Previous = []store.FeatureCount{{Feature: "virus", Count: c.previous - 1}, {Feature: "virus", Count: 1}, {Feature: "dlp", Count: 9}}
			}
			r := compute(t, m, Options{})
			line := r.Overview.Summary[0]
			if diff := cmp.Diff(c.want, line.ChangePercent); diff != "" {
				t.Error(diff)
			}
			if had := c.since < "2026-10-01"; (line.Previous != nil) != had || had && *line.Previous != c.previous {
				t.Errorf("previous is %v", line.Previous)
			}
			points := pointsOf(r, PointChange)
			if (len(points) == 1) != (c.want != nil) {
				t.Errorf("points %+v", points)
			}
		})
	}
}

func TestUsageAndOverrun(t *testing.T) {
	for _, c := range []struct {
		licences  int
		want      *float64
		judgement Judgement
	}{
		{20, new(5.0), Good}, {3, new(33.3), Good}, {1, new(100.0), Good}, {0, nil, Good},
	} {
		m := emptyMonth(t)
		m.Contract.Licences = c.licences
		r := compute(t, m, Options{})
		if diff := cmp.Diff(c.want, r.Overview.UsagePercent); diff != "" || r.Judgement != c.judgement || len(pointsOf(r, PointUsage)) != min(1, c.licences) {
			t.Errorf("%d licences: %s %s %+v", c.licences, diff, r.Judgement, r.Points)
		}
	}
	m := emptyMonth(t)
	second := m.Endpoints[0]
	second.Name = "PC-2"
	m.Endpoints = append(m.Endpoints, second)
	m.Contract.Licences = 1
	if r := compute(t, m, Options{}); *r.Overview.UsagePercent != 200 || r.Judgement != Attention || r.Agents.Working {
		t.Errorf("2 of 1 licences: %v %%, %s, working %t", *r.Overview.UsagePercent, r.Judgement, r.Agents.Working)
	}
}
