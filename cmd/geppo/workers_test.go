package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore/pgtest"
)

// crew are some geppo serve on one PostgreSQL, each as if on a machine of its own but for the archive, which they share.
type crew struct {
	t       *testing.T
	dsn     string
	workers []*station
	planner *station // runs geppo run beside them
	relay   *testRelay
}

const crewConnections = 2 // of each

func newCrew(t *testing.T, dsn string, contracts, workers int, relay *testRelay, env ...string) *crew {
	t.Helper()
	c := &crew{t: t, dsn: dsn, relay: relay}
	fillTemplate(t, dsn, dsn, contracts)
	dir := t.TempDir()
	for n := range workers + 1 {
		name := fmt.Sprint("w", n)
		s := newBareStation(t, filepath.Join(dir, name), relay.environ(), "GEPPO_STORE_DSN="+dsn, "GEPPO_STORE_WORKER="+name,
			fmt.Sprint("GEPPO_SMTP_CONNECTIONS=", crewConnections), "GEPPO_HTTP_LISTEN=127.0.0.1:0", "GEPPO_ARCHIVE_DIR="+filepath.Join(dir, "archive"))
		s.env = append(s.env, env...)
		if n == 0 {
			c.planner = s
		} else {
			c.workers = append(c.workers, s)
		}
	}
	return c
}

// finish has the month sent to the end and then tells the workers to stop; while they run, each is started by lead.
func (c *crew) finish(lead func(n int, s *station, over func() bool) error) {
	c.t.Helper()
	var group errgroup.Group
	done := make(chan struct{})
	over := func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	for n, s := range c.workers {
		group.Go(func() error { return lead(n, s, over) })
	}
	code := exitUnavailable
	for range 500 { // a database that restarts is not there for a while
		if code, _ = c.planner.run(); code == exitDone || code == exitIncomplete {
			break
		}
	}
	close(done)
	for _, s := range c.workers {
		s.terminate()
	}
	if err := group.Wait(); err != nil {
		c.t.Error(err)
	}
	if code != exitDone && code != exitIncomplete {
		c.t.Errorf("exit %d", code)
	}
}

// terminate asks the running process to stop.
func (s *station) terminate() {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
}

// Three daemons on one database are killed at random points of random messages, and each is started again in its place:
// nothing is lost, and what may be double is so much as the killed had connections, and marked.
func TestWorkersAreKilledAtRandom(t *testing.T) {
	contracts, kills := 200, 12
	if *long {
		contracts, kills = 1000, 100
	}
	c := newCrew(t, pgtest.Database(t), contracts, 3, newTestRelay(t, nil))
	var mu sync.Mutex
	dice, killed := killDice(t), 0
	crash := func() []string {
		mu.Lock()
		defer mu.Unlock()
		if killed >= kills {
			return nil
		}
		point := daemon.Points[2+dice.IntN(len(daemon.Points)-2)] // planning is the planner's
		return []string{fmt.Sprintf("%s=%s:%d", crashVariable, point, 1+dice.IntN(4))}
	}
	c.finish(func(_ int, s *station, over func() bool) error {
		for !over() {
			code, output := s.geppo(crash(), "serve")
			switch {
			case code == -1:
				mu.Lock()
				killed++
				mu.Unlock()
			case code != exitDone:
				return fmt.Errorf("exit %d: %s", code, output)
			}
		}
		return nil
	})
	got := c.relay.auditLedger(t, c.dsn)
	t.Logf("%d kills: %+v", killed, got)
	if killed < kills/2 {
		t.Errorf("only %d were killed", killed)
	}
	// One whose handing over was cut off twice is held, for somebody to decide.
	if got.states[store.Sent]+got.states[store.Held] != contracts {
		t.Errorf("%v of %d", got.states, contracts)
	}
	if most := crewConnections * killed; got.duplicates > most || got.ambiguous > most {
		t.Errorf("more than %d duplicates or marks", most)
	}
}

// keepServing starts a worker again whenever it ends.
func keepServing(_ int, s *station, over func() bool) error {
	for !over() {
		_, _ = s.geppo(nil, "serve") // what matters is what the ledger and the relay say in the end
	}
	return nil
}

// A worker that is stopped right before its dot, for longer than anybody waits for it, is killed by the kernel's timer
// before others take over what it was handing over: it cannot wake up and write its dot beside theirs.
func TestAStoppedWorkerNeverWakesUp(t *testing.T) {
	const contracts = 20
	begun, once := make(chan struct{}), sync.Once{}
	relay := newTestRelay(t, func(now stage, _ string, _ int) error {
		if now == stageRcpt { // to ask whether the relay lets us in is less
			once.Do(func() { close(begun) })
		}
		return nil
	})
	c := newCrew(t, pgtest.Database(t), contracts, 2, relay, graceVariable+"=4s")
	c.planner.env = append(c.planner.env, "GEPPO_SMTP_PORT=1") // it plans, and reaches nobody
	stopped := -2
	c.finish(func(n int, s *station, over func() bool) error {
		if n == 0 {
			stopped, _ = s.geppo([]string{fmt.Sprintf("%s=%s:1", stopVariable, daemon.AfterHandOver), "GEPPO_SMTP_CONNECTIONS=1"}, "serve")
			return nil
		}
		receive(t, "the other worker's first message", begun)
		return keepServing(n, s, over)
	})
	got := c.relay.auditLedger(t, c.dsn)
	if stopped != -1 {
		t.Errorf("the stopped worker ended with %d, and was not killed", stopped)
	}
	if got.states[store.Sent] != contracts || got.duplicates != 0 || got.ambiguous != 1 {
		t.Errorf("%+v", got)
	}
}

