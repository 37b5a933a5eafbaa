package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

// tokyo is the zone of the fixtures' contracts.
func tokyo(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func openDetections(t testing.TB) *sqlstore.Detections {
	t.Helper()
	return openedDetections(t, newDSN(t))
}

// noon is the clock of imports.
var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func put(t testing.TB, db *sqlstore.Detections, write func(context.Context, *sqlstore.ImportTx) error) store.ImportCounts {
	t.Helper()
	ctx := context.Background()
	file := store.Import{File: "f.jsonl", Format: "jsonl", Now: func() time.Time { return noon }}
	counts, err := db.Import(ctx, file, func(tx *sqlstore.ImportTx) error { return write(ctx, tx) })
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func contractOf(id string) store.Contract {
	return store.Contract{
		ID: id, Name: "株式会社" + id, Product: store.ProductAntivirus, EDR: true, URLFiltering: true,
		Licences: 20, Timezone: "Asia/Tokyo", Since: "2025-04-01",
	}
}

func detectionOf(contract, id string, at time.Time) store.DetectionRow {
	return store.DetectionRow{Contract: contract, ID: id, Detection: store.Detection{
		Feature: store.Virus, Time: at, Endpoint: "PC-1", Class: store.ClassDesktop, Name: "TROJ_X", Result: "cleaned", Count: 1,
	}}
}

var reported = store.Period{Year: 2026, Month: 10}

func month(t testing.TB, db *sqlstore.Detections, id string, p store.Period) store.Month {
	t.Helper()
	m, err := db.Month(context.Background(), id, p)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ids(events []store.EDREvent) (list []string) {
	for _, e := range events {
		list = append(list, e.ID)
	}
	return list
}

func TestMonthHoldsAllOfOneContract(t *testing.T) { onBoth(t, monthHoldsAllOfOneContract) }

func monthHoldsAllOfOneContract(t *testing.T) {
	db, loc := openDetections(t), tokyo(t)
	yes, no := true, false
	c := contractOf("C1")
	c.Ends = "2027-03-31"
	c.Recipients = []store.Recipient{{Address: "b@example.jp"}, {Address: "a@example.jp", Name: "情シス"}}
	endpoints := []store.Endpoint{
		{Name: "PC-1", Class: store.ClassDesktop, OS: "Windows 11 Pro", InstalledAt: time.Date(2025, 4, 2, 10, 0, 0, 0, loc)},
		{
			Name: "SV-1", Class: store.ClassServer, InstalledAt: time.Date(2025, 4, 2, 10, 0, 0, 0, loc),
			RemovedAt: time.Date(2026, 10, 9, 0, 0, 0, 0, loc),
		},
	}
	status := store.AgentStatus{
		Endpoint: "PC-1", Day: "2026-10-31", LastSeen: time.Date(2026, 10, 31, 18, 2, 11, 0, loc),
		PatternCurrent: &yes, OS: "Windows 11 Pro", OSSupported: &no,
		Protections: store.Protections{
			RealtimeScan: store.On, BehaviorMonitoring: store.Off, MachineLearning: store.Unknown,
			WebReputation: store.On, EDR: store.Unknown,
		},
	}
	detection := detectionOf("C1", "d-1", time.Date(2026, 10, 5, 14, 3, 22, 0, loc))
	detection.Count = 3
	event := store.EDREvent{
		ID: "e-1", Time: time.Date(2026, 10, 7, 9, 0, 0, 0, loc), Endpoints: []store.Machine{{Name: "PC-1"}}, Status: "new",
		Objects: []store.EDRObject{{Name: "evil.ps1", Type: "file", Result: "terminated"}},
	}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		other := detectionOf("C2", "d-1", detection.Time)
		errs := []error{
			tx.PutContract(ctx, c, false), tx.PutContract(ctx, contractOf("C2"), false),
			tx.PutEndpoint(ctx, "C1", endpoints[1]), tx.PutEndpoint(ctx, "C1", endpoints[0]), tx.PutEndpoint(ctx, "C2", endpoints[0]),
			tx.PutStatus(ctx, "C1", status), tx.PutStatus(ctx, "C2", status),
			tx.PutDetection(ctx, detection), tx.PutDetection(ctx, other),
			tx.PutEvent(ctx, "C1", event), tx.PutEvent(ctx, "C2", event),
			tx.PutCoverage(ctx, "C1", "2026-10-02"), tx.PutCoverage(ctx, "C1", "2026-10-01"), tx.PutCoverage(ctx, "C2", "2026-10-03"),
		}
		return errors.Join(errs...)
	})
	c.Recipients[0], c.Recipients[1] = c.Recipients[1], c.Recipients[0] // by address
	want := store.Month{
		Contract: c, Period: reported, Location: loc, Endpoints: endpoints,
		Detections: []store.Detection{detection.Detection}, Statuses: []store.AgentStatus{status},
		Events: []store.EDREvent{event}, Coverage: []store.Day{"2026-10-01", "2026-10-02"}, CoverageFed: true,
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, month(t, db, "C1", reported), sameZone); diff != "" {
		t.Errorf("month (-want +got):\n%s", diff)
	}
}

func TestEveryFeatureAndClassComesBack(t *testing.T) { onBoth(t, everyFeatureAndClassComesBack) }

func everyFeatureAndClassComesBack(t *testing.T) {
	db := openDetections(t)
	features := []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
		store.MachineLearning, store.DeviceControl, store.ApplicationControl, store.DLP,
	}
	classes := []store.Class{store.ClassDesktop, store.ClassServer, store.ClassMobile, store.ClassUnknown}
	var want []store.Detection
	var previous []store.FeatureCount
	start, _ := reported.Bounds(tokyo(t))
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{tx.PutContract(ctx, contractOf("C1"), false)}
		for i, feature := range features {
			if i < 6 { // the others are in no report
				previous = append(previous, store.FeatureCount{Feature: feature, Count: int64(4 * (i + 1))})
			}
			for j, class := range classes {
				d := detectionOf("C1", fmt.Sprint(class), start.Add(time.Duration(4*i+j)*time.Hour))
				d.Feature, d.Class, d.Count = feature, class, int64(i+1)
				want = append(want, d.Detection)
				before := d
				before.ID += " before"
				before.Time = d.Time.AddDate(0, -1, 0)
				errs = append(errs, tx.PutDetection(ctx, d), tx.PutDetection(ctx, before))
			}
		}
		return errors.Join(errs...)
	})
	m := month(t, db, "C1", reported)
	if diff := cmp.Diff(want, m.Detections); diff != "" {
		t.Errorf("detections (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(previous, m.Previous); diff != "" {
		t.Errorf("month before (-want +got):\n%s", diff)
	}
}

