// Package console is the daemon's HTTP side: health, readiness and metrics, for machines on the same
// host. It knows neither SQL nor SMTP: what it tells is given to it as functions.
package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Gatherer, promhttp.HandlerOpts{
		ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: 4, Timeout: checkTimeout,
	}))
	return forUs(mux)
}

// forUs refuses what a browser was tricked into asking: a page of another site can reach loopback by
// a name that it resolves to it, but it cannot change the name it asks for.
func forUs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, isTCP := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if isTCP && local.IP.IsLoopback() && !onThisMachine(strings.Trim(host, "[]")) {
			http.Error(w, "ask for this machine by a loopback address or localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
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

// Parse splits "unix:PATH" or an address on loopback into what net.Listen takes. It refuses any other
// address, because what is listened on needs no token.
func Parse(listen string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		if path == "" || strings.HasPrefix(path, "@") {
			return "", "", fmt.Errorf("%q names no file; name one as unix:PATH", listen)
		}
		return "unix", path, nil
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "", "", fmt.Errorf("%q is neither HOST:PORT nor unix:PATH", listen)
	}
	if !onThisMachine(host) {
		return "", "", fmt.Errorf("%q is not on this machine only; name a loopback address such as 127.0.0.1:8025, or unix:PATH", listen)
	}
	return "tcp", listen, nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Listen opens what Parse allows. A unix socket is for its owner and group: who may reach it at all
// is decided by the directory it is in.
func Listen(ctx context.Context, listen string) (net.Listener, error) {
	var config net.ListenConfig
	network, address, err := Parse(listen)
	if err != nil {
		return nil, err
	}
	if network != "unix" {
		return config.Listen(ctx, network, address)
	}
	if err := removeLeftOver(ctx, address); err != nil {
		return nil, err
	}
	listener, err := config.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(address, 0o660); err != nil { //nolint:gosec // G302: the group is meant to connect
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// removeLeftOver removes the socket of a daemon that was killed, and no other file; a socket on which
// somebody answers stays his.
func removeLeftOver(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s is there, and is no socket", path)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("%s: another process listens on it", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
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
