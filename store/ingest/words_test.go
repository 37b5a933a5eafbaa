package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/ingest"
)

// However a name is laid out, it is stored on one line, with single blanks between its words.
func TestNamesAreTidy(t *testing.T) {
	db := open(t)
	load(t, db, contractRow+"\n")
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"甲", "株式会社", "Test", "é", "𠮷", "\u202e"}), 1, 4).Draw(rt, "words")
		blanks := func(least int) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{" ", `\t`, `\n`, `\u0085`, `\u001b`, "　", " "}), least, 3).Draw(rt, "blanks"), "")
		}
		text := blanks(0)
		for i, w := range words {
			if i > 0 {
				text += blanks(1)
			}
			text += w
		}
		text += blanks(0)
		load(t, db, mend(t, contractRow, "株式会社サンプル商事", text)+"\n")
		c, err := db.Contract(context.Background(), "C000001")
		if err != nil {
			rt.Fatal(err)
		}
		if got := strings.Join(strings.FieldsFunc(c.Name, unicode.IsSpace), " "); got != strings.Join(words, " ") {
			rt.Fatalf("%q became %q", text, c.Name)
		}
		if runes := []rune(c.Name); strings.ContainsFunc(c.Name, unicode.IsControl) || unicode.IsSpace(runes[0]) || unicode.IsSpace(runes[len(runes)-1]) {
			rt.Fatalf("%q became %q", text, c.Name)
		}
	})
}

func TestTimesOfRFC3339(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-10-05T14:03:22+09:00":   time.Date(2026, 10, 5, 5, 3, 22, 0, time.UTC),
		"2026-10-05t14:03:22.5+09:00": time.Date(2026, 10, 5, 5, 3, 22, 5e8, time.UTC),
		"2026-10-05t05:03:22z":        time.Date(2026, 10, 5, 5, 3, 22, 0, time.UTC),
		// A leap second stays in its day, and so in its month.
		"2026-10-31T23:59:60+09:00":    time.Date(2026, 10, 31, 14, 59, 59, 999e6, time.UTC),
		"2026-10-31T23:59:60.25+09:00": time.Date(2026, 10, 31, 14, 59, 59, 999e6, time.UTC),
	} {
		db := open(t)
		load(t, db, lines(contractRow, fmt.Sprintf(
			`{"type":"detection","contract":"C000001","id":"1","feature":"virus","time":%q,"endpoint":"PC","name":"N"}`, text)))
		if got := month(t, db).Detections; len(got) != 1 || !got[0].Time.Equal(want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"2026-10-31T23:59:61Z", "2026-10-31T23:60:00Z", "2026-10-31 23:59:00Z", "2026-10-31T23:59:60", "60", ""} {
		_, err := ingest.JSONLines(context.Background(), open(t), strings.NewReader(lines(contractRow, fmt.Sprintf(
			`{"type":"detection","contract":"C000001","id":"1","feature":"virus","time":%q,"endpoint":"PC","name":"N"}`, text))), options())
		if _, bad := errors.AsType[*ingest.RowError](err); !bad {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A clock that was never set is no reason to lose a detection whose receipt is known.
func TestClockBefore1970(t *testing.T) {
	const row = `{"type":"detection","contract":"C000001","id":"1","feature":"virus","time":"1904-01-01T00:00:00Z"%s,"endpoint":"PC","name":"N"}`
	db := open(t)
	_, err := ingest.JSONLines(context.Background(), db, strings.NewReader(lines(contractRow, fmt.Sprintf(row, ""))), options())
	if _, bad := errors.AsType[*ingest.RowError](err); !bad {
		t.Errorf("without a time of receipt: %v", err)
	}
	load(t, db, lines(contractRow, fmt.Sprintf(row, `,"received":"2026-10-05T00:00:00Z"`)))
	if got := month(t, db).Detections; len(got) != 1 || !got[0].Misdated {
		t.Errorf("detections %+v", got)
	}
}

// A file that must be whole leaves nothing, and tells of every bad row.
func TestWholeFileOrNothing(t *testing.T) {
	db := open(t)
	var rejects bytes.Buffer
	opts := options()
	opts.Rejects, opts.Whole = &rejects, true
	file := lines(contractRow, "{", detectionLine, "}")
	if _, err := ingest.JSONLines(context.Background(), db, strings.NewReader(file), opts); !errors.Is(err, ingest.ErrRejected) {
		t.Errorf("%v", err)
	}
	if n := strings.Count(rejects.String(), "\n# ") + 1; n != 2 {
		t.Errorf("%d rejects:\n%s", n, rejects.String())
	}
	if _, err := db.Contract(context.Background(), "C000001"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("kept: %v", err)
	}
}

// What was imported is known again by its bytes as they came, whatever their encoding.
func TestImportedFileIsKnownAgain(t *testing.T) {
	db, ctx := open(t), context.Background()
	file := "\ufeff" + lines(contractRow)
	opts := options()
	opts.File = "f.jsonl"
	if _, err := ingest.Import(ctx, db, strings.NewReader(file), opts); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(file))
	for _, c := range []struct {
		name string
		size int
		sum  [32]byte
		want bool
	}{
		{"f.jsonl", len(file), sum, true},
		{"g.jsonl", len(file), sum, false},
		{"f.jsonl", len(file) + 1, sum, false},
		{"f.jsonl", len(file), sha256.Sum256(nil), false},
	} {
		if got, err := db.Imported(ctx, c.name, int64(c.size), c.sum[:]); err != nil || !got.IsZero() != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}
