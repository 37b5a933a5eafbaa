package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"geppo/cmd/internal/console"
)

func get(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return recorder.Code, recorder.Body.String()
}

func TestAnswers(t *testing.T) {
	registry := prometheus.NewRegistry()
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "geppo_test", Help: "x"})
	registry.MustRegister(gauge)
	alive, broken := true, error(nil)
	c := &console.Console{
		Alive: func() bool { return alive }, Gatherer: registry, Log: slog.New(slog.DiscardHandler),
		Checks: []console.Check{{Name: "database", Run: func(context.Context) error { return broken }}},
	}
	h := c.Handler()
	expect := func(method, path string, status int, text string) {
		t.Helper()
		if got, body := get(t, h, method, path); got != status || !strings.Contains(body, text) {
			t.Errorf("%s %s: %d %q, want %d with %q", method, path, got, body, status, text)
		}
	}
	expect("GET", "/healthz", 200, "ok")
	expect("GET", "/readyz", 200, "database: ok")
	expect("GET", "/metrics", 200, "geppo_test 0")
	alive, broken = false, errors.New("disk\nfull")
	expect("GET", "/healthz", 503, "no progress")
	expect("GET", "/readyz", 503, "database: disk full\n")
	// Closed by default.
	expect("GET", "/", 404, "")
	expect("POST", "/metrics", 405, "")
	expect("GET", "/debug/pprof/", 404, "")
}

func TestListensOnThisMachineOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.jp:80", "nonsense", "[::]:0", "unix:", "unix:@abstract", ""} {
		if l, err := console.Listen(t.Context(), address, false); err == nil {
			t.Errorf("%s was listened on", address)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestServesOnAUnixSocketUntilItIsStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geppo.sock")
	c := &console.Console{Alive: func() bool { return true }, Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	// A daemon that was killed leaves its socket behind.
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		listener, err := console.Listen(ctx, "unix:"+path, false)
		if err != nil {
			t.Fatal(err)
		}
		if unix, ok := listener.(*net.UnixListener); ok {
			unix.SetUnlinkOnClose(false)
		}
		done := make(chan error, 1)
		go func() { done <- c.Serve(ctx, listener) }()
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", path)
		}}}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://geppo/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); string(body) != "ok\n" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
		client.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A page of another site can make a browser ask loopback, but only by that site's name.
func TestAnswersOnlyWhoAsksForThisMachine(t *testing.T) {
	c := &console.Console{Alive: func() bool { return true }, Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	listener, err := console.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, listener) }()
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8025": 200, "127.0.0.1:8025": 200, "[::1]:8025": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:8025": 421, "127.0.0.1.evil.example": 421, "192.0.2.1": 421,
	} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); answer.StatusCode != want || err != nil {
			t.Errorf("%s: %d, want %d (%v)", host, answer.StatusCode, want, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAUnixSocketIsForItsGroupAndNobodyTakesItOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geppo.sock")
	listener, err := console.Listen(t.Context(), "unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := console.Listen(t.Context(), "unix:"+path, false); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a socket in use was taken over: %v", err)
	}
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := console.Listen(t.Context(), "unix:"+plain, false); err == nil {
		t.Error("listens on a plain file")
	}
	if data, err := os.ReadFile(plain); string(data) != "precious" || err != nil {
		t.Errorf("the file is %q, %v", data, err)
	}
}
