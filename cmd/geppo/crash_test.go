package main

import (
	"fmt"
	"sync"
	"testing"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// The real binary kills itself at every named point, and is started again until it is idle. With one
// connection it is known exactly what the crash may cost at the first message; at the second the
// first one's record may be lost as well, never more than one message for the connection.
func TestEveryCrashPoint(t *testing.T) {
	const contracts = 3
	from := template(t, contracts)
	cost := map[daemon.Point]struct{ copies, ambiguous int }{
		daemon.AfterHandOver: {0, 1}, // the dot may have been written, as far as the ledger knows
		daemon.Replied:       {1, 1}, // accepted, and nobody has written it down
	}
	for _, point := range daemon.Points {
		visits := []int{1, 2}
		if point == daemon.BeforePlan || point == daemon.AfterPlan || point == daemon.Connected {
			visits = visits[:1] // a run plans once, and one connection is enough for all
		}
		for _, visit := range visits {
			t.Run(fmt.Sprint(point, visit), func(t *testing.T) {
				relay := newTestRelay(t, nil)
				s := newStation(t, from, relay.environ())
				if code, output := s.run(fmt.Sprintf("%s=%s:%d", crashVariable, point, visit)); code != -1 {
					t.Fatalf("exit %d, not a crash: %s", code, output)
				}
				if code := s.runToTheEnd(5); code != exitDone {
					t.Errorf("exit %d", code)
				}
				want := cost[point]
				got := relay.audit(t, s.dir)
				if visit == 2 { // the reply to the first message may be on its way to the disk
					want.copies, want.ambiguous = want.copies+1, want.ambiguous+1
				}
				if point == daemon.Settled { // the next message is on its way by then, up to its dot
					want.ambiguous++
				}
				exact := visit == 1 && point != daemon.Settled
				if got.states[store.Sent] != contracts || got.duplicates > min(want.copies, 1) || got.ambiguous > want.ambiguous ||
					exact && (got.duplicates != want.copies || got.ambiguous != want.ambiguous) {
					t.Errorf("%+v, want %d duplicates and %d marks", got, want.copies, want.ambiguous)
				}
			})
		}
	}
}

// Likewise while a command or the message is on the wire: there the relay kills its client.
func TestEveryCrashOnTheWire(t *testing.T) {
	const contracts = 3
	from := template(t, contracts)
	cost := map[stage]struct{ copies, ambiguous int }{
		stageDot:    {0, 1}, // the relay had it and forgot it
		stageStored: {1, 1},
	}
	for _, at := range stages {
		t.Run(string(at), func(t *testing.T) {
			s := newStation(t, from)
			var once sync.Once
			relay := newTestRelay(t, func(now stage, _ string, _ int) (err error) {
				if now == at {
					once.Do(func() {
						s.kill()
						err = errCut
					})
				}
				return err
			})
			s.env = append(s.env, relay.environ())
			if code, output := s.run(); code != -1 {
				t.Fatalf("exit %d, not killed: %s", code, output)
			}
			if code := s.runToTheEnd(5); code != exitDone {
				t.Errorf("exit %d", code)
			}
			want := cost[at]
			got := relay.audit(t, s.dir)
			if at == stageBody { // what the relay has not read yet may be the whole message
				want.ambiguous = min(got.ambiguous, 1)
			}
			if got.states[store.Sent] != contracts || got.duplicates != want.copies || got.ambiguous != want.ambiguous {
				t.Errorf("%+v, want %d duplicates and %d marks", got, want.copies, want.ambiguous)
			}
		})
	}
}
