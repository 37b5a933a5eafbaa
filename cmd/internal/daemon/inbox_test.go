package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"geppo/store"
	"geppo/store/sqlstore"
)

// inboxClock is the clock of these tests, which they set.
type inboxClock struct{ now time.Time }

type inboxFixture struct {
	*Inbox
	clock *inboxClock
	log   *bytes.Buffer
	told  []Silent
}

func newInbox(t testing.TB) *inboxFixture {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlstore.OpenDetections(t.Context(), filepath.Join(dir, "d.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &inboxFixture{clock: &inboxClock{time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{}}
	f.Inbox = &Inbox{
		Dir: filepath.Join(dir, "inbox"), Settle: 10 * time.Second, Detections: db, Zone: time.UTC,
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Now: func() time.Time { return f.clock.now },
		Silence: func(_ context.Context, feeds []Silent) error {
			f.told = append(f.told, feeds...)
			return nil
		},
	}
	f.put(t, "contract.jsonl", contractLine("C1"))
	f.settle(t)
	return f
}

func contractLine(id string) string {
	return fmt.Sprintf(`{"type":"contract","id":%q,"name":"株式会社サンプル","product":"antivirus","licences":5,"since":"2025-04-01"}`+"\n", id)
}

func detectionLine(id string) string {
	return fmt.Sprintf(`{"type":"detection","contract":"C1","id":%q,"feature":"virus","time":"2026-10-05T14:03:22Z","endpoint":"PC","name":"X"}`+"\n", id)
}

func (f *inboxFixture) put(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(f.Dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, f.clock.now, f.clock.now)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// settle looks, waits and looks again.
func (f *inboxFixture) settle(t testing.TB) {
	t.Helper()
	for range 2 {
		if _, err := f.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.clock.now = f.clock.now.Add(f.Settle)
	}
}

// files are those of the inbox, with what they hold.
func (f *inboxFixture) files(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(f.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(f.Dir, path)
		if err != nil || !entry.Type().IsRegular() {
			all[name] = entry.Type().String()
			return err
		}
		data, err := os.ReadFile(path)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (f *inboxFixture) names(t testing.TB) []string { return slices.Sorted(maps.Keys(f.files(t))) }

func (f *inboxFixture) detections(t testing.TB, contract string) int {
	t.Helper()
	m, err := f.Detections.Month(t.Context(), contract, store.Period{Year: 2026, Month: 10})
	if err != nil {
		t.Fatal(err)
	}
	return len(m.Detections)
}

func TestInboxTakesFilesThatRest(t *testing.T) {
	f := newInbox(t)
	f.put(t, "a.jsonl", detectionLine("1"))
	look := func(wait time.Duration, want int) {
		t.Helper()
		f.clock.now = f.clock.now.Add(wait)
		if moved, err := f.Look(t.Context()); err != nil || moved != want {
			t.Fatalf("%d moved, %v, want %d", moved, err, want)
		}
	}
	look(0, 0)
	look(9*time.Second, 0)
	f.put(t, "a.jsonl", detectionLine("1")+detectionLine("2")) // it grows
	look(9*time.Second, 0)
	look(9*time.Second, 0)
	look(time.Second, 1)
	if n := f.detections(t, "C1"); n != 2 {
		t.Errorf("%d detections", n)
	}
	if diff := cmp.Diff([]string{"done/2026-11/a.jsonl", "done/2026-11/contract.jsonl"}, f.names(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestInboxLeavesWhatIsNoFinishedFile(t *testing.T) {
	f := newInbox(t)
	outside := filepath.Join(t.TempDir(), "secret.jsonl")
	if err := os.WriteFile(outside, []byte(detectionLine("secret")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".hidden", "~temp", ".git/config", "~x/a.jsonl", "a/b/c/d/too-deep.jsonl"} {
		f.put(t, name, detectionLine("1"))
	}
	for name, target := range map[string]string{"link.jsonl": outside, "C1": filepath.Dir(outside), "inside.jsonl": "done/2026-11/contract.jsonl"} {
		if err := os.Symlink(target, filepath.Join(f.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := f.files(t)
	f.settle(t)
	f.settle(t)
	if diff := cmp.Diff(before, f.files(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	if n := f.detections(t, "C1"); n != 0 {
		t.Errorf("%d detections were taken", n)
	}
	if n := strings.Count(f.log.String(), "left in the inbox"); n != 4 {
		t.Errorf("%d warnings, want one for each link and for the deep folder:\n%s", n, f.log)
	}
}

// A folder named like a format or a contract says so; others tell the decoder what they may.
func TestInboxFoldersTellContractAndFormat(t *testing.T) {
	f := newInbox(t)
	f.Reading.Aliases = map[string]string{"サンプル商事": "C1"}
	line := "20261005<;>1403<;>EICAR<;>1<;>1<;>0<;>C:\\<;>a.exe<;><;>1791177802<;><;>\n"
	f.put(t, "C1/PC01/pccnt35.log", line)
	f.put(t, "pccnt/C1/PC02.pccnt35.log", line)
	f.put(t, "サンプル商事/PC03/pccnt35.log", line)
	f.put(t, "unknown/pccnt/pccnt35.log", line)
	f.settle(t)
	names := f.names(t)
	for _, want := range []string{
		"done/2026-11/C1/PC01/pccnt35.log", "done/2026-11/pccnt/C1/PC02.pccnt35.log",
		"failed/unknown/pccnt/pccnt35.log", "failed/unknown/pccnt/pccnt35.log.reasons.txt",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s among %q\n%s", want, names, f.log)
		}
	}
	if n := f.detections(t, "C1"); n < 2 {
		t.Errorf("%d detections", n)
	}
}

func TestInboxFailsWholeFilesWithAllReasons(t *testing.T) {
	f := newInbox(t)
	bad := detectionLine("1") + "{\n" + detectionLine("2") + strings.Replace(detectionLine("3"), "C1", "C9", 1)
	f.put(t, "bad.jsonl", bad)
	f.settle(t)
	f.put(t, "bad.jsonl", bad) // once more, unmended
	f.settle(t)
	got := f.files(t)
	reasons := got["failed/bad.jsonl.reasons.txt"]
	if !strings.Contains(reasons, "bad.jsonl:2: ") || !strings.Contains(reasons, `bad.jsonl:4: unknown contract "C9"`) || strings.Count(reasons, "\n") != 2 {
		t.Errorf("reasons:\n%s", reasons)
	}
	for _, name := range []string{"failed/bad.jsonl", "failed/bad.jsonl.2"} {
		if got[name] != bad {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if n := f.detections(t, "C1"); n != 0 {
		t.Errorf("%d detections of a file with bad rows", n)
	}
}

// One file that cannot be moved keeps no other from being taken, and is not imported again.
func TestInboxGoesOnBehindAFault(t *testing.T) {
	f := newInbox(t)
	f.put(t, "done/2026-11/a", "where a folder should be")
	f.put(t, "a/a.jsonl", detectionLine("1"))
	f.put(t, "b.jsonl", detectionLine("2"))
	for range 2 {
		if _, err := f.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.clock.now = f.clock.now.Add(time.Minute)
		if moved, err := f.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "inbox file a/a.jsonl: ") {
			t.Errorf("%d moved, %v", moved, err)
		}
		f.resting = nil
	}
	if _, err := os.Stat(filepath.Join(f.Dir, "done/2026-11/b.jsonl")); err != nil {
		t.Error(err)
	}
	if n := f.detections(t, "C1"); n != 2 {
		t.Errorf("%d detections", n)
	}
}

// Whatever comes under whatever names, with kills at any point: each file's rows are imported once,
// and each file is moved once.
func TestInboxTakesEachFileOnce(t *testing.T) {
	f, dropped, put := newInbox(t), 0, map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			for range rapid.IntRange(0, 2).Draw(rt, "files") {
				dropped++
				f.put(t, fmt.Sprintf("%d.jsonl", dropped), detectionLine(fmt.Sprint(dropped)))
				put[fmt.Sprintf("%d.jsonl", dropped)] = true
			}
			point, visit := rapid.SampledFrom(append([]Point{""}, InboxPoints...)).Draw(rt, "kill at"), rapid.IntRange(1, 3).Draw(rt, "visit")
			f.Crash = func(p Point) {
				if p == point {
					if visit--; visit == 0 {
						panic(p)
					}
				}
			}
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(point) {
						panic(p)
					}
				}()
				f.settle(t)
			}()
			// A new process knows nothing of what rested.
			f.resting, f.Crash = nil, nil
		}
		f.settle(t)
		moved := 0
		for name := range f.files(t) {
			if !strings.HasPrefix(name, "done/2026-11/") {
				rt.Fatalf("%s was not moved", name)
			}
			if put[filepath.Base(name)] {
				moved++
			}
		}
		if n := f.detections(t, "C1"); n != dropped || moved != dropped {
			rt.Fatalf("%d detections and %d files of %d", n, moved, dropped)
		}
		feeds, err := f.Detections.Feeds(t.Context(), time.Time{})
		if err != nil {
			rt.Fatal(err)
		}
		for _, feed := range feeds {
			if feed.Feed == "inbox/#.jsonl" && feed.New != 1 {
				rt.Fatalf("the last import was one that added nothing: %+v", feed)
			}
		}
	})
}

func TestInboxTellsOfSilentFeedsOnce(t *testing.T) {
	f := newInbox(t)
	const day = 24 * time.Hour
	deliver := func(name string) {
		f.put(t, name, detectionLine(name))
		f.settle(t)
	}
	wait := func(d time.Duration) {
		t.Helper()
		f.clock.now = f.clock.now.Add(d)
		if _, err := f.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		for part := range 3 { // three files a day, one after another
			deliver(fmt.Sprintf("daily-2026-11-%02d.%d.jsonl", i+5, part))
		}
		deliver(fmt.Sprintf("other-%d.jsonl", i))
		wait(day - 2*time.Minute)
	}
	deliver("rare-1.jsonl")
	wait(day / 2)
	if len(f.told) != 0 {
		t.Fatalf("told too early: %+v", f.told)
	}
	deliver("other-9.jsonl")
	wait(day)
	if len(f.told) != 1 || f.told[0].Feed != "inbox/daily-#.jsonl" || f.told[0].Usual > day || f.told[0].Usual < day-time.Hour {
		t.Fatalf("told %+v", f.told)
	}
	if silent := f.Silent(); len(silent) != 1 {
		t.Errorf("silent %+v", silent)
	}
	wait(time.Hour)
	if len(f.told) != 1 {
		t.Errorf("told again: %+v", f.told)
	}
	deliver("daily-2026-11-20.jsonl")
	wait(time.Hour)
	if silent := f.Silent(); len(silent) != 0 {
		t.Errorf("still silent: %+v", silent)
	}
}

// A feed whose file is the same each day lives.
func TestInboxHearsTheSameFileAgain(t *testing.T) {
	f := newInbox(t)
	for range 6 {
		f.put(t, "state.jsonl", contractLine("C1"))
		f.settle(t)
		f.clock.now = f.clock.now.Add(24 * time.Hour)
	}
	times, err := f.Detections.Arrivals(t.Context(), "inbox/state.jsonl", 100)
	if err != nil || len(times) != 6 {
		t.Errorf("%d arrivals, %v", len(times), err)
	}
}

// A file that takes the name of the one that is being read, or adds to it, is imported like any other: what goes to done/
// or failed/ is what was read.
func TestInboxMovesOnlyWhatItRead(t *testing.T) {
	replace := func(path, text string) error {
		if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(path+"~", path)
	}
	appendTo := func(path, text string) error {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteString(text)
		return errors.Join(err, file.Close())
	}
	for _, first := range []string{detectionLine("1"), "rubbish\n"} {
		for _, point := range []Point{BeforeImport, AfterImport, BeforeMove} {
			for change, do := range map[string]func(path, text string) error{"replaced": replace, "grown": appendTo} {
				if change == "grown" && (first == "rubbish\n" || point == BeforeImport) {
					continue // it is bad for good, or read whole
				}
				t.Run(fmt.Sprintf("%.7s/%s/%s", first, point, change), func(t *testing.T) {
					f := newInbox(t)
					f.put(t, "a.jsonl", first)
					f.Crash = func(p Point) {
						if p != point {
							return
						}
						f.Crash = nil
						if err := do(filepath.Join(f.Dir, "a.jsonl"), detectionLine("2")); err != nil {
							t.Error(err)
						}
					}
					f.settle(t)
					f.settle(t)
					if got, want := f.detections(t, "C1"), 1+strings.Count(first, "detection"); got != want {
						t.Errorf("%d detections, want %d; files %v", got, want, f.names(t))
					}
					if names := f.names(t); slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, doneDir) }) {
						t.Errorf("files %v", names)
					}
				})
			}
		}
	}
}
