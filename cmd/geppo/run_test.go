package main

import (
	"bytes"
	"strings"
	"testing"

	"geppo/store"
)

type buffer = bytes.Buffer

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	root := (&app{}).command()
	for _, cmd := range root.Commands() {
		if cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		code, stdout, _ := runGeppo(t, cmd.Name(), "--help")
		if code != 0 || !strings.Contains(stdout, "Examples:") || !strings.Contains(stdout, "geppo "+cmd.Name()) {
			t.Errorf("geppo %s --help: exit %d\n%s", cmd.Name(), code, stdout)
		}
	}
}

func TestWrongUsageIsOneLineAndExit2(t *testing.T) {
	for _, args := range [][]string{
		{"nonsense"},
		{"run", "--nonsense"},
		{"show"},
		{"sample", "--contracts", "0", "--period", "2026-10"},
		{"sample", "--contracts", "3"},
		{"sample", "--contracts", "3", "--period", "2026-13"},
	} {
		code, stdout, stderr := runGeppo(t, args...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("geppo %v: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestVerdict(t *testing.T) {
	states := func(pairs ...any) map[store.State]int {
		m := map[store.State]int{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(store.State)] = pairs[i+1].(int)
		}
		return m
	}
	for _, test := range []struct {
		name string
		o    outcome
		want int
	}{
		{"all sent", outcome{States: states(store.Sent, 3)}, exitDone},
		{"nothing to do", outcome{}, exitDone},
		{"deferred before failed", outcome{States: states(store.Sent, 3, store.Deferred, 1, store.Failed, 2)}, exitPending},
		{"queued", outcome{States: states(store.Queued, 1)}, exitPending},
		{"handing over", outcome{States: states(store.HandingOver, 1)}, exitPending},
		{"failed", outcome{States: states(store.Sent, 3, store.Failed, 1)}, exitIncomplete},
		{"held", outcome{States: states(store.Held, 1)}, exitIncomplete},
		{"bounced", outcome{States: states(store.Bounced, 1)}, exitIncomplete},
		{"cancelled", outcome{States: states(store.Cancelled, 1)}, exitIncomplete},
		{"a contract without an address", outcome{States: states(store.Sent, 3), Errors: []runError{{"C1", "no registered address"}}}, exitIncomplete},
	} {
		a := app{started: true}
		got := exitDone
		if err := test.o.verdict(nil); err != nil {
			got = a.exitCode(err)
		}
		if got != test.want {
			t.Errorf("%s: exit %d, want %d", test.name, got, test.want)
		}
	}
}
