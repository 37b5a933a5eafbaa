package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

func TestImportCountsNewChangedAndDuplicate(t *testing.T) {
	onBoth(t, importCountsNewChangedAndDuplicate)
}

func importCountsNewChangedAndDuplicate(t *testing.T) {
	db := openDetections(t)
	yes := true
	write := func(mutate func(c *store.Contract, e *store.Endpoint, s *store.AgentStatus, v *store.EDREvent)) store.ImportCounts {
		c := contractOf("C1")
		c.Recipients = []store.Recipient{{Address: "b@example.jp"}, {Address: "a@example.jp", Name: "甲"}}
		e := store.Endpoint{Name: "PC-1", Class: store.ClassDesktop, InstalledAt: noon}
		s := store.AgentStatus{Endpoint: "PC-1", Day: "2026-10-01", LastSeen: noon, OSSupported: &yes, Protections: store.Protections{
			RealtimeScan: "on", BehaviorMonitoring: "on", MachineLearning: "on", WebReputation: "on", EDR: "on",
		}}
		v := store.EDREvent{ID: "e", Time: noon, Endpoints: []store.Machine{{Name: "PC-1"}}, Status: "new"}
		if mutate != nil {
			mutate(&c, &e, &s, &v)
		}
		return put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
			return errors.Join(tx.PutContract(ctx, c, false), tx.PutEndpoint(ctx, "C1", e), tx.PutStatus(ctx, "C1", s),
				tx.PutEvent(ctx, "C1", v), tx.PutCoverage(ctx, "C1", "2026-10-01"), tx.PutDetection(ctx, detectionOf("C1", "d", noon)))
		})
	}
	type (
		contract = store.Contract
		endpoint = store.Endpoint
		status   = store.AgentStatus
		event    = store.EDREvent
	)
	for _, step := range []struct {
		name   string
		mutate func(*contract, *endpoint, *status, *event)
		want   [2]int64 // new, changed
	}{
		{"first", nil, [2]int64{6, 0}},
		{"same", nil, [2]int64{0, 0}},
		{"contract renamed", func(c *contract, _ *endpoint, _ *status, _ *event) { c.Name = "乙" }, [2]int64{0, 1}},
		{"recipient renamed", func(c *contract, _ *endpoint, _ *status, _ *event) { c.Name = "乙"; c.Recipients[1].Name = "丙" }, [2]int64{0, 1}},
		{"recipients gone", func(c *contract, _ *endpoint, _ *status, _ *event) { c.Name = "乙"; c.Recipients = nil }, [2]int64{0, 1}},
		{"all back", nil, [2]int64{0, 1}},
		{"endpoint removed", func(_ *contract, e *endpoint, _ *status, _ *event) { e.RemovedAt = noon }, [2]int64{0, 1}},
		{"endpoint back", nil, [2]int64{0, 1}},
		{"not reported any more", func(_ *contract, _ *endpoint, s *status, _ *event) { s.OSSupported = nil }, [2]int64{0, 1}},
		{"reported again", nil, [2]int64{0, 1}},
		{"event closed", func(_ *contract, _ *endpoint, _ *status, v *event) { v.Status = "closed" }, [2]int64{0, 1}},
		{"event moved", func(_ *contract, _ *endpoint, _ *status, v *event) { v.Status = "closed"; v.Time = noon.Add(1) }, [2]int64{0, 0}},
	} {
		want := store.ImportCounts{New: step.want[0], Changed: step.want[1], Duplicate: 6 - step.want[0] - step.want[1]}
		if got := write(step.mutate); got != want {
			t.Errorf("%s: %+v, want %+v", step.name, got, want)
		}
	}
}

func TestKnownEventUpdatesStatusAndObjects(t *testing.T) {
	onBoth(t, knownEventUpdatesStatusAndObjects)
}