func TestMonthEndsAtMidnightOfTheContractsZone(t *testing.T) {
	onBoth(t, monthEndsAtMidnightOfTheContractsZone)
}

func monthEndsAtMidnightOfTheContractsZone(t *testing.T) {
	db := openDetections(t)
	paris := contractOf("PARIS")
	paris.Timezone = "Europe/Paris"
	instants := map[string]time.Time{
		"before": time.Date(2026, 9, 30, 14, 59, 59, 999e6, time.UTC),
		"first":  time.Date(2026, 9, 30, 15, 0, 0, 0, time.UTC),
		"last":   time.Date(2026, 10, 31, 14, 59, 59, 999e6, time.UTC),
		"after":  time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC),
	}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, paris, false)}
		for id, at := range instants {
			for _, contract := range []string{"C1", "PARIS"} {
				errs = append(errs, tx.PutDetection(ctx, detectionOf(contract, id, at)),
					tx.PutEvent(ctx, contract, store.EDREvent{ID: id, Time: at, Endpoints: []store.Machine{{Name: "PC-1"}}, Status: "new"}))
			}
		}
		return errors.Join(errs...)
	})
	for _, test := range []struct {
		contract                  string
		period                    store.Period
		events                    []string
		detections, previousCount int64
	}{
		{"C1", reported, []string{"first", "last"}, 2, 1},
		{"C1", reported.Next(), []string{"after"}, 1, 2},
		{"C1", reported.Previous(), []string{"before"}, 1, 0},
		{"PARIS", reported, []string{"last", "after"}, 2, 2}, // 00:00 in Paris is 22:00 and 23:00 UTC
	} {
		m := month(t, db, test.contract, test.period)
		if diff := cmp.Diff(test.events, ids(m.Events)); diff != "" {
			t.Errorf("%s %s: events (-want +got):\n%s", test.contract, test.period, diff)
		}
		before := int64(0)
		for _, p := range m.Previous {
			before += p.Count
		}
		if int64(len(m.Detections)) != test.detections || before != test.previousCount {
			t.Errorf("%s %s: %d detections and %d of the month before, want %d and %d", test.contract, test.period,
				len(m.Detections), before, test.detections, test.previousCount)
		}
	}
}

func TestMonthCarriesSnapshotsIn(t *testing.T) { onBoth(t, monthCarriesSnapshotsIn) }

