package render_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"geppo/aggregate"
	"geppo/store"
)

// october is the period of all test reports but the leap February's.
var october = store.Period{Year: 2026, Month: time.October}

var tokyo = time.FixedZone("Asia/Tokyo", 9*60*60)

// hostile are names that a customer's machine or an attacker can choose.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `</td></tr></table><h1>x`,
	"tab\tnul\x00esc\x1b[31m", "line\r\nBcc: evil@example.com", "exe\u202Efdp.scr", "絵文字😀👨‍👩‍👧と𠮷野家",
	strings.Repeat("とても長い名前", 143), strings.Repeat("a", 500) + strings.Repeat("z", 500), "=cmd|'/c calc'!A1", "{{.Subject}}",
	"e" + strings.Repeat("\u0301", 999), "\xff\xfe", " ", "--><!--", "&lt;b&gt;", "cid:virus-trend", "\u2028\u2029", "مرحبا",
}

// month begins a month with n endpoints whose protection works.
func month(id, name string, n int) store.Month {
	m := store.Month{
		Contract: store.Contract{
			ID: id, Name: name, Product: store.ProductAntivirus, URLFiltering: true,
			Licences: 20, Timezone: "Asia/Tokyo", Since: "2025-04-01",
		},
		Period: october, Location: tokyo,
	}
	for i := range n {
		class := store.ClassDesktop
		if i%8 == 7 {
			class = store.ClassServer
		}
		m.Endpoints = append(m.Endpoints, store.Endpoint{
			Name: fmt.Sprintf("PC-%03d", i+1), Class: class, OS: "Windows 11 Pro",
			InstalledAt: at(2025, 4, 2, 10),
		})
		m.Statuses = append(m.Statuses, healthy(m.Endpoints[i].Name))
	}
	return m
}

// at is an hour in Tokyo.
func at(year, month, day, hour int) time.Time {
	return time.Date(year, time.Month(month), day, hour, 0, 0, 0, tokyo)
}

// healthy is the snapshot of an endpoint on which all is well.
func healthy(endpoint string) store.AgentStatus {
	yes := true
	return store.AgentStatus{
		Endpoint: endpoint, Day: "2026-10-31", LastSeen: at(2026, 10, 31, 9), PatternCurrent: &yes,
		OS: "Windows 11 Pro", OSSupported: &yes,
		Protections: store.Protections{
			RealtimeScan: store.On, BehaviorMonitoring: store.On, MachineLearning: store.On, WebReputation: store.On, EDR: store.On,
		},
	}
}

// detect adds detections of one endpoint, name and result on one day of October.
func detect(m *store.Month, f store.Feature, day int, endpoint, name, result string, count int64) {
	m.Detections = append(m.Detections, store.Detection{
		Feature: f, Time: at(2026, 10, day, 14), Endpoint: endpoint, Class: store.ClassUnknown, Name: name, Result: result, Count: count,
	})
}

func quietMonth() store.Month { return month("C000001", "株式会社サンプル商事", 5) }

func averageMonth() store.Month {
	m := month("C000002", "有限会社みどり印刷", 12)
	for i, day := range []int{1, 2, 5, 6, 6, 7, 8, 9, 14, 20, 21, 27} {
		detect(&m, store.Virus, day, fmt.Sprintf("PC-%03d", i%5+1), "TROJ_GEN.R002C0CLT21", []string{"quarantined", "cleaned", "deleted"}[i%3], 1)
	}
	detect(&m, store.Virus, 15, "PC-008", "Eicar_test_file", "passed", 2)
	for day := 1; day <= 30; day += 2 {
		detect(&m, store.WebReputation, day, fmt.Sprintf("PC-%03d", day%7+1), "http://phish.example/login", "", int64(day%4+1))
	}
	m.Previous = []store.FeatureCount{{Feature: store.Virus, Count: 10}, {Feature: store.WebReputation, Count: 64}, {Feature: store.Spyware, Count: 3}}
	return m
}

// heavyMonth is a contract of 150 endpoints, about 20,000 detections in every feature, and EDR.
func heavyMonth() store.Month {
	m := month("C000003", "日本総合物流ホールディングス株式会社 情報システム部", 150)
	m.Contract.Licences, m.Contract.EDR = 160, true
	random := rand.New(rand.NewPCG(1, 2))
	features := []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
	}
	results := []string{"cleaned", "deleted", "quarantined", "renamed", "passed"}
	names := []string{"Ransom.Win32.LOCKBIT.SMYXCJN", "TROJ_GEN.R002C0CLT21", "WORM_DOWNAD.A", "Trojan.Win32.FRS.VSNW03G24", "PUA.Win32.InstallCore.THAAOBB.component.dropper", "ADW_OPENCANDY"}
	for i := range 10_000 {
		f := features[i%6]
		result := ""
		switch f {
		case store.Virus:
			result = results[random.IntN(len(results))]
		case store.Spyware:
			result = "cleaned"
		}
		day := random.IntN(31) + 1
		for d := at(2026, 10, day, 1).Weekday(); d == time.Saturday || d == time.Sunday; d = at(2026, 10, day, 1).Weekday() {
			day = random.IntN(31) + 1
		}
		detect(&m, f, day, fmt.Sprintf("PC-%03d", min(random.IntN(150), random.IntN(150))+1), fmt.Sprintf("%s.%02d", names[random.IntN(6)], random.IntN(15)), result, int64(random.IntN(3)+1))
	}
	for _, f := range features {
		m.Previous = append(m.Previous, store.FeatureCount{Feature: f, Count: 3210})
	}
	addEvents(&m, 200)
	return m
}

