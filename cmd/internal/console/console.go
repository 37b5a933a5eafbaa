// Package console is the daemon's HTTP side: health, readiness and metrics for machines, and pages for people, who must
// say who they are. It knows neither SQL nor SMTP: what it tells and does is given to it by small interfaces.
package console

import (
	"context"
	"crypto/tls"
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

// Console answers GET /healthz, /readyz and /metrics, and everything else by its pages, if it has any.
type Console struct {
	Pages    *Pages      // nil: nobody is let in
	TLS      *tls.Config // nil: in the clear, which is for this machine
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
	if c.Pages == nil {
		return forUs(func() string { return "" }, mux)
	}
	mux.Handle("/", c.Pages.Handler())
	return forUs(func() string { return c.Pages.door.Load().host }, c.forMachines(mux))
}

// forMachines wants a token for what machines ask from elsewhere; whether the daemon lives is no secret.
func (c *Console) forMachines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isTheirs := r.URL.Path == "/metrics" || r.URL.Path == "/readyz"
		if isTheirs && !fromThisMachine(r) && !c.Pages.visitor(r).known {
			w.Header().Set("WWW-Authenticate", `Bearer realm="geppo"`)
			c.answer(w, http.StatusUnauthorized, "a token is wanted\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forUs refuses what a browser was tricked into asking: a page of another site can reach loopback by
// a name that it resolves to it, but it cannot change the name it asks for. A proxy asks by the console's own.
func forUs(proxied func() string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, isTCP := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if isTCP && local.IP.IsLoopback() && !onThisMachine(strings.Trim(host, "[]")) && (proxied() == "" || host != proxied()) {
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

// Parse splits "unix:PATH" or an address into what net.Listen takes. It refuses one beyond loopback unless it is
// guarded: what is listened on there needs a token, and TLS so that nobody reads it on its way.
func Parse(listen string, guarded bool) (network, address string, err error) {
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
	if !onThisMachine(host) && !guarded {
		return "", "", fmt.Errorf("%q is not on this machine only; name a loopback address such as 127.0.0.1:8025, or unix:PATH; or set http.token_file or [http.users], and http.tls_cert_file", listen)
	}
	return "tcp", listen, nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Listen opens what Parse allows. A unix socket is for its owner and group: who may reach it at all
// is decided by the directory it is in.
func Listen(ctx context.Context, listen string, guarded bool) (net.Listener, error) {
	var config net.ListenConfig
	network, address, err := Parse(listen, guarded)
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
	if c.Pages != nil {
		c.Pages.ending = ctx
		defer c.Pages.working.Wait()
	}
	if c.TLS != nil {
		listener = tls.NewListener(listener, c.TLS)
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
