package sink_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"geppo/cmd/internal/sink"
)

// deaf is a listener that nobody ever connects to. Its Close may come before the first Accept, which
// then waits for ever as a real one does that was closed by nobody.
type deaf struct{ closed chan struct{} }

func (d deaf) Accept() (net.Conn, error) { <-d.closed; return nil, net.ErrClosed }
func (d deaf) Addr() net.Addr            { return &net.UnixAddr{Name: "deaf"} }

func (d deaf) Close() error {
	select {
	case <-d.closed:
		return net.ErrClosed
	default:
		close(d.closed)
		return nil
	}
}

// A test that skips stops its server before that has begun to serve.
func TestAServerThatIsStoppedAtOnceEnds(t *testing.T) {
	for _, begun := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			stop := sink.Serve(smtp.NewServer(nil), deaf{make(chan struct{})})
			if begun {
				synctest.Wait()
			}
			if err := stop(); err != nil {
				t.Errorf("begun %t: %v", begun, err)
			}
		})
	}
}

// stuck is a listener that cannot be closed.
type stuck struct{ deaf }

func (stuck) Close() error { return nil }

func TestAServerThatDoesNotEndIsSaidAndNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := stuck{deaf{make(chan struct{})}}
		stop, start := sink.Serve(smtp.NewServer(nil), listener), time.Now()
		if err := stop(); err == nil || time.Since(start) > time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		close(listener.closed)
	})
}

func TestStartAndCloseAtOnce(t *testing.T) {
	for range 200 {
		s, err := sink.Start(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