func monthCarriesSnapshotsIn(t *testing.T) {
	db := openDetections(t)
	days := map[string][]store.Day{
		"every":  {"2026-08-31", "2026-09-29", "2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01"},
		"silent": {"2025-01-01", "2025-12-24"},
		"later":  {"2026-11-01"},
		"joined": {"2026-10-15"},
	}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{tx.PutContract(ctx, contractOf("C1"), false)}
		for name, days := range days {
			errs = append(errs, tx.PutEndpoint(ctx, "C1", store.Endpoint{Name: name, Class: store.ClassDesktop, InstalledAt: noon}))
			for _, day := range days {
				s := store.AgentStatus{Endpoint: name, Day: day, LastSeen: noon, Protections: store.Protections{
					RealtimeScan: "on", BehaviorMonitoring: "on", MachineLearning: "on", WebReputation: "on", EDR: "on",
				}}
				errs = append(errs, tx.PutStatus(ctx, "C1", s))
			}
		}
		return errors.Join(errs...)
	})
	var got []string
	for _, s := range month(t, db, "C1", reported).Statuses {
		got = append(got, s.Endpoint+" "+string(s.Day))
	}
	want := []string{"every 2026-09-30", "every 2026-10-01", "every 2026-10-31", "joined 2026-10-15", "silent 2025-12-24"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

// TestMonthHasTheSnapshotsOfMachinesOutsideTheInventory holds that a report can know a machine that is
// not protected, whether or not anybody has entered it, in whatever spelling.
func TestMonthHasTheSnapshotsOfMachinesOutsideTheInventory(t *testing.T) {
	onBoth(t, monthHasTheSnapshotsOfMachinesOutsideTheInventory)
}

func monthHasTheSnapshotsOfMachinesOutsideTheInventory(t *testing.T) {
	db := openDetections(t)
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{
			tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, contractOf("C2"), false),
			tx.PutEndpoint(ctx, "C1", store.Endpoint{Name: "SRV-1", Class: store.ClassServer, InstalledAt: noon}),
		}
		for contract, machines := range map[string][]store.Machine{
			"C1": {{Name: "srv-1"}, {Name: "new"}, {ID: "g", Name: "guid"}}, "C2": {{Name: "other"}},
		} {
			for _, m := range machines {
				errs = append(errs, tx.PutStatus(ctx, contract, store.AgentStatus{
					Endpoint: m.Name, EndpointID: m.ID, Day: "2026-10-31", LastSeen: noon, Protections: store.Protections{
						RealtimeScan: "off", BehaviorMonitoring: "unknown", MachineLearning: "on", WebReputation: "on", EDR: "on",
					},
				}))
			}
		}
		return errors.Join(errs...)
	})
	var got []string
	for _, s := range month(t, db, "C1", reported).Statuses {
		got = append(got, s.EndpointID+" "+s.Endpoint+" "+string(s.Protections.RealtimeScan)+" "+string(s.Protections.BehaviorMonitoring))
	}
	if diff := cmp.Diff([]string{"g guid off unknown", " new off unknown", " srv-1 off unknown"}, got); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

func TestMonthRanksNamesForWhoCannotCountThem(t *testing.T) {
	onBoth(t, monthRanksNamesForWhoCannotCountThem)
}

func monthRanksNamesForWhoCannotCountThem(t *testing.T) {
	db := openDetections(t)
	start, end := reported.Bounds(tokyo(t))
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, contractOf("C2"), false)}
		for i, name := range []string{"b", "a", "b", "c", "late", "other", "web"} {
			d := detectionOf("C1", fmt.Sprint(i), start)
			d.Name, d.Count = name, 2
			switch name {
			case "c":
				d.Count = 1
			case "late":
				d.Time = end
			case "other":
				d.Contract = "C2"
			case "web":
				d.Feature = store.WebReputation
			}
			errs = append(errs, tx.PutDetection(ctx, d))
		}
		return errors.Join(errs...)
	})
	for limit, want := range map[int][]store.NameCount{5: {{Name: "b", Count: 4}, {Name: "a", Count: 2}, {Name: "c", Count: 1}}, 1: {{Name: "b", Count: 4}}} {
		var read, held []store.NameCount
		err := db.ReadMonth(t.Context(), "C1", reported, func(rows store.MonthRows) (err error) {
			if read, err = rows.Names(store.Virus, limit); err != nil {
				return err
			}
			m, err := rows.Hold()
			if err == nil {
				held, err = m.Rows().Names(store.Virus, limit)
			}
			return err
		})
		if err != nil || !slices.Equal(read, want) || !slices.Equal(held, want) {
			t.Errorf("%v, held %v, want %v, error %v", read, held, want, err)
		}
	}
}

func TestMonthTellsWhetherCoverageIsFed(t *testing.T) { onBoth(t, monthTellsWhetherCoverageIsFed) }

func monthTellsWhetherCoverageIsFed(t *testing.T) {
	db := openDetections(t)
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return errors.Join(tx.PutContract(ctx, contractOf("C1"), false), tx.PutCoverage(ctx, "C1", "2026-10-31"))
	})
	for _, test := range []struct {
		period      store.Period
		fed, before bool
		days        int
	}{{reported.Previous(), false, false, 0}, {reported, true, false, 1}, {reported.Next(), true, true, 1}, {reported.Next().Next(), true, true, 0}} {
		m := month(t, db, "C1", test.period)
		if m.CoverageFed != test.fed || m.FedBefore != test.before || len(m.Coverage) != test.days {
			t.Errorf("%s: fed %t and %t before, with %d days, want %t, %t, %d",
				test.period, m.CoverageFed, m.FedBefore, len(m.Coverage), test.fed, test.before, test.days)
		}
	}
}

