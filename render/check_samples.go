package render

import (
	"fmt"
	"time"

	"geppo/aggregate"
	"geppo/store"
)

// sampleReports are what Check tries the templates with: a contract with everything, one without
// anything, and two between.
func sampleReports() ([]aggregate.Report, error) {
	var reports []aggregate.Report
	for i, m := range []store.Month{busyMonth(), emptyMonth(), newMonth(), partlyMonth(), staleMonth()} {
		r, err := aggregate.Compute(m.Rows(), aggregate.Options{Revision: 2 - min(i, 1), Families: families, History: history})
		if err != nil {
			return nil, fmt.Errorf("compute sample report %d: %w", i+1, err)
		}
		reports = append(reports, r)
	}
	reports[0].Late = 3
	return reports, nil
}

// history gives the line of months something to show.
var history = []aggregate.MonthTotals{{Period: store.Period{Year: 2026, Month: time.September}, Virus: 10}}

// families makes one of the samples' threats ransomware.
var families = []string{"Trojan.Sample.3"}

// sampleDay is noon of a day of the samples' month.
func sampleDay(day int) time.Time { return time.Date(2026, 10, day, 12, 0, 0, 0, time.UTC) }

func sampleMonth(id string, endpoints int) store.Month {
	yes := true
	m := store.Month{
		Contract: store.Contract{
			ID: id, Name: "株式会社サンプル", Product: store.ProductAntivirus, EDR: true, URLFiltering: true,
			Licences: 100, Timezone: "UTC", Since: "2026-01-01",
		},
		Period: store.Period{Year: 2026, Month: time.October}, Location: time.UTC,
	}
	for i := range endpoints {
		name := fmt.Sprintf("PC-%02d-%s", i+1, "of-a-company-that-likes-its-names-to-be-very-long")
		m.Endpoints = append(m.Endpoints, store.Endpoint{
			Name: name, Class: []store.Class{store.ClassDesktop, store.ClassServer, store.ClassUnknown}[i%3], InstalledAt: sampleDay(1).AddDate(-1, 0, 0),
		})
		m.Statuses = append(m.Statuses, store.AgentStatus{
			Endpoint: name, Day: "2026-10-31", LastSeen: sampleDay(31), PatternCurrent: &yes, OSSupported: &yes, OS: "Windows 11",
			Protections: store.Protections{
				RealtimeScan: store.On, BehaviorMonitoring: store.On, MachineLearning: store.On, WebReputation: store.On, EDR: store.On,
			},
		})
	}
	return m
}

func sampleDetection(m *store.Month, f store.Feature, endpoint int, result string) {
	m.Detections = append(m.Detections, store.Detection{
		Feature: f, Time: sampleDay(1 + len(m.Detections)%28), Endpoint: m.Endpoints[endpoint].Name, Class: store.ClassUnknown,
		Name: fmt.Sprintf("Trojan.Sample.%d", endpoint), Result: result, Count: 10,
	})
}

// busyMonth has everything that can be found, and everything that can be asked, of some endpoint.
func busyMonth() store.Month {
	m := sampleMonth("C000001", 14)
	no := false
	m.Contract.Licences = 5
	for _, f := range []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
	} {
		for i := range m.Endpoints {
			sampleDetection(&m, f, i, []string{"cleaned", "uncleanable", "noncleaned", "unsafe", "reboot", "passed"}[i%6])
		}
		m.Previous = append(m.Previous, store.FeatureCount{Feature: f, Count: 100})
	}
	for i := range m.Statuses {
		s := &m.Statuses[i]
		p := &s.Protections
		switch i % 7 {
		case 0:
			s.LastSeen, s.PatternCurrent = sampleDay(1), &no
		case 1:
			s.OSSupported, s.OS = &no, fmt.Sprintf("Windows %d", i)
		case 2:
			p.RealtimeScan, p.BehaviorMonitoring = store.Off, store.Off
		case 3:
			p.MachineLearning, p.WebReputation, p.EDR = store.Off, store.Off, store.Off
		case 4:
			s.Day = "2026-10-10"
		}
		m.Events = append(m.Events, store.EDREvent{
			ID: fmt.Sprint(i), Time: sampleDay(i + 1), Endpoints: []store.Machine{{Name: s.Endpoint}}, Status: fmt.Sprintf("status %d", i),
			Objects: []store.EDRObject{{Name: fmt.Sprintf("object%d.exe", i), Type: "file", Result: "terminated"}},
		})
	}
	m.CoverageFed, m.Coverage = true, m.Period.Days()[:20]
	return m
}

// emptyMonth has no endpoint, no detection, no EDR and no URL filter.
func emptyMonth() store.Month {
	m := sampleMonth("C000002", 0)
	m.Contract.EDR, m.Contract.Licences, m.Contract.URLFiltering = false, 0, false
	return m
}

