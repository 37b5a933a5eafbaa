package main

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"geppo/store"
)

var (
	long     = flag.Bool("long", false, "the long form of the tests of the delivery's promise")
	killSeed = flag.Uint64("kill.seed", 0, "the seed of the tests that kill at random; 0: a new one")
)

// killDice decides when a test kills, and tells how to see the same again.
func killDice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -kill.seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// The real binary is killed again and again while it sends over four connections, by a relay that
// also drops some replies to what it has stored.
func TestRandomKills(t *testing.T) {
	contracts, kills := 60, 12
	if *long {
		contracts, kills = 1000, 100
	}
	const connections = 4
	s := newStation(t, template(t, contracts), fmt.Sprint("GEPPO_SMTP_CONNECTIONS=", connections))
	var mu sync.Mutex
	dice := killDice(t)
	killed, events, next := 0, 0, 1+dice.IntN(20)
	relay := newTestRelay(t, func(now stage, _ string, _ int) error {
		mu.Lock()
		defer mu.Unlock()
		if events++; events >= next && killed < kills {
			killed++
			next = events + 1 + dice.IntN(contracts*6/kills)
			s.kill()
			return errCut
		}
		if now == stageStored && dice.IntN(100) < 4 {
			return errCut
		}
		return nil
	})
	s.env = append(s.env, relay.environ())
	code := s.runToTheEnd(kills + 20)
	got := relay.audit(t, s.dir)
	t.Logf("%d kills: exit %d, %+v", killed, code, got)
	if killed != kills {
		t.Errorf("killed %d times, want %d", killed, kills)
	}
	if got.states[store.Sent]+got.states[store.Held] != contracts {
		t.Errorf("%v of %d", got.states, contracts)
	}
	if most := connections*killed + got.lost; got.duplicates > most || got.ambiguous > most {
		t.Errorf("more than %d duplicates or marks", most)
	}
}

// A relay that refuses 10 % for a time, 5 % for good, and drops 2 % after the dot: the half of these once, the others always.
func TestRunUntilNothingIsPending(t *testing.T) {
	contracts := 500
	if *long {
		contracts = 2000
	}
	var runs atomic.Int32
	relay := newTestRelay(t, func(now stage, to string, try int) error {
		n := contractOf(to)
		switch {
		case now == stageRcpt && n%10 == 3 && runs.Load() < 2:
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
		case now == stageRcpt && n%20 == 7:
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		case now == stageStored && (n%100 == 9 && try == 1 || n%100 == 59):
			return errCut
		}
		return nil
	})
	s := newStation(t, template(t, contracts), relay.environ(), "GEPPO_SMTP_CONNECTIONS=4", "GEPPO_RETRY_FIRST=10h", "GEPPO_RETRY_MAX=10h")
	for _, want := range []int{exitPending, exitPending, exitIncomplete} {
		if code, output := s.run(); code != want {
			t.Errorf("exit %d, want %d: %s", code, want, output)
		}
		runs.Add(1)
		s.hoursLater()
	}
	got := relay.audit(t, s.dir)
	hundreds := contracts / 100
	if got.states[store.Failed] != 5*hundreds || got.states[store.Held] != hundreds || got.states[store.Sent] != 94*hundreds {
		t.Errorf("%v", got.states)
	}
	if got.duplicates != 2*hundreds || got.ambiguous != 3*hundreds || got.lost != 3*hundreds {
		t.Errorf("%+v", got)
	}
	for _, d := range s.deliveries() {
		state, attempts, ambiguous, blamed := store.Sent, 1, 0, 0
		switch n := contractOf(d.Recipient); {
		case n%10 == 3:
			attempts, blamed = 3, 2 // the connection is, until a new one has been tried
		case n%20 == 7:
			state = store.Failed
		case n%100 == 9:
			attempts, ambiguous = 2, 1
		case n%100 == 59:
			state, attempts, ambiguous = store.Held, 2, 2
		}
		tries := relay.tries[d.Recipient]
		if d.State != state || d.Attempts != attempts || d.Ambiguous != ambiguous || tries < attempts || tries > attempts+blamed {
			t.Errorf("%s is %s after %d attempts, %d ambiguous; the relay saw %d", d.Recipient, d.State, d.Attempts, d.Ambiguous, tries)
		}
	}
}

// hoursLater makes all that waits due.
func (s *station) hoursLater() {
	s.t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(s.dir, "geppo.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = db.ExecContext(s.t.Context(), "UPDATE deliveries SET next_attempt_at = 0 WHERE state = 'deferred'")
	if err := errors.Join(err, db.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// contractOf is the number of the contract of a recipient in the template, 0 before there is one.
func contractOf(recipient string) (n int) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(recipient, "a"), "@")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
