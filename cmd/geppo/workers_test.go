package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

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

func newCrew(t *testing.T, dsn string, contracts, workers int, relay *testRelay) *crew {
	t.Helper()
	c := &crew{t: t, dsn: dsn, relay: relay}
	fillTemplate(t, dsn, dsn, contracts)
	dir := t.TempDir()
	for n := range workers + 1 {
		name := fmt.Sprint("w", n)
		s := newBareStation(t, filepath.Join(dir, name), relay.environ(), "GEPPO_STORE_DSN="+dsn, "GEPPO_STORE_WORKER="+name,
			fmt.Sprint("GEPPO_SMTP_CONNECTIONS=", crewConnections), "GEPPO_HTTP_LISTEN=127.0.0.1:0", "GEPPO_ARCHIVE_DIR="+filepath.Join(dir, "archive"))
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
	code := c.planner.runToTheEnd(200)
	close(done)
	for _, s := range c.workers {
		s.terminate()
	}
	if err := group.Wait(); err != nil {
		c.t.Error(err)
	}
	if code != exitDone {
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
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -kill.seed %d", seed)
	c := newCrew(t, pgtest.Database(t), contracts, 3, newTestRelay(t, nil))
	var mu sync.Mutex
	dice, killed := rand.New(rand.NewPCG(seed, 0)), 0
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
	if got.states[store.Sent] != contracts {
		t.Errorf("%v of %d", got.states, contracts)
	}
	if most := crewConnections * killed; got.duplicates > most || got.ambiguous > most {
		t.Errorf("more than %d duplicates or marks", most)
	}
}
