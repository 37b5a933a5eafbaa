package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/store"
)

func newChecker() *checker { return &checker{told: map[string]bool{}} }

func TestCheckTellsOfADiskThatFillsUp(t *testing.T) {
	for free, want := range map[uint64]string{0: levelFault, 100<<20 - 1: levelFault, 100 << 20: levelWarning, 1<<30 - 1: levelWarning, 1 << 30: levelOK} {
		k := newChecker()
		k.room("/var/lib/geppo", free)
		k.room("/var/lib/geppo", free) // of the other database
		if len(k.findings) != 1 || k.findings[0].Level != want || !strings.HasPrefix(k.findings[0].Message, "/var/lib/geppo has ") {
			t.Errorf("%d bytes: %+v, want one %s", free, k.findings, want)
		}
	}
}

func TestCheckTellsOfAClockThatIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	importOne(t, dir, september)
	ledger := openTestLedger(t, dir)
	err := errors.Join(
		ledger.PutFire(t.Context(), store.Fire{DueAt: time.Date(2036, 11, 1, 0, 0, 0, 0, time.UTC), Period: september, State: store.FireBaseline}),
		ledger.Close())
	if err != nil {
		t.Fatal(err)
	}
	db := "sqlite:" + filepath.Join(dir, "geppo.db")
	_, stdout, stderr := runGeppo(t, "--db", db, "check", "--no-smtp")
	if !strings.Contains(stdout, "but something was recorded on 2036-11-01") {
		t.Errorf("%s%s", stdout, stderr)
	}
	for _, args := range [][]string{{"run", "--period", "2026-09"}, {"prune"}} {
		if code, stdout, stderr := runGeppo(t, append([]string{"--db", db}, args...)...); code != exitError || !strings.Contains(stderr, "geppo resume") {
			t.Errorf("geppo %s: exit %d: %s%s", args[0], code, stdout, stderr)
		}
	}
	if code, _, stderr := runGeppo(t, "--db", db, "resume"); code != exitDone {
		t.Errorf("resume: exit %d: %s", code, stderr)
	}
	if code, _, stderr := runGeppo(t, "--db", db, "prune"); code != exitDone {
		t.Errorf("prune after an operator's word: exit %d: %s", code, stderr)
	}
}

func TestCheckAndStatusTellOfMonthsThatWait(t *testing.T) {
	dir := t.TempDir()
	importOne(t, dir, september)
	ledger := openTestLedger(t, dir)
	due := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	err := errors.Join(
		ledger.PutFire(t.Context(), store.Fire{DueAt: due, Period: september, State: store.FireMissed}),
		ledger.PutFire(t.Context(), store.Fire{DueAt: due.AddDate(0, 1, 0), Period: september.Next(), State: store.FireWaiting}),
		ledger.Close())
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status"}, {"check", "--no-smtp"}} {
		_, stdout, stderr := runGeppo(t, append([]string{"--db", "sqlite:" + filepath.Join(dir, "geppo.db")}, args...)...)
		for _, want := range []string{"MISSED 2026-09: ", "; geppo run --period 2026-09\n", "WAITING 2026-10: contracts wait for data"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("geppo %s does not say %q: %s%s", args[0], want, stdout, stderr)
			}
		}
	}
}

// A directory that is missing is told with the database; what may not be written, once.
func TestCheckTellsWhatMayOnlyBeRead(t *testing.T) {
	k := newChecker()
	if !k.writable(filepath.Join(t.TempDir(), "none", "geppo.db")) || len(k.findings) > 0 {
		t.Errorf("%+v", k.findings)
	}
	// Nobody writes to /proc, not even root.
	for range 2 {
		if k.writable("/proc/self/geppo.db") {
			t.Error("/proc/self is writable")
		}
	}
	if len(k.findings) != 1 || k.findings[0].code != exitUnavailable || !strings.Contains(k.findings[0].Message, "runuser -u geppo") {
		t.Errorf("%+v", k.findings)
	}
}
