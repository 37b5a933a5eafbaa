package ingest_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"geppo/store/ingest"
)

func TestCSVHeadings(t *testing.T) {
	row := "2026/10/05 14:03:22,PC01,X,放置\n"
	for _, text := range []string{
		"日時,デバイス名,ウイルス/不正プログラム名,処理\n" + row,
		"title\n\n\"a,b\",c\n日時,デバイス名,ウイルス/不正プログラム名,処理\r\n" + row,
		"Date/Time,Endpoint,Virus/Malware,Action\n" + row,
		"日時\tエンドポイント名\tウイルス/不正プログラム\t処理\n" + strings.ReplaceAll(row, ",", "\t"),
		"\"日時\",\"コンピュータ名\",\"ウイルス/不正プログラム\",\"実行された処理\"\n" + row,
		"生成,エンドポイント,ウイルス/不正プログラム,結果,\n" + strings.TrimSpace(row) + ",\n",
		strings.Repeat("x\n", 19) + "日時,デバイス名,ウイルス/不正プログラム名,処理\n" + row,
		"\ufeff日時,デバイス名,ウイルス/不正プログラム名,処理\n" + row,
	} {
		decodeText(t, "csv", text).want(t, fields{"feature": "virus", "time": "2026-10-05T05:03:22Z", "endpoint": "PC01", "name": "X", "result": "passed"})
	}
	for _, text := range []string{strings.Repeat("x\n", 20) + "日時,デバイス名,ウイルス/不正プログラム名\n" + row, "a,b,c\n", "日時,デバイス名,グループ名\n" + row} {
		var out strings.Builder
		opts := ingest.Options{File: "in", Format: "csv"}
		opts.Contract = "C1"
		if _, err := ingest.Convert(t.Context(), &out, strings.NewReader(text), opts); err == nil || !strings.HasPrefix(err.Error(), "in:") {
			t.Errorf("%q gives %v, want a refusal", text, err)
		}
	}
}

