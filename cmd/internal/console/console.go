// Package console is the daemon's HTTP side: health, readiness and metrics, for machines on the same
// host. It knows neither SQL nor SMTP: what it tells is given to it as functions.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check is one thing that must work for the daemon to do its work.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Console answers GET /healthz, /readyz and /metrics, and nothing else.
type Console struct {
	Alive    func() bool // the daemon's loops show progress
	Checks   []Check
	Gatherer prometheus.Gatherer
	Log      *slog.Logger
}

// checkTimeout bounds a readiness check, so that a silent relay answers as one.
const checkTimeout = 10 * time.Second

// Handler is the HTTP side.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", c.health)
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	return mux
}

func (c *Console) health(w http.ResponseWriter, _ *http.Request) {
	if !c.Alive() {
		c.answer(w, http.StatusServiceUnavailable, "no progress\n")
		return
	}
	c.answer(w, http.StatusOK, "ok\n")
}

func (c *Console) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	status, lines := http.StatusOK, ""
	for _, check := range c.Checks {
		result := "ok"
		if err := check.Run(ctx); err != nil {
			status, result = http.StatusServiceUnavailable, strings.Join(strings.Fields(err.Error()), " ")
		}
		lines += fmt.Sprintf("%s: %s\n", check.Name, result)
	}
	c.answer(w, status, lines)
}

func (c *Console) answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write([]byte(text)); err != nil {
		c.Log.Debug("the answer could not be written", "error", err)
	}
}

// Listen opens "unix:PATH" or an address on loopback; it refuses any other, because what is
// listened on needs no token.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		// A socket that a killed daemon left behind; the ledger's lock says that it is not in use.
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
		return config.Listen(ctx, "unix", path)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("http.listen: %q is not on this machine; name a loopback address or unix:PATH", address)
	}
	return config.Listen(ctx, "tcp", address)
}

// Serve answers until ctx is done.
func (c *Console) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: c.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		stopped <- server.Shutdown(bounded)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
