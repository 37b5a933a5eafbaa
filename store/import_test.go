package store_test

import (
	"testing"

	"geppo/store"
)

func TestFeedIsTheSameForFilesOfOneSource(t *testing.T) {
	for name, want := range map[string]string{
		"october.jsonl":                              "october.jsonl",
		"worryfree-20261105.log":                     "worryfree-#.log",
		"worryfree-2026-11-05T09:30:00Z.log":         "worryfree-#.log",
		"C000001/cef_2026_11_05.1.log":               "C000001/cef_#.log",
		"export (2).csv":                             "export (#).csv",
		"3f2504e0-4f89-11d3-9a0c-0305e82c3301.json":  "#.json",
		"0123456789abcdef0123456789abcdef.json.part": "#.json.part",
		"ビルA/ウイルス 2026年10月.csv":                      "ビルA/ウイルス #年#月.csv",
	} {
		if got := store.Feed(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