func TestUnknownContractIsNotFound(t *testing.T) { onBoth(t, unknownContractIsNotFound) }

func unknownContractIsNotFound(t *testing.T) {
	db := openDetections(t)
	if _, err := db.Month(context.Background(), "C9", reported); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Month: %v, want ErrNotFound", err)
	}
	if _, err := db.Contract(context.Background(), "C9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Contract: %v, want ErrNotFound", err)
	}
}

func TestContractsAreInOrder(t *testing.T) { onBoth(t, contractsAreInOrder) }

func contractsAreInOrder(t *testing.T) {
	db, ctx := openDetections(t), context.Background()
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		var errs []error
		for _, id := range []string{"b", "C10", "C2", "a"} {
			c := contractOf(id)
			c.Recipients = []store.Recipient{{Address: "z@" + id + ".example"}, {Address: "Z@" + id + ".example"}, {Address: "a@" + id + ".example"}}
			errs = append(errs, tx.PutContract(ctx, c, false))
		}
		return errors.Join(errs...)
	})
	list, err := db.Contracts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		one, err := db.Contract(ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, one); diff != "" {
			t.Errorf("contract %s, listed and alone:\n%s", c.ID, diff)
		}
		for _, r := range c.Recipients {
			got = append(got, r.Address)
		}
	}
	want := "Z@C10.example a@C10.example z@C10.example Z@C2.example a@C2.example z@C2.example " +
		"Z@a.example a@a.example z@a.example Z@b.example a@b.example z@b.example"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("recipients are\n%s, want\n%s", s, want)
	}
}

func TestLastImport(t *testing.T) { onBoth(t, lastImport) }

func lastImport(t *testing.T) {
	db, ctx := openDetections(t), context.Background()
	if at, err := db.LastImport(ctx); err != nil || !at.IsZero() {
		t.Errorf("before any import: %v, %v", at, err)
	}
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		return tx.PutContract(ctx, contractOf("C1"), false)
	})
	empty := store.Import{File: "f", Now: func() time.Time { return noon.Add(time.Hour) }}
	if _, err := db.Import(ctx, empty, func(*sqlstore.ImportTx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	later := store.Import{File: "f", Now: func() time.Time { return noon.Add(time.Hour) }}
	if _, err := db.Import(ctx, later, func(*sqlstore.ImportTx) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("import: %v, want %v", err, failed)
	}
	if at, err := db.LastImport(ctx); err != nil || !at.Equal(noon) {
		t.Errorf("after one import, an empty one and one that failed: %v, %v, want %v", at, err, noon)
	}
}

func TestUnknownResults(t *testing.T) { onBoth(t, unknownResults) }

func unknownResults(t *testing.T) {
	db := openDetections(t)
	put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
		errs := []error{tx.PutContract(ctx, contractOf("C1"), false)}
		for _, feature := range []store.Feature{store.Virus, store.Spyware, store.BehaviorMonitoring} {
			for _, result := range []string{"cleaned", "renamed", "noncleaned", "unknown", "消去", "消去"} {
				d := detectionOf("C1", string(feature)+result, noon)
				d.Feature, d.Result = feature, result
				errs = append(errs, tx.PutDetection(ctx, d))
			}
		}
		return errors.Join(errs...)
	})
	got, err := db.UnknownResults(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []store.UnknownResult{{Feature: store.Spyware, Result: "renamed"}, {Feature: store.Spyware, Result: "消去"}, {Feature: store.Virus, Result: "noncleaned"}, {Feature: store.Virus, Result: "消去"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unknown results (-want +got):\n%s", diff)
	}
}

func TestExistingRefusesOtherDatabases(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	missing := filepath.Join(dir, "none.db")
	refuses := func(path, why string) {
		t.Helper()
		db, err := sqlstore.OpenDetections(ctx, path, sqlstore.Existing)
		if err == nil {
			db.Close() //nolint:errcheck // the test has failed
			t.Fatalf("opened %s", path)
		}
		if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), why) {
			t.Errorf("error %q names neither %s nor %q", err, path, why)
		}
	}
	refuses(missing, "there is none")
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a database was created: %v", err)
	}

	older := filepath.Join(dir, "older.db")
	change(t, older, `CREATE TABLE t (a)`)
	refuses(older, "older")

	newer := filepath.Join(dir, "newer.db")
	db, err := sqlstore.OpenDetections(ctx, newer, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, newer, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	refuses(newer, "newer")
}

func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
