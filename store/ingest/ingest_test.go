package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

const (
	contractRow   = `{"type":"contract","id":"C000001","name":"株式会社サンプル商事","product":"antivirus","edr":true,"licences":20,"timezone":"Asia/Tokyo","since":"2025-04-01","recipients":[{"address":"kanri@example.jp","name":"情報システム ご担当者"}]}`
	endpointRow   = `{"type":"endpoint","contract":"C000001","name":"Test001","class":"desktop","os":"Windows 11 Pro","installed_at":"2025-04-02T10:00:00+09:00","removed_at":null}`
	statusRow     = `{"type":"agent_status","contract":"C000001","endpoint":"Test001","day":"2026-10-31","last_seen":"2026-10-31T18:02:11+09:00","pattern_current":true,"os":"Windows 11 Pro","os_supported":true,"protections":{"realtime_scan":"on","behavior_monitoring":"on","machine_learning":"on","web_reputation":"on","edr":"unknown"}}`
	detectionLine = `{"type":"detection","contract":"C000001","id":"d-1","feature":"virus","time":"2026-10-05T14:03:22+09:00","received":"2026-10-05T14:04:00+09:00","endpoint":"Test001","class":"desktop","name":"TROJ_GEN.R002C0CLT21","result":"quarantined","count":1,"path":"C:\\Users\\a\\b.exe"}`
	eventRow      = `{"type":"edr_event","contract":"C000001","id":"e-1","time":"2026-10-07T09:00:00+09:00","endpoint":"Test001","status":"new","objects":[{"name":"evil.ps1","type":"file","result":"terminated"}]}`
	coverageRow   = `{"type":"coverage","contract":"C000001","day":"2026-10-05"}`
)