// atEvery has an action done at every so manyth event at the relay, while it waits.
func atEvery(n, most int, act func()) func(stage, string, int) error {
	var mu sync.Mutex
	events := 0
	return func(stage, string, int) error {
		mu.Lock()
		defer mu.Unlock()
		if events++; events%n == 0 && events/n <= most {
			act()
		}
		return nil
	}
}

// Every session is cut off again and again, in the middle of whatever it does: nothing is lost, and nothing is sent twice.
func TestSessionsAreTerminated(t *testing.T) {
	const contracts = 60
	dsn := pgtest.Database(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cut := 0
	relay := newTestRelay(t, atEvery(25, 10, func() {
		cut++
		if _, err := db.ExecContext(t.Context(), `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Error(err)
		}
	}))
	c := newCrew(t, dsn, contracts, 2, relay)
	c.finish(keepServing)
	got := c.relay.auditLedger(t, dsn)
	t.Logf("%d times: %+v", cut, got)
	if got.states[store.Sent] != contracts || got.duplicates != 0 || cut == 0 {
		t.Errorf("%+v", got)
	}
}

// The server crashes and comes back: nothing is lost, and nothing is sent twice.
func TestTheServerCrashes(t *testing.T) {
	const contracts = 60
	cluster := pgtest.Start(t)
	crashes := 0
	relay := newTestRelay(t, atEvery(60, 3, func() {
		crashes++
		cluster.Restart(t, syscall.SIGQUIT)
	}))
	c := newCrew(t, cluster.Database(t), contracts, 2, relay)
	c.finish(keepServing)
	got := c.relay.auditLedger(t, c.dsn)
	t.Logf("%d times: %+v", crashes, got)
	if got.states[store.Sent] != contracts || got.duplicates != 0 || crashes == 0 {
		t.Errorf("%+v", got)
	}
}

// blackHole is a way to the server that can be made to swallow all that goes over it, which tells neither side anything.
type blackHole struct {
	dir  string
	open chan struct{} // closed: nothing gets through any more
}

func newBlackHole(t *testing.T, to string) *blackHole {
	t.Helper()
	dir, err := os.MkdirTemp("", "hole") // the path of a socket ends at 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	h := &blackHole{dir, make(chan struct{})}
	var pumps sync.WaitGroup
	t.Cleanup(func() {
		err := listener.Close()
		pumps.Wait()
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	pumps.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", filepath.Join(to, socket))
			if err != nil {
				_ = client.Close() // its server is gone, too
				continue
			}
			pumps.Go(func() { h.pump(server, client) })
			pumps.Go(func() { h.pump(client, server) })
		}
	})
	return h
}

// pump carries what comes until the hole opens; then it takes it and carries nothing.
func (h *blackHole) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-h.open:
			continue
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A worker whose way to the database swallows everything is killed by its own timer, and what it had goes to another:
// nothing is lost, and no more is sent twice than it had connections.
func TestAWorkerIsCutOff(t *testing.T) {
	const contracts = 40
	cluster := pgtest.Start(t)
	hole := newBlackHole(t, cluster.Dir())
	begun := make(chan struct{})
	events := 0
	var mu sync.Mutex
	relay := newTestRelay(t, func(stage, string, int) error {
		mu.Lock()
		defer mu.Unlock()
		if events++; events == 30 {
			close(hole.open)
			close(begun)
		}
		return nil
	})
	c := newCrew(t, cluster.Database(t), contracts, 2, relay, graceVariable+"=4s")
	c.planner.env = append(c.planner.env, "GEPPO_SMTP_PORT=1")
	cutOff := -2
	c.finish(func(n int, s *station, over func() bool) error {
		if n == 1 {
			receive(t, "the other worker's messages", begun)
			return keepServing(n, s, over)
		}
		through := strings.ReplaceAll(c.dsn, url.QueryEscape(cluster.Dir()), url.QueryEscape(hole.dir))
		cutOff, _ = s.geppo([]string{"GEPPO_STORE_DSN=" + through}, "serve")
		return nil
	})
	got := c.relay.auditLedger(t, c.dsn)
	t.Logf("%+v", got)
	if cutOff != -1 {
		t.Errorf("the worker that was cut off ended with %d, and was not killed", cutOff)
	}
	if got.states[store.Sent] != contracts || got.duplicates > crewConnections || got.ambiguous > crewConnections {
		t.Errorf("%+v", got)
	}
}
