package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
)

// crashVariable names a point, and after a colon at which of its visits, where the geppo of the
// tests kills itself.
const crashVariable = "CRASH_AT"

// stopVariable likewise, where it is stopped as by SIGSTOP; graceVariable is how long a silent one of several may be so.
const (
	stopVariable  = "STOP_AT"
	graceVariable = "GRACE"
)

// geppoUnderTest is main, but for the crash, and for what it says of its memory.
func geppoUnderTest() {
	at, crashes := os.LookupEnv(crashVariable)
	peak, measured := os.LookupEnv(peakVariable)
	stopsAt, stops := os.LookupEnv(stopVariable)
	grace, impatient := os.LookupEnv(graceVariable)
	if !crashes && !measured && !stops && !impatient {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}
	if crashes {
		a.crash = crashAt(at, syscall.SIGKILL)
	}
	if stops {
		a.crash = crashAt(stopsAt, syscall.SIGSTOP)
	}
	if impatient {
		var err error
		if a.grace, err = time.ParseDuration(grace); err != nil {
			panic(err)
		}
	}
	code := a.execute(ctx, os.Args[1:])
	if measured {
		if err := os.WriteFile(peak, fmt.Append(nil, peakMB()), 0o600); err != nil {
			panic(err)
		}
	}
	os.Exit(code) //nolint:revive // deep-exit: it stands in for main
}

func crashAt(at string, by syscall.Signal) daemon.Crash {
	name, number, _ := strings.Cut(at, ":")
	var mu sync.Mutex
	left, err := strconv.Atoi(number)
	return func(p daemon.Point) {
		mu.Lock()
		defer mu.Unlock()
		if string(p) != name || err != nil {
			return
		}
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), by)
			select {} // the other threads run on for a moment
		}
	}
}

// patience bounds every wait of these tests: what never comes must fail with its reason, and not by the end of
// all tests.
const patience = 5 * time.Minute

// receive takes what comes, or says that it did not.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		t.Fatalf("waited %s in vain for %s", patience, what)
		panic("unreachable")
	}
}

// station is a directory with databases, where the real binary is run.
type station struct {
	t   testing.TB
	dir string
	env []string

	mu      sync.Mutex
	process *os.Process   // the one that runs
	ended   chan struct{} // closed at its end
}

// newStation copies the databases of template.
func newStation(t testing.TB, template string, env ...string) *station {
	t.Helper()
	return stationIn(t, t.TempDir(), template, env...)
}

func stationIn(t testing.TB, dir, template string, env ...string) *station {
	t.Helper()
	s := newBareStation(t, dir, env...)
	copyDatabases(t, s.dir, template)
	return s
}

// newBareStation has no databases.
func newBareStation(t testing.TB, dir string, env ...string) *station {
	t.Helper()
	s := &station{t: t, dir: dir}
	s.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "GEPPO_LOG_LEVEL=error", "GEPPO_SMTP_CONNECTIONS=1",
		"GEPPO_RETRY_FIRST=1ms", "GEPPO_RETRY_MAX=20ms",
	}, env...)
	// The configuration of a geppo that is installed on this machine must not be met.
	if err := writeFile(s.dir, "geppo.toml", nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func copyDatabases(t testing.TB, to, from string) {
	t.Helper()
	for _, name := range []string{"geppo.db", "geppo-detections.db"} {
		copyTo(t, filepath.Join(to, name), filepath.Join(from, name))
	}
}

func copyTo(t testing.TB, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// template makes databases of so many contracts, with one small address each.
func template(t testing.TB, contracts int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	fillTemplate(t, filepath.Join(dir, "geppo.db"), filepath.Join(dir, "geppo-detections.db"), contracts)
	return dir
}

func fillTemplate(t testing.TB, ledgerDSN, detectionsDSN string, contracts int) {
	t.Helper()
	var lines strings.Builder
	for i := range contracts {
		fmt.Fprintf(&lines, `{"type":"contract","id":"C%d","name":"株式会社%d","product":"antivirus","licences":5,"since":"2025-04-01","recipients":[{"address":"a%d@example.jp","name":"ご担当者"}]}
{"type":"endpoint","contract":"C%d","name":"PC","class":"desktop","os":"Windows 11 Pro","installed_at":"2025-04-02T10:00:00+09:00"}
{"type":"detection","contract":"C%d","id":"d","feature":"virus","time":"2026-09-05T14:03:22+09:00","endpoint":"PC","name":"TROJ_GEN.R002C0CLT21","result":"quarantined"}
`, i, i, i, i, i)
	}
	ledger, err := sqlstore.OpenLedger(t.Context(), ledgerDSN, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	detections, err := sqlstore.OpenDetections(t.Context(), detectionsDSN, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ingest.JSONLines(t.Context(), detections, strings.NewReader(lines.String()), ingest.Options{File: "template", Now: time.Now})
	if err := errors.Join(err, ledger.Close(), detections.Close()); err != nil {
		t.Fatal(err)
	}
}

// geppo runs the binary and gives its exit code, -1 if it was killed.
func (s *station) geppo(env []string, args ...string) (code int, output string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "geppo", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, s.dir
	cmd.Env = append(append([]string{}, s.env...), env...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.process, s.ended = cmd.Process, make(chan struct{})
	s.mu.Unlock()
	err := cmd.Wait()
	close(s.ended)
	if ctx.Err() != nil {
		s.t.Fatalf("geppo %v did not end within %s: %s", args, patience, out.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// run is geppo run of the month the template's detection is in.
func (s *station) run(env ...string) (code int, output string) {
	s.t.Helper()
	return s.geppo(env, "run", "--period", "2026-09", "--force")
}

// runToTheEnd repeats it while something is on its way.
func (s *station) runToTheEnd(most int) (code int) {
	s.t.Helper()
	for range most {
		var output string
		code, output = s.run()
		switch code {
		case exitPending, -1:
		case exitDone, exitIncomplete:
			return code
		default:
			s.t.Fatalf("exit %d: %s", code, output)
		}
	}
	s.t.Fatalf("still pending after %d runs", most)
	return code
}

// kill ends the running process as the kernel would, and returns once it runs no more.
func (s *station) kill() {
	s.mu.Lock()
	process, ended := s.process, s.ended
	s.mu.Unlock()
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	receive(s.t, "the end of a killed process", ended)
}

// ledger opens the station's ledger for a look into it.
func (s *station) ledger(look func(*sqlstore.Ledger) error) {
	s.t.Helper()
	ledger, err := sqlstore.OpenLedger(s.t.Context(), filepath.Join(s.dir, "geppo.db"), sqlstore.Existing)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(look(ledger), ledger.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *station) deliveries() (list []store.Delivery) {
	s.t.Helper()
	s.ledger(func(l *sqlstore.Ledger) (err error) {
		list, err = l.Deliveries(s.t.Context(), store.Filter{})
		return err
	})
	return list
}

func (s *station) attempts(id int64) (list []store.Attempt) {
	s.t.Helper()
	s.ledger(func(l *sqlstore.Ledger) (err error) {
		list, err = l.Attempts(s.t.Context(), id)
		return err
	})
	return list
}

// writeFile writes one file of a directory that may not exist yet.
func writeFile(dir, name string, data []byte) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), data, 0o600)
}
