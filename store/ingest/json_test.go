package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/ingest"
)

func alertOf(members string) string {
	return `{"id":"WB-1","createdDateTime":"2026-10-05T16:51:29Z","impactScope":{"entities":[{"entityType":"host","entityValue":{"guid":"G","name":"PC"}}]}` + members + `}`
}

func TestWorkbenchAlerts(t *testing.T) {
	indicator := func(field, value string) string {
		return fmt.Sprintf(`,"indicators":[{"field":%q,"value":%q}]`, field, value)
	}
	for members, want := range map[string]fields{
		`,"status":"Open"`:        {"type": "edr_event", "status": "new", "endpoint": "PC", "time": "2026-10-05T16:51:29Z", "objects": "[]"},
		`,"status":"in progress"`: {"status": "in_progress"}, `,"investigationStatus":"Benign True Positive"`: {"status": "closed"},
		`,"status":"Open","investigationStatus":"Closed"`: {"status": "new"}, `,"status":"Reopened"`: {"status": "Reopened"},
		`,"indicators":[{"field":"processCmd","value":"cmd.exe"},{"field":"fullPath","value":"C:\\a\\B.EXE"},{"field":"fileName","value":"b.exe"},{"field":"actResult","value":["Quarantined"]}]`: {
			"objects": "[map[name:B.EXE result:quarantined type:file]]",
		},
		indicator("objectCmd", `"C:\Program Files\a b.exe" /x`):             {"objects": "[map[name:a b.exe result: type:process]]"},
		indicator("objectCmd", `C:\Program Files\a.exe /x`):                 {"objects": "[map[name:a.exe result: type:process]]"},
		indicator("parentCmd", `cmd /c foo.exe`):                            {"objects": "[map[name:cmd result: type:process]]"},
		indicator("objectRegistryKeyHandle", `hkcr\a\b`):                    {"objects": `[map[name:hkcr\a\b result: type:registry]]`},
		indicator("url", `http://a/b`):                                      {"objects": "[map[name:http://a/b result: type:url]]"},
		indicator("dst", `1.1.1.1`):                                         {"objects": "[map[name:1.1.1.1 result: type:ip]]"},
		indicator("objectFileHashSha1", "98A9"):                             {"objects": "[]"},
		`,"indicators":[{"fields":[["x","fullPath"]],"value":"http://x/"}]`: {"objects": "[]"},
	} {
		decodeText(t, "workbench", alertOf(members)).want(t, want)
	}
	for text, reason := range map[string]string{
		`{"error":{"code":"AccessDenied"}}`: "id", `{"id":"WB-1"}`: "createdDateTime", `["x"]`: "id",
		`{"id":"WB-1","createdDateTime":"yesterday"}`: "yesterday", `{"id":"WB-cut`: "malformed",
	} {
		decodeText(t, "workbench", text).bad(t, reason)
	}
}

func TestWorkbenchEndpoints(t *testing.T) {
	entity := func(value, more string) string { return `{"entityType":"host","entityValue":` + value + more + `}` }
	alert := func(entities ...string) string {
		return `{"id":"1","createdDateTime":"2026-10-05T16:51:29Z","impactScope":{"entities":[` + strings.Join(entities, ",") + `]}}`
	}
	swept, raised := `,"provenance":["Sweeping"]`, `,"provenance":["Sweeping","Alert"]`
	for text, want := range map[string]string{
		alert(entity(`"DOM\\PC1"`, "")): "PC1", alert(entity(`{"name":""}`, ""), entity(`{"name":"PC2"}`, swept)): "PC2",
		alert(entity(`{"name":"A"}`, swept), entity(`{"name":"B"}`, raised)): "B", alert(entity(`{"name":"A"}`, swept), entity(`{"name":"B"}`, swept)): "A",
		alert(entity(`{"name":"pc"}`, raised), entity(`{"name":"PC"}`, raised)): "pc",
	} {
		decodeText(t, "workbench", text).want(t, fields{"endpoint": want})
	}
	decodeText(t, "workbench", alert(`{"entityType":"account","entityValue":"a"}`)).skipped(t, "no endpoint in the alert")
	decodeText(t, "workbench", alert(entity(`"A"`, ""), entity(`"B"`, ""))).warned(t, "alert with more than one endpoint")
	var out strings.Builder
	opts := ingest.Options{File: "in", Format: "workbench"}
	opts.Contract = "C1"
	text := alert(entity(`{"name":"A","guid":"G"}`, ""), entity(`"B"`, ""))
	if _, err := ingest.Convert(t.Context(), &out, strings.NewReader(text), opts); err != nil || !strings.Contains(out.String(), `"endpoints":["A","B"]`) {
		t.Errorf("%s, %v", out.String(), err)
	}
}

