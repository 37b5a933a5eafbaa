package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"geppo/store"
)

// tmpfs mounts a small disk.
func tmpfs(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no tmpfs can be mounted (%v): it takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file until the disk is full.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte("ballast\n"), 512)
	for err == nil {
		_, err = file.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, file.Close())
}

// oneLine is how every failure is told.
func oneLine(t *testing.T, code int, output, about string) {
	t.Helper()
	t.Logf("exit %d: %s", code, output)
	if code == exitDone || strings.Count(strings.TrimSpace(output), "\n") > 5 || !strings.Contains(output, about) || strings.Contains(output, "goroutine") {
		t.Errorf("exit %d, want a short word about %q:\n%s", code, about, output)
	}
}

// The disk with the ledger is full in the middle of a run, and has room again.
func TestTheDiskIsFull(t *testing.T) {
	const contracts, connections = 30, 2
	dir := tmpfs(t, "size=16m")
	var once sync.Once
	sent := 0
	var mu sync.Mutex
	relay := newTestRelay(t, func(now stage, _ string, _ int) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if now == stageStored {
			sent++
		}
		if sent == 5 {
			once.Do(func() { err = fill(filepath.Join(dir, "ballast")) })
		}
		return err
	})
	s := stationIn(t, dir, template(t, contracts), relay.environ(), fmt.Sprint("GEPPO_SMTP_CONNECTIONS=", connections))
	code, output := s.run()
	oneLine(t, code, output, "full")
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	if code := s.runToTheEnd(5); code != exitDone {
		t.Errorf("exit %d after the mend", code)
	}
	got := relay.audit(t, dir)
	if got.states[store.Sent] != contracts || got.duplicates > connections {
		t.Errorf("%+v", got)
	}
}

// The disk is read-only, as after a fault that the kernel has seen.
func TestTheDiskIsReadOnly(t *testing.T) {
	const contracts = 3
	dir := tmpfs(t, "size=16m")
	relay := newTestRelay(t, nil)
	s := stationIn(t, dir, template(t, contracts), relay.environ())
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=16m"); err != nil {
		t.Fatal(err)
	}
	code, output := s.run()
	oneLine(t, code, output, "read-only")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	if relay.accepted() > 0 {
		t.Errorf("%d mails were sent without a ledger", relay.accepted())
	}
	if code := s.runToTheEnd(5); code != exitDone {
		t.Errorf("exit %d after the mend", code)
	}
	if got := relay.audit(t, dir); got.states[store.Sent] != contracts || got.duplicates > 0 {
		t.Errorf("%+v", got)
	}
}

// Half of the ledger's pages are spoilt between two runs; the mend is the copy that was made before.
func TestTheLedgerIsCorrupt(t *testing.T) {
	const contracts = 20
	s := newStation(t, template(t, contracts))
	var once sync.Once
	var mu sync.Mutex
	sent := 0
	relay := newTestRelay(t, func(now stage, _ string, _ int) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if now == stageMail {
			sent++
		}
		if sent > contracts/2 {
			once.Do(func() {
				s.kill()
				err = errCut
			})
		}
		return err
	})
	s.env = append(s.env, relay.environ())
	if code, output := s.run(); code != -1 {
		t.Fatalf("exit %d: %s", code, output)
	}
	s.deliveries() // opening and closing it brings all into one file
	path := filepath.Join(s.dir, "geppo.db")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := relay.accepted()
	const page = 4096
	spoilt := bytes.Clone(sound)
	for at := 2 * page; at+page <= len(spoilt); at += 2 * page {
		copy(spoilt[at:], bytes.Repeat([]byte{0xff}, page))
	}
	if err := os.WriteFile(path, spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
	code, output := s.run()
	oneLine(t, code, output, "malformed")
	if !strings.Contains(output, "geppo.db") {
		t.Errorf("which file? %s", output)
	}
	if relay.accepted() != before {
		t.Errorf("%d mails were sent from a corrupt ledger", relay.accepted()-before)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := s.runToTheEnd(5); code != exitDone {
		t.Errorf("exit %d after the mend", code)
	}
	if got := relay.audit(t, s.dir); got.states[store.Sent] != contracts || got.duplicates > 1 {
		t.Errorf("%+v", got)
	}
}

// A large import begins while mail is being sent.
func TestAnImportWhileARunSends(t *testing.T) {
	contracts, rows := 40, 50_000
	if *long {
		contracts, rows = 400, 1_000_000
	}
	s := newStation(t, template(t, contracts), "GEPPO_SMTP_CONNECTIONS=4")
	var once sync.Once
	imported := make(chan string, 1)
	relay := newTestRelay(t, func(now stage, _ string, _ int) error {
		if now == stageRcpt {
			once.Do(func() {
				other := &station{t: t, dir: s.dir, env: s.env}
				go func() {
					code, output := other.geppo(nil, "import", "big.jsonl")
					imported <- fmt.Sprint(code, " ", output)
				}()
			})
		}
		return nil
	})
	s.env = append(s.env, relay.environ())
	var lines bytes.Buffer
	for i := range rows {
		fmt.Fprintf(&lines, `{"type":"detection","contract":"C%d","id":"big-%d","feature":"virus","time":"2026-09-%02dT10:00:00+09:00","endpoint":"PC","name":"TROJ_GEN","result":"quarantined"}`+"\n", i%contracts, i, 1+i%30)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "big.jsonl"), lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := s.runToTheEnd(3); code != exitDone {
		t.Errorf("exit %d", code)
	}
	if said := receive(t, "the import's end", imported); !strings.HasPrefix(said, "0 ") {
		t.Errorf("import: %s", said)
	}
	if got := relay.audit(t, s.dir); got.states[store.Sent] != contracts || got.duplicates > 0 || got.ambiguous > 0 {
		t.Errorf("%+v", got)
	}
}
