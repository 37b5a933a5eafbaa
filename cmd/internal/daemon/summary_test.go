package daemon_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

// The operators are told once of each run's end, whoever sees it first; a summary that is lost, by a crash or because the
// relay was gone, is told later.
func TestTheEndOfARunIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(t.TempDir(), "geppo.db"), sqlstore.Migrate)
		if err != nil {
			t.Fatal(err)
		}
		nobody := func(func(store.Chosen) error) error { return nil }
		var runs []store.Run
		for range 3 {
			run, err := ledger.Plan(t.Context(), store.Plan{Kind: "run", Period: october, RequestedBy: "root", Each: nobody}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, run)
		}
		for _, run := range runs[:2] { // seen first by a geppo run: the first is told by it, and it dies before the second is
			if first, err := ledger.FinishRun(t.Context(), run.ID, time.Now()); !first || err != nil {
				t.Fatal(first, err)
			}
		}
		if err := ledger.SummariseRun(t.Context(), runs[0].ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		told, relayGone := map[int64]int{}, true
		d := &daemon.Daemon{Ledger: ledger, Log: slog.New(slog.DiscardHandler), Now: time.Now}
		settings := daemon.Settings{Summary: func(_ context.Context, run store.Run) error {
			if relayGone {
				return errors.New("the relay is gone")
			}
			told[run.ID]++
			return nil
		}}
		for range 4 {
			if err := daemon.Finish(d, t.Context(), settings); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			relayGone = false
		}
		if told[runs[0].ID] != 0 || told[runs[1].ID] != 1 || told[runs[2].ID] != 1 {
			t.Errorf("told %v", told)
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
}
