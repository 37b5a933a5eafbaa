package ingest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

func TestEverySampleIsGuessed(t *testing.T) {
	files, err := filepath.Glob("testdata/vendor/*/*")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".notes.json") || strings.HasSuffix(file, ".expected.jsonl") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkGuess(t, string(text), filepath.Base(filepath.Dir(file)))
	}
}

func checkGuess(t *testing.T, text, want string) {
	t.Helper()
	got, whole, err := Guess(strings.NewReader(text), nil)
	if err != nil || got != want {
		t.Errorf("%.80q is guessed as %s, %v; want %s", text, got, err, want)
	}
	if rest, err := io.ReadAll(whole); err != nil || string(rest) != text {
		t.Errorf("the guess of %.80q changes the file: %v", text, err)
	}
}

func TestGuesses(t *testing.T) {
	for text, want := range map[string]string{
		"":  "jsonl",
		"x": "jsonl",
		`{"type":"detection","path":"|Apex Central| WFBSS-SVC-AC \"class_uid\""}`: "jsonl",
		"# in.jsonl:1: malformed\n" + `{"type":"contract"}`:                       "jsonl",
		`{"contract":"C1","type":"coverage"}`:                                     "jsonl",
		"x\ny WFBS-SVC-AC [":                                                      "feeder",
		"CEF:0|Trend Micro|Control Manager|7|":                                    "cef",
		"20261005<;>948<;>X<;>1<;>0":                                              "pccnt",
		"20261005<;>948<;>1<;>http://a/":                                          "ofcurlf",
		"20261005<;>948<;>2<;>http://a/":                                          "pccnt",
		`[{"class_uid": 2004}]`:                                                   "ocsf",
		`{"items":[{"schemaVersion":"1"}]}`:                                       "workbench",
		`{"customers":[],"paging":{}}`:                                            "smpi",
		`{"items":[{"agentGuid":"g","eppAgent":{}}]}`:                             "smpi",
		`{"customers":[]}`:                                                        "jsonl",
		"title\n\nDate/Time,Endpoint,Virus/Malware\n":                             "csv",
		"日時\tデバイス名\tURL\n":                                                        "csv",
		strings.Repeat("x\n", 20) + "日時,デバイス名,URL":                                "jsonl",
	} {
		checkGuess(t, text, want)
	}
	cp932, err := japanese.ShiftJIS.NewEncoder().String("日時,デバイス名,URL\n")
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("日時,デバイス名,URL\n")
	if err != nil {
		t.Fatal(err)
	}
	checkGuess(t, cp932, "csv")
	checkGuess(t, utf16, "csv")
}
