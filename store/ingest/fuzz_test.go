package ingest_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"geppo/store/ingest"
)

// FuzzImport holds for any bytes (fuzz it with -fuzzminimizetime 1x: the state of the database makes
// every input look new): the strict reading ends with rows or an error; the lenient one accounts for every row, and rejects rows just where the
// strict one stops.
func FuzzImport(f *testing.F) {
	for _, row := range []string{contractRow, endpointRow, statusRow, detectionLine, eventRow, coverageRow} {
		f.Add([]byte(contractRow + "\n" + row))
		f.Add([]byte(row))
	}
	for _, s := range []string{
		"", "\n", "\r\n\r", "# x", "{", "[]", "null", `{"type":"coverage","contract":"C000001","day":"2026-13-01"}`,
		"\xef\xbb\xbf" + contractRow, "\xff\xfe{\x00}\x00", "\xfe\xff\x00{", "\xff\xfe\x00\xd8", contractRow + "\n\x8a\x94\x8e\xae\x89\xef\x8e\xd0",
		`{"type":"contract","id":"..","name":"\u0000"}`, `{"type":"detection","type":"detection"}`, "\xe3\x81", strings.Repeat(`{"a":`, 200),
	} {
		f.Add([]byte(s))
	}
	db, ctx := open(f), context.Background()
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, err := ingest.JSONLines(ctx, db, bytes.NewReader(data), options())
		if err == nil && (strict.Rejected != 0 || strict.Read != strict.New+strict.Duplicate) {
			t.Errorf("strict: %+v do not add up", strict)
		}
		var rejects bytes.Buffer
		opts := options()
		opts.Rejects = &rejects
		lenient, err2 := ingest.JSONLines(ctx, db, bytes.NewReader(data), opts)
		if err2 != nil {
			t.Fatalf("lenient: %v", err2)
		}
		if lenient.Read != lenient.New+lenient.Duplicate+lenient.Rejected {
			t.Errorf("lenient: %+v do not add up", lenient)
		}
		if (err == nil) != (lenient.Rejected == 0) {
			t.Errorf("strict %+v with %v, then lenient %+v", strict, err, lenient)
		}
	})
}
