package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/sqlstore"
)

// importDetections is one file of detections of C1.
func importDetections(t testing.TB, db *sqlstore.Detections, rows ...store.DetectionRow) store.ImportCounts {
	t.Helper()
	counts := put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		err := tx.PutContract(ctx, contractOf("C1"), true)
		tx.Counts = store.ImportCounts{}
		for _, row := range rows {
			err = errors.Join(err, tx.PutDetection(ctx, row))
		}
		return err
	})
	return counts
}

func TestSameDetectionWhateverItsTime(t *testing.T) { onBoth(t, sameDetectionWhateverItsTime) }

func sameDetectionWhateverItsTime(t *testing.T) {
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, tokyo(t))
	row := func(result string, at time.Time) store.DetectionRow {
		d := detectionOf("C1", "d-1", at)
		d.Result = result
		return d
	}
	for _, c := range []struct {
		name       string
		have, next store.DetectionRow
		holds      bool // the next does
	}{
		{"equal", row("cleaned", at), row("cleaned", at), false},
		{"no word before an outcome", row("unknown", at), row("quarantined", at), true},
		{"words that no table knows", row("unknown", at), row("アクセス拒否", at), true},
		{"an outcome after strange words", row("アクセス拒否", at), row("passed", at), true},
		{"no action yet before an outcome", row("passed", at), row("quarantined", at), true},
		{"waiting for somebody before handled", row("uncleanable", at), row("deleted", at), true},
		{"handled stays", row("quarantined", at), row("uncleanable", at), false},
		{"handled stays, with another time", row("quarantined", at), row("passed", at.AddDate(0, 0, 3)), false},
		{"corrected forwards", row("cleaned", at), row("cleaned", at.AddDate(0, 0, 9)), true},
		{"corrected backwards", row("cleaned", at), row("cleaned", at.AddDate(0, 0, -4)), true},
		{"handled the one way or the other", row("cleaned", at), row("deleted", at), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, counts := c.have.Detection, store.ImportCounts{Duplicate: 1}
			if c.holds {
				want, counts = c.next.Detection, store.ImportCounts{Changed: 1}
			}
			apart := openDetections(t)
			importDetections(t, apart, c.have)
			if got := importDetections(t, apart, c.next); got != counts {
				t.Errorf("%+v, want %+v", got, counts)
			}
			counts.New++
			together := openDetections(t)
			if got := importDetections(t, together, c.have, c.next); got != counts {
				t.Errorf("in one file: %+v, want %+v", got, counts)
			}
			if got := importDetections(t, together, c.have, c.next); got != (store.ImportCounts{Duplicate: 2}) {
				t.Errorf("the file again: %+v", got)
			}
			for name, db := range map[string]*sqlstore.Detections{"apart": apart, "in one file": together} {
				if diff := cmp.Diff([]store.Detection{want}, month(t, db, "C1", reported).Detections); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestDetectionsOfOtherFeaturesAndContractsAreOthers(t *testing.T) {
	onBoth(t, detectionsOfOtherFeaturesAndContractsAreOthers)
}

func detectionsOfOtherFeaturesAndContractsAreOthers(t *testing.T) {
	db, at := openDetections(t), time.Date(2026, 10, 5, 9, 0, 0, 0, tokyo(t))
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return errors.Join(tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, contractOf("C2"), false))
	})
	spyware := detectionOf("C1", "d-1", at)
	spyware.Feature = store.Spyware
	rows := []store.DetectionRow{detectionOf("C1", "d-1", at), spyware, detectionOf("C2", "d-1", at)}
	if got := importDetections(t, db, rows...); got != (store.ImportCounts{New: 3}) {
		t.Errorf("%+v", got)
	}
	if got := importDetections(t, db, rows...); got != (store.ImportCounts{Duplicate: 3}) {
		t.Errorf("again: %+v", got)
	}
}

