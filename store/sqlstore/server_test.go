package sqlstore

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"geppo/store/sqlstore/pgtest"
)

func TestTheServersTrapsAreFound(t *testing.T) {
	dsn := pgtest.Database(t)
	l, err := OpenLedger(t.Context(), dsn, Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	look := func() Server {
		t.Helper()
		s, err := l.Server(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return *s
	}
	// The tests' own cluster runs without fsync.
	if s := look(); len(s.Warnings) > 0 || len(s.Faults) != 1 || !strings.Contains(s.Faults[0], "fsync") || s.Version == "" {
		t.Errorf("%+v", s)
	}
	for _, statement := range []string{
		`ALTER TABLE deliveries RESET (autovacuum_vacuum_scale_factor)`,
		`ALTER TABLE deliveries SET (autovacuum_enabled = false)`,
		`ALTER TABLE marks ALTER reason TYPE text COLLATE "default"`,
	} {
		if _, err := l.w.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	careless, err := OpenLedger(t.Context(), dsn+"&synchronous_commit=off", Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer careless.Close()
	told, err := careless.Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(append(told.Faults, told.Warnings...), "\n")
	for _, want := range []string{"deliveries RESET (autovacuum_enabled)", "until 20 % of the deliveries", "marks.reason is ordered by", "fsync", "synchronous_commit"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not told:\n%s", want, all)
		}
	}
}

func TestSQLiteHasNoServer(t *testing.T) {
	l, err := OpenLedger(context.Background(), filepath.Join(t.TempDir(), "geppo.db"), Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s, err := l.Server(t.Context()); s != nil || err != nil {
		t.Errorf("%v, %v", s, err)
	}
}
