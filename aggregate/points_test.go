package aggregate

import (
	"fmt"
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
		{"exactly half", hits{"a": 20, "b": 5, "c": 5, "d": 4, "e": 3, "f": 3}, []string{"a"}, 50},
		{"just below half", hits{"a": 49, "b": 17, "c": 17, "d": 17}, nil, 0},
		{"total of 29", hits{"a": 26, "b": 1, "c": 1, "d": 1}, nil, 0},
		{"total of 30", hits{"a": 27, "b": 1, "c": 1, "d": 1}, []string{"a"}, 90},
		{"one endpoint alone", hits{"a": 100}, nil, 0},
		{"one of two", hits{"a": 70, "b": 3}, nil, 0},
		{"two of seven", hits{"a": 20, "b": 20, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}, []string{"a", "b"}, 88.9},
		{"one of three, who cannot have three times a third", hits{"a": 98, "b": 1, "c": 1}, nil, 0},
		{"two of five", hits{"a": 20, "b": 20, "c": 1, "d": 1, "e": 1}, nil, 0},
		{"equals together", hits{"a": 30, "b": 30, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1}, []string{"a", "b"}, 89.6},
		{"equals beyond three", hits{"a": 9, "b": 9, "c": 9, "d": 9, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1, "j": 1, "k": 1, "l": 1}, nil, 0},
		{"the fewest that do", hits{"a": 30, "b": 20, "c": 1, "d": 1, "e": 1, "f": 1}, []string{"a"}, 55.6},
		{"three times the even share, exactly", hits{"a": 15, "b": 5, "c": 4, "d": 3, "e": 2, "f": 1}, []string{"a"}, 50},
		{"all alike", hits{"a": 20, "b": 20, "c": 20, "d": 20, "e": 20, "f": 20, "g": 20}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			for host, n := range c.hits {
				m.Detections = append(m.Detections, seen("spyware", 1, host, n))
			}
			r := computed(t, m, Options{})
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
	server := seen("virus", 1, "a", 10)
	server.Class = store.ClassServer
	m.Detections = []store.Detection{server, seen("virus", 1, "a", 10), seen("virus", 1, "b", 12), seen("virus", 1, "c", 1), seen("virus", 1, "d", 1), seen("virus", 1, "e", 1), seen("virus", 1, "f", 1)}
	r := computed(t, m, Options{})
	if got := pointsOf(r, PointConcentration); len(got) != 1 || !slices.Equal(got[0].Endpoints, []string{"a"}) || *got[0].Percent != 55.6 {
		t.Errorf("got %+v, want a with 20 of 36", got)
	}
	wantServers, wantOthers := []Ranked{{"a", 10}}, []Ranked{{"b", 12}, {"a", 10}, {"c", 1}, {"d", 1}, {"e", 1}}
	if diff := cmp.Diff([][]Ranked{wantServers, wantOthers}, [][]Ranked{r.Antivirus[0].Servers, r.Antivirus[0].Endpoints}); diff != "" {
		t.Error(diff)
	}
}

// TestTheURLFilterIsNoThreat holds that pages which a company has chosen to block worry nobody.
func TestTheURLFilterIsNoThreat(t *testing.T) {
	m := emptyMonth(t)
	for host, n := range map[string]int64{"a": 39, "b": 1, "c": 1, "d": 1} {
		m.Detections = append(m.Detections, seen("url_filtering", 1, host, n))
	}
	r := computed(t, m, Options{})
	if len(pointsOf(r, PointConcentration)) != 1 || r.Judgement != Good || len(r.Asks) != 0 || r.Funnel != (Funnel{Restricted: 42}) {
		t.Errorf("points %+v, judged %s, asks %+v, funnel %+v", r.Points, r.Judgement, r.Asks, r.Funnel)
	}
	m.Contract.URLFiltering = false
	if r = computed(t, m, Options{}); len(pointsOf(r, PointConcentration)) != 0 {
		t.Error("a feature that is not configured has a point")
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
		{"exactly 1.5 times", map[int]int64{14: 59, 15: 1, 16: 2, 13: 1, 17: 20}, week("2026-10-12", "2026-10-16")},
		{"just below 1.5 times", map[int]int64{14: 58, 15: 1, 16: 2, 13: 1, 17: 20}, nil},
		{"the reverse, exactly", map[int]int64{14: 11, 15: 1, 16: 1, 13: 1, 17: 10}, holiday},
		{"the reverse, just below", map[int]int64{14: 12, 15: 1, 16: 1, 13: 1, 17: 10}, nil},
		{"nothing on free days", map[int]int64{13: 16, 14: 1, 15: 1, 16: 1, 19: 1}, week("2026-10-12", "2026-10-16")},
		{"nothing on working days", map[int]int64{17: 16, 18: 1, 24: 1, 25: 1, 31: 1}, holiday},
		{"a public holiday is free", map[int]int64{12: 16, 18: 1, 24: 1, 25: 1, 31: 1}, holiday},
		{"total of 19", map[int]int64{13: 15, 14: 1, 15: 1, 16: 1, 19: 1}, nil},
		{"on four days", map[int]int64{13: 17, 14: 1, 15: 1, 16: 1}, nil},
		{"two working days are no week", map[int]int64{1: 16, 2: 16, 14: 9, 15: 1, 22: 8}, week("2026-10-12", "2026-10-16")},
		{"the last week", map[int]int64{26: 10, 27: 1, 28: 1, 30: 10, 14: 19}, week("2026-10-26", "2026-10-30")},
		{"the earliest of equals", map[int]int64{22: 10, 23: 1, 14: 9, 15: 1, 16: 1}, week("2026-10-12", "2026-10-16")},
		{"its public holiday counts too", map[int]int64{12: 1, 13: 9, 14: 1, 22: 9, 23: 1}, week("2026-10-12", "2026-10-16")},
		{"its weekend does not", map[int]int64{13: 9, 14: 1, 22: 10, 23: 1, 17: 2}, week("2026-10-19", "2026-10-23")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			for day, n := range c.perDay {
				m.Detections = append(m.Detections, seen("web_reputation", day, "PC-1", n))
			}
			r := computed(t, m, Options{})
			got := append(pointsOf(r, PointWeekday), pointsOf(r, PointHoliday)...)
			if diff := cmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
				t.Error(diff)
			}
			m.CoverageFed, m.Coverage = true, october.Days()[1:]
			if r = computed(t, m, Options{}); len(pointsOf(r, PointWeekday))+len(pointsOf(r, PointHoliday)) > 0 {
				t.Error("a day is missing, and the days are compared all the same")
			}
		})
	}
}

