package aggregate

import (
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
	event := func(status string) func(*store.Month) {
		return func(m *store.Month) {
			m.Events = []store.EDREvent{{ID: "e", Time: time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC), Endpoints: []store.Machine{{Name: "PC-1"}}, Status: status}}
		}
	}
	edrOff := status(func(s *store.AgentStatus) { s.Protections.EDR = "off" })
	for _, c := range []struct {
		name   string
		change func(*store.Month)
		want   Judgement
	}{
		{"nothing", func(*store.Month) {}, Good},
		{"no snapshot", func(m *store.Month) { m.Statuses = nil }, Undetermined},
		{"no snapshot of late", func(m *store.Month) { m.Statuses[0].Day = "2026-10-17" }, Undetermined},
		{"the first of the last 14 days", func(m *store.Month) { m.Statuses[0].Day = "2026-10-18" }, Good},
		{"licences and nothing else", func(m *store.Month) { m.Statuses, m.Endpoints = nil, nil }, Undetermined},
		{"nothing at all", func(m *store.Month) { m.Statuses, m.Endpoints, m.Contract.Licences = nil, nil, 0 }, Undetermined},
		{"an endpoint that is not seen", func(m *store.Month) {
			m.Endpoints = append(m.Endpoints, m.Endpoints[0])
			m.Endpoints[1].Name = "PC-2"
		}, Attention},
		{"licences and nothing installed", func(m *store.Month) { m.Endpoints = nil }, Attention},
		{"grave though unseen", func(m *store.Month) {
			m.Statuses = nil
			m.Detections = []store.Detection{resulted("virus", 5, "PC-1", "v", "uncleanable", 1)}
		}, ActionRequired},
		{"half of the days missing", func(m *store.Month) {
			m.Contract.Since, m.CoverageFed, m.Coverage = "2026-10-02", true, october.Days()[:16]
		}, Attention},
		{"more than half of the days missing", func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[:15] }, Undetermined},
		{"an open event", withEDR(event("new")), Attention},
		{"an event of another status", withEDR(event("待機")), Attention},
		{"a closed event", withEDR(event("closed")), Good},
		{"an open event without the option", event("new"), Good},
		{"handled", detected("virus", "quarantined"), Good},
		{"passed", detected("virus", "passed"), Attention},
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
			m.Endpoints[0].RemovedAt, m.Contract.Licences = m.Endpoints[0].RemovedAt.Add(-time.Millisecond), 0
		}, Good},
		{"off, and reporting after it was gone", func(m *store.Month) {
			m.Statuses[0].Protections.RealtimeScan = "off"
			m.Endpoints[0].RemovedAt = store.Day("2026-10-20").Start(m.Location)
		}, ActionRequired},
		{"off, and gone right after the period's end", func(m *store.Month) {
			m.Statuses[0].Protections.RealtimeScan = "off"
			_, m.Endpoints[0].RemovedAt = october.Bounds(m.Location)
		}, ActionRequired},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := emptyMonth(t)
			c.change(&m)
			if got := computed(t, m, Options{}).Judgement; got != c.want {
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
	r := computed(t, m, Options{})
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
	if r := computed(t, m, Options{}); r.EDR.Offline.Trend[23].Count != 0 || r.EDR.Offline.Trend[24].Count != 1 {
		t.Errorf("seen within October 11: %+v", r.EDR.Offline.Trend[22:26])
	}
}

