package console_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"geppo/cmd/internal/console"
)

func TestNobodyIsLetInUnknown(t *testing.T) {
	s := newSite(t, nil)
	others := []string{"/deliveries/1/mail/html", "/deliveries/1/mail/eml", "/followups.csv", "/charts/sent.png", "/contracts/C1/preview/2026-10/html"}
	for _, path := range append(others, paths...) {
		answer := s.ask("GET", path, nil, nil)
		if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/login?back=") {
			t.Errorf("%s: a stranger gets %d", path, answer.StatusCode)
		}
		if answer := s.ask("GET", path, bearer("wrong"), nil); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: a wrong token gets %d", path, answer.StatusCode)
		}
		if answer := s.ask("GET", path, bearer(operatorToken), nil); answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: an operator gets %d: %s", path, answer.StatusCode, s.read(answer))
		}
	}
	for _, path := range []string{"/act", "/followups", "/stale", "/logout"} {
		if answer := s.ask("POST", path, nil, url.Values{"action": {"pause"}, "reason": {"x"}}); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: a stranger's form gets %d", path, answer.StatusCode)
		}
	}
	if len(s.office.done) > 0 {
		t.Errorf("a stranger did %v", s.office.done)
	}
}

// A proxy is believed only from this machine, for one name that is known.
func TestAProxyVouchesForAName(t *testing.T) {
	s := newSite(t, func(d *console.Door) { d.Access.ProxyUser = "X-Remote-User" })
	for name, tt := range map[string]struct {
		user, from string
		want       int
	}{
		"known": {"yamada", "127.0.0.1:9", 200}, "IPv6": {"yamada", "[::1]:9", 200},
		"from elsewhere": {"yamada", "192.0.2.1:9", 303}, "unknown": {"root", "127.0.0.1:9", 303}, "nobody": {"", "127.0.0.1:9", 303},
	} {
		answer := s.ask("GET", "/act?action=resend&delivery=1", map[string]string{"X-Remote-User": tt.user, "From": tt.from}, nil)
		if answer.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, tt.want)
		}
	}
	if answer := s.ask("POST", "/act", map[string]string{"X-Remote-User": "yamada"}, url.Values{"action": {"resend"}, "delivery": {"1"}, "reason": {"x"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site that the proxy lets through: %d", answer.StatusCode)
	}
	if answer := newSite(t, nil).ask("GET", "/", map[string]string{"X-Remote-User": "yamada"}, nil); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a header that nobody configured: %d", answer.StatusCode)
	}
}

// What machines ask for is for this machine, unless a token comes along; whether the daemon lives is no secret.
func TestMachinesElsewhereBringAToken(t *testing.T) {
	s := newSite(t, nil)
	c := &console.Console{Pages: s.pages, Alive: func() bool { return true }, Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	s.h = c.Handler()
	for name, tt := range map[string]struct {
		path, from, token string
		want              int
	}{
		"metrics here": {"/metrics", "127.0.0.1:9", "", 200}, "ready here": {"/readyz", "[::1]:9", "", 200},
		"metrics there": {"/metrics", "192.0.2.1:9", "", 401}, "ready there": {"/readyz", "192.0.2.1:9", "", 401},
		"with a wrong token": {"/metrics", "192.0.2.1:9", "wrong", 401}, "with a token": {"/metrics", "192.0.2.1:9", viewerToken, 200},
		"alive": {"/healthz", "192.0.2.1:9", "", 200}, "a page": {"/", "192.0.2.1:9", "", 303},
	} {
		header := map[string]string{"From": tt.from}
		if tt.token != "" {
			header["Authorization"] = "Bearer " + tt.token
		}
		if got := s.ask("GET", tt.path, header, nil).StatusCode; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestTokensAreLongAndHaveARole(t *testing.T) {
	long := strings.Repeat("x", 32)
	for text, ok := range map[string]bool{
		long: true, long + " viewer": true, "# a\n\n" + long + " desk Yamada Taro\n": true,
		"": false, "# nothing": false, long[1:]: false, long + " root": false,
	} {
		_, err := console.ReadTokens(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "xxx") {
			t.Errorf("an error repeats the token: %v", err)
		}
	}
}

func TestHashesAreBounded(t *testing.T) {
	good := console.HashPassword("x")
	if err := console.CheckHash(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "x", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "m=19456", "m=99999999", 1),
		strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1), good[:len(good)-40],
	} {
		if console.CheckHash(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
