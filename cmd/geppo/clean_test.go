package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/harmless"
	"geppo/store"
)

func TestPrintableNeutralisesWhatATerminalWouldObey(t *testing.T) {
	got := printable("a\x1b]0;title\x07b\u202ec\n𠮷<script>👩\u200d💻\u200b\u2066\U000e0041\x9b")
	if want := `a\u001b]0;title\u0007b\u202ec\u000a𠮷<script>👩` + "\u200d" + `💻\u200b\u2066\udb40\udc41\ufffd`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// hostileText is what may stand in names, replies and paths.
func hostileText() *rapid.Generator[string] {
	return rapid.StringOf(rapid.OneOf(
		rapid.Rune(), rapid.RuneFrom([]rune("abc =+-@\"',\\{}:01\n\t\r\x00\x1b\x7f\u0085\u009b\u061c\u200b\u200d\u202e\u2028\u2066\ufeff\ufffd株𠮷👩\U000e0041")),
	))
}

// Whatever is printed, and in whatever pieces, nothing arrives that a terminal obeys, and clean text arrives as it is.
func TestNothingThatATerminalObeysIsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(hostileText().Draw(t, "text"))
		if rapid.Bool().Draw(t, "bytes") {
			text = rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		}
		var whole, pieces bytes.Buffer
		emit := func(to *bytes.Buffer, cuts bool) {
			out := &clean{w: to}
			for rest := text; len(rest) > 0; {
				n := len(rest)
				if cuts {
					n = rapid.IntRange(1, len(rest)).Draw(t, "cut")
				}
				if wrote, err := out.Write(rest[:n]); wrote != n || err != nil {
					t.Fatalf("%d of %d, %v", wrote, n, err)
				}
				rest = rest[n:]
			}
			if err := out.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		emit(&whole, false)
		emit(&pieces, true)
		if whole.String() != pieces.String() {
			t.Errorf("%q in pieces: %q", whole.String(), pieces.String())
		}
		if !utf8.Valid(whole.Bytes()) {
			t.Errorf("%q is not UTF-8", whole.String())
		}
		dirty := false
		for i, r := range whole.String() {
			if mark := r == '\ufeff' && i == 0; !mark && harmless.Commands(r) {
				t.Errorf("%q has %U", whole.String(), r)
			}
		}
		for i, r := range string(text) {
			dirty = dirty || harmless.Commands(r) && (r != '\ufeff' || i != 0)
		}
		if !dirty && whole.String() != string(text) {
			t.Errorf("%q became %q", text, whole.String())
		}
	})
}

// JSON means the same after it was cleaned.
func TestCleanJSONMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := hostileText().Draw(t, "name")
		var out bytes.Buffer
		stream := &clean{w: &out}
		var got string
		if err := writeJSON(stream, want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Errorf("%q became %q, %v", want, got, err)
		}
	})
}

// A name is a name in a spreadsheet: no formula, nothing that hides, on its own line; and the file says that it is UTF-8.
func TestFollowupsAreSafeInASpreadsheet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hostile := hostileText().Draw(t, "name")
		var out bytes.Buffer
		if err := writeFollowups(&out, []followup{{Result: hostile, line: desk.FollowUp{Company: hostile, FollowUp: store.FollowUp{Contract: "C1", Endpoint: hostile, Name: hostile, Count: 1}}}}); err != nil {
			t.Fatal(err)
		}
		text, marked := strings.CutPrefix(out.String(), "\ufeff")
		if !marked {
			t.Error("no byte order mark")
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v: %q", len(rows), err, text)
		}
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) || strings.ContainsFunc(cell, func(r rune) bool { return unicode.IsControl(r) || harmless.Commands(r) }) {
				t.Errorf("%q", cell)
			}
		}
	})
}

// Nobody prints past the cleaning: a command's own streams are clean from the beginning.
func TestTheStreamsOfACommandAreClean(t *testing.T) {
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs}
	code := a.execute(t.Context(), []string{"no\x1b[2Jsuch\u202e"})
	fmt.Fprint(a.stdout, "\x1b[2J")
	if code != exitUsage || strings.ContainsAny(out.String()+errs.String(), "\x1b\u202e") {
		t.Errorf("exit %d: %q %q", code, out.String(), errs.String())
	}
}
