package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"geppo/cmd/internal/daemon"
)

// However many ask at the same time, the relay is asked once; and then not again until it is old news.
func TestTheRelayIsAskedByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logins := 0
		var answer error
		r := daemon.NewRelay(slog.New(slog.NewTextHandler(&log, nil)), time.Now, func(context.Context) error {
			logins++
			time.Sleep(3 * time.Second)
			return answer
		})
		if up, known := r.Up(); up || known {
			t.Errorf("before anybody asked: up %v, known %v", up, known)
		}
		askAll := func(want string) {
			t.Helper()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if err := r.Ask(t.Context(), time.Minute); (err == nil) != (want == "") || err != nil && err.Error() != want {
						t.Errorf("%v, want %q", err, want)
					}
				})
			}
			all.Wait()
		}
		askAll("")
		time.Sleep(30 * time.Second)
		askAll("")
		if up, known := r.Up(); logins != 1 || !up || !known {
			t.Errorf("%d logins, up %v, known %v", logins, up, known)
		}
		time.Sleep(time.Minute)
		answer = errors.New("535 wrong password")
		askAll("535 wrong password")
		askAll("535 wrong password")
		if up, _ := r.Up(); logins != 2 || up {
			t.Errorf("%d logins, up %v", logins, up)
		}
		r.Learned(nil) // by a mail that was sent
		askAll("")
		if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "535 wrong password") {
			t.Errorf("each change is a line of the log, and nothing else:\n%s", log.String())
		}
	})
}

func TestASilentRelayKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := true
		r := daemon.NewRelay(slog.New(slog.DiscardHandler), time.Now, func(ctx context.Context) error {
			if silent {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		ask := func() (took time.Duration, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			began := time.Now()
			err = r.Ask(ctx, time.Minute)
			return time.Since(began), err
		}
		if took, err := ask(); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		if _, known := r.Up(); known {
			t.Error("a question that was given up says something of the relay")
		}
		// Who has the time waits for a minute at the most.
		began := time.Now()
		if err := r.Ask(t.Context(), time.Minute); err == nil || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		silent = false
		time.Sleep(time.Hour)
		if err := r.Ask(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		silent = true
		time.Sleep(time.Hour)
		if _, err := ask(); err != nil {
			t.Errorf("without an answer the last one counts: %v", err)
		}
	})
}