// One list, a list in an object, values over many lines, one a line, or several answers: all the same.
func TestShapesOfJSON(t *testing.T) {
	a, b := alertOf(""), strings.Replace(alertOf(""), "WB-1", "WB-2", 1)
	pretty := strings.NewReplacer(",", ",\n ", "{", "{\n ").Replace
	for _, text := range []string{
		"[" + a + "," + b + "]", `{"items":[` + a + "," + b + "]}", pretty(`{"count":2,"items":[` + a + "," + b + `],"nextLink":""}`), pretty(a) + "\n" + pretty(b),
		a + "\n\n" + b + "\n", a + "\n" + `{"items":[` + b + "]}", `{"items":[` + a + "]}" + "\n" + `{"items":[` + b + "]}", "\ufeff" + a + "\r\n" + b,
		"[\n" + a + ",\n" + b + "\n]\n", "{\n\"totalCount\":2,\"items\":[\n" + a + ",\n" + b + "]}",
	} {
		d := decodeText(t, "workbench", text)
		if len(d.rows) != 2 || d.done.Rejected != 0 || d.done.Read != 2 {
			t.Errorf("%d rows, %d read of\n%s\n%s", len(d.rows), d.done.Read, text, d.rejects)
		}
	}
	// One line that is cut is one bad row; a document that is cut loses what follows, and says so.
	d := decodeText(t, "workbench", `{"id":"WB-c`+"\n"+a+"\n"+`{"x":`+"\n"+b)
	if len(d.rows) != 2 || d.done.Rejected != 2 {
		t.Errorf("%d rows, %d rejected:\n%s", len(d.rows), d.done.Rejected, d.rejects)
	}
	d = decodeText(t, "workbench", pretty("[" + a + "," + b + "]")[:300])
	if d.done.Rejected != 1 || !strings.Contains(d.rejects, "what follows is not read") {
		t.Errorf("%d rows, %d rejected:\n%s", len(d.rows), d.done.Rejected, d.rejects)
	}
}

func computersOf(computers string) string {
	return `{"customers":[{"id":"i1","name":"A社","computers":[` + computers + `]}],"paging":{"total":1,"limit":100,"page":1}}`
}

func onDay(o *ingest.Options) { o.Day = "2026-10-31" }

func TestSMPIComputers(t *testing.T) {
	d := decodeText(t, "smpi", computersOf(`{"name":"PC","id":"c","type":1,"platform":"Windows 11","created_at":1775000000,"last_connect_time":"1793430131","out_of_date":0}`), onDay)
	if len(d.rows) != 2 || d.rows[0]["class"] != "desktop" || d.rows[0]["installed_at"] != "2026-03-31T23:33:20Z" ||
		d.rows[1]["last_seen"] != "2026-10-31T07:02:11Z" || d.rows[1]["pattern_current"] != true || d.rows[1]["day"] != "2026-10-31" {
		t.Errorf("%v\n%s", d.rows, d.rejects)
	}
	for kind, class := range map[string]string{"1": "desktop", "2": "server", "3": "desktop", "4": "server", "5": "mobile", "6": "mobile", `9,"platform":"iOS 18"`: "mobile", "null": "unknown"} {
		decodeText(t, "smpi", computersOf(`{"name":"PC","created_at":1775000000000,"type":`+kind+`}`), onDay).want(t, fields{"class": class, "installed_at": "2026-03-31T23:33:20Z"})
	}
	never := decodeText(t, "smpi", computersOf(`{"name":"PC","created_at":1775000000,"last_connect_time":0}`), onDay)
	never.warned(t, "never connected")
	known := func(o *ingest.Options) {
		o.Day = "2026-10-31"
		o.Known = func(string) (ingest.Known, error) {
			return ingest.Known{Endpoints: []store.Endpoint{{Name: "old", InstalledAt: time.Unix(1775000000, 0)}}}, nil
		}
	}
	decodeText(t, "smpi", computersOf(`{"name":"NEW"}`), known).warned(t, "no created_at: no endpoint row")
	decodeText(t, "smpi", computersOf(`{"name":"OLD"}`), known).want(t, fields{"installed_at": "2026-03-31T23:33:20Z"})
	decodeText(t, "smpi", computersOf(`{"name":"A","id":"1"},{"name":"a","id":"2"}`), onDay).warned(t, "two computers of one name")
	decodeText(t, "smpi", computersOf(`{"id":"1"}`), onDay).bad(t, "without a name")
	decodeText(t, "smpi", `{"customers":[{"id":"i","name":"n"}],"paging":{}}`, onDay).skipped(t, "customer without computers")
	decodeText(t, "smpi", strings.Replace(computersOf(`{"name":"A"}`), `"total":1`, `"total":101`, 1), onDay).warned(t, "paging: further pages are missing")
}

