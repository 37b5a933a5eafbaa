package aggregate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
)

func TestJudgement(t *testing.T) {
	detected := func(feature store.Feature, result string) func(*store.Month) {
		return func(m *store.Month) {
			d := seen(feature, 5, "PC-1", 1)
			d.Result = result
			m.Detections = append(m.Detections, d)
		}
	}
	status := func(change func(*store.AgentStatus)) func(*store.Month) {
		return func(m *store.Month) { change(&m.Statuses[0]) }
	}
	withEDR := func(change func(*store.Month)) func(*store.Month) {
		return func(m *store.Month) { m.Contract.EDR = true; change(m) }
	}
	edrOff := status(func(s *store.AgentStatus) { s.Protections.EDR = "off" })
	for _, c := range []struct {
		name   string
		change func(*store.Month)
		want   Judgement
	}{
		{"nothing", func(*store.Month) {}, Good},
		{"nothing known", func(m *store.Month) { m.Statuses = nil }, Good},
		{"handled", detected("virus", "quarantined"), Good},
		{"passed", detected("virus", "passed"), Good},
		{"unknown result", detected("virus", "アクセス拒否"), Good},
		{"uncleanable", detected("virus", "uncleanable"), ActionRequired},
		{"noncleaned", detected("spyware", "noncleaned"), ActionRequired},
		{"unsafe", detected("spyware", "unsafe"), ActionRequired},
		{"reboot", detected("spyware", "reboot"), ActionRequired},
		{"a spyware result for a virus is unknown", detected("virus", "unsafe"), Good},
		{"a result where there are none", detected("network_virus", "uncleanable"), Good},
		{"realtime scan off", status(func(s *store.AgentStatus) { s.Protections.RealtimeScan = "off" }), ActionRequired},
		{"realtime scan unknown", status(func(s *store.AgentStatus) { s.Protections.RealtimeScan = "unknown" }), Good},
		{"web reputation off", status(func(s *store.AgentStatus) { s.Protections.WebReputation = "off" }), Attention},
		{"EDR off without the option", edrOff, Good},
		{"EDR off", withEDR(edrOff), Attention},
		{"outdated", status(func(s *store.AgentStatus) { s.PatternCurrent = new(false) }), Attention},
		{"pattern not reported", status(func(s *store.AgentStatus) { s.PatternCurrent = nil }), Good},
		{"unsupported", status(func(s *store.AgentStatus) { s.OSSupported = new(false) }), Attention},
		{"offline", status(func(s *store.AgentStatus) { s.LastSeen = s.LastSeen.AddDate(0, 0, -20) }), Attention},
		{"a gap", func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[1:] }, Attention},
		{"fed in full", func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days() }, Good},
		{"not fed", func(m *store.Month) { m.Coverage = october.Days()[1:] }, Good},
		{"off, but gone by the period's end", func(m *store.Month) {
			m.Statuses[0].Protections.RealtimeScan = "off"
			_, m.Endpoints[0].RemovedAt = october.Bounds(m.Location)
			m.Endpoints[0].RemovedAt = m.Endpoints[0].RemovedAt.Add(-time.Millisecond)
		}, Good},
		{"off, and gone right after the period's end", func(m *store.Month) {
			m.Statuses[0].Protections.RealtimeScan = "off"
			_, m.Endpoints[0].RemovedAt = october.Bounds(m.Location)
		}, ActionRequired},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			c.change(&m)
			if got := compute(t, m, Options{}).Judgement; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestInstalledAtTheEndOfADay(t *testing.T) {
	m := emptyMonth(t)
	start, end := october.Bounds(m.Location)
	cal := newCalendar(october, m.Location)
	for _, c := range []struct {
		name               string
		installed, removed time.Time
		first, last        bool // at the end of the first and the last day
	}{
		{"all along", start.AddDate(-1, 0, 0), time.Time{}, true, true},
		{"joined in the last millisecond", end.Add(-time.Millisecond), time.Time{}, false, true},
		{"joined with the next month", end, time.Time{}, false, false},
		{"left in the last millisecond", start.AddDate(-1, 0, 0), end.Add(-time.Millisecond), true, false},
		{"left with the next month", start.AddDate(-1, 0, 0), end, true, true},
		{"left in the first day", start.AddDate(-1, 0, 0), start.Add(time.Hour), false, false},
		{"left at the end of the first day", start.AddDate(-1, 0, 0), start.AddDate(0, 0, 1), true, false},
	} {
		e := &store.Endpoint{InstalledAt: c.installed, RemovedAt: c.removed}
		if first, last := cal.installed(e, 0), cal.installed(e, 30); first != c.first || last != c.last {
			t.Errorf("%s: %t, %t, want %t, %t", c.name, first, last, c.first, c.last)
		}
	}
}