func TestConfirmedNeedsARecentSnapshotWithRealtimeScanOn(t *testing.T) {
	for _, c := range []struct {
		day  store.Day
		scan store.Protection
		want int
	}{
		{"2026-10-18", "on", 1}, {"2026-10-17", "on", 0}, {"2026-10-31", "off", 0}, {"2026-10-31", "unknown", 0}, {"2026-11-01", "on", 0},
	} {
		m := emptyMonth(t)
		p := on
		p.RealtimeScan = c.scan
		m.Statuses = []store.AgentStatus{snapshot("PC-1", c.day, p)}
		if got := computed(t, m, Options{}).Protection; got != (Protection{1, c.want}) {
			t.Errorf("snapshot of %s with realtime scan %s: %+v", c.day, c.scan, got)
		}
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
	if diff := cmp.Diff(want, computed(t, m, Options{}).Agents.UnsupportedOS); diff != "" {
		t.Error(diff)
	}
}

// resulted is a virus or spyware with a result.
func resulted(feature store.Feature, day int, endpoint, name, result string, count int64) store.Detection {
	d := seen(feature, day, endpoint, count)
	d.Name, d.Result = name, result
	return d
}

// actedOn is a month in which everything was found that somebody has to act on.
func actedOn(t *testing.T) store.Month {
	m := emptyMonth(t)
	m.Contract.EDR = true
	m.Detections = []store.Detection{
		resulted("virus", 3, "b", "v1", "uncleanable", 1), resulted("virus", 9, "b", "v2", "uncleanable", 2),
		resulted("virus", 5, "a", "v1", "uncleanable", 1), resulted("virus", 7, "B", "v3", "passed", 5),
		resulted("spyware", 3, "c", "s", "unsafe", 1), resulted("spyware", 3, "z", "s", "noncleaned", 1),
		resulted("spyware", 3, "z", "s", "reboot", 1), resulted("spyware", 4, "y", "s", "reboot", 4),
	}
	m.Statuses[0].Protections.EDR = "off"
	m.Statuses[0].Protections.WebReputation = "off"
	return m
}

func TestActionPointsAreOfTheirSection(t *testing.T) {
	r := computed(t, actedOn(t), Options{})
	wantRows := []ToConfirm{
		{"virus", "uncleanable", "B", 3, []Ranked{{"v2", 2}, {"v1", 1}}, "2026-10-03", "2026-10-09"},
		{"virus", "uncleanable", "a", 1, []Ranked{{"v1", 1}}, "2026-10-05", "2026-10-05"},
		{"spyware", "noncleaned", "z", 1, []Ranked{{"s", 1}}, "2026-10-03", "2026-10-03"},
		{"spyware", "unsafe", "c", 1, []Ranked{{"s", 1}}, "2026-10-03", "2026-10-03"},
	}
	if diff := cmp.Diff(wantRows, r.ToConfirm); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Ranked{{"y", 4}, {"z", 1}}, r.Restart); diff != "" {
		t.Error(diff)
	}
	want := []Point{
		{Kind: PointUsage, Percent: new(25.0)},
		{Kind: PointToConfirm, Feature: "virus", Endpoints: []string{"B", "a"}, Names: []string{"v1", "v2"}, Count: 4, From: "2026-10-03", To: "2026-10-09"},
		{Kind: PointNotHandled, Feature: "virus", Endpoints: []string{"B"}, Names: []string{"v3"}, Count: 5, From: "2026-10-07", To: "2026-10-07"},
		{Kind: PointToConfirm, Feature: "spyware", Endpoints: []string{"c", "z"}, Names: []string{"s"}, Count: 2, From: "2026-10-03", To: "2026-10-03"},
		{Kind: PointRestart, Feature: "spyware", Endpoints: []string{"y", "z"}, Names: []string{"s"}, Count: 5, From: "2026-10-03", To: "2026-10-04"},
		{Kind: PointUnprotected, Endpoints: []string{"PC-1"}, Count: 1},
	}
	if diff := cmp.Diff(want, r.Points); diff != "" {
		t.Error(diff)
	}
}

// TestOneAskForEachMachine holds that a machine is asked about once, with all that it has, in whatever
// spelling its rows come, and about nothing that it cannot mend.
func TestOneAskForEachMachine(t *testing.T) {
	r := computed(t, actedOn(t), Options{})
	want := []Ask{
		{"B", true, []Mark{
			{Kind: "uncleanable", Feature: "virus", Names: []string{"v2", "v1"}, Count: 3, From: "2026-10-03", To: "2026-10-09"},
		}},
		{"a", true, []Mark{{Kind: "uncleanable", Feature: "virus", Names: []string{"v1"}, Count: 1, From: "2026-10-05", To: "2026-10-05"}}},
		{"c", true, []Mark{{Kind: "unsafe", Feature: "spyware", Names: []string{"s"}, Count: 1, From: "2026-10-03", To: "2026-10-03"}}},
		{"y", true, []Mark{{Kind: "reboot", Feature: "spyware", Names: []string{"s"}, Count: 4, From: "2026-10-04", To: "2026-10-04"}}},
		{"z", true, []Mark{
			{Kind: "noncleaned", Feature: "spyware", Names: []string{"s"}, Count: 1, From: "2026-10-03", To: "2026-10-03"},
			{Kind: "reboot", Feature: "spyware", Names: []string{"s"}, Count: 1, From: "2026-10-03", To: "2026-10-03"},
		}},
		{"PC-1", false, []Mark{{Kind: "web_reputation"}, {Kind: "edr"}}},
	}
	if diff := cmp.Diff(want, r.Asks); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Funnel{Detected: 16, Desk: 6, Asks: 6}, r.Funnel); diff != "" {
		t.Error(diff)
	}
}
