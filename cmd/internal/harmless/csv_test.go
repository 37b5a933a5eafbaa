package harmless_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"geppo/cmd/internal/harmless"
	"geppo/store/ingest"
)

// What a cell was made harmless by is taken off again by who reads it, whatever stands in it.
func TestACellReadsAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{`\`, `\u`, `\u202e`, `\u005c`, "u202e", "'", "=", "-", "＝", "\u202e", "\u200b", "\x1b", "\ufffd", "\U000e0041", "株", "𠮷", "a b", `"`, ","})
		text := strings.TrimSpace(strings.Join(rapid.SliceOf(rapid.OneOf(words, rapid.String())).Draw(t, "words"), ""))
		cell := harmless.Cell(text)
		if got := ingest.PlainCell(cell); got != text {
			t.Errorf("%q is written as %q, and read as %q", text, cell, got)
		}
		if strings.ContainsFunc(cell, harmless.Commands) || cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) {
			t.Errorf("%q is written as %q", text, cell)
		}
	})
}
