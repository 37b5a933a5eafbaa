package ingest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"geppo/store/ingest"
)

// decoded is what a text of a format became.
type decoded struct {
	rows    []map[string]any
	done    ingest.Converted
	rejects string
}

// decodeText reads a text; contract C000001 unless the reading says otherwise.
func decodeText(t testing.TB, format, text string, reading ...func(*ingest.Options)) decoded {
	t.Helper()
	var out, rejects bytes.Buffer
	opts := ingest.Options{File: "in", Format: format, Rejects: &rejects}
	opts.Contract = "C000001"
	for _, set := range reading {
		set(&opts)
	}
	done, err := ingest.Convert(t.Context(), &out, strings.NewReader(text), opts)
	if err != nil {
		t.Fatal(err)
	}
	return decoded{decodeRows(t, out.Bytes()), done, rejects.String()}
}

// want checks fields of the only row; "" is an absent one.
func (d decoded) want(t *testing.T, fields map[string]any) {
	t.Helper()
	if len(d.rows) != 1 {
		t.Fatalf("%d rows, want 1: %v\nnot reported %v\n%s", len(d.rows), d.rows, d.done.NotReported, d.rejects)
	}
	for name, want := range fields {
		got := d.rows[0][name]
		if got == nil {
			got = ""
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %q, want %q", name, fmt.Sprint(got), fmt.Sprint(want))
		}
	}
}

// bad checks that there is no row and one reason.
func (d decoded) bad(t *testing.T, reason string) {
	t.Helper()
	if len(d.rows) != 0 || d.done.Rejected != 1 || !strings.Contains(d.rejects, reason) {
		t.Errorf("%d rows, %d rejected, want none and 1 for %q:\n%s", len(d.rows), d.done.Rejected, reason, d.rejects)
	}
}

// skipped checks that there is no row and one class that is not reported.
func (d decoded) skipped(t *testing.T, class string) {
	t.Helper()
	if len(d.rows) != 0 || d.done.Rejected != 0 || d.done.NotReported[class] != 1 {
		t.Errorf("%d rows, %d rejected, not reported %v, want only %q:\n%s", len(d.rows), d.done.Rejected, d.done.NotReported, class, d.rejects)
	}
}

func (d decoded) warned(t *testing.T, what string) {
	t.Helper()
	if d.done.Warnings[what] == 0 {
		t.Errorf("warnings %v, want %q", d.done.Warnings, what)
	}
}

type fields = map[string]any
