package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A question is asked on a terminal after it was said what would be done, and only a yes is one.
func TestAQuestionOnATerminal(t *testing.T) {
	dir := template(t, 3)
	t.Setenv("GEPPO_SCHEDULE_APPROVAL", "full")
	t.Setenv("GEPPO_STORE_DSN", "sqlite:"+filepath.Join(dir, "geppo.db"))
	if code, _, stderr := runGeppo(t, "run", "--period", "2026-09", "--force"); code != exitPending {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	for _, test := range []struct {
		command, answer, says string
		code                  int
	}{
		{"cancel --period 2026-09", "n\n", "nothing was changed", exitError},
		{"cancel --period 2026-09", "\n", "nothing was changed", exitError},
		{"cancel --period 2026-09", "\x04", "nothing was changed", exitError}, // the end of input
		{"cancel --period 2026-09", interrupted, "nothing was changed", exitError},
		{"resend --period 2026-09 --contract C1 --queue --force", "n\n", "nothing was changed", exitError}, // of one contract, too
		{"cancel --period 2026-09 --contract C1", "y\n", "1 delivery cancelled", exitDone},
		{"cancel --period 2026-09", "YES\n", "2 deliveries cancelled", exitDone},
		{"forget --contract C1", "no\n", "nothing was changed", exitError},
		{"forget --contract C1", "y\n", "1 contract forgotten", exitDone},
	} {
		code, shown := answering(t.Context(), t, 80, test.answer, strings.Fields(test.command)...)
		if code != test.code || !strings.Contains(shown, test.says) {
			t.Errorf("%s, answered %q: exit %d, %s", test.command, test.answer, code, shown)
		}
		if before, _, _ := strings.Cut(shown, "Go on? [y/N]"); !strings.Contains(before, "1 contract") && !strings.Contains(before, "contracts (C0") && !strings.Contains(before, "contract C1") {
			t.Errorf("%s: it does not say first what it is about: %s", test.command, shown)
		}
	}
}
