package daemon_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
	"geppo/templates"
)

var (
	simSeeds  = flag.Int("sim.seeds", 60, "how many seeds TestSimulation runs; with -short 12 at the most")
	simMonths = flag.Int("sim.months", 8, "how many months each seed lives")
	simSeed   = flag.Uint64("sim.seed", 0, "the only seed TestSimulation runs, with its trace; 0: all")
)

// simulation is years of a geppo's life in seconds: the real planner, dispatcher, ledger and client,
// a real SMTP server over net.Pipe, time by synctest, and everything that can go wrong by the dice
// of one seed. See life.tick for why a seed replays exactly.
type simulation struct {
	t          *testing.T
	seed       uint64
	dir        string
	archive    string
	detections *sqlstore.Detections
	renderer   *render.Renderer
	relay      *relay
	policy     daemon.Policy
	model      *model
	version    int           // of the renderer
	skew       time.Duration // of the machine's clock
	damagedTo  time.Time     // until which the detections cannot be read
	spoilt     bool          // the archive cannot be written
	kills      int
	imports    int
	period     store.Period // that is being sent

	dice  *rand.Rand // thrown between the runs, by the one goroutine that is left
	mu    sync.Mutex
	trace []string
}

func (s *simulation) intn(n int) int { return s.dice.IntN(n) }

// roll is for what goes on at the same time: it depends on seed, instant and question, and not on
// who asks first.
func (s *simulation) roll(n int, what string) int {
	sum := sha256.Sum256(fmt.Append(nil, s.seed, time.Now().UnixNano(), what))
	return int(binary.BigEndian.Uint64(sum[:]) >> 1 % uint64(n))
}

// ids are keyed by the seed: a ledger's own secret differs from run to run, and a seed must replay exactly.
func (s *simulation) ids() mailer.IDs {
	return mailer.IDs{Domain: "geppo.example", Key: mailer.Secret(fmt.Sprint("seed ", s.seed))}
}

func (s *simulation) chance(percent int) bool { return s.intn(100) < percent }

func pick[T any](s *simulation, from []T) T { return from[s.intn(len(from))] }

// now is the machine's clock; synctest's begins in 2000.
func (s *simulation) now() time.Time {
	return time.Now().UTC().AddDate(26, 10, 0).Add(s.skew)
}

func (s *simulation) tracef(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, s.now().Format(time.RFC3339Nano)+" "+fmt.Sprintf(format, args...))
}

// faultf is a broken promise.
func (s *simulation) faultf(format string, args ...any) {
	s.t.Helper()
	s.tracef("FAULT "+format, args...)
	s.t.Errorf("seed %d: %s; replay it with -run TestSimulation -sim.seed %d", s.seed, fmt.Sprintf(format, args...), s.seed)
}

func TestSimulation(t *testing.T) {
	renderer, err := render.New(templates.FS, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seeds := *simSeeds
	if testing.Short() {
		seeds = min(seeds, 12)
	}
	for n := range seeds {
		seed := uint64(n + 1)
		if *simSeed != 0 {
			seed = *simSeed
		}
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			trace := simulate(t, renderer, seed, *simMonths)
			if *simSeed != 0 {
				t.Log(strings.Join(trace, "\n"))
			}
		})
		if *simSeed != 0 {
			return
		}
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	renderer, err := render.New(templates.FS, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []uint64{2, 3, 9, 8, 4711} {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			sameTrace(t, simulate(t, renderer, seed, 6), simulate(t, renderer, seed, 6))
		})
	}
}

func sameTrace(t *testing.T, first, second []string) {
	t.Helper()
	if len(first) < 100 {
		t.Errorf("only %d lines of trace", len(first))
	}
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			around := func(trace []string) string { return strings.Join(trace[max(i-8, 0):min(i+8, len(trace))], "\n") }
			t.Fatalf("line %d differs:\n%s\n\n%s", i, around(first), around(second))
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d and %d lines", len(first), len(second))
	}
}