func TestAWeekAtTheEdgeOfTheMonth(t *testing.T) {
	m := emptyMonth(t)
	m.Period = store.Period{Year: 2026, Month: time.September} // ends on a Wednesday
	for day := -2; day <= 0; day++ {
		m.Detections = append(m.Detections, seen("virus", day, "PC-1", 10))
	}
	m.Detections = append(m.Detections, seen("virus", -13, "PC-1", 1), seen("virus", -14, "PC-1", 1))
	r := computed(t, m, Options{})
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
		point             bool
	}{
		{"up by 20 %", "2025-04-01", 72, 60, new(20.0), true},
		{"up by less", "2025-04-01", 71, 60, new(18.3), false},
		{"19.96 % is no 20", "2025-04-01", 2999, 2500, new(20.0), true}, // by the difference
		{"down by 20 %", "2025-04-01", 12, 15, new(-20.0), true},
		{"down to below 10", "2025-04-01", 9, 28, new(-67.9), false},
		{"down by 20", "2025-04-01", 9, 29, new(-69.0), true},
		{"gone", "2025-04-01", 0, 3, new(-100.0), false},
		{"gone, and it was much", "2025-04-01", 0, 20, new(-100.0), true},
		{"the same", "2025-04-01", 5, 5, new(0.0), false},
		{"rounded to 0.0", "2025-04-01", 10001, 10000, new(0.0), false},
		{"half a tenth up", "2025-04-01", 2001, 2000, new(0.1), false},
		{"half a tenth down", "2025-04-01", 1999, 2000, new(-0.1), false},
		{"much, and little of it", "2025-04-01", 10020, 10000, new(0.2), true},
		{"from 0", "2025-04-01", 5, 0, nil, false},
		{"from 0 to much", "2025-04-01", 20, 0, nil, true},
		{"0 and 0", "2025-04-01", 0, 0, nil, false},
		{"since the last day before", "2026-09-30", 15, 10, new(50.0), true},
		{"since the first day", "2026-10-01", 60, 40, nil, false},
		{"since within", "2026-10-20", 60, 40, nil, false},
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
			r := computed(t, m, Options{})
			line := r.Overview.Summary[0]
			if diff := cmp.Diff(c.want, line.ChangePercent); diff != "" {
				t.Error(diff)
			}
			if had := c.since < "2026-10-01"; (line.Previous != nil) != had || had && *line.Previous != c.previous {
				t.Errorf("previous is %v", line.Previous)
			}
			points := pointsOf(r, PointChange)
			if (len(points) == 1) != c.point || c.point && (*points[0].Current != c.current || *points[0].Previous != c.previous) {
				t.Errorf("points %+v", points)
			}
			for name, gap := range map[string][]store.Day{"the period": append(october.Previous().Days(), october.Days()[1:]...), "the month before": append(october.Days(), october.Previous().Days()[1:]...)} {
				m.CoverageFed, m.FedBefore, m.Coverage = true, true, gap
				if c.since == "2025-04-01" && len(pointsOf(computed(t, m, Options{}), PointChange)) > 0 {
					t.Errorf("a day of %s is missing, and the months are compared all the same", name)
				}
			}
		})
	}
}

