package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"geppo/cmd/internal/sink"
	"geppo/store/sqlstore/pgtest"
)

// The scripts in testdata/script run the real binary: this test program, called by its other name.
func TestMain(m *testing.M) {
	testscript.Main(pgtest.Main{M: m}, map[string]func(){"geppo": geppoUnderTest})
}

func TestScripts(t *testing.T) { runScripts(t, false) }

// The same scripts on PostgreSQL; what is about SQLite's files stands under [!postgres] in them.
func TestScriptsOnPostgres(t *testing.T) { runScripts(t, true) }

func runScripts(t *testing.T, postgres bool) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			if postgres {
				env.Setenv("GEPPO_STORE_DSN", pgtest.Database(env.T().(testing.TB)))
			}
			env.Setenv("GEPPO_LOG_LEVEL", "error")
			// The configuration of a geppo that is installed on this machine must not be met.
			return os.WriteFile(filepath.Join(env.WorkDir, "geppo.toml"), nil, 0o600)
		},
		Condition: func(name string) (bool, error) {
			if name != "postgres" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return postgres, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "sink": startSink, "bounce-of": bounceOf, "sunk": sunk, "holds": holds},
	})
}

// exits CODE COMMAND…: the command's exit code is this one.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// holds DATABASE WORD…: the bytes of the files of this database, or below this directory, hold each of the words in
// any case; ! holds: none of them.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] holds detections|ledger|DIRECTORY WORD…")
	}
	pattern := map[string]string{"detections": "geppo-detections.db*", "ledger": "geppo.db*"}[args[0]]
	if pattern == "" {
		pattern = filepath.Join(args[0], "*", "*", "*")
	}
	files, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	var all strings.Builder
	for _, file := range files {
		all.WriteString(strings.ToLower(ts.ReadFile(file)))
	}
	for _, word := range args[1:] {
		if strings.Contains(all.String(), strings.ToLower(word)) == neg {
			ts.Fatalf("%s in %v: %v", word, files, !neg)
		}
	}
}

// startSink makes the script's geppo send to an SMTP server that writes sunk/RECIPIENT.N.eml.
func startSink(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: sink")
	}
	dir := ts.MkAbs("sunk")
	ts.Check(os.MkdirAll(dir, 0o755))
	var mu sync.Mutex
	count := map[string]int{}
	server, err := sink.Start(context.Background(), func(m sink.Message) error {
		mu.Lock()
		defer mu.Unlock()
		count[m.To[0]]++
		return os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s.%d.eml", m.To[0], count[m.To[0]])), m.Data, 0o600)
	})
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	ts.Setenv("GEPPO_SMTP_PORT", strconv.Itoa(server.Port()))
}

// bounce-of DELIVERY TEMPLATE FILE: writes a notification that names the delivery's Message-ID.
func bounceOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bounce-of DELIVERY TEMPLATE FILE")
	}
	ts.Check(ts.Exec("geppo", "show", args[0], "--json"))
	var shown struct {
		MessageID string `json:"message_id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &shown))
	text := strings.ReplaceAll(ts.ReadFile(args[1]), "geppo.none@localhost", shown.MessageID)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

// sunk N: so many messages have arrived.
func sunk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sunk N")
	}
	entries, err := os.ReadDir(ts.MkAbs("sunk"))
	ts.Check(err)
	if strconv.Itoa(len(entries)) != args[0] {
		ts.Fatalf("%d messages arrived, want %s", len(entries), args[0])
	}
}

// One real process is slow to start many times; what needs no process is tested through run.
func runGeppo(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs buffer
	// Nor is that of a geppo that is installed on this machine.
	args = append([]string{"-c", filepath.Join("testdata", "empty.toml")}, args...)
	code = run(context.Background(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}