// A file that is not UTF-8 is CP932 although it has just one kanji.
func TestCSVInCP932(t *testing.T) {
	text, err := japanese.ShiftJIS.NewEncoder().String("Date/Time,Endpoint,Virus/Malware,Path\n2026-10-05 14:03:22,PC,X,C:\\社\\\n")
	if err != nil {
		t.Fatal(err)
	}
	decodeText(t, "csv", text).want(t, fields{"path": `C:\社\`})
}

func TestCSVFeatures(t *testing.T) {
	for text, want := range map[string]fields{
		"日時,デバイス名,スパイウェア,結果\nT,P,X,Cleaned":                                                   {"feature": "spyware", "result": "cleaned"},
		"日時,デバイス名,未知の脅威,処理\nT,P,X,隔離":                                                         {"feature": "machine_learning", "name": "X", "result": "quarantined"},
		"日時,デバイス名,ネットワークウイルス\nT,P,X":                                                          {"feature": "network_virus", "name": "X"},
		"日時,デバイス名,URL,カテゴリ\nT,P,http://a/,G":                                                  {"feature": "url_filtering", "name": "G", "path": "http://a/"},
		"日時,デバイス名,URL\nT,P,http://a/":                                                         {"feature": "web_reputation", "name": "http://a/"},
		"日時,デバイス名,プログラム\nT,P,C:\\a\\b.exe":                                                    {"feature": "behavior_monitoring", "name": "b.exe", "path": `C:\a\b.exe`},
		"日時,デバイス名,対象,アプリケーション\nT,P,target,C:\\b.exe":                                          {"name": "b.exe"},
		"Product Entity/Endpoint,Date/Time,Endpoint,Virus/Malware\nS,2026/10/05 14:03:22,P,X": {"endpoint": "P"},
		"Product Entity/Endpoint,Date/Time,URL\nS,2026/10/05 14:03:22,http://a/":              {"endpoint": "S"},
		"日時,デバイス名,ウイルス名,回数,OS\nT,P,X,5,Windows Server 2019":                                   {"count": "5", "class": "server"},
		"日時,デバイス名,ウイルス名,結果,処理\nT,P,X,Successful,File renamed":                                 {"result": "renamed"},
		"日時,デバイス名,ウイルス名,結果,処理\nT,P,X,Further action required,File renamed":                    {"result": "uncleanable"},
		"日時,デバイス名,ウイルス名\nT,,X":                                                                {"endpoint": "不明"},
		"日時,デバイス名,ウイルス名\nT,P,\"a\nb \"\"c\"\"\"":                                              {"name": `a b "c"`},
	} {
		decodeText(t, "csv", strings.Replace(text, "\nT", "\n2026/10/05 14:03:22", 1)).want(t, want)
	}
	feature := func(o *ingest.Options) { o.Feature = "device_control" }
	decodeText(t, "csv", "日時,デバイス名,ファイル名\n2026/10/05 14:03:22,P,F:\\x", feature).want(t, fields{"feature": "device_control"})
}

func TestCSVColumnsOfTheOperator(t *testing.T) {
	set := func(o *ingest.Options) {
		o.Columns = map[string]string{"端末 名": "endpoint", "脅威": "virus", "いつ": "time"}
	}
	decodeText(t, "csv", "いつ,端末名,脅威\n2026/10/05 14:03:22,P,X", set).want(t, fields{"endpoint": "P", "name": "X"})
}

func TestCSVTimes(t *testing.T) {
	heading := "日時,デバイス名,ウイルス名\n"
	for text, want := range map[string]string{
		"2026/10/05 14:03:22": "2026-10-05T05:03:22Z", "2026/10/1 0:00": "2026-09-30T15:00:00Z", "2026-10-05 14:03": "2026-10-05T05:03:00Z",
		"2026年10月5日 9時05分": "2026-10-05T00:05:00Z", "2026年10月5日 9時05分07秒": "2026-10-05T00:05:07Z", "2026-10-05T05:03:22Z": "2026-10-05T05:03:22Z",
		"10/13/2026 2:03:22 PM": "2026-10-13T05:03:22Z", "13/10/2026 02:03:22": "2026-10-12T17:03:22Z", "10/10/2026 12:00:00 AM": "2026-10-09T15:00:00Z",
		"2026/10/05 午後 2:03:22": "2026-10-05T05:03:22Z", "2026-10-05T14:03:22.250+09:00": "2026-10-05T05:03:22.25Z",
	} {
		decodeText(t, "csv", heading+text+",P,X").want(t, fields{"time": want})
	}
	for _, text := range []string{"", "2026/13/05 14:03:22", "2026/02/30 1:00", "26/10/5 1:00", "2026/10/05 25:00", "2026/10/05", "1/2/2026 1:00"} {
		decodeText(t, "csv", heading+text+",P,X").bad(t, "")
	}
	decodeText(t, "csv", "生成,受信,デバイス名,ウイルス名\n2026/10/05 14:03:22,2026/10/06 00:00:00,P,X").want(t, fields{"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T15:00:00Z"})
	decodeText(t, "csv", "日時,受信日時,デバイス名,ウイルス名\n2026/10/05 14:03:22,2026/10/06 00:00:00,P,X").want(t, fields{"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T15:00:00Z"})
	only := heading + "2026/10/05 14:03:22,P,X"
	decodeText(t, "csv", only, func(o *ingest.Options) { o.Time = "received" }).want(t, fields{"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T05:03:22Z"})
	decodeText(t, "csv", only, func(o *ingest.Options) { o.Zone = time.UTC }).want(t, fields{"time": "2026-10-05T14:03:22Z"})
}

// The whole file decides on month and day, also for the rows before the one that tells.
func TestCSVOrderOfDates(t *testing.T) {
	heading := "Date/Time,Endpoint,Virus/Malware\n"
	file := heading + "10/05/2026 01:00,P,A\n2026-10-01 01:00,P,B\n10/06/2026 01:00,P,C\n"
	for end, want := range map[string][]string{
		"10/13/2026 01:00,P,D\n": {"2026-10-04T16:00:00Z", "2026-09-30T16:00:00Z", "2026-10-05T16:00:00Z", "2026-10-12T16:00:00Z"},
		"13/10/2026 01:00,P,D\n": {"2026-05-09T16:00:00Z", "2026-09-30T16:00:00Z", "2026-06-09T16:00:00Z", "2026-10-12T16:00:00Z"},
	} {
		d := decodeText(t, "csv", file+end)
		for i, row := range d.rows {
			if row["time"] != want[i] {
				t.Errorf("row %d is at %v, want %s", i+1, row["time"], want[i])
			}
		}
		if len(d.rows) != len(want) {
			t.Errorf("%d rows:\n%s", len(d.rows), d.rejects)
		}
	}
	d := decodeText(t, "csv", file)
	if d.done.Rejected != 2 || len(d.rows) != 1 || !strings.Contains(d.rejects, "--date") {
		t.Errorf("%d rejected, %d rows: %s", d.done.Rejected, len(d.rows), d.rejects)
	}
	d = decodeText(t, "csv", file+"10/13/2026 01:00,P,D\n13/10/2026 01:00,P,E\n")
	if d.done.Rejected != 0 || len(d.rows) != 5 { // each tells by itself
		t.Errorf("%d rejected, %d rows: %s", d.done.Rejected, len(d.rows), d.rejects)
	}
}

// Rejected rows are a table again.
func TestCSVRejectsCanBeMended(t *testing.T) {
	d := decodeText(t, "csv", "日時,デバイス名,ウイルス名\n,P,\"a,b\"\n2026/10/05 14:03:22,P\n")
	if d.done.Rejected != 2 {
		t.Fatalf("%d rejected", d.done.Rejected)
	}
	mended := strings.NewReplacer(",P,\"a", "2026/10/05 14:03:22,P,\"a", "22,P\n", "22,P,c\n").Replace(d.rejects)
	if again := decodeText(t, "csv", mended); len(again.rows) != 2 || again.done.Rejected != 0 {
		t.Errorf("mended:\n%s\ngives %v\n%s", mended, again.rows, again.rejects)
	}
}
