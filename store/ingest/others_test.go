package ingest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/tools/txtar"

	"geppo/store"
	"geppo/store/ingest"
)

// The rules hold for records that no sample has: what the file of cases was worked out to give is what comes, its
// format is guessed, and ids are of the format or derived, each once.
func TestOtherRecords(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/others.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	for _, f := range archive.Files {
		if want, ok := files[f.Name+".want"]; ok {
			t.Run(f.Name, func(t *testing.T) { checkOther(t, f.Name, f.Data, want) })
		}
	}
}

func checkOther(t *testing.T, name string, file []byte, want string) {
	t.Helper()
	lines := slices.DeleteFunc(strings.Split(want, "\n"), func(s string) bool { return s == "" })
	var rejects bytes.Buffer
	opts := ingest.Options{File: "x", Rejects: &rejects}
	opts.Contract = "C000001"
	if len(lines) > 0 {
		if text, ok := strings.CutPrefix(lines[0], "option "); ok {
			lines, file = lines[1:], applyOptions(t, &opts, text, file)
		}
	}
	if guessed, _, err := ingest.Guess(bytes.NewReader(file), nil); err != nil || guessed != path.Dir(name) {
		t.Errorf("guessed %s: %v", guessed, err)
	}
	opts.Format = path.Dir(name)
	var out bytes.Buffer
	done, err := ingest.Convert(t.Context(), &out, bytes.NewReader(file), opts)
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Concat(shortRows(t, out.Bytes()), said(done, rejects.String()))
	// Bad rows stand in a file of their own: only the order within each kind is told.
	byKind := func(list []string) []string {
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(kindOf(a), kindOf(b)) })
		for i := range list {
			list[i] = strings.TrimRight(strings.ReplaceAll(list[i], " |  |", " | |"), " |")
		}
		return list
	}
	if diff := gocmp.Diff(byKind(lines), byKind(got), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, rejects.String())
	}
}

// shortRows are the rows, each in one line; no two have the same id.
func shortRows(t *testing.T, text []byte) []string {
	t.Helper()
	rows, ids := []string{}, map[string]bool{}
	for line := range bytes.Lines(text) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, short(row))
		if id := fmt.Sprint(row["id"]); row["id"] != nil && ids[id] {
			t.Errorf("id %s twice", id)
		} else {
			ids[id] = true
		}
	}
	return rows
}

// said is what is told besides rows.
func said(done ingest.Converted, rejects string) (list []string) {
	for line := range strings.SplitSeq(rejects, "\n") {
		if after, ok := strings.CutPrefix(line, "# x:"); ok {
			number, _, _ := strings.Cut(after, ":")
			list = append(list, "bad "+number)
		}
	}
	for _, notes := range []struct {
		what string
		of   map[string]int64
	}{{"not reported", done.NotReported}, {"warning", done.Warnings}} {
		for _, what := range slices.Sorted(maps.Keys(notes.of)) {
			list = append(list, fmt.Sprintf("%s %s %d", notes.what, what, notes.of[what]))
		}
	}
	return list
}

func kindOf(line string) int {
	for i, kind := range []string{"bad ", "not reported ", "warning "} {
		if strings.HasPrefix(line, kind) {
			return i + 1
		}
	}
	return 0
}

func applyOptions(t *testing.T, opts *ingest.Options, text string, file []byte) []byte {
	t.Helper()
	var err error
	for option := range strings.FieldsSeq(text) {
		switch key, value, _ := strings.Cut(option, "="); key + "=" + value {
		case "enc=cp932":
			file, err = japanese.ShiftJIS.NewEncoder().Bytes(file)
		case "enc=utf16be":
			file, err = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes(file)
		case "enc=bom":
			file = append([]byte("\ufeff"), bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))...)
		case "zone=UTC":
			opts.Zone = time.UTC
		case "date=dmy":
			opts.Date = value
		default:
			switch key {
			case "endpoint":
				opts.Endpoint = value
			case "day":
				opts.Day = store.Day(value)
			default:
				t.Fatalf("no option %s", option)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// short is a row in one line, without an id that is derived.
func short(row map[string]any) string {
	text := func(key string) string {
		if v, ok := row[key]; ok && v != nil {
			return fmt.Sprint(v)
		}
		return ""
	}
	id := text("id")
	switch row["type"] {
	case "detection":
		if strings.HasPrefix(id, "h") && len(id) == 27 {
			id = ""
		}
		return strings.Join([]string{
			text("feature"), text("time"), text("endpoint"), text("class"), text("name"), text("result"), text("count"), text("path"), id,
		}, " | ")
	case "edr_event":
		objects := []string{}
		list, _ := row["objects"].([]any)
		for _, o := range list {
			m, _ := o.(map[string]any)
			objects = append(objects, fmt.Sprint(m["name"], "/", m["type"], "/", m["result"]))
		}
		where := text("endpoint")
		if several, ok := row["endpoints"].([]any); ok {
			names := []string{}
			for _, n := range several {
				names = append(names, fmt.Sprint(n))
			}
			where = strings.Join(names, ",")
		}
		return strings.Join([]string{"edr", text("time"), where, text("status"), strings.Join(objects, " "), id}, " | ")
	case "endpoint":
		return strings.Join([]string{"endpoint", text("name"), text("class"), text("os"), text("installed_at")}, " | ")
	}
	pattern := "?"
	if current, ok := row["pattern_current"].(bool); ok {
		pattern = map[bool]string{true: "current", false: "outdated"}[current]
	}
	return strings.Join([]string{"status", text("endpoint"), text("day"), text("last_seen"), pattern, text("os")}, " | ")
}