func TestSMPICustomers(t *testing.T) {
	computer := `{"name":"PC","created_at":1775000000}`
	for _, alias := range []map[string]string{{"i1": "C7"}, {"Ａ社": "C7"}, {"i1": "C7", "A社": "C8"}} {
		decodeText(t, "smpi", computersOf(computer), onDay, func(o *ingest.Options) { o.Aliases = alias }).want(t, fields{"contract": "C7"})
	}
	decodeText(t, "smpi", computersOf(computer), onDay).want(t, fields{"contract": "C000001"})
	decodeText(t, "smpi", computersOf(computer), onDay, func(o *ingest.Options) { o.Contract = "" }).bad(t, "unknown customer")
}

// Only an answer that is complete tells what was removed.
func TestSMPIComplete(t *testing.T) {
	known := func(o *ingest.Options) {
		o.Day, o.Complete = "2026-10-31", true
		o.Known = func(string) (ingest.Known, error) {
			at := time.Unix(1775000000, 0)
			return ingest.Known{Endpoints: []store.Endpoint{
				{Name: "pc", InstalledAt: at, Class: store.ClassDesktop},
				{Name: "GONE", InstalledAt: at, Class: store.ClassServer},
				{Name: "LONG GONE", InstalledAt: at, RemovedAt: at, Class: store.ClassServer},
			}}, nil
		}
	}
	d := decodeText(t, "smpi", computersOf(`{"name":"PC","created_at":1775000000}`), known)
	if len(d.rows) != 2 || d.rows[1]["name"] != "GONE" || d.rows[1]["removed_at"] != "2026-10-30T15:00:00Z" || d.rows[1]["class"] != "server" {
		t.Errorf("%v\n%s", d.rows, d.rejects)
	}
	opts := ingest.Options{File: "in", Format: "smpi"}
	opts.Contract = "C1"
	known(&opts)
	cut := strings.Replace(computersOf(`{"name":"PC"}`), `"total":1`, `"total":101`, 1)
	if _, err := ingest.Convert(t.Context(), &strings.Builder{}, strings.NewReader(cut), opts); err == nil || !strings.Contains(err.Error(), "--complete") {
		t.Errorf("an answer without its other pages gives %v", err)
	}
}

func TestVisionOneEndpoints(t *testing.T) {
	item := `{"endpointName":"PC","agentGuid":"G","type":"server","osName":"Windows","osVersion":"11","eppAgent":{"status":"off","lastConnectedDateTime":"2026-10-31T07:02:11","componentVersion":"%s"},"edrSensor":{"status":"%s"},"features":[{"name":"WebReputation","status":"disabled"}]}`
	for version, want := range map[string]string{"outdatedVersion": "false", "latestVersion": "true", "controlledLatestVersion": "true", "unknownVersions": ""} {
		d := decodeText(t, "", `{"items":[`+fmt.Sprintf(item, version, "enabled")+`]}`, onDay)
		d.want(t, fields{"type": "agent_status", "last_seen": "2026-10-31T07:02:11Z", "pattern_current": want, "os": "Windows 11", "protections": "map[edr:on web_reputation:off]"})
		d.warned(t, "no day of installation: no endpoint row")
	}
	decodeText(t, "smpi", `[`+fmt.Sprintf(item, "x", "enabling")+`]`, onDay).want(t, fields{"protections": "map[edr:unknown web_reputation:off]"})
	known := func(o *ingest.Options) {
		o.Known = func(string) (ingest.Known, error) {
			return ingest.Known{Endpoints: []store.Endpoint{{Name: "pc", InstalledAt: time.Unix(1775000000, 0)}}}, nil
		}
	}
	if d := decodeText(t, "smpi", fmt.Sprintf(item, "x", "x"), onDay, known); len(d.rows) != 2 || d.rows[0]["class"] != "server" {
		t.Errorf("%v\n%s", d.rows, d.rejects)
	}
	decodeText(t, "smpi", `{"items":[{"agentGuid":"G"}]}`, onDay).bad(t, "without a name")
}