func addEvents(m *store.Month, n int) {
	statuses := []string{"new", "in_progress", "closed", "closed", "escalated"}
	for i := range n {
		m.Events = append(m.Events, store.EDREvent{
			ID: fmt.Sprint(i), Time: at(2026, 10, i*7%31+1, i%24), Endpoints: []store.Machine{{Name: fmt.Sprintf("PC-%03d", i%9+1)}}, Status: statuses[i%5],
			Objects: []store.EDRObject{{Name: fmt.Sprintf("powershell-%d.exe", i%13), Type: "file", Result: []string{"terminated", "quarantined"}[i%2]}},
		})
	}
}

// problemMonth has everything that a reader can be asked.
func problemMonth() store.Month {
	m := month("C000004", "医療法人社団さくら会 さくら総合クリニック", 23)
	m.Contract.EDR = true
	detect(&m, store.Virus, 5, "PC-001", "Ransom.Win32.LOCKBIT.SMYXCJN", "uncleanable", 2)
	detect(&m, store.Virus, 6, "PC-002", "TROJ_GEN.R002C0CLT21", "uncleanable", 1)
	detect(&m, store.Virus, 6, "PC-002", "TROJ_GEN.R002C0CLT21", "quarantined", 9)
	detect(&m, store.Spyware, 13, "PC-003", "ADW_OPENCANDY", "noncleaned", 1)
	detect(&m, store.Spyware, 13, "PC-004", "TSPY_ZBOT.A", "unsafe", 1)
	detect(&m, store.Spyware, 14, "PC-005", "TSPY_ZBOT.A", "reboot", 1)
	for day := 3; day <= 25; day += 7 { // Saturdays
		detect(&m, store.WebReputation, day, "PC-006", "http://c2.example/", "", 4)
		detect(&m, store.WebReputation, day+1, "PC-007", "http://c2.example/", "", 1)
	}
	no := false
	for i := range m.Statuses {
		s := &m.Statuses[i]
		switch {
		case i < 2:
			s.Protections.RealtimeScan = store.Off
		case i < 5:
			s.LastSeen = at(2026, 10, 1, 9)
		case i < 18:
			s.PatternCurrent = &no
		case i < 20:
			s.OSSupported, s.OS = &no, "Windows 7 Professional"
		case i < 21:
			s.Protections.BehaviorMonitoring, s.Protections.MachineLearning = store.Off, store.Off
		case i < 22:
			s.Protections.WebReputation, s.Protections.EDR = store.Off, store.Off
		}
	}
	m.CoverageFed = true
	for _, d := range october.Days() {
		if d != "2026-10-18" && d != "2026-10-19" && d != "2026-10-28" {
			m.Coverage = append(m.Coverage, d)
		}
	}
	m.Previous = []store.FeatureCount{{Feature: store.Virus, Count: 12}, {Feature: store.WebReputation, Count: 40}}
	addEvents(&m, 7)
	return m
}

// oneMonth is a contract of one endpoint in its first month, of the security package.
func oneMonth() store.Month {
	m := month("C000005", "山田税理士事務所", 1)
	m.Contract.Licences, m.Contract.URLFiltering, m.Contract.Since = 1, false, "2026-10-01"
	m.Contract.Product, m.Contract.EDR = store.ProductSecurityPackage, true
	detect(&m, store.BehaviorMonitoring, 8, "PC-001", "setup.exe", "", 1)
	return m
}

// hostileMonth has hostile text in every field that comes from outside.
func hostileMonth() store.Month { return monthOfNames(hostile) }

// monthOfNames has these names in every field that comes from outside.
func monthOfNames(names []string) store.Month {
	m := month("C000006", names[0]+"株式会社", 0)
	m.Contract.EDR, m.Contract.Timezone = true, "Asia/Tokyo"
	no := false
	for i, name := range names {
		m.Endpoints = append(m.Endpoints, store.Endpoint{Name: name, Class: store.ClassDesktop, InstalledAt: at(2025, 4, 2, 10)})
		s := healthy(name)
		s.OSSupported, s.OS, s.Protections.RealtimeScan = &no, name, store.Off
		m.Statuses = append(m.Statuses, s)
		for j, f := range []store.Feature{
			store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
		} {
			result := []string{"uncleanable", "reboot", "", "", "", ""}[j]
			detect(&m, f, i+1, name, names[(i+j)%len(names)], result, int64(len(names)-i)*50)
		}
		m.Events = append(m.Events, store.EDREvent{
			ID: name, Time: at(2026, 10, i+1, 3), Endpoints: []store.Machine{{Name: name}}, Status: name,
			Objects: []store.EDRObject{{Name: name, Type: name, Result: name}},
		})
	}
	return m
}

// cases are the reports of the golden files.
var cases = []struct {
	name     string
	month    func() store.Month
	revision int
}{
	{"quiet", quietMonth, 1},
	{"average", averageMonth, 1},
	{"heavy", heavyMonth, 1},
	{"problems", problemMonth, 2},
	{"one", oneMonth, 1},
	{"hostile", hostileMonth, 1},
}

// compute makes the report of a month.
func compute(t testing.TB, m store.Month, revision int) aggregate.Report {
	t.Helper()
	report, err := aggregate.Compute(m.Rows(), aggregate.Options{Revision: revision})
	if err != nil {
		t.Fatal(err)
	}
	return report
}
