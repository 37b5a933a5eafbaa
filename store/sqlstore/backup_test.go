package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

// TestBackupWhileOthersWrite writes between any two steps of a backup, as a daemon that sends does: a
// backup without a snapshot would begin anew each time and never end.
func TestBackupWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "geppo.db")
	open := func(path string, mode sqlstore.Mode) *sqlstore.Ledger {
		l, err := sqlstore.OpenLedger(t.Context(), path, mode)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	ours, daemon := open(path, sqlstore.Migrate), open(path, sqlstore.Existing)
	var targets []wanted
	for i := range 20_000 {
		targets = append(targets, target(fmt.Sprintf("C%d", i), "a@example.jp"))
	}
	plan(t, ours, targets...)
	before, err := ours.Deliveries(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}

	steps := 0
	to := filepath.Join(dir, "a copy?.db")
	err = ours.Backup(t.Context(), to, nil, func(done, total int) {
		if steps++; steps > 100 {
			t.Fatal("the backup does not come to an end")
		}
		if done > total || total == 0 {
			t.Errorf("%d of %d pages", done, total)
		}
		plan(t, daemon, append(targets, target("new", fmt.Sprintf("%d@example.jp", steps)))...)
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps < 2 {
		t.Fatalf("%d steps: nothing was written in the middle", steps)
	}
	names, err := filepath.Glob(filepath.Join(dir, "a copy*"))
	if err != nil || len(names) != 1 {
		t.Errorf("files %v, error %v: want the copy alone", names, err)
	}
	after, err := open(to, sqlstore.Existing).Deliveries(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the copy differs from the ledger as it was at the start:\n%.2000s", diff)
	}
	now, err := daemon.Deliveries(t.Context(), store.Filter{})
	if err != nil || len(now) <= len(before) {
		t.Errorf("%d deliveries now, %d before, error %v: nothing was written meanwhile", len(now), len(before), err)
	}
}

func TestBackupCanBeStopped(t *testing.T) {
	db := openDetections(t)
	fillYears(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(ctx, to, func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := db.Backup(t.Context(), filepath.Join(to, "none"), func(int, int) {}); err == nil || !strings.Contains(err.Error(), to) {
		t.Errorf("error %v, want one that names %s", err, to)
	}
}

func TestFaultsFindsWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.db")
	faults := func() []string {
		t.Helper()
		db, err := sqlstore.OpenDetections(t.Context(), path, sqlstore.Migrate)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		list, err := db.Faults(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := faults(); len(got) != 0 {
		t.Errorf("a new database has faults: %q", got)
	}
	change(t, path, `PRAGMA foreign_keys = off; INSERT INTO coverage VALUES (77, '2026-10-01'); CREATE TABLE loose (a)`)
	want := []string{"a row of coverage (rowid 0) names a row that is not in contracts", "table loose is not STRICT: it was not made by geppo"}
	if diff := cmp.Diff(want, faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}

	damage(t, path)
	db, err := sqlstore.OpenDetections(t.Context(), path, sqlstore.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if list, err := db.Faults(t.Context(), true); err != nil || len(list) == 0 {
		t.Errorf("a damaged page was not found: %q, error %v", list, err)
	}
	err = db.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), func(int, int) {})
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file was backed up: error %v", err)
	}
}

// damage overwrites a page of the table detections.
func damage(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	var page int64
	err = db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 'detections'`).Scan(&page)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte(strings.Repeat("\xff", 64)), (page-1)*4096)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
