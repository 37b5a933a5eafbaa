package console_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/console"
)

func TestASessionIsOnesOwn(t *testing.T) {
	s := newSite(t, nil)
	fixed := map[string]string{"Cookie": "geppo=chosen-by-somebody-else"}
	cookie, csrf, status := s.login("yamada", "correct horse", fixed)
	if status != http.StatusSeeOther || cookie.Value == "chosen-by-somebody-else" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || len(cookie.Value) < 40 {
		t.Fatalf("%d, %+v", status, cookie)
	}
	header := map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
	form := url.Values{"action": {"resend"}, "delivery": {"1"}, "reason": {"x"}}
	post := func(change func(map[string]string, url.Values)) int {
		h, f := maps.Clone(header), maps.Clone(form)
		f.Set("csrf", csrf)
		change(h, f)
		return s.ask("POST", "/act", h, f).StatusCode
	}
	for name, tt := range map[string]struct {
		change func(map[string]string, url.Values)
		want   int
	}{
		"ours":         {func(map[string]string, url.Values) {}, http.StatusSeeOther},
		"no token":     {func(_ map[string]string, f url.Values) { f.Del("csrf") }, http.StatusForbidden},
		"wrong token":  {func(_ map[string]string, f url.Values) { f.Set("csrf", csrf+"x") }, http.StatusForbidden},
		"other site":   {func(h map[string]string, _ url.Values) { h["Sec-Fetch-Site"] = "cross-site" }, http.StatusForbidden},
		"other origin": {func(h map[string]string, _ url.Values) { h["Origin"] = "https://evil.example" }, http.StatusForbidden},
		"no cookie":    {func(h map[string]string, _ url.Values) { delete(h, "Cookie") }, http.StatusUnauthorized},
	} {
		if got := post(tt.change); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	// It ends by rest, and by its logout.
	s.now = s.now.Add(31 * time.Minute)
	if got := s.ask("GET", "/", header, nil).StatusCode; got != http.StatusSeeOther {
		t.Errorf("a session that rested: %d", got)
	}
	cookie, csrf, _ = s.login("yamada", "correct horse", nil)
	header = map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
	s.ask("POST", "/logout", header, url.Values{"csrf": {csrf}})
	if got := s.ask("GET", "/", header, nil).StatusCode; got != http.StatusSeeOther {
		t.Errorf("a session after its logout: %d", got)
	}
}

func TestLoginsAreFew(t *testing.T) {
	s := newSite(t, nil)
	for range 20 { // what is right is never too much
		if _, _, status := s.login("", operatorToken, nil); status != http.StatusSeeOther {
			t.Fatalf("the token is answered by %d", status)
		}
	}
	for i := range 7 {
		want := http.StatusUnauthorized
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		for _, name := range []string{"yamada", fmt.Sprint("nobody", i)} {
			if answer := s.ask("POST", "/login", nil, url.Values{"name": {name}, "password": {"wrong"}}); answer.StatusCode != want || len(answer.Cookies()) > 0 {
				t.Errorf("try %d of %s: %d, want %d", i, name, answer.StatusCode, want)
			}
		}
	}
	if _, _, status := s.login("yamada", "correct horse", nil); status != http.StatusTooManyRequests {
		t.Errorf("a right guess right after: %d", status)
	}
	s.now = s.now.Add(time.Minute)
	if _, _, status := s.login("yamada", "correct horse", nil); status != http.StatusSeeOther {
		t.Errorf("a minute later: %d", status)
	}
}

func TestTLSMakesCookiesSecure(t *testing.T) {
	for _, change := range []func(*console.Door){
		func(d *console.Door) { d.TLS = true }, func(d *console.Door) { d.URL = "https://geppo.example.jp" },
	} {
		s := newSite(t, change)
		answer := s.ask("POST", "/login", nil, url.Values{"password": {operatorToken}})
		if len(answer.Cookies()) != 1 || !answer.Cookies()[0].Secure || !strings.HasPrefix(answer.Cookies()[0].Name, "__Host-") || answer.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%v", answer.Header)
		}
	}
}
