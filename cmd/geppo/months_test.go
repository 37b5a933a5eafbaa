package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/store"
)

// That there is nothing in a month to come is no all-clear: nobody is shown a report of it.
func TestAMonthThatHasNotBegunIsRefused(t *testing.T) {
	s := newStation(t, template(t, 1))
	ahead := store.PeriodOf(time.Now(), time.UTC).Next().Next().String()
	out := filepath.Join(s.dir, "preview")
	for _, args := range [][]string{
		{"preview", "--out", out},
		{"preview", "--out", out, "--contract", "C0"},
		{"followups"},
		{"followups", "--csv"},
		{"stale"},
		{"test-send", "--contract", "C0", "--to", "me@example.jp"},
	} {
		code, output := s.geppo(nil, append(args, "--period", ahead)...)
		if code != exitUsage || !strings.Contains(output, ahead+" has not begun") || strings.Count(output, "\n") != 1 {
			t.Errorf("%q: exit %d, want %d: %s", args, code, exitUsage, output)
		}
	}
}
