package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The binary asks its own daemon, over TCP and over a socket; whatever is not well is 69 with a reason.
func TestHealthcheckAsksTheDaemon(t *testing.T) {
	answers := http.NewServeMux()
	answers.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	answers.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("queue: paused\n"))
	})
	dir := t.TempDir()
	for _, network := range []string{"tcp", "unix", "tls"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(dir, "s")
		}
		listener, err := net.Listen(strings.Replace(network, "tls", "tcp", 1), address)
		if err != nil {
			t.Fatal(err)
		}
		listen := listener.Addr().String()
		if network == "unix" {
			listen = "unix:" + listen
		}
		server, more := httptest.NewUnstartedServer(answers), ""
		if err := server.Listener.Close(); err != nil {
			t.Fatal(err)
		}
		server.Listener = listener
		if network == "tls" {
			more = "tls_cert_file = '/cert.pem'\ntls_key_file = '/key.pem'\n"
			server.StartTLS()
		} else {
			server.Start()
		}
		settings := filepath.Join(dir, network+".toml")
		if err := os.WriteFile(settings, []byte("[http]\nlisten = '"+listen+"'\n"+more), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			args []string
			code int
			says string
		}{{[]string{"healthcheck"}, exitDone, "ok"}, {[]string{"healthcheck", "--ready"}, exitUnavailable, "queue: paused"}} {
			if code, stdout, stderr := runGeppo(t, append([]string{"-c", settings}, test.args...)...); code != test.code || !strings.Contains(stdout+stderr, test.says) {
				t.Errorf("%s %v: exit %d, %s%s", network, test.args, code, stdout, stderr)
			}
		}
		server.Close()
		if code, _, stderr := runGeppo(t, "-c", settings, "healthcheck"); code != exitUnavailable || !strings.Contains(stderr, "does not answer") {
			t.Errorf("%s, nobody there: exit %d, %s", network, code, stderr)
		}
	}
}
