package daemon_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

func TestExpireRemovesOnlyOldCopiesThatNothingNeeds(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	copied := func(n string) string { return "geppo." + n + "." + strings.Repeat("0a", 32) + ".eml" }
	old := []string{
		"2025-01/C1/" + copied("1"), "2025-01/C1/" + copied("2"), "2025-01/C2/" + copied("3"), "2025-01/C2/.geppo-123", "2025-02/C1/" + copied("4"),
		"2025-03/C1/notes.txt", "2025-03/C1/x.eml", "2025-03/C1/5.eml", "2025-13/C1/" + copied("5"), "letters/C1/" + copied("6"), copied("7"), "2025-04/C1/deeper/" + copied("8"),
	}
	young := []string{"2026-10/C1/" + copied("9"), "2025-02/C3/" + copied("10")}
	for _, name := range append(slices.Clone(old), young...) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("1234"), 0o600); err != nil {
			t.Fatal(err)
		}
		age := 500 * 24 * time.Hour
		if slices.Contains(young, name) {
			age = time.Hour
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "11.eml"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(outside, "11.eml"), now, now.AddDate(-3, 0, 0)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"2025-01/out", "2025-05"} {
		if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	unfinished := []store.Delivery{{MessageID: "geppo.4@example.jp", Contract: "C1", Period: store.Period{Year: 2025, Month: 2}}}
	archive := daemon.Archive{Dir: dir}
	before := now.AddDate(0, 0, -400)

	want := daemon.Expiry{Copies: 4, Bytes: 16}
	all := tree(t, dir)
	got, err := archive.Expire(before, unfinished, true)
	if err != nil || got != want {
		t.Errorf("%+v, error %v, want %+v", got, err, want)
	}
	if diff := cmp.Diff(all, tree(t, dir)); diff != "" {
		t.Errorf("a dry run changed something:\n%s", diff)
	}
	got, err = archive.Expire(before, unfinished, false)
	if err != nil || got != want {
		t.Errorf("%+v, error %v, want %+v", got, err, want)
	}
	left := slices.DeleteFunc(all, func(name string) bool {
		return strings.HasPrefix(name, "2025-01/C")
	})
	if diff := cmp.Diff(left, tree(t, dir)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(outside, "11.eml")); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	for _, none := range []string{"", filepath.Join(dir, "none")} {
		if got, err := (daemon.Archive{Dir: none}).Expire(before, nil, false); err != nil || got != (daemon.Expiry{}) {
			t.Errorf("directory %q: %+v, error %v", none, got, err)
		}
	}
}

func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