func simulate(t *testing.T, renderer *render.Renderer, seed uint64, months int) (trace []string) {
	dir := quickDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{t: t, seed: seed, dir: dir, renderer: renderer, dice: rand.New(rand.NewPCG(seed, 1))}
		s.model = &model{
			imported: map[string][]string{}, changes: map[string]map[string]bool{}, marked: map[string]bool{},
			wanted: map[wish]*granted{}, figures: map[string]string{}, checked: map[int64]seen{}, allowed: map[string]bool{},
		}
		s.policy = daemon.Policy{
			Connections: 1 + s.intn(4), MessagesPerConnection: 1 + s.intn(6), AmbiguousMax: 2 + s.intn(2), Sweep: 2 + s.intn(4), HoldAmbiguous: s.chance(15),
			Finish:  time.Duration(1+s.intn(30)) * time.Second,
			Backoff: mailer.Backoff{First: 5 * time.Minute, Factor: 2, Max: 4 * time.Hour, GiveUp: 72 * time.Hour},
		}
		if s.chance(50) {
			s.archive = filepath.Join(dir, "archive")
		}
		if s.chance(30) {
			s.policy.Limits = daemon.NewLimits(2, 1)
		}
		s.live(months)
		slices.Sort(s.trace) // those of one instant
		trace = s.trace
	})
	return trace
}

// quickDir is in memory where that can be had: what is simulated is crashes of the process, and an
// fsync for each commit of years takes minutes.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "geppo-simulation")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (s *simulation) live(months int) {
	var err error
	if s.detections, err = sqlstore.OpenDetections(s.t.Context(), filepath.Join(s.dir, "detections.db"), sqlstore.Migrate); err != nil {
		s.t.Fatal(err)
	}
	s.relay = startRelay(s)
	s.relay.limit = s.intn(4)
	l := s.newLife(filepath.Join(s.dir, "life0.db"))
	period := store.Period{Year: 2026, Month: time.October}
	for i := range 3 + s.intn(3) {
		s.model.imported[fmt.Sprint("C", i+1)] = s.someAddresses(fmt.Sprint("C", i+1))
	}
	for range months {
		l = s.month(l, period)
		period = period.Next()
		start, _ := period.Next().Bounds(time.UTC)
		time.Sleep(max(start.Sub(s.now()), time.Minute))
	}
	if err := errors.Join(s.relay.stop(), l.ledger.Close(), s.detections.Close()); err != nil {
		s.t.Error(err)
	}
}

// month sends one month to its end: every delivery final or held.
func (s *simulation) month(l *life, p store.Period) *life {
	s.period = p
	s.importMonth(p)
	s.plan(l, p)
	for range 2000 {
		if s.t.Failed() {
			return l
		}
		s.check(l)
		setRight := s.leap()
		l = l.run()
		setRight(l)
		s.check(l)
		s.happen(l, p)
		next, pending := s.next(l)
		if !pending {
			s.model.checked = map[int64]seen{}
			s.check(l)
			s.summarise(l, p)
			return l
		}
		time.Sleep(max(next.Sub(s.now()), time.Second))
	}
	s.faultf("%s never came to an end", p)
	return l
}

// leap puts the clock years ahead, now and then, while mail is sent. Set right again, it finds deliveries
// whose next try is years away, and brings them forward as Clock.Check does.
func (s *simulation) leap() (setRight func(*life)) {
	if !s.chance(10) {
		return func(*life) {}
	}
	const years = 11 * 365 * 24 * time.Hour
	s.tracef("the clock leaps")
	s.skew += years
	return func(l *life) {
		s.skew -= years
		n, err := l.ledger.BringForward(s.t.Context(), s.now().Add(s.policy.Backoff.Max*6/5), s.now())
		if err != nil {
			s.faultf("%v", err)
		}
		s.tracef("the clock is right, %d deliveries are brought forward", n)
	}
}

// next is when the queue should be looked at again.
func (s *simulation) next(l *life) (at time.Time, pending bool) {
	deliveries, err := l.ledger.Deliveries(s.t.Context(), store.Filter{States: []store.State{store.Queued, store.Deferred}})
	if err != nil {
		s.faultf("%v", err)
	}
	for _, d := range deliveries {
		if at.IsZero() || d.NextAttemptAt.Before(at) {
			at = d.NextAttemptAt
		}
	}
	if pauses, err := l.ledger.Pauses(s.t.Context()); err == nil && len(pauses) > 0 && len(deliveries) > 0 {
		if l.heldBack && s.chance(30) {
			l.heldBack = false
			if err := l.ledger.Resume(s.t.Context(), store.Order{By: "simulation"}, s.now()); err != nil {
				s.faultf("%v", err)
			}
		}
		at = s.now().Add(s.policy.Backoff.Max)
	}
	return at, len(deliveries) > 0
}

