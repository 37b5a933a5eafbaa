package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/sqlstore"
	"geppo/store/sqlstore/pgtest"
)

// The same files, drawn at random, leave the same rows on both engines, and the same counts on the way: detections whose
// time is corrected over months and decades, doubles within a file and between files, inventories, snapshots, events.
func TestTheSameImportsLeaveTheSameRows(t *testing.T) {
	engines := map[string]*sqlstore.Detections{
		"sqlite": openedDetections(t, filepath.Join(t.TempDir(), "d.db")), "postgres": openedDetections(t, pgtest.Database(t)),
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		ids := []string{fmt.Sprint("C", n, "a"), fmt.Sprint("C", n, "b")}
		for range rapid.IntRange(1, 4).Draw(rt, "files") {
			rows := rapid.SliceOfN(drawnRow(ids), 1, 40).Draw(rt, "rows")
			counts := map[string]store.ImportCounts{}
			for name, db := range engines {
				counts[name] = put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
					for _, put := range rows {
						if err := put(ctx, tx); err != nil && !errors.Is(err, store.ErrNotFound) {
							return err
						}
					}
					return nil
				})
			}
			if diff := cmp.Diff(counts["sqlite"], counts["postgres"]); diff != "" {
				rt.Fatalf("counts (-sqlite +postgres):\n%s", diff)
			}
		}
		if diff := cmp.Diff(contentsOf(t, engines["sqlite"], ids), contentsOf(t, engines["postgres"], ids)); diff != "" {
			rt.Fatalf("(-sqlite +postgres):\n%s", diff)
		}
	})
}

func openedDetections(t testing.TB, dsn string) *sqlstore.Detections {
	t.Helper()
	db, err := sqlstore.OpenDetections(context.Background(), dsn, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

type putRow = func(context.Context, *sqlstore.ImportTx) error

// drawnTimes are around the bounds of months, of the partitions that months have, and far away.
var drawnTimes = []time.Time{
	time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2009, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2026, 9, 30, 14, 59, 59, 0, time.UTC), time.Date(2026, 9, 30, 15, 0, 0, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2026, 10, 15, 3, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
}

func drawnRow(contracts []string) *rapid.Generator[putRow] {
	return rapid.Custom(func(rt *rapid.T) putRow {
		id := rapid.SampledFrom(contracts).Draw(rt, "contract")
		at := rapid.SampledFrom(drawnTimes).Draw(rt, "at")
		machine := store.Machine{
			ID:   rapid.SampledFrom([]string{"", "A", "B"}).Draw(rt, "endpoint_id"),
			Name: rapid.SampledFrom([]string{"PC-1", "ｐｃ－1", "pc-2", "192.0.2.7", "pc-1.example.jp"}).Draw(rt, "machine"),
		}
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			c := contractOf(id)
			c.Name = rapid.SampledFrom([]string{"一", "二"}).Draw(rt, "company")
			c.Recipients = []store.Recipient{{Address: rapid.SampledFrom([]string{"a@example.jp", "b@example.jp"}).Draw(rt, "address")}}
			return func(ctx context.Context, tx *sqlstore.ImportTx) error {
				return tx.PutContract(ctx, c, c.Name == "二")
			}
		case 1:
			e := store.Endpoint{Name: machine.Name, ID: machine.ID, Class: store.ClassServer, InstalledAt: at}
			return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutEndpoint(ctx, id, e) }
		case 2:
			s := store.AgentStatus{Endpoint: machine.Name, EndpointID: machine.ID, Day: store.DayOf(at, time.UTC), LastSeen: at, OS: fmt.Sprint(rapid.IntRange(1, 2).Draw(rt, "os"))}
			s.Protections = store.Protections{RealtimeScan: store.On, BehaviorMonitoring: store.Off, MachineLearning: store.On, WebReputation: store.Unknown, EDR: store.On}
			if rapid.Bool().Draw(rt, "told") {
				s.PatternCurrent = new(rapid.Bool().Draw(rt, "current"))
			}
			return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutStatus(ctx, id, s) }
		case 3:
			e := store.EDREvent{ID: "e", Time: at, Endpoints: []store.Machine{machine}, Status: rapid.SampledFrom([]string{"new", "closed"}).Draw(rt, "status")}
			if rapid.Bool().Draw(rt, "dated") {
				e.Updated = rapid.SampledFrom(drawnTimes).Draw(rt, "updated")
			}
			return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutEvent(ctx, id, e) }
		case 4:
			day := store.DayOf(at, time.UTC)
			return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutCoverage(ctx, id, day) }
		}
		d := detectionOf(id, fmt.Sprint("d", rapid.IntRange(1, 4).Draw(rt, "id")), at)
		d.Endpoint, d.EndpointID = machine.Name, machine.ID
		d.Result = rapid.SampledFrom([]string{"", "passed", "cleaned", "アクセス拒否"}).Draw(rt, "result")
		if rapid.Bool().Draw(rt, "received") {
			d.Received = rapid.SampledFrom(drawnTimes).Draw(rt, "received at")
		}
		return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutDetection(ctx, d) }
	})
}

// contentsOf is all that reading some contracts tells.
func contentsOf(t *testing.T, db *sqlstore.Detections, contracts []string) map[string]any {
	t.Helper()
	ctx, all := t.Context(), map[string]any{}
	try := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	for _, id := range contracts {
		for _, p := range []store.Period{{Year: 1904, Month: 1}, {Year: 2010, Month: 1}, {Year: 2026, Month: 9}, {Year: 2026, Month: 10}, {Year: 2100, Month: 1}} {
			m, err := db.Month(ctx, id, p)
			try(err)
			m.Location = nil
			all[fmt.Sprint(id, p)] = m
			e, err := db.Evidence(ctx, id, p, noon)
			try(err)
			all[fmt.Sprint("evidence ", id, p)] = e
			sums, err := db.Totals(ctx, id, []store.Period{p.Previous(), p})
			try(err)
			all[fmt.Sprint("totals ", id, p)] = sums
		}
		rows, err := db.Rows(ctx, id)
		try(err)
		all["rows "+id] = rows
		hits, err := db.Search(ctx, id[:len(id)-1]+"A", 5)
		try(err)
		all["search "+id] = hits
	}
	changed, err := db.ChangedUntil(ctx, reported)
	try(err)
	all["changed"] = changed
	outsiders, err := db.Outsiders(ctx, time.Time{})
	try(err)
	all["outsiders"] = outsiders
	misdated, err := db.Misdated(ctx, time.Time{})
	try(err)
	all["misdated"] = misdated
	unknown, err := db.UnknownResults(ctx)
	try(err)
	all["unknown results"] = unknown
	hits, err := db.Search(ctx, "pc-", 1000)
	try(err)
	all["machines"] = len(hits)
	return all
}