var (
	october = store.Period{Year: 2026, Month: 10}
	noon    = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

func open(t testing.TB) *sqlstore.Detections {
	t.Helper()
	db, err := sqlstore.OpenDetections(context.Background(), filepath.Join(t.TempDir(), "d.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func options() ingest.Options {
	return ingest.Options{File: "in.jsonl", Now: func() time.Time { return noon }}
}

func lines(rows ...string) string { return strings.Join(rows, "\n") + "\n" }

func load(t testing.TB, db *sqlstore.Detections, text string) store.ImportCounts {
	t.Helper()
	res, err := ingest.JSONLines(context.Background(), db, strings.NewReader(text), options())
	if err != nil {
		t.Fatal(err)
	}
	return res.ImportCounts
}

func month(t testing.TB, db *sqlstore.Detections) store.Month {
	t.Helper()
	m, err := db.Month(context.Background(), "C000001", october)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// quote gives s as a JSON string.
func quote(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ptr[T any](v T) *T { return &v }

func TestEveryTypeOfRow(t *testing.T) {
	db := open(t)
	file := lines(contractRow, endpointRow, statusRow, detectionLine, "", " \t", eventRow, coverageRow)
	if got, want := load(t, db, file), (store.ImportCounts{Read: 6, New: 6}); got != want {
		t.Errorf("first time: %+v, want %+v", got, want)
	}
	if got, want := load(t, db, file), (store.ImportCounts{Read: 6, Duplicate: 6}); got != want {
		t.Errorf("second time: %+v, want %+v", got, want)
	}
	loc, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	want := store.Month{
		Contract: store.Contract{
			ID: "C000001", Name: "株式会社サンプル商事", Product: store.ProductAntivirus, EDR: true, URLFiltering: true,
			Licences: 20, Timezone: "Asia/Tokyo", Since: "2025-04-01",
			Recipients: []store.Recipient{{Address: "kanri@example.jp", Name: "情報システム ご担当者"}},
		},
		Period: october, Location: loc,
		Endpoints: []store.Endpoint{{
			Name: "Test001", Class: store.ClassDesktop, OS: "Windows 11 Pro",
			InstalledAt: time.Date(2025, 4, 2, 10, 0, 0, 0, loc),
		}},
		Detections: []store.Detection{{
			Feature: store.Virus, Time: time.Date(2026, 10, 5, 14, 3, 22, 0, loc), Endpoint: "Test001",
			Class: store.ClassDesktop, Name: "TROJ_GEN.R002C0CLT21", Result: "quarantined", Count: 1,
		}},
		Statuses: []store.AgentStatus{{
			Endpoint: "Test001", Day: "2026-10-31", LastSeen: time.Date(2026, 10, 31, 18, 2, 11, 0, loc),
			PatternCurrent: ptr(true), OS: "Windows 11 Pro", OSSupported: ptr(true),
			Protections: store.Protections{
				RealtimeScan: "on", BehaviorMonitoring: "on", MachineLearning: "on", WebReputation: "on", EDR: "unknown",
			},
		}},
		Events: []store.EDREvent{{
			ID: "e-1", Time: time.Date(2026, 10, 7, 9, 0, 0, 0, loc), Endpoints: []store.Machine{{Name: "Test001"}}, Status: "new",
			Objects: []store.EDRObject{{Name: "evil.ps1", Type: "file", Result: "terminated"}},
		}},
		Coverage: []store.Day{"2026-10-05"}, CoverageFed: true,
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, month(t, db), sameZone); diff != "" {
		t.Errorf("month (-want +got):\n%s", diff)
	}
}

func TestFieldsThatMayBeAbsent(t *testing.T) {
	db := open(t)
	load(t, db, lines(
		`{"type":"contract","id":"C000001","name":"A","product":"security_package","licences":0,"since":"2026-01-01","ends":"2026-12-31"}`,
		`{"type":"endpoint","contract":"C000001","name":"PC","class":"unknown","installed_at":"2026-01-01T00:00:00Z"}`,
		`{"type":"agent_status","contract":"C000001","endpoint":"PC","day":"2026-10-01","last_seen":"2026-10-01T00:00:00Z","protections":{"edr":"off"}}`,
		`{"type":"detection","contract":"C000001","id":"1","feature":"spyware","time":"2026-10-01T00:00:00Z","endpoint":"PC","name":"N"}`,
		`{"type":"detection","contract":"C000001","id":"2","feature":"dlp","time":"2026-10-01T01:00:00Z","endpoint":"PC","name":"N","class":null,"count":null}`,
		`{"type":"detection","contract":"C000001","id":"3","feature":"virus","time":"2026-10-01T02:00:00Z","endpoint":"PC","name":"N","result":"消去"}`,
		`{"type":"edr_event","contract":"C000001","id":"e","time":"2026-10-01T00:00:00Z","endpoint":"PC","status":"保留","objects":[{"name":"o"}]}`,
	))
	m := month(t, db)
	c := store.Contract{
		ID: "C000001", Name: "A", Product: store.ProductSecurityPackage, URLFiltering: true, Timezone: "Asia/Tokyo",
		Since: "2026-01-01", Ends: "2026-12-31",
	}
	if diff := cmp.Diff(c, m.Contract); diff != "" {
		t.Errorf("contract (-want +got):\n%s", diff)
	}
	var results []string
	for _, d := range m.Detections {
		results = append(results, fmt.Sprint(d.Feature, " ", d.Class, " ", d.Result, " ", d.Count))
	}
	if diff := cmp.Diff([]string{"spyware unknown unknown 1", "dlp unknown  1", "virus unknown 消去 1"}, results); diff != "" {
		t.Errorf("detections (-want +got):\n%s", diff)
	}
	s := m.Statuses[0]
	p := store.Protections{RealtimeScan: "unknown", BehaviorMonitoring: "unknown", MachineLearning: "unknown", WebReputation: "unknown", EDR: "off"}
	if s.Protections != p || s.PatternCurrent != nil || s.OSSupported != nil || s.OS != "" {
		t.Errorf("snapshot %+v", s)
	}
	if diff := cmp.Diff([]store.EDRObject{{Name: "o"}}, m.Events[0].Objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// mend replaces one piece of a row, which must be there once.
func mend(t *testing.T, row, from, to string) string {
	t.Helper()
	if strings.Count(row, from) != 1 {
		t.Fatalf("%q stands %d times in %s", from, strings.Count(row, from), row)
	}
	return strings.Replace(row, from, to, 1)
}

func TestBadRowsAreRefused(t *testing.T) {
	d, c := detectionLine, contractRow
	name1001 := strings.Repeat("𠮷", 1001)
	for _, test := range []struct{ name, row, reason string }{
		{"not JSON", `hello`, "malformed JSON"},
		{"cut", d[:len(d)-10], "malformed JSON"},
		{"cut at the type", `{"type":"detection`, "malformed JSON"},
		{"array", `[` + d + `]`, "not an object"},
		{"string", `"detection"`, "not an object"},
		{"null", `null`, "not an object"},
		{"two objects", d + d, "malformed JSON"},
		{"trailing comma", d + ",", "malformed JSON"},
		{"trailing bracket", d + "]", "malformed JSON"},
		{"comment behind", d + " // x", "malformed JSON"},
		{"single quotes", `{'type':'coverage'}`, "malformed JSON"},
		{"NaN", mend(t, d, `"count":1`, `"count":NaN`), "malformed JSON"},
		{"lone surrogate", mend(t, d, "TROJ_GEN", `\ud83d`), "malformed JSON"},
		{"type twice", mend(t, d, `{`, `{"type":"detection",`), `field "type" stands twice`},
		{"field twice", mend(t, d, `"count":1`, `"count":1,"count":1`), `field "count" stands twice`},
		{"field twice below", mend(t, statusRow, `"edr":"unknown"`, `"edr":"on","edr":"on"`), `field "protections.edr" stands twice`},
		{"no type", `{"contract":"C000001","day":"2026-10-05"}`, `"type" is missing`},
		{"unknown type", `{"type":"detections"}`, `unknown type "detections"`},
		{"type in capitals", mend(t, coverageRow, `"coverage"`, `"Coverage"`), `unknown type "Coverage"`},
		{"unknown field", mend(t, d, `"count"`, `"counts"`), `unknown field "counts" in type "detection"`},
		{"field in capitals", mend(t, d, `"count"`, `"Count"`), `unknown field "Count"`},
		{"unknown field below", mend(t, statusRow, `"web_reputation"`, `"web"`), `unknown field "protections.web"`},
		{"unknown field in a list", mend(t, c, `"name":"情報`, `"nick":"情報`), `unknown field "recipients.0.nick"`},
		{"field of another type", mend(t, coverageRow, `"day"`, `"id":"x","day"`), `unknown field "id"`},
		{"wrong UTF-8", mend(t, d, "TROJ", "TR\xc3(J"), "wrong UTF-8 at byte 194"},
		{"cut UTF-8", mend(t, d, "TROJ", "TR\xe3\x81"), "wrong UTF-8"},
		{"UTF-8 damaged among others", mend(t, c, "サンプル", "サンプ\xe3\x83"), "wrong UTF-8"},
		{"surrogates in UTF-8", mend(t, d, "TROJ", "\xed\xa0\x80"), "wrong UTF-8"},
		{"0xff", mend(t, d, "TROJ", "\xff"), "wrong UTF-8"},
		{"NUL", mend(t, d, "TROJ", "\x00"), "a NUL at byte"},
		{"escaped NUL", mend(t, d, "TROJ", `\u0000`), `"name" holds a NUL`},
		{"escaped NUL in a path", mend(t, d, `C:`, `\u0000`), `"path" holds a NUL`},
		{"raw control character", mend(t, d, "TROJ", "\x1b"), "malformed JSON"},
		{"long line", mend(t, d, "b.exe", strings.Repeat("x", 1_000_001)), "longer than 1 MB"},
		{"long blank line", strings.Repeat(" ", 3_000_000), "longer than 1 MB"},
		{"deep nesting", strings.Repeat("[", 100_000), "malformed JSON"},
		{"unknown contract", mend(t, d, "C000001", "C000002"), `unknown contract "C000002"`},

		{"contract id", mend(t, c, "C000001", "C/1"), `contract id "C/1"`},
		{"contract id with a dot", mend(t, c, "C000001", ".1"), `contract id ".1"`},
		{"contract id too long", mend(t, c, "C000001", strings.Repeat("x", 65)), "contract id"},
		{"contract id in a row", mend(t, d, "C000001", "C 1"), `contract id "C 1"`},
		{"no contract", mend(t, d, `"contract":"C000001",`, ``), `"contract" is missing`},
		{"no id", mend(t, c, `"id":"C000001",`, ``), `"id" is missing`},
		{"no company", mend(t, c, "株式会社サンプル商事", ""), `"name" is missing`},
		{"company null", mend(t, c, `"株式会社サンプル商事"`, "null"), `"name" is missing`},
		{"long company", mend(t, c, "株式会社サンプル商事", name1001), `"name" is longer than 1000 characters`},
		{"product", mend(t, c, `"antivirus"`, `"av"`), `"product" is "av"`},
		{"no product", mend(t, c, `"product":"antivirus",`, ``), `"product" is missing`},
		{"no licences", mend(t, c, `"licences":20,`, ``), `"licences" is missing`},
		{"negative licences", mend(t, c, `20,`, `-1,`), `"licences" is -1`},
		{"licences as a string", mend(t, c, `20,`, `"20",`), `field "licences" must be a whole number`},
		{"half a licence", mend(t, c, `20,`, `20.5,`), `field "licences" must be a whole number, not 20.5`},
		{"huge licences", mend(t, c, `20,`, `99999999999999999999,`), `field "licences" must be a whole number`},
		{"edr as a string", mend(t, c, `true`, `"true"`), `field "edr" must be true or false`},
		{"timezone", mend(t, c, "Asia/Tokyo", "Asia/Tokio"), `"timezone" is "Asia/Tokio"`},
		{"local timezone", mend(t, c, "Asia/Tokyo", "Local"), `"timezone" is "Local"`},
		{"timezone outside", mend(t, c, "Asia/Tokyo", "../../etc/passwd"), `no time zone`},
		{"since", mend(t, c, "2025-04-01", "2025/04/01"), `"since" is "2025/04/01"`},
		{"since that is no day", mend(t, c, "2025-04-01", "2025-02-29"), `"since" is "2025-02-29"`},
		{"ends before since", mend(t, c, `"since":"2025-04-01"`, `"since":"2025-04-01","ends":"2025-03-31"`), `"ends" 2025-03-31 is before "since" 2025-04-01`},
		{"address", mend(t, c, "kanri@example.jp", "kanri"), `address "kanri" has no @`},
		{"address with CR LF", mend(t, c, "kanri@example.jp", `kanri@example.jp\r\nBcc: x@example.com`), `address "kanri@example.jp\r\nBcc: x@example.com"`},
		{"address and name", mend(t, c, "kanri@example.jp", "<kanri@example.jp>"), "address"},
		{"no address", mend(t, c, `"address":"kanri@example.jp",`, ``), `"recipients.address" is missing`},
		{"recipients as a string", mend(t, c, `[{"address":"kanri@example.jp","name":"情報システム ご担当者"}]`, `"kanri@example.jp"`), `field "recipients" must be an array`},
		{"recipient as a string", mend(t, c, `{"address":"kanri@example.jp","name":"情報システム ご担当者"}`, `"kanri@example.jp"`), `field "recipients.0" must be an object`},
		{"long recipient", mend(t, c, "情報システム", name1001), `"recipients.name" is longer`},

		{"endpoint without a name", mend(t, endpointRow, `"name":"Test001",`, ``), `"name" is missing`},
		{"endpoint class", mend(t, endpointRow, "desktop", "laptop"), `"class" is "laptop"`},
		{"endpoint without class", mend(t, endpointRow, `"class":"desktop",`, ``), `"class" is missing`},
		{"installed_at", mend(t, endpointRow, "2025-04-02T10:00:00+09:00", "2025-04-02 10:00"), `"installed_at" is "2025-04-02 10:00"`},
		{"removed_at", mend(t, endpointRow, "null", `"yesterday"`), `"removed_at" is "yesterday"`},
		{"no last_seen", mend(t, statusRow, `"last_seen":"2026-10-31T18:02:11+09:00",`, ``), `"last_seen" is missing`},
		{"status day", mend(t, statusRow, `"2026-10-31"`, `"2026-10-32"`), `"day" is "2026-10-32"`},
		{"protection", mend(t, statusRow, `"realtime_scan":"on"`, `"realtime_scan":"enabled"`), `"protections.realtime_scan" is "enabled"`},
		{"protection as a boolean", mend(t, statusRow, `"realtime_scan":"on"`, `"realtime_scan":true`), `field "protections.realtime_scan" must be a string, not true`},

		{"no detection id", mend(t, d, `"d-1"`, `""`), `"id" is missing`},
		{"feature", mend(t, d, `"virus"`, `"viruses"`), `"feature" is "viruses"`},
		{"detection class", mend(t, d, `"desktop"`, `"Desktop"`), `"class" is "Desktop"`},
		{"no endpoint", mend(t, d, `"endpoint":"Test001",`, ``), `"endpoint" is missing`},
		{"no name", mend(t, d, `"name":"TROJ_GEN.R002C0CLT21",`, ``), `"name" is missing`},
		{"long name", mend(t, d, "TROJ_GEN.R002C0CLT21", name1001), `"name" is longer`},
		{"no time", mend(t, d, `"time":"2026-10-05T14:03:22+09:00",`, ``), `"time" is missing`},
		{"time without an offset", mend(t, d, "14:03:22+09:00", "14:03:22"), `"time" is "2026-10-05T14:03:22"`},
		{"time of day 24", mend(t, d, "T14:03:22", "T24:03:22"), `"time" is`},
		{"February 30", mend(t, d, "2026-10-05T14:03:22", "2026-02-30T14:03:22"), `"time" is`},
		{"time as a number", mend(t, d, `"2026-10-05T14:03:22+09:00"`, `1791176602`), `field "time" must be a string`},
		{"time before clocks", mend(t, mend(t, d, "2026-10-05T14:03:22", "1969-10-05T14:03:22"), `"received":"2026-10-05T14:04:00+09:00",`, ""), "before 1970"},
		{"received", mend(t, d, "2026-10-05T14:04:00", "2026-10-05T14:61:00"), `"received" is`},
		{"count 0", mend(t, d, `"count":1`, `"count":0`), `"count" is 0`},
		{"count below 0", mend(t, d, `"count":1`, `"count":-5`), `"count" is -5`},
		{"count as a string", mend(t, d, `"count":1`, `"count":"1"`), `field "count" must be a whole number`},
		{"count with an exponent", mend(t, d, `"count":1`, `"count":1e3`), `field "count" must be a whole number, not 1e3`},
		{"count beyond sums", mend(t, d, `"count":1`, `"count":9223372036854775807`), `"count" is 9223372036854775807`},

		{"event without status", mend(t, eventRow, `"status":"new",`, ``), `"status" is missing`},
		{"event without objects", mend(t, eventRow, `,"objects":[{"name":"evil.ps1","type":"file","result":"terminated"}]`, ``), `"objects" is missing`},
		{"object without a name", mend(t, eventRow, `"name":"evil.ps1",`, ``), `"objects.name" is missing`},
		{"coverage day", mend(t, coverageRow, "2026-10-05", "2026-10-5"), `"day" is "2026-10-5"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := open(t)
			const good = `{"type":"contract","id":"C000001","name":"A","product":"antivirus","licences":1,"since":"2026-01-01"}`
			res, err := ingest.JSONLines(context.Background(), db, strings.NewReader(lines(good, endpointRow, "", test.row, coverageRow)), options())
			var bad *ingest.RowError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v with %+v, want a RowError", err, res)
			}
			if !strings.HasPrefix(err.Error(), "in.jsonl:4: ") || !strings.Contains(bad.Reason, test.reason) {
				t.Errorf("error %q, want in.jsonl:4: …%s…", err, test.reason)
			}
			if len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Errorf("error of %d bytes is not one clean line: %.400q", len(err.Error()), err)
			}
			if list, err := db.Contracts(context.Background()); err != nil || len(list) != 0 {
				t.Errorf("kept %v, %v", list, err)
			}
		})
	}
}

func TestHostileContentComesBack(t *testing.T) {
	names := []string{
		`<script>alert(1)</script>`, `=HYPERLINK("http://x")`, `@SUM(1)`, "😀👨‍👩‍👧", "𠮷野家", strings.Repeat("𠮷", 1000), "a\r\nBcc: b",
		"ｱｲｳ ①㈱髙", "\u202etxt.exe", "\ufffd", `C:\\u0000`, "' OR 1=1 --", "\x1b[31m", "{{.}}", "# not a comment",
	}
	db := open(t)
	rows := []string{contractRow}
	for i, name := range names {
		quoted := quote(t, name)
		rows = append(rows,
			fmt.Sprintf(`{"type":"contract","id":"H%d","name":%s,"product":"antivirus","licences":1,"since":"2026-01-01","recipients":[{"address":"a@example.jp","name":%s},{"address":"abc..d.@docomo.ne.jp","name":""}]}`, i, quoted, quoted),
			fmt.Sprintf(`{"type":"detection","contract":"C000001","id":%s,"feature":"virus","time":"2026-10-05T14:00:%02dZ","endpoint":%s,"name":%s,"result":%s}`, quoted, i, quoted, quoted, quoted))
	}
	url := "http://example.com/" + strings.Repeat("x", 5000)
	rows = append(rows, `{"type":"detection","contract":"C000001","id":"url","feature":"web_reputation","time":"2026-10-06T14:00:00Z","endpoint":"PC","name":"`+url+`"}`)
	load(t, db, lines(rows...))
	detections := month(t, db).Detections
	if len(detections) != len(names)+1 || detections[len(names)].Name != url {
		t.Fatalf("%d detections came back", len(detections))
	}
	// But for what would break lines and move cursors, see TestNamesAreTidy.
	tidied := strings.NewReplacer("\r\n", " ", "\x1b", "")
	for i, name := range names {
		name = tidied.Replace(name)
		if d := detections[i]; d.Name != name || d.Endpoint != name || d.Result != name {
			t.Errorf("%q came back as %q, %q, %q", name, d.Name, d.Endpoint, d.Result)
		}
		c, err := db.Contract(context.Background(), fmt.Sprint("H", i))
		if err != nil {
			t.Fatal(err)
		}
		want := []store.Recipient{{Address: "a@example.jp", Name: name}, {Address: "abc..d.@docomo.ne.jp"}}
		if diff := cmp.Diff(want, c.Recipients); diff != "" || c.Name != name {
			t.Errorf("contract %q (-want +got):\n%s", c.Name, diff)
		}
	}
}

func TestAddressTwiceIsKeptOnce(t *testing.T) {
	db := open(t)
	load(t, db, mend(t, contractRow, `"recipients":[`, `"recipients":[{"address":"a@EXAMPLE.jp","name":"1"},{"address":"a@example.jp","name":"2"},{"address":"A@example.jp"},{"address":"\"a\"@Example.JP"},`))
	want := []store.Recipient{{Address: "a@EXAMPLE.jp", Name: "1"}, {Address: "kanri@example.jp", Name: "情報システム ご担当者"}}
	if diff := cmp.Diff(want, month(t, db).Contract.Recipients); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
}

func TestRejectedRowsCanBeMendedAndImported(t *testing.T) {
	db := open(t)
	unknown := mend(t, detectionLine, "C000001", "C000002")
	file := lines(contractRow, `{"type":"coverage"`, detectionLine, strings.Repeat("x", 1_200_000), unknown) + "tail"
	var rejects bytes.Buffer
	opts := options()
	opts.Rejects = &rejects
	res, err := ingest.JSONLines(context.Background(), db, strings.NewReader(file), opts)
	if want := (store.ImportCounts{Read: 6, New: 2, Rejected: 4}); err != nil || res.ImportCounts != want {
		t.Fatalf("%+v, %v, want %+v", res, err, want)
	}
	if n := len(month(t, db).Detections); n != 1 {
		t.Errorf("%d detections were kept, want 1", n)
	}
	got := strings.Split(rejects.String(), "\n")
	want := []string{
		"# in.jsonl:2: malformed JSON", `{"type":"coverage"`, "# in.jsonl:4: a line of 1200001 bytes", "",
		`# in.jsonl:5: unknown contract "C000002"; import its contract row first`, unknown, "# in.jsonl:6: malformed JSON", "tail", "",
	}
	if len(got) != len(want) {
		t.Fatalf("rejects are\n%.2000s", rejects.String())
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d of the rejects is %.200q, want %q…", i+1, got[i], want[i])
		}
	}
	mended := strings.NewReplacer(`{"type":"coverage"`, coverageRow, "C000002", "C000001", "d-1", "d-2", "\ntail", "").Replace(rejects.String())
	if got, want := load(t, db, mended), (store.ImportCounts{Read: 2, New: 2}); got != want {
		t.Errorf("mended: %+v, want %+v", got, want)
	}
}

func TestReadErrorUndoesAll(t *testing.T) {
	db, broken := open(t), errors.New("disk")
	r := io.MultiReader(strings.NewReader(lines(contractRow)+`{"type":"cov`), iotest.ErrReader(broken))
	if _, err := ingest.JSONLines(context.Background(), db, r, options()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "read in.jsonl") {
		t.Errorf("error %v, want %v", err, broken)
	}
	if list, err := db.Contracts(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("kept %v, %v", list, err)
	}
}

func TestFailingRejectsUndoAll(t *testing.T) {
	db := open(t)
	opts := options()
	r, w := io.Pipe()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	opts.Rejects = w
	if _, err := ingest.JSONLines(context.Background(), db, strings.NewReader(lines(contractRow, "x")), opts); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v, want %v", err, io.ErrClosedPipe)
	}
	if list, err := db.Contracts(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("kept %v, %v", list, err)
	}
}

func TestSampleImportsWithoutRemainder(t *testing.T) {
	var file bytes.Buffer
	if err := sample.Write(&file, sample.Options{Contracts: 100, Seed: 1, Period: october}); err != nil {
		t.Fatal(err)
	}
	db, rows := open(t), int64(bytes.Count(file.Bytes(), []byte("\n")))
	if got, want := load(t, db, file.String()), (store.ImportCounts{Read: rows, New: rows}); got != want {
		t.Errorf("first time: %+v, want %+v", got, want)
	}
	if got, want := load(t, db, file.String()), (store.ImportCounts{Read: rows, Duplicate: rows}); got != want {
		t.Errorf("second time: %+v, want %+v", got, want)
	}
}

// A cancelled context must end an import although its input stays silent.
func TestSilentInputDoesNotHoldTheEnd(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() }) // ends the reading goroutine
	go func() {
		io.WriteString(w, lines(contractRow)) //nolint:errcheck // the import's error is looked at
		cancel()
	}()
	if _, err := ingest.JSONLines(ctx, db, r, options()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestProgressAddsUpToTheFile(t *testing.T) {
	db := open(t)
	rows := []string{contractRow}
	for i := range 2000 {
		rows = append(rows, mend(t, detectionLine, "d-1", fmt.Sprint("d-", i)))
	}
	file, sum, calls := lines(rows...), 0, 0
	opts := options()
	opts.Progress = func(n int) { sum += n; calls++ }
	if _, err := ingest.JSONLines(context.Background(), db, strings.NewReader(file), opts); err != nil {
		t.Fatal(err)
	}
	if sum != len(file) || calls < 2 {
		t.Errorf("%d calls told %d of %d bytes", calls, sum, len(file))
	}
}
