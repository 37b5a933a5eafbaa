package aggregate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
)

// example is the shape of report.json as the specification gives it.
const example = `{"contract": {"id": "C000001", "name": "…"}, "period": "2026-10", "revision": 1,
 "overview": {"product": "おまかせアンチウイルス", "licences": 20, "usage_percent": 20,
              "installed": {"desktop": 4, "server": 0, "mobile": 0, "unknown": 0},
              "summary": [{"feature": "virus", "current": 12, "previous": 10, "change_percent": 20}]},
 "antivirus": [{"feature": "virus", "total": 12,
   "endpoints": [{"name": "Test001", "count": 7}], "servers": [],
   "trend": [{"day": "2026-10-01", "count": 0}],
   "results": [{"result": "cleaned", "count": 12}],
   "names": [{"name": "TROJ_GEN.R002C0CLT21", "count": 12}]}],
 "edr": {"total": 1, "trend": [{"day": "2026-10-01", "count": 0}], "objects_top": [{"name": "evil.ps1", "count": 1}],
         "endpoints_top": [{"name": "Test001", "count": 1}], "status": [{"status": "new", "count": 1}],
         "objects": [{"name": "evil.ps1", "type": "file", "endpoint": "Test001", "result": "terminated", "count": 1, "last_seen": "2026-10-07T09:00:00+09:00"}],
         "offline": {"trend": [{"day": "2026-10-01", "count": 0}], "endpoints": ["Test002"]},
         "outdated": {"trend": [{"day": "2026-10-01", "count": 0}], "endpoints": []},
         "unsupported_os": [{"os": "Windows 7", "count": 1}],
         "off": {"realtime_scan": ["Test003"], "behavior_monitoring": [], "machine_learning": [], "web_reputation": [], "edr": []}},
 "history": [{"period": "2026-05", "virus": 16, "spyware": 7, "web_reputation": 50, "behavior_monitoring": 7, "url_filtering": 29, "network_virus": 4, "edr": 0}],
 "funnel": {"detected": 132, "handled": 131, "desk": 1, "asks": 2, "restricted": 44}, "protection": {"installed": 31, "confirmed": 26},
 "timezone": "Asia/Tokyo", "holidays": ["2026-10-12"], "gaps": [], "judgement": "action_required",
 "to_confirm": [{"feature": "virus", "result": "uncleanable", "endpoint": "Test001", "count": 1}],
 "points": [{"kind": "concentration", "feature": "virus", "endpoints": ["Test001"], "percent": 58.3, "text": "…"}]}`

// exampleMonth holds what the example tells: Test001 to Test004, 12 viruses, one event.
func exampleMonth(t testing.TB) store.Month {
	m := emptyMonth(t)
	m.Contract.EDR, m.Contract.Licences = true, 20
	m.Endpoints, m.Statuses = nil, nil
	for i := range 4 {
		name := fmt.Sprintf("Test%03d", i+1)
		m.Endpoints = append(m.Endpoints, store.Endpoint{Name: name, Class: "desktop", InstalledAt: time.Date(2025, 4, 2, 1, 0, 0, 0, time.UTC)})
		m.Statuses = append(m.Statuses, snapshot(name, "2026-10-31", on))
	}
	m.Statuses[1].LastSeen = m.Statuses[1].LastSeen.AddDate(0, 0, -15)
	m.Statuses[2].Protections.RealtimeScan = "off"
	m.Statuses[3].OS, m.Statuses[3].OSSupported = "Windows 7", new(false)
	for host, n := range map[string]int64{"Test001": 6, "Test002": 5} {
		d := seen("virus", 5, host, n)
		d.Name = "TROJ_GEN.R002C0CLT21"
		m.Detections = append(m.Detections, d)
	}
	m.Detections = append(m.Detections, m.Detections[0])
	last := &m.Detections[2]
	last.Endpoint, last.Result, last.Count = "Test001", "uncleanable", 1
	m.Previous = []store.FeatureCount{{Feature: "virus", Count: 10}}
	m.Events = []store.EDREvent{{
		ID: "e-1", Time: time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC), Endpoints: []store.Machine{{Name: "Test001"}}, Status: "new",
		Objects: []store.EDRObject{{Name: "evil.ps1", Type: "file", Result: "terminated"}},
	}}
	return m
}

// paths are all names in a JSON value, with what leads to them; elements of arrays are "[]".
func paths(at string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			into[at+"."+name] = true
			paths(at+"."+name, inner, into)
		}
	case []any:
		for _, inner := range v {
			paths(at+"[]", inner, into)
		}
	}
}

func toJSON(t *testing.T, r Report) (text string, value map[string]any) {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &value); err != nil {
		t.Fatal(err)
	}
	return string(b), value
}

