package ingest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// The decoders of vendors' formats take any bytes: each record gives rows that the store takes, a
// class or a reason, never a panic; and a row printed is a line of our own that gives the same row.

func FuzzCEF(f *testing.F)       { fuzzVendor(f, "cef") }
func FuzzFeeder(f *testing.F)    { fuzzVendor(f, "feeder") }
func FuzzCSV(f *testing.F)       { fuzzVendor(f, "csv") }
func FuzzPccnt(f *testing.F)     { fuzzVendor(f, "pccnt") }
func FuzzOfcUrlf(f *testing.F)   { fuzzVendor(f, "ofcurlf") }
func FuzzWorkbench(f *testing.F) { fuzzVendor(f, "workbench") }
func FuzzSMPI(f *testing.F)      { fuzzVendor(f, "smpi") }
func FuzzOCSF(f *testing.F)      { fuzzVendor(f, "ocsf") }

func fuzzVendor(f *testing.F, format string) {
	files, err := filepath.Glob(filepath.Join("testdata/vendor", format, "*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no samples of %s: %v", format, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".notes.json") || strings.HasSuffix(file, ".expected.jsonl") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		for line := range bytes.Lines(text) {
			if len(line) < 4000 {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		opts := Options{File: "in", Format: format}
		opts.Contract, opts.Endpoint, opts.Day, opts.Complete = "C1", "PC", "2026-10-31", format == "smpi"
		from, _, err := open(bytes.NewReader(data), opts)
		if err != nil {
			t.Fatal(err)
		}
		for {
			c := readChunk(from)
			for i := range c.lines {
				checkVendorLine(t, &c.lines[i])
			}
			if c.err != nil {
				if _, refused := errors.AsType[*RowError](c.err); !refused && !errors.Is(c.err, io.EOF) {
					t.Fatal(c.err)
				}
				return
			}
		}
	})
}

func checkVendorLine(t *testing.T, l *line) {
	t.Helper()
	if l.err != nil {
		reason := l.err.Error()
		if len(l.records) > 0 || !utf8.ValidString(reason) || len(reason) > 1000 {
			t.Errorf("line %d: %d records and reason %q", l.number, len(l.records), reason)
		}
		return
	}
	if len(l.records) != len(l.rows) || l.class != "" && len(l.rows) > 0 {
		t.Errorf("line %d: class %q, %d rows, %d records", l.number, l.class, len(l.rows), len(l.records))
	}
	for _, row := range l.rows {
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatalf("line %d: %v", l.number, err)
		}
		if _, err := decodeJSON(text); err != nil {
			t.Errorf("line %d: our own format refuses %s: %v", l.number, text, err)
		}
	}
}
