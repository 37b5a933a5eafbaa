package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed is what a shell is offered after a command line, and the directive that goes with it.
func completed(t *testing.T, db string, line ...string) (offered []string, directive string) {
	t.Helper()
	code, stdout, stderr := runGeppo(t, append([]string{"__complete", "--db", "sqlite:" + db}, line...)...)
	if code != exitDone || strings.Contains(stderr, "geppo: ") {
		t.Errorf("%v: exit %d, %s", line, code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	return lines[:len(lines)-1], lines[len(lines)-1]
}

func TestTabOffersWhatThereIs(t *testing.T) {
	dir := template(t, 3)
	db := filepath.Join(dir, "geppo.db")
	t.Setenv("GEPPO_SMTP_PORT", "1")
	runGeppo(t, "--db", "sqlite:"+db, "run", "--force", "--period", september.String())
	runGeppo(t, "--db", "sqlite:"+db, "cancel", "1")
	for line, want := range map[string]string{
		"status --contract C":                      "C0\t株式会社0",
		"contracts stop ":                          "C1\t株式会社1",
		"recipients remove ":                       "C2\t株式会社2",
		"recipients remove C1 ":                    "a1@example.jp\tご担当者",
		"recipients remove --contract C2 ":         "a2@example.jp\tご担当者",
		"run --period ":                            "2026-09",
		"resend --period 2026-09 --state ":         "failed",
		"ack ":                                     "1\t2026-09 C0 cancelled a0@example.jp",
		"import --format ":                         "jsonl",
		"user add yamada --role ":                  "desk",
		"resend --period 2026-09 --contract C1 --": "--stale\tonly of contracts whose frozen report would differ today (geppo stale)",
	} {
		offered, _ := completed(t, db, strings.Split(line, " ")...)
		if !slices.Contains(offered, want) {
			t.Errorf("%s: offered %q", line, offered)
		}
	}
	// Files are offered where one is named, and nowhere else.
	for line, want := range map[string]string{"import ": ":0", "status --search ": ":4", "status ": ":4", "check ": ":4", "resend --reason ": ":4"} {
		if _, directive := completed(t, db, strings.Split(line, " ")...); directive != want {
			t.Errorf("%s: %s, want %s", line, directive, want)
		}
	}
}

// Where there is no database, or the configuration is faulty, Tab says nothing.
func TestTabIsSilentWithoutDatabases(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.db")
	for _, line := range []string{"status --contract C", "ack ", "recipients remove C1 "} {
		if offered, directive := completed(t, none, strings.Split(line, " ")...); len(offered) > 0 || directive != ":4" {
			t.Errorf("%s: %q %s", line, offered, directive)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("it made a database")
	}
	faulty := filepath.Join(t.TempDir(), "geppo.toml")
	if err := os.WriteFile(faulty, []byte("[nothing]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := runGeppo(t, "__complete", "-c", faulty, "show", ""); code != exitDone || stdout != ":4\n" {
		t.Errorf("exit %d, %q", code, stdout)
	}
}