func TestUsageAndOverrun(t *testing.T) {
	for _, c := range []struct {
		installed, licences int
		want                *float64
		point               bool
		judgement           Judgement
	}{
		{1, 20, new(5.0), true, Good},
		{1, 3, new(33.3), true, Good},
		{1, 2, new(50.0), false, Good},
		{9, 10, new(90.0), false, Good},
		{91, 100, new(91.0), true, Good},
		{1, 1, new(100.0), true, Good},
		{1, 0, nil, false, Good},
		{2, 1, new(200.0), true, Attention},
	} {
		m := emptyMonth(t)
		m.Contract.Licences = c.licences
		for i := 1; i < c.installed; i++ {
			name := fmt.Sprint("PC-", i+1)
			m.Endpoints = append(m.Endpoints, store.Endpoint{Name: name, Class: "desktop", InstalledAt: m.Endpoints[0].InstalledAt})
			m.Statuses = append(m.Statuses, snapshot(name, "2026-10-31", on))
		}
		r := computed(t, m, Options{})
		if diff := cmp.Diff(c.want, r.Overview.UsagePercent); diff != "" || r.Judgement != c.judgement || (len(pointsOf(r, PointUsage)) == 1) != c.point {
			t.Errorf("%d of %d licences: %s %s %+v", c.installed, c.licences, diff, r.Judgement, r.Points)
		}
	}
}

func TestWithoutInventoryNothingIsSaidOfUsage(t *testing.T) {
	m := emptyMonth(t)
	m.Endpoints = nil
	r := computed(t, m, Options{})
	if r.Overview.Inventory || r.Overview.UsagePercent != nil || len(pointsOf(r, PointUsage)) > 0 || len(r.Asks) > 0 {
		t.Errorf("usage %v, points %+v, asks %+v", r.Overview.UsagePercent, r.Points, r.Asks)
	}
	if diff := cmp.Diff([]string{"PC-1"}, r.Outside); diff != "" {
		t.Error(diff)
	}
}

func TestRansomwareOfAnyFeature(t *testing.T) {
	m := emptyMonth(t)
	m.Detections = append(m.Detections,
		resulted("virus", 3, "b", "Ransom.Win32.LOCKBIT", "quarantined", 2), resulted("virus", 9, "a", "RANSOM_WCRY.A", "uncleanable", 1),
		resulted("url_filtering", 20, "c", "Ransomware", "", 4), resulted("virus", 9, "z", "TROJ_RANSOM", "cleaned", 1),
		resulted("machine_learning", 9, "z", "Ransom.X", "", 1),
	)
	want := []Point{{
		Kind: PointRansomware, Count: 7, Endpoints: []string{"a", "b", "c"}, From: "2026-10-03", To: "2026-10-20",
		Results: []ResultCount{{"quarantined", 2}, {"uncleanable", 1}},
	}}
	if diff := cmp.Diff(want, pointsOf(computed(t, m, Options{Families: []string{"ransom"}}), PointRansomware)); diff != "" {
		t.Error(diff)
	}
}

// TestPointsAreFew holds that a section has three and a report twelve, and that the most important stay.
func TestPointsAreFew(t *testing.T) {
	all := []Point{}
	for _, kind := range pointOrder {
		for _, p := range parts {
			all = append(all, Point{Kind: kind, Feature: p.feature})
		}
	}
	list := printed(all)
	per := map[int]int{}
	for _, p := range list {
		per[p.section()]++
		if p.Kind != PointToConfirm && p.Kind != PointRestart && p.Kind != PointNotHandled {
			t.Errorf("%s stays, and there was something graver", p.Kind)
		}
	}
	for section, n := range per {
		if n > 3 {
			t.Errorf("section %d has %d points", section, n)
		}
	}
	if len(list) != 12 {
		t.Errorf("%d points", len(list))
	}
}
