package store_test

import (
	"testing"

	"geppo/store"
)

func TestNearestIsASlipOfTheHand(t *testing.T) {
	names := []string{"kanri@example.jp", "info@example.jp", "C000001"}
	for wrong, want := range map[string]string{
		"kanri@exmaple.jp": "kanri@example.jp",
		"KANRI@example.jp": "kanri@example.jp",
		"kanri@example.co": "kanri@example.jp",
		"C00001":           "C000001",
		"soumu@sample.com": "",
		"":                 "",
	} {
		if got := store.Nearest(wrong, names); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
}
