package aggregate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"geppo/store"
)

// Few names, so that ties and repeats are common; some as hostile as the import lets through.
var (
	hosts   = []string{"PC-1", "pc-1", "ＰＣ－１", "PC-2", "pc-2.corp.example.jp", "PC-10", "SV-1", "a", "A", "=1+1", "<script>alert(1)</script>", "𠮷野家", "\u202eexe.scr", ""}
	threats = []string{"TROJ_GEN.R002C0CLT21", "Eicar_test_file", "ADW_A", "Ransom.Win32.X", "x", "", "猫🐈", "http://example.jp/?a=1&b=<2>"}
	zones   = []string{"Asia/Tokyo", "Asia/Tokyo", "UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"}
	classes = []store.Class{"desktop", "server", "mobile", "unknown", ""}
	results = []string{"cleaned", "deleted", "quarantined", "renamed", "passed", "uncleanable", "unknown", "noncleaned", "reboot", "unsafe", "アクセス拒否", ""}
	kinds   = []store.Feature{"virus", "spyware", "web_reputation", "behavior_monitoring", "url_filtering", "network_virus", "machine_learning"}
)

// drawMonth invents a month of whatever the import lets through.
func drawMonth(t *rapid.T) store.Month {
	p := store.Period{Year: rapid.IntRange(2024, 2028).Draw(t, "year"), Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month"))}
	loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	start, end := p.Bounds(loc)
	ids := drawIDs(t)
	day := func(name string) store.Day {
		return store.DayOf(start.AddDate(0, 0, rapid.IntRange(-40, 33).Draw(t, name)), loc)
	}
	m := store.Month{Period: p, Location: loc, CoverageFed: rapid.Bool().Draw(t, "fed")}
	m.Contract = store.Contract{
		ID: "C1", Name: "株式会社<b>", Product: rapid.SampledFrom([]store.Product{"antivirus", "security_package"}).Draw(t, "product"),
		EDR: rapid.Bool().Draw(t, "edr"), URLFiltering: rapid.Bool().Draw(t, "url"), Licences: rapid.IntRange(0, 9).Draw(t, "licences"),
		Timezone: loc.String(), Since: day("since"),
	}
	if rapid.Bool().Draw(t, "ended") {
		m.Contract.Ends = max(m.Contract.Since, day("ends"))
	}
	if m.CoverageFed {
		m.FedBefore = rapid.Bool().Draw(t, "fed before")
		days := slices.Concat(p.Previous().Days(), p.Days())
		m.Coverage = rapid.SliceOfDistinct(rapid.SampledFrom(days), func(d store.Day) store.Day { return d }).Draw(t, "coverage")
		if rapid.Bool().Draw(t, "fed in full") {
			m.Coverage = days
		}
	}
	at := func(name string) time.Time {
		switch rapid.IntRange(0, 9).Draw(t, name+" where") {
		case 0:
			return start
		case 1:
			return end.Add(-time.Millisecond)
		case 2:
			return end
		case 3:
			return start.Add(-time.Millisecond)
		}
		return start.Add(time.Duration(rapid.Int64Range(0, end.Sub(start).Milliseconds()-1).Draw(t, name)) * time.Millisecond)
	}
	drawInventory(t, &m, ids, start, loc)
	drawRows(t, &m, ids, at)
	return m
}

// drawIDs gives some machines the ids of their agents: one of several names (renamed), or several
// of one name. Of one name either all rows have an id or none.
func drawIDs(t *rapid.T) map[string]string {
	ids, with := map[string]string{}, map[string]bool{}
	for _, host := range hosts {
		folded := store.Fold(host)
		if _, drawn := with[folded]; !drawn {
			with[folded] = rapid.IntRange(0, 2).Draw(t, "with ids") == 0
		}
		if with[folded] {
			ids[host] = rapid.SampledFrom([]string{"id-1", "id-2", "id-3"}).Draw(t, "id")
		}
	}
	return ids
}

func drawInventory(t *rapid.T, m *store.Month, ids map[string]string, start time.Time, loc *time.Location) {
	midnight := func(name string) time.Time {
		days, ms := rapid.IntRange(-20, 33).Draw(t, name), rapid.IntRange(-1, 1).Draw(t, name+" ms")
		return time.Date(start.Year(), start.Month(), 1+days, 0, 0, 0, ms*1e6, loc)
	}
	yesNo := func(name string) *bool {
		return rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, name)
	}
	state := func(name string) store.Protection {
		return rapid.SampledFrom([]store.Protection{"on", "on", "on", "off", "unknown"}).Draw(t, name)
	}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(hosts), func(s string) string { return s }).Draw(t, "endpoints") {
		e := store.Endpoint{Name: name, ID: ids[name], Class: rapid.SampledFrom(classes[:4]).Draw(t, "class"), OS: rapid.SampledFrom([]string{"", "Windows 11"}).Draw(t, "os")}
		e.InstalledAt = midnight("installed")
		if rapid.IntRange(0, 3).Draw(t, "leaves") == 0 {
			e.RemovedAt = midnight("removed")
		}
		m.Endpoints = append(m.Endpoints, e)
	}
	type key struct {
		host string
		day  int
	}
	keys := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) key {
		return key{rapid.SampledFrom(hosts).Draw(t, "host"), rapid.IntRange(-40, 32).Draw(t, "day")}
	}), 0, 25, func(k key) key { return k }).Draw(t, "snapshots")
	for _, k := range keys {
		day := store.DayOf(start.AddDate(0, 0, k.day), loc)
		m.Statuses = append(m.Statuses, store.AgentStatus{
			Endpoint: k.host, EndpointID: ids[k.host], Day: day, LastSeen: midnight("last seen"), PatternCurrent: yesNo("pattern"),
			OS: rapid.SampledFrom([]string{"", "Windows 7", "macOS"}).Draw(t, "os"), OSSupported: yesNo("supported"),
			Protections: store.Protections{RealtimeScan: state("scan"), BehaviorMonitoring: state("behavior"), MachineLearning: state("learning"), WebReputation: state("web"), EDR: state("edr")},
		})
	}
}