func knownEventUpdatesStatusAndObjects(t *testing.T) {
	db, loc := openDetections(t), tokyo(t)
	first := store.EDREvent{
		ID: "e-1", Time: time.Date(2026, 10, 7, 9, 0, 0, 0, loc), Endpoints: []store.Machine{{Name: "PC-1"}}, Status: "new",
		Objects: []store.EDRObject{{Name: "a"}},
	}
	second := store.EDREvent{
		ID: "e-1", Time: first.Time.AddDate(0, 1, 0), Endpoints: []store.Machine{{Name: "PC-2"}}, Status: "closed",
		Objects: []store.EDRObject{{Name: "<b>", Type: "file", Result: "隔離"}, {Name: "a"}},
	}
	for _, e := range []store.EDREvent{first, second} {
		put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
			return errors.Join(tx.PutContract(ctx, contractOf("C1"), false), tx.PutEvent(ctx, "C1", e))
		})
	}
	want := first
	want.Status, want.Objects = second.Status, second.Objects
	if diff := cmp.Diff([]store.EDREvent{want}, month(t, db, "C1", reported).Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAbsentRecipientsAreKept(t *testing.T) { onBoth(t, absentRecipientsAreKept) }

func absentRecipientsAreKept(t *testing.T) {
	db := openDetections(t)
	c := contractOf("C1")
	c.Recipients = []store.Recipient{{Address: "a@example.jp"}}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutContract(ctx, c, false) })
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return tx.PutContract(ctx, contractOf("C1"), true)
	})
	if got, err := db.Contract(context.Background(), "C1"); err != nil || len(got.Recipients) != 1 {
		t.Errorf("recipients %v, %v", got.Recipients, err)
	}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return tx.PutContract(ctx, contractOf("C1"), false)
	})
	if got, err := db.Contract(context.Background(), "C1"); err != nil || len(got.Recipients) != 0 {
		t.Errorf("recipients %v, %v", got.Recipients, err)
	}
}

// More rows than several batches hold come in an order that is not the table's, some of them twice.
func TestImportInManyBatches(t *testing.T) { onBoth(t, importInManyBatches) }

