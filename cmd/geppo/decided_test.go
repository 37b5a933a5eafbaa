package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Beside a sender that is paused there is nothing to follow: run ends at once, and says who paused it and why.
func TestRunBesideAPausedSenderEndsAtOnce(t *testing.T) {
	s := newStation(t, template(t, 2))
	for _, cause := range []store.Cause{store.CauseSetup, store.CauseOperator} {
		s.ledger(func(l *sqlstore.Ledger) error {
			seat, err := l.Join(t.Context(), sqlstore.Worker{Name: "daemon"}) // as a daemon has it
			if err != nil {
				return err
			}
			if err := l.Pause(t.Context(), cause, "reason of "+string(cause), "someone", time.Now()); err != nil {
				return err
			}
			code, output := s.run()
			if code != exitPending || !strings.Contains(output, "reason of "+string(cause)) || !strings.Contains(output, "someone") {
				t.Errorf("exit %d: %s", code, output)
			}
			return errors.Join(l.Resume(t.Context(), store.Order{By: "someone"}, time.Now()), seat.Leave(t.Context()))
		})
	}
}

// One contract whose report cannot be read does not keep the others' work from the support desk, nor their previews
// from who asks for them.
func TestOneContractsFaultIsItsOwn(t *testing.T) {
	s := newStation(t, template(t, 3))
	db, err := sql.Open("sqlite3", filepath.Join(s.dir, "geppo.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO reports (contract, period, revision, computed_at, json_gz) VALUES ('C1', '2026-08', 1, 0, x'00')")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 3 {
		fmt.Fprintf(&lines, `{"type":"detection","contract":"C%d","id":"bad","feature":"virus","time":"2026-09-06T14:03:22+09:00","endpoint":"PC","name":"TROJ_X","result":"uncleanable"}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "bad.jsonl"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, output := s.geppo(nil, "import", "bad.jsonl"); code != exitDone {
		t.Fatal(output)
	}
	code, output := s.geppo(nil, "followups", "--period", "2026-09", "--csv")
	if code != exitError || !strings.Contains(output, "\nC0,") || !strings.Contains(output, "\nC2,") || !strings.Contains(output, "missing from the list; the first is C1") {
		t.Errorf("followups: exit %d: %s", code, output)
	}
	code, output = s.geppo(nil, "preview", "--period", "2026-09", "--out", "p") // whose reports tell what the month before said
	if code != exitError || !strings.Contains(output, "2 contracts written") || !strings.Contains(output, "preview contract C1") {
		t.Errorf("preview: exit %d: %s", code, output)
	}
	for _, contract := range []string{"C0", "C2"} {
		if _, err := os.Stat(filepath.Join(s.dir, "p", contract, "report.json")); err != nil {
			t.Error(err)
		}
	}
}