func drawRows(t *rapid.T, m *store.Month, ids map[string]string, at func(string) time.Time) {
	// A few runs of equal rows make totals of 10 and more, and concentrations, likely.
	for range rapid.IntRange(0, 40).Draw(t, "detections") {
		d := store.Detection{
			Feature: rapid.SampledFrom(kinds).Draw(t, "feature"), Time: at("time"), Endpoint: rapid.SampledFrom(hosts).Draw(t, "endpoint"),
			Class: rapid.SampledFrom(classes).Draw(t, "class"), Name: rapid.SampledFrom(threats).Draw(t, "name"),
			Result: rapid.SampledFrom(results).Draw(t, "result"), Count: rapid.Int64Range(1, 9).Draw(t, "count"),
		}
		d.EndpointID = ids[d.Endpoint]
		m.Detections = append(m.Detections, d)
	}
	for range rapid.IntRange(0, 8).Draw(t, "previous") {
		m.Previous = append(m.Previous, store.FeatureCount{Feature: rapid.SampledFrom(kinds).Draw(t, "feature"), Count: rapid.Int64Range(1, 40).Draw(t, "count")})
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		e := store.EDREvent{ID: fmt.Sprint(i), Time: at("time")}
		for _, host := range rapid.SliceOfN(rapid.SampledFrom(hosts), 1, 3).Draw(t, "endpoints") {
			e.Endpoints = append(e.Endpoints, store.Machine{ID: ids[host], Name: host})
		}
		e.Status = rapid.SampledFrom([]string{"new", "in_progress", "closed", "保留", "Open", ""}).Draw(t, "status")
		for range rapid.IntRange(0, 4).Draw(t, "objects") {
			e.Objects = append(e.Objects, store.EDRObject{
				Name: rapid.SampledFrom(threats).Draw(t, "name"), Type: rapid.SampledFrom([]string{"file", "process"}).Draw(t, "type"),
				Result: rapid.SampledFrom([]string{"terminated", "none"}).Draw(t, "result"),
			})
		}
		m.Events = append(m.Events, e)
	}
}

func drawOptions(t *rapid.T, m store.Month) Options {
	opts := Options{Revision: rapid.IntRange(1, 3).Draw(t, "revision"), Families: []string{"ransom.", "eicar"}}
	for back := range rapid.IntRange(0, 14).Draw(t, "history") {
		m := MonthTotals{Period: m.Period, Virus: int64(back), Unfed: back == 5}
		for range back + 1 {
			m.Period = m.Period.Previous()
		}
		if back != 3 {
			opts.History = append(opts.History, m)
		}
	}
	if rapid.Bool().Draw(t, "frozen") {
		opts.FrozenPrevious = &Report{Contract: Contract{ID: m.Contract.ID}, Period: m.Period.Previous()}
		for range sixFeatures {
			opts.FrozenPrevious.Antivirus = append(opts.FrozenPrevious.Antivirus, Feature{Total: rapid.Int64Range(0, 9).Draw(t, "frozen total")})
		}
	}
	return opts
}

func computed(t rapid.TB, m store.Month, opts Options) Report {
	t.Helper()
	r, err := Compute(m.Rows(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestComputeAgreesWithTheNaiveComputation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMonth(t)
		opts := drawOptions(t, m)
		if diff := cmp.Diff(naiveReport(m, opts), computed(t, m, opts)); diff != "" {
			t.Errorf("-naive +computed\n%s", diff)
		}
	})
}

func TestComputeInAnyRowOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMonth(t)
		want := computed(t, m, Options{})
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		m.Endpoints, m.Detections, m.Previous = shuffled(rng, m.Endpoints), shuffled(rng, m.Detections), shuffled(rng, m.Previous)
		m.Statuses, m.Events, m.Coverage = shuffled(rng, m.Statuses), shuffled(rng, m.Events), shuffled(rng, m.Coverage)
		for i := range m.Events {
			m.Events[i].Objects = shuffled(rng, m.Events[i].Objects)
		}
		if diff := cmp.Diff(want, computed(t, m, Options{})); diff != "" {
			t.Error(diff)
		}
	})
}

func shuffled[E any](rng *rand.Rand, list []E) []E {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
