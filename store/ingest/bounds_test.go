package ingest_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"geppo/store/ingest"
)

// endless gives the same bytes for ever, until size.
func endless(text string, size int64) io.Reader {
	return io.LimitReader(&loop{text: text}, size)
}

type loop struct {
	text string
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		copied := copy(p[n:], l.text[l.at:])
		n += copied
		l.at = (l.at + copied) % len(l.text)
	}
	return n, nil
}

// What is never closed ends in one bad row, and is not held in memory to its end.
func TestRecordsThatNeverEnd(t *testing.T) {
	for format, begin := range map[string]string{
		"csv": "日時,デバイス名,ウイルス名\n2026/10/05 14:03:22,P,\"", "workbench": "[\n{\"id\":\"", "ocsf": "{\n\"events\":[{\"a\":[1", "smpi": "{\"customers\":\n[{\"id\":\"x\",\"computers\":[1",
		"cef": "CEF:0|Trend Micro|Apex Central|2019|AV:x|", "feeder": "WFBSS-SVC-AC [LogVirus@1 A=\"", "pccnt": "20261005<;>1<;>",
	} {
		var rejects bytes.Buffer
		opts := ingest.Options{File: "in", Format: format, Rejects: &rejects}
		opts.Contract, opts.Endpoint, opts.Day = "C1", "PC", "2026-10-31"
		fill := ",1"
		if format == "csv" || format == "workbench" {
			fill = "a\\\\"
		}
		done, err := ingest.Convert(t.Context(), io.Discard, io.MultiReader(strings.NewReader(begin), endless(fill, 40<<20)), opts)
		if err != nil || done.Rejected != 1 || done.Rows != 0 || rejects.Len() > 2_000_000 {
			t.Errorf("%s: %+v, %v, %.200s", format, done, err, rejects.String())
		}
	}
}

// A column, a name and a key of any length or number is read in time that grows with the file alone.
func TestHostileLines(t *testing.T) {
	for format, line := range map[string]string{
		"cef":     cefLine("AV:File cleaned", "X", rt+strings.Repeat(`a=" `, 200_000)),
		"feeder":  feederLine("LogVirus@1", generated+`Path="`+strings.Repeat(`" `, 400_000)+`"`),
		"pccnt":   "20261005<;>1<;>" + strings.Repeat("<;>", 300_000),
		"ofcurlf": strings.Repeat("<;>", 300_000),
	} {
		d := decodeText(t, format, line, onPC)
		if d.done.Read != 1 {
			t.Errorf("%s: %+v", format, d.done)
		}
	}
}

func TestLongAndDirtyNames(t *testing.T) {
	long := strings.Repeat("長", 1500)
	d := decodeText(t, "cef", cefLine("AV:File cleaned", long, rt+"dhost=a\x01\x02b fname=c\td"))
	d.want(t, fields{"name": strings.Repeat("長", 1000), "endpoint": "a b", "path": "c d"})
}

// Lines in CP932 are read as such also where they hold one kanji; UTF-8 with a line that was cut
// within a character stays UTF-8, and that line is bad.
func TestEncodingsOfSyslog(t *testing.T) {
	text := cefLine("AV:File cleaned", "X", rt+`filePath=C:\\社\\ fname=a`)
	cp932, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	decodeText(t, "cef", cp932).want(t, fields{"path": `C:\社\a`})
	cut := strings.Repeat(text+"\n", 3) + text[:len(text)-len("社\\\\ fname=a")+1]
	d := decodeText(t, "cef", cut)
	if len(d.rows) != 3 || d.done.Rejected != 1 || d.rows[0]["path"] != `C:\社\a` {
		t.Errorf("%v\n%s", d.rows, d.rejects)
	}
}

// A repeat is another detection; the same file again, or a part of it, is the same one.
func TestDerivedIDs(t *testing.T) {
	a, b := feederLine("LogVirus@1", generated+`Virus/Malware Name="A" Action="File deleted"`), feederLine("LogVirus@1", generated+`Virus/Malware Name="B"`)
	first := decodeText(t, "feeder", a+"\n"+b+"\n"+a)
	ids := map[any]bool{}
	for _, row := range first.rows {
		ids[row["id"]] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids %v of three detections", ids)
	}
	again := decodeText(t, "feeder", "<1>other relay "+strings.Replace(a, "File deleted", "File renamed", 1))
	if !ids[again.rows[0]["id"]] {
		t.Error("a frame or a result changes the id")
	}
	two := decodeText(t, "feeder", strings.Replace(a, "]", ` Customer Name="x"]`, 1)+"\n"+strings.Replace(a, "]", ` Customer Name="y"]`, 1),
		func(o *ingest.Options) { o.Contract, o.Aliases = "", map[string]string{"x": "C1", "y": "C2"} })
	if len(two.rows) != 2 || two.rows[0]["id"] != two.rows[1]["id"] {
		t.Errorf("equal rows of two contracts are taken for repeats: %v", two.rows)
	}
}