func TestJSONHasTheShapeOfTheExample(t *testing.T) {
	var want map[string]any
	if err := json.Unmarshal([]byte(example), &want); err != nil {
		t.Fatal(err)
	}
	_, got := toJSON(t, computed(t, exampleMonth(t), Options{}))
	wanted, have := map[string]bool{}, map[string]bool{}
	paths("", want, wanted)
	paths("", got, have)
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		if !have[path] {
			t.Errorf("report.json lacks %s", path)
		}
	}
	// The values of the example, but for those that it cuts short.
	for _, key := range []string{"period", "revision", "timezone", "holidays", "gaps", "judgement"} {
		if diff := cmp.Diff(want[key], got[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	wantEDR, gotEDR := want["edr"].(map[string]any), got["edr"].(map[string]any)
	for _, key := range []string{"total", "objects_top", "endpoints_top", "status", "objects", "unsupported_os", "off"} {
		if diff := cmp.Diff(wantEDR[key], gotEDR[key]); diff != "" {
			t.Errorf("edr.%s: %s", key, diff)
		}
	}
}

func TestJSONPartsThatAreAbsent(t *testing.T) {
	m := emptyMonth(t)
	m.Contract.Since = "2026-10-01"
	m.Contract.Licences = 0
	text, got := toJSON(t, computed(t, m, Options{}))
	if got["edr"] != nil || !strings.Contains(text, `"edr":null`) {
		t.Errorf("edr is %v, want null", got["edr"])
	}
	line := got["overview"].(map[string]any)["summary"].([]any)[0].(map[string]any)
	for _, name := range []string{"previous", "change_percent"} {
		if v, there := line[name]; !there || v != nil {
			t.Errorf("%s is %v, want null", name, v)
		}
	}
	order := []string{"virus", "spyware", "web_reputation", "behavior_monitoring", "url_filtering", "network_virus"}
	for i, f := range got["antivirus"].([]any) {
		f := f.(map[string]any)
		if f["feature"] != order[i] {
			t.Errorf("feature %d is %v, want %s", i, f["feature"], order[i])
		}
		_, servers := f["servers"]
		_, results := f["results"]
		_, names := f["names"]
		if servers != (i < 2) || results != (i < 2) || names != (i != 2) {
			t.Errorf("%s: servers %t, results %t, names %t", order[i], servers, results, names)
		}
		if n := len(f["trend"].([]any)); n != 31 {
			t.Errorf("%s: trend of %d days", order[i], n)
		}
	}
	// Whatever is empty is a list; null stands only where a figure is not known.
	for _, nullable := range []string{`"edr":null`, `"usage_percent":null`, `"previous":null`, `"change_percent":null`} {
		text = strings.ReplaceAll(text, nullable, "")
	}
	if strings.Contains(text, "null") {
		t.Errorf("a list is null: %s", text)
	}
}

func TestEveryListOfAnEmptyEDRReportIsAList(t *testing.T) {
	m := emptyMonth(t)
	m.Contract.EDR, m.Endpoints, m.Statuses = true, nil, nil
	text, got := toJSON(t, computed(t, m, Options{}))
	edr, err := json.Marshal(got["edr"])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(edr), "null") || !strings.Contains(text, `"off":{"realtime_scan":[]`) {
		t.Errorf("edr is %s", edr)
	}
}

func TestJSONComesBackTheSame(t *testing.T) {
	want := computed(t, exampleMonth(t), Options{Revision: 2})
	text, _ := toJSON(t, want)
	var got Report
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a frozen report reads back differently:\n%s", diff)
	}
}

func TestLate(t *testing.T) {
	frozen := func(total int64) *Report {
		r := &Report{Contract: Contract{ID: "C000001"}, Period: october.Previous()}
		r.Antivirus = []Feature{{Feature: "virus", Total: total}}
		return r
	}
	m := emptyMonth(t)
	m.Previous = []store.FeatureCount{{Feature: "virus", Count: 4}, {Feature: "spyware", Count: 3}, {Feature: "dlp", Count: 50}}
	for _, c := range []struct {
		frozen *Report
		want   int64
	}{{nil, 0}, {frozen(5), 2}, {frozen(7), 0}, {frozen(9), 0}} {
		if got := computed(t, m, Options{FrozenPrevious: c.frozen}).Late; got != c.want {
			t.Errorf("late is %d, want %d", got, c.want)
		}
	}
	m.Contract.Since = "2026-10-01"
	if got := computed(t, m, Options{FrozenPrevious: frozen(1)}).Late; got != 0 {
		t.Errorf("a contract without a month before has %d late detections", got)
	}
}

func TestComputeRefuses(t *testing.T) {
	for name, change := range map[string]func(*store.Month, *Options){
		"no zone":                   func(m *store.Month, _ *Options) { m.Location = nil },
		"no month":                  func(m *store.Month, _ *Options) { m.Period = store.Period{} },
		"another contract's report": func(m *store.Month, o *Options) { o.FrozenPrevious = &Report{Period: m.Period.Previous()} },
		"a report of another period": func(m *store.Month, o *Options) {
			o.FrozenPrevious = &Report{Contract: Contract{ID: m.Contract.ID}, Period: m.Period}
		},
	} {
		m, opts := emptyMonth(t), Options{}
		change(&m, &opts)
		if r, err := Compute(m.Rows(), opts); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "C000001") {
			t.Errorf("%s: error %v, report of %q", name, err, r.Contract.ID)
		}
	}
}

func TestProductIsAKey(t *testing.T) {
	for _, product := range []store.Product{store.ProductAntivirus, store.ProductSecurityPackage} {
		m := emptyMonth(t)
		m.Contract.Product = product
		if o := computed(t, m, Options{}).Overview; o.Kind != product || o.Product != "" || o.EDRProduct != "" {
			t.Errorf("%s is %q, %q, %q; render words it", product, o.Kind, o.Product, o.EDRProduct)
		}
	}
}