// However the rows of some detections are spread over files, each detection is there once, with an
// outcome than which no row told of a more final one; and a file that is imported again changes nothing.
func TestDetectionsStandOnceWithTheirMostFinalOutcome(t *testing.T) {
	onBoth(t, detectionsStandOnceWithTheirMostFinalOutcome)
}

func detectionsStandOnceWithTheirMostFinalOutcome(t *testing.T) {
	results := []string{"", "unknown", "ブロック", "passed", "uncleanable", "cleaned", "deleted"}
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, tokyo(t))
	db, n := openDetections(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		contract := fmt.Sprint("C", n)
		put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
			return errors.Join(tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, contractOf(contract), false))
		})
		best := map[string]int{}
		for range rapid.IntRange(1, 3).Draw(rt, "files") {
			var rows []store.DetectionRow
			for range rapid.IntRange(1, 60).Draw(rt, "rows") {
				d := detectionOf(contract, fmt.Sprint("d-", rapid.IntRange(1, 30).Draw(rt, "id")), start.Add(time.Duration(rapid.IntRange(0, 50).Draw(rt, "hours"))*time.Hour))
				d.Result = rapid.SampledFrom(results).Draw(rt, "result")
				if have, ok := best[d.ID]; !ok || store.Finality[d.Result] > have {
					best[d.ID] = store.Finality[d.Result]
				}
				rows = append(rows, d)
			}
			got := importDetections(t, db, rows...)
			if sum := got.New + got.Changed + got.Duplicate; sum != int64(len(rows)) {
				rt.Fatalf("%d rows are %+v", len(rows), got)
			}
			if again := importDetections(t, db, rows...); again != (store.ImportCounts{Duplicate: int64(len(rows))}) {
				rt.Fatalf("the same file again: %+v", again)
			}
		}
		var have, want []int
		for _, d := range month(t, db, contract, reported).Detections {
			have = append(have, store.Finality[d.Result])
		}
		for _, rank := range best {
			want = append(want, rank)
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			rt.Fatalf("outcomes rank %v, want %v", have, want)
		}
	})
}

func TestWrongClockIsDatedByReceipt(t *testing.T) { onBoth(t, wrongClockIsDatedByReceipt) }