// summarise puts the whole ledger into the trace.
func (s *simulation) summarise(l *life, p store.Period) {
	deliveries, err := l.ledger.Deliveries(s.t.Context(), store.Filter{Period: p})
	if err != nil {
		s.faultf("%v", err)
	}
	for _, d := range deliveries {
		s.tracef("%d %s %s %s attempts %d ambiguous %d waited %s sha %x", d.ID, d.Contract, d.Recipient, d.State, d.Attempts, d.Ambiguous, d.Waited, sha256.Sum256(d.SHA256))
	}
}

func (s *simulation) plan(l *life, p store.Period) {
	s.planOnly(l, p)
	s.check(l)
}

// planOnly plans a period. Nobody who should get its report may be left with a delivery that has lapsed.
func (s *simulation) planOnly(l *life, p store.Period) {
	back := s.lapsed(l, p)
	planner := daemon.Planner{Detections: s.detections, Ledger: l.ledger, IDs: s.ids(), Now: s.now}
	run, err := planner.Plan(s.t.Context(), daemon.Request{Kind: "run", Period: p, By: "simulation", Force: true})
	if err != nil {
		s.faultf("plan: %v", err)
	}
	if want := s.model.plan(p); run.Planned != want+back {
		s.faultf("planned %d for %s, want %d new and %d that are back", run.Planned, p, want, back)
	}
	if left := s.lapsed(l, p); left > 0 {
		s.faultf("%d addresses of %s that are registered were left without their report", left, p)
	}
}

// lapsed counts the addresses that should get a period's report and whose delivery has lapsed.
func (s *simulation) lapsed(l *life, p store.Period) (n int) {
	deliveries, err := l.ledger.Deliveries(s.t.Context(), store.Filter{Period: p})
	s.must(err)
	for _, d := range newestResends(deliveries) {
		if d.Lapsed && s.model.eligible(d.Contract, d.Recipient, false) {
			n++
		}
	}
	return n
}

// someAddresses are one to three; a few people look after two contracts.
func (s *simulation) someAddresses(contract string) (addresses []string) {
	for i := range 1 + s.intn(2) {
		addresses = append(addresses, fmt.Sprintf("a%d@%s.example", i, strings.ToLower(contract)))
	}
	if s.chance(30) {
		addresses = append(addresses, "shared@example.jp")
	}
	return addresses
}

// importMonth brings every contract as it is now, and some detections of the period.
func (s *simulation) importMonth(p store.Period) {
	var lines strings.Builder
	for _, contract := range slices.Sorted(maps.Keys(s.model.imported)) {
		var recipients []string
		for _, a := range s.model.imported[contract] {
			recipients = append(recipients, fmt.Sprintf(`{"address":%q,"name":"ご担当者"}`, a))
		}
		fmt.Fprintf(&lines, `{"type":"contract","id":%q,"name":"株式会社%s","product":"antivirus","licences":5,"since":"2025-04-01","recipients":[%s]}
{"type":"endpoint","contract":%q,"name":"PC","class":"desktop","os":"Windows 11 Pro","installed_at":"2025-04-02T10:00:00+09:00"}
`, contract, contract, strings.Join(recipients, ","), contract)
		for range s.intn(3) {
			lines.WriteString(s.detection(contract, p))
		}
	}
	s.ingest(lines.String())
}

func (s *simulation) detection(contract string, p store.Period) string {
	return fmt.Sprintf(`{"type":"detection","contract":%q,"id":"d-%d","feature":"virus","time":"%s-%02dT12:00:00+09:00","endpoint":"PC","name":"TROJ_GEN","result":"quarantined","count":%d}
`, contract, s.intn(1<<31), p, 1+s.intn(28), 1+s.intn(9))
}

func (s *simulation) ingest(lines string) {
	s.imports++
	_, err := ingest.JSONLines(s.t.Context(), s.detections, strings.NewReader(lines), ingest.Options{File: fmt.Sprint("import", s.imports), Now: s.now})
	if err != nil {
		s.faultf("import: %v", err)
	}
}
