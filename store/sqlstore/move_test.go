package sqlstore

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore/pgtest"
)

// Every table of both engines is moved or known not to be, with all its columns but those of running processes: one
// that is added to the schema must not be lost on a move.
func TestEveryTableIsMoved(t *testing.T) {
	stay := map[string][]string{"ledger": {"tallies", "limits", "workers"}, "detections": {"identities", "moved"}}
	ofProcesses := []string{"deliveries.owner", "deliveries.tallied"}
	for kind, dsns := range map[string][2]string{
		"ledger":     {filepath.Join(t.TempDir(), "geppo.db"), pgtest.Database(t)},
		"detections": {filepath.Join(t.TempDir(), "d.db"), pgtest.Database(t)},
	} {
		var columns [2]map[string][]string
		for i, dsn := range dsns {
			db, err := open(t.Context(), dsn, kind, Migrate)
			if err != nil {
				t.Fatal(err)
			}
			tables := `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
			if db.file == nil {
				tables = `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`
			}
			columns[i] = map[string][]string{}
			err = query(t.Context(), db.r, tables, nil, func(row scanner) error {
				var name string
				err := row.Scan(&name)
				columns[i][name] = nil
				return err
			})
			for name := range columns[i] {
				if err == nil {
					columns[i][name], err = db.columnsOf(t.Context(), name)
				}
			}
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			for name := range columns[i] {
				if strings.HasSuffix(name, "_version") || slices.Contains(stay[kind], name) {
					continue
				}
				if !slices.ContainsFunc(moved[kind], func(m table) bool { return m.name == name }) {
					t.Errorf("table %s of the %s is not moved", name, kind)
				}
			}
		}
		for _, m := range moved[kind] {
			for i := range columns {
				for _, column := range columns[i][m.name] {
					if !slices.Contains(columns[1-i][m.name], column) && !slices.Contains(ofProcesses, m.name+"."+column) {
						t.Errorf("column %s.%s is of one engine alone", m.name, column)
					}
				}
			}
		}
	}
}

// What goes to PostgreSQL and comes back is what it was; a second move finds it in its place, and anything else there
// is left alone.
func TestAMoveAndTheWayBack(t *testing.T) {
	here, there, back := filepath.Join(t.TempDir(), "geppo.db"), pgtest.Database(t), filepath.Join(t.TempDir(), "geppo.db")
	fillToMove(t, here)
	for _, kind := range []string{"ledger", "detections"} {
		dsn := func(ledger string) string {
			if kind == "ledger" {
				return ledger
			}
			return DetectionsBeside(ledger)
		}
		var rows int64
		for i, step := range []struct {
			from, to string
			already  bool
		}{{here, there, false}, {here, there, true}, {there, back, false}, {back, there, true}} {
			told := map[string]int64{}
			m, err := Move(t.Context(), kind, dsn(step.from), dsn(step.to), func(p Moving) { told[p.Table] += p.Rows })
			if err != nil || m.Already != step.already || m.Rows < 8 || rows > 0 && m.Rows != rows {
				t.Fatalf("%s, step %d: %+v, error %v", kind, i, m, err)
			}
			if rows = m.Rows; len(slices.Collect(maps.Keys(told))) < len(moved[kind]) {
				t.Errorf("told of %v", told)
			}
		}
	}
	// Numbers go on where they were.
	ledger, err := OpenLedger(t.Context(), there, Existing)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Pause(t.Context(), store.CauseSetup, "x", "root", time.Now()); err != nil {
		t.Error(err)
	}
	if err := ledger.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Move(t.Context(), "ledger", here, there, func(Moving) {}); !errors.Is(err, errOtherData) || !strings.Contains(err.Error(), "pauses") {
		t.Errorf("error %v, want one that names pauses", err)
	}
}

// A move that is cut off leaves nothing behind.
func TestAMoveThatIsCutOffCanBeBegunAgain(t *testing.T) {
	here, there := filepath.Join(t.TempDir(), "geppo.db"), pgtest.Database(t)
	fillToMove(t, here)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Move(ctx, "detections", DetectionsBeside(here), there, func(p Moving) {
		if p.Table == "detections" {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it was not cut off")
	}
	if m, err := Move(t.Context(), "detections", DetectionsBeside(here), there, func(Moving) {}); err != nil || m.Already {
		t.Errorf("%+v, error %v", m, err)
	}
}

// fillToMove writes rows of most tables.
func fillToMove(t *testing.T, dsn string) {
	t.Helper()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	d, err := OpenDetections(t.Context(), DetectionsBeside(dsn), Migrate)
	if err != nil {
		t.Fatal(err)
	}
	importOn(t, d, "a", func() {}, now.AddDate(0, -1, 0), now.AddDate(0, -2, 0), now.AddDate(-90, 0, 0), now.AddDate(100, 0, 0))
	raw, err := open(t.Context(), dsn, "ledger", Migrate)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO runs (kind, period, started_at, requested_by) VALUES ('run', '2026-10', 1, 'root')`,
		`INSERT INTO reports (contract, period, revision, computed_at, json_gz) VALUES ('C1', '2026-10', 1, 1, x'00ff'), ('C1', '2026-10', 2, 1, x'')`,
		`INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id, state, sent_at, sha256, created_at, updated_at)
		 VALUES (1, 'C1', '2026-10', 1, 'あ@example.jp', 'あ@example.jp', '山田 太郎', 0, 'a@x', 'sent', 5, zeroblob(32), 1, 1)`,
		`INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id, state, next_attempt_at, created_at, updated_at)
		 VALUES (1, 'C1', '2026-10', 2, 'あ@example.jp', 'あ@example.jp', '', 1, 'b@x', 'queued', 7, 1, 1), (1, 'C2', '2026-10', 1, 'b', 'b', '', 0, 'c@x', 'queued', 7, 1, 1)`,
		`UPDATE deliveries SET replaced_by = 2 WHERE id = 1`,
		`INSERT INTO attempts (delivery, number, started_at, ended_at, stage, reply, outcome) VALUES (1, 1, 1, 2, 'dot', '250 ok', 'sent')`,
		`INSERT INTO actions (done_at, done_by, action, what, reason) VALUES (1, 'root', 'resend', 'x', '')`,
		`INSERT INTO action_deliveries (delivery, action) VALUES (1, 1)`,
	} {
		if _, err := raw.w.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(raw.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
}