func wrongClockIsDatedByReceipt(t *testing.T) {
	received := time.Date(2026, 10, 5, 14, 4, 0, 0, tokyo(t))
	for _, c := range []struct {
		name  string
		at    time.Time
		wrong bool
	}{
		{"never set", time.Date(1904, 1, 1, 0, 12, 0, 0, time.UTC), true},
		{"ten years ahead", received.AddDate(10, 0, 0), true},
		{"an hour ahead", received.Add(time.Hour), false},
		{"more than an hour ahead", received.Add(time.Hour + time.Millisecond), true},
		{"45 days late", received.Add(-45 * 24 * time.Hour), false},
		{"more than 45 days late", received.Add(-45*24*time.Hour - time.Millisecond), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDetections(t)
			d := detectionOf("C1", "d-1", c.at)
			d.Received = received
			importDetections(t, db, d)
			if again := importDetections(t, db, d); again != (store.ImportCounts{Duplicate: 1}) {
				t.Errorf("again: %+v", again)
			}
			want := d.Detection
			if c.wrong {
				want.Time, want.Misdated = received, true
			}
			p := store.PeriodOf(want.Time, tokyo(t))
			want.Time = want.Time.In(tokyo(t))
			if diff := cmp.Diff([]store.Detection{want}, month(t, db, "C1", p).Detections); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An inventory without endpoint_id knows machines by their folded names, one with it by these.
func TestInventoryHoldsOneRowForEachMachine(t *testing.T) {
	onBoth(t, inventoryHoldsOneRowForEachMachine)
}

func inventoryHoldsOneRowForEachMachine(t *testing.T) {
	entry := func(name, id string) store.Endpoint {
		return store.Endpoint{Name: name, ID: id, Class: store.ClassDesktop, InstalledAt: noon.AddDate(0, -6, 0).In(tokyo(t))}
	}
	removed := entry("pc-1", "A")
	removed.RemovedAt = noon.In(tokyo(t))
	for _, c := range []struct {
		name string
		rows []store.Endpoint
		want []store.Endpoint
	}{
		{"another spelling", []store.Endpoint{entry("PC-1", ""), entry("ｐｃ－1 ", "")}, []store.Endpoint{entry("ｐｃ－1 ", "")}},
		{"renamed", []store.Endpoint{entry("PC-1", "A"), entry("PC-2", "A")}, []store.Endpoint{entry("PC-2", "A")}},
		{"two of one name", []store.Endpoint{entry("pc-1", "A"), entry("PC-1", "B")}, []store.Endpoint{entry("pc-1", "A"), entry("PC-1", "B")}},
		{"the source learns to tell ids", []store.Endpoint{entry("PC-1", ""), entry("pc-1", "A")}, []store.Endpoint{entry("pc-1", "A")}},
		{"and forgets them", []store.Endpoint{entry("PC-1", "A"), entry("pc-1", "")}, []store.Endpoint{entry("pc-1", "A")}},
		{
			"which of two of one name",
			[]store.Endpoint{removed, entry("pc-1", "B"), entry("PC-1", "")},
			[]store.Endpoint{removed, entry("PC-1", "B")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDetections(t)
			for range 2 {
				for _, e := range c.rows {
					put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
						return errors.Join(tx.PutContract(ctx, contractOf("C1"), true), tx.PutEndpoint(ctx, "C1", e))
					})
				}
				if diff := cmp.Diff(c.want, month(t, db, "C1", reported).Endpoints); diff != "" {
					t.Errorf("inventory (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestSnapshotsOfOneMachineAndDayAreOne(t *testing.T) {
	onBoth(t, snapshotsOfOneMachineAndDayAreOne)
}

func snapshotsOfOneMachineAndDayAreOne(t *testing.T) {
	db := openDetections(t)
	snapshot := func(name, id string, os string) store.AgentStatus {
		return store.AgentStatus{Endpoint: name, EndpointID: id, Day: "2026-10-31", LastSeen: noon, OS: os, Protections: store.Protections{
			RealtimeScan: "on", BehaviorMonitoring: "on", MachineLearning: "on", WebReputation: "on", EDR: "on",
		}}
	}
	counts := put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		err := errors.Join(tx.PutContract(ctx, contractOf("C1"), false),
			tx.PutEndpoint(ctx, "C1", store.Endpoint{Name: "PC-1", Class: store.ClassDesktop, InstalledAt: noon}),
			tx.PutEndpoint(ctx, "C1", store.Endpoint{Name: "PC-2", ID: "A", Class: store.ClassDesktop, InstalledAt: noon}))
		tx.Counts = store.ImportCounts{}
		for _, s := range []store.AgentStatus{
			snapshot("PC-1", "", "old"), snapshot("pc-1", "", "new"), snapshot("pc-1", "", "new"),
			snapshot("PC-2", "A", "old"), snapshot("renamed", "A", "new"),
		} {
			err = errors.Join(err, tx.PutStatus(ctx, "C1", s))
		}
		return err
	})
	if want := (store.ImportCounts{New: 2, Changed: 2, Duplicate: 1}); counts != want {
		t.Errorf("%+v, want %+v", counts, want)
	}
	var got []string
	for _, s := range month(t, db, "C1", reported).Statuses {
		got = append(got, s.Endpoint+" "+s.EndpointID+" "+s.OS)
	}
	if want := []string{"renamed A new", "pc-1  new"}; !slices.Equal(got, want) {
		t.Errorf("snapshots %q, want %q", got, want)
	}
}

func TestOlderUpdateUndoesNoNewerOne(t *testing.T) { onBoth(t, olderUpdateUndoesNoNewerOne) }

func olderUpdateUndoesNoNewerOne(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 10, d, 9, 0, 0, 0, tokyo(t)) }
	event := func(status string, updated time.Time, names ...string) store.EDREvent {
		e := store.EDREvent{ID: "e-1", Time: day(7), Updated: updated, Status: status, Objects: []store.EDRObject{}}
		for _, name := range names {
			e.Endpoints = append(e.Endpoints, store.Machine{Name: name})
		}
		return e
	}
	none := time.Time{}
	for _, c := range []struct {
		name string
		rows []store.EDREvent
		want store.EDREvent
	}{
		{"newer", []store.EDREvent{event("new", day(8), "A"), event("closed", day(9), "A", "B")}, event("closed", day(9), "A", "B")},
		{"older", []store.EDREvent{event("closed", day(9), "A", "B"), event("new", day(8), "A")}, event("closed", day(9), "A", "B")},
		{"older between", []store.EDREvent{event("new", day(7), "A"), event("closed", day(9), "A"), event("new", day(8), "A")}, event("closed", day(9), "A")},
		{"first to say", []store.EDREvent{event("new", none, "A"), event("closed", day(9), "B")}, event("closed", day(9), "B")},
		{"says nothing", []store.EDREvent{event("new", day(8), "A"), event("closed", none, "B")}, event("closed", day(8), "A")},
		{"never said", []store.EDREvent{event("new", none, "A"), event("closed", none, "B")}, event("closed", none, "A")},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDetections(t)
			for _, e := range c.rows {
				put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
					return errors.Join(tx.PutContract(ctx, contractOf("C1"), true), tx.PutEvent(ctx, "C1", e))
				})
			}
			if diff := cmp.Diff([]store.EDREvent{c.want}, month(t, db, "C1", reported).Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// A machine is outside the inventory if that has neither its name nor exactly one machine of the name without
// its domain; the inventory may come before its rows or behind them.
func TestMachinesOutsideTheInventory(t *testing.T) { onBoth(t, machinesOutsideTheInventory) }

func machinesOutsideTheInventory(t *testing.T) {
	entry := func(name, id string) store.Endpoint {
		return store.Endpoint{Name: name, ID: id, Class: store.ClassDesktop, InstalledAt: noon.AddDate(0, -6, 0)}
	}
	inventory := []store.Endpoint{entry("PC-1", ""), entry("PC-2", "A"), entry("PC-3", "B"), entry("PC-3", "C"), entry("192", ""), entry("pc-4.example.jp", "")}
	for name, outside := range map[string]bool{
		"pc-1": false, "pc-1.example.jp": false, "ＰＣ－２.local": false, "PC-3": false, "pc-3.example.jp": true,
		"192.0.2.1": true, "pc-4": true, "pc-4.example.jp": false, "pc-5.example.jp": true,
	} {
		for _, rowsFirst := range []bool{false, true} {
			db := openDetections(t)
			enter := func(ctx context.Context, tx *sqlstore.ImportTx) (err error) {
				for _, e := range inventory {
					err = errors.Join(err, tx.PutEndpoint(ctx, "C1", e))
				}
				return err
			}
			row := func(ctx context.Context, tx *sqlstore.ImportTx) error {
				return tx.PutStatus(ctx, "C1", store.AgentStatus{
					Endpoint: name, Day: "2026-10-05", LastSeen: noon, Protections: store.Protections{
						RealtimeScan: store.On, BehaviorMonitoring: store.On, MachineLearning: store.On, WebReputation: store.On, EDR: store.On,
					},
				})
			}
			put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
				return tx.PutContract(ctx, contractOf("C1"), true)
			})
			steps := []func(context.Context, *sqlstore.ImportTx) error{enter, row}
			if rowsFirst {
				slices.Reverse(steps)
			}
			for _, step := range steps {
				put(t, db, step)
			}
			got, err := db.Outsiders(t.Context(), time.Time{})
			if err != nil || len(got) > 0 != outside {
				t.Errorf("%s, rows first %t: outside %v, %v", name, rowsFirst, got, err)
			}
		}
	}
}