// newMonth is the first month of a contract of the security package; nothing is found or asked.
func newMonth() store.Month {
	m := sampleMonth("C000003", 3)
	m.Contract.Product, m.Contract.Since = store.ProductSecurityPackage, "2026-10-01"
	return m
}

// partlyMonth has one detection, which leaves lists empty, an event without objects, and a protection off.
func partlyMonth() store.Month {
	m := sampleMonth("C000004", 3)
	sampleDetection(&m, store.Virus, 0, "cleaned")
	m.Statuses[0].Protections.BehaviorMonitoring = store.Off
	m.Events = append(m.Events, store.EDREvent{ID: "1", Time: sampleDay(1), Endpoints: []store.Machine{{Name: m.Endpoints[0].Name}}, Status: "new"})
	return m
}

// staleMonth has more machines of which the same is asked than a list shows, and no snapshot that is new enough to judge by.
func staleMonth() store.Month {
	m := sampleMonth("C000005", 12)
	no := false
	for i := range m.Statuses {
		m.Statuses[i].Day, m.Statuses[i].PatternCurrent = "2026-10-02", &no
	}
	m.Events = append(m.Events, store.EDREvent{
		ID: "1", Time: sampleDay(1), Endpoints: []store.Machine{{Name: m.Endpoints[0].Name}}, Status: "closed",
		Objects: []store.EDRObject{{Name: "object.exe", Type: "file", Result: "terminated"}},
	})
	return m
}

// sampleSummaries are the ends that a run can have.
func sampleSummaries() []Summary {
	full := Summary{
		Period: "2026-10", Total: 3, States: map[string]int{"sent": 1, "failed": 1, "held": 1},
		Errors:    []SummaryError{{Contract: "C000001", Reason: "no address"}},
		Problems:  []SummaryProblem{{ID: 1, Contract: "C000002", Recipient: "a@example.jp", State: "failed", Reason: "550"}},
		FollowUps: 1, CSV: []byte("x"),
	}
	pending, done := full, Summary{Period: "2026-10", Done: true}
	pending.Pending = true
	return []Summary{full, pending, done}
}

// sampleAlerts reach every word that alert.txt has.
func sampleAlerts() []Alert {
	waits := Alert{Kind: AlertWaits, Period: "2026-10", DueAt: "2026-11-01 09:00", Planned: 1, Count: 2, Waiting: []SummaryError{{"C1", "no data"}}}
	all := Alert{Kind: AlertWaits, Period: "2026-10", DueAt: "2026-11-01 09:00", Reason: "no contract"}
	missed := []MissedMonth{{"2026-09", "2026-10-01 09:00"}, {"2026-10", "2026-11-01 09:00"}}
	return []Alert{
		waits, all,
		{Kind: AlertMissed, Missed: missed[:1]},
		{Kind: AlertMissed, Missed: missed, More: true},
		{Kind: AlertClock, Reason: "leapt"},
		{Kind: AlertApproval, Period: "2026-10", Awaiting: 3},
		{Kind: AlertApproval, Period: "2026-10", Awaiting: 3, Sent: 20, Follows: "2026-11-01 11:00"},
		{Kind: AlertApproval, Period: "2026-10", Awaiting: 3, Sent: 19, Stuck: 1},
	}
}

// sampleNotices reach every word that notice.txt has.
func sampleNotices() []Notice {
	full := Notice{
		Event: NoticeFinished, Period: "2026-10", Total: 5, OnTheWay: 1, Waiting: 1, Errors: 1,
		States: map[string]int{"sent": 1, "failed": 1, "held": 1, "bounced": 1, "cancelled": 1},
	}
	pending, done := full, Notice{Event: NoticeFinished, Period: "2026-10", Done: true}
	pending.Pending = true
	missed := []MissedMonth{{"2026-09", "2026-10-01 09:00"}, {"2026-10", "2026-11-01 09:00"}}
	return []Notice{
		full, pending, done,
		{Event: NoticePlanned, Period: "2026-10", Kind: "schedule", Planned: 3, Waiting: 1, Errors: 1},
		{Event: NoticePlanned, Kind: "resend"},
		{Event: NoticeWaiting, Period: "2026-10", Waiting: 1},
		{Event: NoticeWaiting, Period: "2026-10", Reason: "no contract"},
		{Event: NoticePaused, Pauses: []NoticePause{{"setup", "geppo", "2026-11-01 09:00", "535"}}},
		{Event: NoticeMissed, Missed: missed[:1]},
		{Event: NoticeMissed, Missed: missed},
		{Event: NoticeSilent, Feeds: []SilentFeed{{"cef", "2026-11-01 09:00", 24}}},
		{Event: NoticeClock, Reason: "leapt"},
		{Event: NoticeApproval, Period: "2026-10", Awaiting: 3},
		{Event: NoticeApproval, Period: "2026-10", Awaiting: 3, Sent: 20, Follows: "2026-11-01 11:00"},
		{Event: NoticeApproval, Period: "2026-10", Awaiting: 3, Sent: 19, Stuck: 1},
	}
}
