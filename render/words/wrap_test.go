package words

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// half and full measure text by half-width columns.
func advance(r rune) float64 { return float64(Width(string(r))) }

func TestWrapKeepsKinsoku(t *testing.T) {
	for in, want := range map[string]string{
		"検出しました。続きます":             "検出しまし|た。続きま|す",
		"端末（本社）です":                "端末（本|社）です",
		"名前は「端末」です":               "名前は「端|末」です",
		"合計1,234件です":              "合計|1,234件で|す",
		"a bc PC-01 端末":           "a bc|PC-01 端末",
		"週は10/5です":                "週は10/5で|す",
		"は1234、10/5まで":            "は1234、|10/5まで",
		"ABCDEFGHIJKLMNOPQRSTUVW": "ABCDEFGHIJ|KLMNOPQRST|UVW",
		"":                        "",
	} {
		if got := strings.Join(Wrap(in, 10, advance), "|"); got != want {
			t.Errorf("%q is broken %q, want %q", in, got, want)
		}
	}
}

// TestWrapLosesNothing: but for the blanks at which lines end, the lines are the text, and none is too wide.
func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("aB1 /.、。「」検出ー%件"))).Draw(t, "text")
		width := rapid.IntRange(4, 30).Draw(t, "width")
		lines := Wrap(text, float64(width), advance)
		if got := strings.ReplaceAll(strings.Join(lines, ""), " ", ""); got != strings.ReplaceAll(text, " ", "") {
			t.Fatalf("%q became %q", text, lines)
		}
		for _, l := range lines {
			if Width(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
	})
}