func TestOfflineTrendCarriesSnapshots(t *testing.T) {
	m := emptyMonth(t)
	m.Contract.EDR = true
	// Seen for the last time at the very end of October 10, known by a snapshot of September; it
	// counts as offline from October 24 on, until it is seen again on the 29th.
	lost := snapshot("PC-1", "2026-09-20", on)
	lost.LastSeen = time.Date(2026, 10, 11, 0, 0, 0, 0, m.Location)
	m.Statuses = []store.AgentStatus{snapshot("PC-1", "2026-10-29", on), lost}
	r := compute(t, m, Options{})
	var days []store.Day
	for _, d := range r.EDR.Offline.Trend {
		if d.Count == 1 {
			days = append(days, d.Day)
		}
	}
	want := []store.Day{"2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27", "2026-10-28"}
	if diff := cmp.Diff(want, days); diff != "" || len(r.EDR.Offline.Endpoints) > 0 {
		t.Errorf("%s, at the end %q", diff, r.EDR.Offline.Endpoints)
	}
	// A millisecond later, it is a day less.
	m.Statuses[1].LastSeen = lost.LastSeen.Add(time.Millisecond)
	if r := compute(t, m, Options{}); r.EDR.Offline.Trend[23].Count != 0 || r.EDR.Offline.Trend[24].Count != 1 {
		t.Errorf("seen within October 11: %+v", r.EDR.Offline.Trend[22:26])
	}
}

func TestWorkingNeedsARecentSnapshotOfEveryEndpoint(t *testing.T) {
	for _, c := range []struct {
		day  store.Day
		scan store.Protection
		want bool
	}{
		{"2026-10-18", "on", true}, {"2026-10-17", "on", false}, {"2026-10-31", "off", false}, {"2026-10-31", "unknown", false}, {"2026-11-01", "on", false},
	} {
		m := emptyMonth(t)
		p := on
		p.RealtimeScan = c.scan
		m.Statuses = []store.AgentStatus{snapshot("PC-1", c.day, p)}
		if got := compute(t, m, Options{}).Agents.Working; got != c.want {
			t.Errorf("snapshot of %s with realtime scan %s: working %t", c.day, c.scan, got)
		}
	}
	m := emptyMonth(t)
	m.Endpoints = nil
	if r := compute(t, m, Options{}); r.Agents.Working || r.Overview.Installed.Total() != 0 {
		t.Error("a contract without endpoints is said to be protected")
	}
}

func TestUnsupportedSystems(t *testing.T) {
	m := emptyMonth(t)
	m.Endpoints, m.Statuses = nil, nil
	for name, systems := range map[string][2]string{"a": {"Windows 7", "x"}, "b": {"", "Windows 7"}, "c": {"", ""}, "d": {"Windows 8", ""}} {
		s := snapshot(name, "2026-10-01", on)
		s.OS, s.OSSupported = systems[0], new(false)
		m.Statuses = append(m.Statuses, s)
		m.Endpoints = append(m.Endpoints, store.Endpoint{Name: name, Class: "desktop", OS: systems[1]})
	}
	want := []OSCount{{"Windows 7", 2}, {"Windows 8", 1}, {"不明", 1}}
	if diff := cmp.Diff(want, compute(t, m, Options{}).Agents.UnsupportedOS); diff != "" {
		t.Error(diff)
	}
}

func TestActionPoints(t *testing.T) {
	m := emptyMonth(t)
	m.Contract.EDR = true
	add := func(feature store.Feature, endpoint, name, result string, count int64) {
		d := seen(feature, 3, endpoint, count)
		d.Name, d.Result = name, result
		m.Detections = append(m.Detections, d)
	}
	add("virus", "b", "v1", "uncleanable", 1)
	add("virus", "b", "v2", "uncleanable", 2)
	add("virus", "a", "v1", "uncleanable", 1)
	add("spyware", "c", "s", "unsafe", 1)
	add("spyware", "z", "s", "noncleaned", 1)
	add("spyware", "z", "s", "reboot", 1)
	add("spyware", "y", "s", "reboot", 4)
	m.Statuses[0].Protections.EDR = "off"
	m.Statuses[0].Protections.WebReputation = "off"
	r := compute(t, m, Options{})
	wantRows := []ToConfirm{
		{"virus", "uncleanable", "b", 3, []Ranked{{"v2", 2}, {"v1", 1}}},
		{"virus", "uncleanable", "a", 1, []Ranked{{"v1", 1}}},
		{"spyware", "noncleaned", "z", 1, []Ranked{{"s", 1}}},
		{"spyware", "unsafe", "c", 1, []Ranked{{"s", 1}}},
	}
	if diff := cmp.Diff(wantRows, r.ToConfirm); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Ranked{{"y", 4}, {"z", 1}}, r.Restart); diff != "" {
		t.Error(diff)
	}
	want := []Point{
		{Kind: PointToConfirm, Endpoints: []string{"a", "b", "c", "z"}, Count: 6},
		{Kind: PointRestart, Endpoints: []string{"y", "z"}, Count: 5},
		{Kind: PointUnprotected, Endpoints: []string{"PC-1"}, Count: 1},
	}
	at := slices.IndexFunc(r.Points, func(p Point) bool { return p.Kind == PointToConfirm })
	if diff := cmp.Diff(want, r.Points[at:]); diff != "" {
		t.Error(diff)
	}
}
