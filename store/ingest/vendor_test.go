package ingest_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/ingest"
)

// sampleNotes are the options of a sample and what is said of it besides rows.
type sampleNotes struct {
	Options struct {
		Contract string            `json:"contract"`
		Alias    map[string]string `json:"alias"`
		Endpoint string            `json:"endpoint"`
		Day      store.Day         `json:"day"`
	} `json:"options"`
	NotReported map[string]int64 `json:"not_reported"`
	Rejected    []struct {
		Line   int    `json:"line"`
		Reason string `json:"reason"`
	} `json:"rejected"`
	Warnings map[string]int64 `json:"warnings"`
}

// Every sample gives exactly its rows, in order, and says what it says besides.
func TestVendorSamples(t *testing.T) {
	err := filepath.WalkDir("testdata/vendor", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".notes.json") {
			return err
		}
		file := strings.TrimSuffix(path, ".notes.json")
		t.Run(strings.TrimPrefix(file, "testdata/vendor/"), func(t *testing.T) { checkSample(t, file) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSample(t *testing.T, file string) {
	t.Helper()
	var notes sampleNotes
	readJSON(t, file+".notes.json", &notes)
	opts := ingest.Options{File: file, Format: filepath.Base(filepath.Dir(file)), Rejects: &bytes.Buffer{}}
	opts.Contract, opts.Aliases, opts.Endpoint, opts.Day = notes.Options.Contract, notes.Options.Alias, notes.Options.Endpoint, notes.Options.Day
	rows, done := convert(t, file, opts)
	if diff := cmp.Diff(expectedRows(t, file+".expected.jsonl"), rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if want := int64(len(notes.Rejected)); done.Rejected != want {
		t.Errorf("%d rejected, want %d:\n%s", done.Rejected, want, opts.Rejects)
	}
	for _, bad := range notes.Rejected {
		if at := "# " + file + ":" + itoa(bad.Line) + ": "; !strings.Contains(opts.Rejects.(*bytes.Buffer).String(), at) {
			t.Errorf("no %q among the rejected:\n%s", at, opts.Rejects)
		}
	}
	if diff := cmp.Diff(trimKeys(notes.NotReported), trimKeys(done.NotReported)); diff != "" {
		t.Errorf("not reported (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(trimKeys(notes.Warnings), trimKeys(done.Warnings)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func trimKeys(m map[string]int64) map[string]int64 {
	trimmed := map[string]int64{}
	for k, n := range m {
		trimmed[strings.TrimSpace(k)] = n
	}
	return trimmed
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// convert gives the rows of a file, without what the samples do not have: fields that came later.
func convert(t testing.TB, file string, opts ingest.Options) ([]map[string]any, ingest.Converted) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out bytes.Buffer
	done, err := ingest.Convert(t.Context(), &out, in, opts)
	if err != nil {
		t.Fatal(err)
	}
	return decodeRows(t, out.Bytes()), done
}

func decodeRows(t testing.TB, text []byte) (rows []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		maps.DeleteFunc(row, func(k string, _ any) bool { return slices.Contains([]string{"endpoint_id", "updated", "endpoints"}, k) })
		rows = append(rows, row)
	}
	return rows
}

func expectedRows(t testing.TB, file string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return decodeRows(t, text)
}

func readJSON(t testing.TB, file string, to any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}