func importInManyBatches(t *testing.T) {
	const contracts, rows = 7, 250_003
	db := openDetections(t)
	start := time.Date(2026, 9, 30, 15, 0, 0, 0, time.UTC)
	counts := put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		for k := range contracts {
			if err := tx.PutContract(ctx, contractOf(fmt.Sprint("C", k)), false); err != nil {
				return err
			}
		}
		for i := range rows {
			d := detectionOf(fmt.Sprint("C", i%contracts), fmt.Sprint("d-", i), start.Add(time.Duration(i*7919%rows)*time.Second))
			if err := tx.PutDetection(ctx, d); err != nil {
				return err
			}
			if i%1000 == 0 {
				d.Name = "second"
				if err := tx.PutDetection(ctx, d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if want := (store.ImportCounts{New: contracts + rows, Duplicate: rows/1000 + 1}); counts != want {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
	total := 0
	for k := range contracts {
		detections := month(t, db, fmt.Sprint("C", k), reported).Detections
		total += len(detections)
		for i, d := range detections {
			if d.Name == "second" {
				t.Fatalf("C%d: the second of two rows with one key was kept", k)
			}
			if i > 0 && d.Time.Before(detections[i-1].Time) {
				t.Fatalf("C%d: detection %d is not in the order of time", k, i)
			}
		}
	}
	if total != rows {
		t.Errorf("%d rows came back, want %d", total, rows)
	}
}

func TestImportRowsOfUnknownContract(t *testing.T) { onBoth(t, importRowsOfUnknownContract) }

func importRowsOfUnknownContract(t *testing.T) {
	db, ctx := openDetections(t), context.Background()
	for name, row := range map[string]func(*sqlstore.ImportTx) error{
		"endpoint":  func(tx *sqlstore.ImportTx) error { return tx.PutEndpoint(ctx, "C9", store.Endpoint{Name: "PC-1"}) },
		"status":    func(tx *sqlstore.ImportTx) error { return tx.PutStatus(ctx, "C9", store.AgentStatus{Endpoint: "PC-1"}) },
		"detection": func(tx *sqlstore.ImportTx) error { return tx.PutDetection(ctx, detectionOf("C9", "d", noon)) },
		"event":     func(tx *sqlstore.ImportTx) error { return tx.PutEvent(ctx, "C9", store.EDREvent{ID: "e"}) },
		"coverage":  func(tx *sqlstore.ImportTx) error { return tx.PutCoverage(ctx, "C9", "2026-10-01") },
	} {
		_, err := db.Import(ctx, store.Import{File: "f", Now: func() time.Time { return noon }}, row)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

// The database holds what the reading of files checks, should another program write to it.
func TestSchemaRefusesWrongValues(t *testing.T) { onBoth(t, schemaRefusesWrongValues) }

func schemaRefusesWrongValues(t *testing.T) {
	db, ctx := openDetections(t), context.Background()
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return tx.PutContract(ctx, contractOf("C1"), false)
	})
	for name, mutate := range map[string]func(*store.DetectionRow){
		"feature": func(d *store.DetectionRow) { d.Feature = "wirus" },
		"class":   func(d *store.DetectionRow) { d.Class = "" },
		"count":   func(d *store.DetectionRow) { d.Count = 0 },
		"id":      func(d *store.DetectionRow) { d.ID = "" },
	} {
		d := detectionOf("C1", "d", noon)
		mutate(&d)
		_, err := db.Import(ctx, store.Import{File: "f", Now: func() time.Time { return noon }}, func(tx *sqlstore.ImportTx) error {
			return tx.PutDetection(ctx, d)
		})
		refused := []string{"CHECK constraint failed: " + name, "detections_" + name + "_check"}
		if err == nil || !slices.ContainsFunc(refused, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := month(t, db, "C1", reported); len(got.Detections) != 0 {
		t.Errorf("kept %v", got.Detections)
	}
}

func TestCheckAddress(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, s := range []string{
		"a@example.jp", "first.last+tag@sub.example.co.jp", "o'brien@example.jp", "a@localhost", "a@xn--wgv71a.jp", "a@日本.jp", "a@ＥＸＡＭＰＬＥ.jp",
		"abc..d@docomo.ne.jp", "abc.@docomo.ne.jp", `"abc..d"@docomo.ne.jp`, `"a\"b c"@example.jp`, `"a@b"@example.jp`,
		long + "@example.jp",
	} {
		if err := store.CheckAddress(s); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
	for _, s := range []string{
		"", "a", "@", "a@", "@example.jp", ".a@example.jp", "a b@example.jp", " a@example.jp", "a@example.jp ", "a@b@example.jp",
		"a@example.jp\r\nBcc: x@example.com", "a\r\n@example.jp", "a\n@example.jp", "a@example.jp\n", "a\x00@example.jp", "a@example..jp",
		"a@.jp", "a@example.jp.", "a@-x.jp", "a@x-.jp", "a@日 本.jp", "a@日本_.jp", "名前@example.jp", "<a@example.jp>", "甲 <a@example.jp>",
		"a@example.jp,b@example.jp", "a@[127.0.0.1]", `""@example.jp`, `"a@example.jp`, `"a"b"@example.jp`, `"a\"@example.jp`,
		"\"a\r\n\"@example.jp", "a(b)@example.jp", long + "a@example.jp", "a@" + long + ".jp", "a@" + strings.Repeat("a.", 130) + "jp", "a\xff@example.jp",
	} {
		if err := store.CheckAddress(s); err == nil {
			t.Errorf("accepted %q", s)
		} else if strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("the error breaks the line: %q", err)
		}
	}
}

func TestCheckContractID(t *testing.T) {
	for id, ok := range map[string]bool{
		"C000001": true, "a": true, "A.b_c-9": true, "-": true, strings.Repeat("x", 64): true,
		"": false, ".": false, "..": false, ".a": false, "a/b": false, "a b": false, "a\n": false, "契約": false, strings.Repeat("x", 65): false,
	} {
		if err := store.CheckContractID(id); (err == nil) != ok {
			t.Errorf("%q: %v", id, err)
		}
	}
}
