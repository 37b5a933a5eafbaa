package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"geppo/cmd/internal/sink"
)

// Root types geppo once while the daemon is stopped: the daemon's user must be able to go on with whatever that left.
func TestRootsFilesAreTheLedgersOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away; run it as root")
	}
	const nobody = 65534
	relay, err := sink.Start(t.Context(), func(sink.Message) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	t.Setenv("GEPPO_SMTP_PORT", strconv.Itoa(relay.Port()))
	t.Setenv("GEPPO_LOG_LEVEL", "error")
	dir := t.TempDir()
	t.Setenv("GEPPO_ARCHIVE_DIR", filepath.Join(dir, "archive"))
	const rows = `{"type":"contract","id":"C1","name":"株式会社","product":"antivirus","licences":5,"since":"2025-04-01","recipients":[{"address":"a@example.jp"}]}
{"type":"detection","contract":"C1","id":"d","feature":"virus","time":"2026-09-05T14:03:22+09:00","endpoint":"PC","name":"X","result":"cleaned"}
{"no":"row"}
`
	if err := writeFile(dir, "rows.jsonl", []byte(rows)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "rows.jsonl")} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	db := "sqlite:" + filepath.Join(dir, "geppo.db")
	for _, step := range []struct {
		codes []int
		args  []string
	}{
		{[]int{exitDone}, []string{"init"}},
		{[]int{exitDone, exitData}, []string{"import", "--skip-bad", filepath.Join(dir, "rows.jsonl")}},
		{[]int{exitDone, exitData}, []string{"import", "--skip-bad", filepath.Join(dir, "rows.jsonl")}},
		{[]int{exitDone}, []string{"run", "--period", "2026-09", "--force"}},
		{[]int{exitDone}, []string{"backup", filepath.Join(dir, "copy.db")}},
	} {
		if code, stdout, stderr := runGeppo(t, append([]string{"--db", db}, step.args...)...); !slices.Contains(step.codes, code) {
			t.Fatalf("%v: exit %d: %s%s", step.args, code, stdout, stderr)
		}
	}
	seen := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != nobody || stat.Gid != nobody {
			t.Errorf("%s belongs to %d:%d", path, stat.Uid, stat.Gid)
		}
		seen++
		return nil
	})
	// dir, rows, two rejects, two databases and their copies, and the archive with its month, contract and mail
	if err != nil || seen < 12 {
		t.Errorf("%d files, %v", seen, err)
	}
}
