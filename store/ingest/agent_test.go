package ingest_test

import (
	"strings"
	"testing"

	"geppo/store"
	"geppo/store/ingest"
)

func onPC(o *ingest.Options) { o.Endpoint = "PC" }

func pccntLine(columns ...string) string { return strings.Join(columns, "<;>") }

func TestPccntLines(t *testing.T) {
	for line, want := range map[string]fields{
		`20261005<;>948<;>X<;>1<;>3<;>0<;>C:\a\<;>b.exe<;><;>1791161290<;><;>`: {"time": "2026-10-05T00:48:10Z", "path": `C:\a\b.exe`, "result": "quarantined", "count": "1", "class": "unknown"},
		`20261005<;>948<;>X<;>1<;>3<;>0<;>C:\a<;>b.exe`:                        {"time": "2026-10-05T00:48:00Z", "path": `C:\a\b.exe`},
		`20261005<;>5<;>X<;>1<;>3<;>0<;>C:\a\b.exe`:                            {"time": "2026-10-04T15:05:00Z", "path": `C:\a\b.exe`},
		`20261005<;>005<;>X<;>1<;>3<;>0<;>C:\temp\<;>e`:                        {"time": "2026-10-04T15:05:00Z", "path": `C:\temp\e`},
		`20261005<;>235959<;>X<;>01<;>3<;>0<;>p<;>`:                            {"time": "2026-10-05T14:59:59Z", "result": "quarantined", "path": "p"},
		`20261005<;>1200<;>X<;>1<;>3<;>0<;>p<;>f<;><;>0<;><;>`:                 {"time": "2026-10-05T03:00:00Z"},
		`20261005<;>1200<;>X<;>1<;>3<;>0<;>p<;>f<;><;>123<;><;><;>`:            {"time": "2026-10-05T03:00:00Z"},
		`20261005<;>1200<;>X<;>33<;>3<;>0<;>p`:                                 {"result": "33"},
	} {
		decodeText(t, "pccnt", line, onPC).want(t, want)
	}
	for line, reason := range map[string]string{
		pccntLine("20261005", "948", "X", "1", "3", "0"):                                 "6 of at least 7",
		pccntLine("20261005", "12345", "X", "1", "3", "0", "p"):                          "no such time",
		pccntLine("20261005", "2460", "X", "1", "3", "0", "p"):                           "no such time",
		pccntLine("20261005", "", "X", "1", "3", "0", "p"):                               "no such time",
		pccntLine("20260230", "900", "X", "1", "3", "0", "p"):                            "no such time",
		pccntLine("2026105", "900", "X", "1", "3", "0", "p"):                             "no such time",
		pccntLine("20261005", "900", "X", "ok", "3", "0", "p"):                           "no number",
		pccntLine("20261005", "900", "X", "1", "3", "0", "p") + strings.Repeat("<;>", 7): "at most 13",
	} {
		decodeText(t, "pccnt", line, onPC).bad(t, reason)
	}
	decodeText(t, "pccnt", `20261010<;>1200<;>X<;>0<;>1<;>0<;>p<;>f<;><;>1791633600<;><;>`, onPC).warned(t, "unix time and local time disagree")
	server := func(o *ingest.Options) { o.Endpoint, o.Class = "PC", store.ClassServer }
	decodeText(t, "pccnt", `20261005<;>900<;>X<;>1<;>3<;>0<;>p`, server).want(t, fields{"class": "server", "endpoint": "PC"})
}

func TestPccntCodes(t *testing.T) {
	for result, codes := range map[string]string{
		"cleaned": "0", "quarantined": "1 10", "deleted": "2 11", "renamed": "3 12", "passed": "4 13 25", "uncleanable": "5 6 7 8 14 15 16", "9": "9", "21": "21",
	} {
		for code := range strings.FieldsSeq(codes) {
			decodeText(t, "pccnt", pccntLine("20261005", "900", "X", code, "3", "0", "p"), onPC).want(t, fields{"result": result})
		}
	}
}

// The machine is told by the flag, the file's name or the folder's; the id holds it, so that equal
// lines of two machines are two detections.
func TestAgentLogsNeedAMachine(t *testing.T) {
	line := pccntLine("20261005", "900", "X", "1", "3", "0", "p")
	ids := map[any]bool{}
	for file, want := range map[string]string{
		"PC01.pccnt35.log": "PC01", "x/pc02.PCCNT35.LOG": "pc02", "PC03/pccnt35.log": "PC03", "PC04/Misc/pccnt35.log": "PC04", `\\srv\PC05\Misc\pccnt35.log`: "PC05",
	} {
		d := decodeText(t, "pccnt", line, func(o *ingest.Options) { o.File = file })
		d.want(t, fields{"endpoint": want})
		ids[d.rows[0]["id"]] = true
	}
	if len(ids) != 5 {
		t.Errorf("ids of five machines are %v", ids)
	}
	for _, file := range []string{"pccnt35.log", "stdin", "./pccnt35.log", "C000001/pccnt35.log", "Misc/pccnt35.log"} {
		for _, format := range []string{"pccnt", "ofcurlf"} {
			opts := ingest.Options{File: file, Format: format}
			opts.Contract = "C000001"
			if _, err := ingest.Convert(t.Context(), &strings.Builder{}, strings.NewReader(line), opts); err == nil || !strings.Contains(err.Error(), "--endpoint") {
				t.Errorf("%s as %s gives %v, want a refusal", file, format, err)
			}
		}
	}
}

func TestOfcUrlfLines(t *testing.T) {
	line := `20261005<;>1310<;>0<;>http://a/?b=<2><;>4E<;>Phishing<;>1<;>1<;>C:\c.exe<;>49<;><;>0`
	decodeText(t, "ofcurlf", line, onPC).want(t, fields{"feature": "web_reputation", "name": "http://a/?b=<2>", "path": `C:\c.exe`, "time": "2026-10-05T04:10:00Z", "result": "", "count": "1"})
	decodeText(t, "ofcurlf", line+`<;>1791173404<;>`, onPC).want(t, fields{"time": "2026-10-05T04:10:04Z"})
	decodeText(t, "ofcurlf", strings.TrimSuffix(line, "<;>0"), onPC).bad(t, "11 of at least 12")
}
