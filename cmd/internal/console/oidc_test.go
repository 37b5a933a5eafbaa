package console_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"golang.org/x/oauth2"

	"geppo/cmd/internal/console"
)

// identity is a small provider: it gives everybody who asks a code, and to a code the claims of the moment.
type identity struct {
	t      *testing.T
	url    string
	keys   oidctest.Server
	key    *ecdsa.PrivateKey
	claims map[string]any // of the token, beside those that it must have
	info   map[string]any // what it tells where it is asked apart; nil: it is not
	asked  url.Values     // the last one who was sent here
	down   bool
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &identity{t: t, key: key, claims: map[string]any{}}
	i.keys.PublicKeys = []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.ES256}}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.url = server.URL
	i.keys.SetIssuer(i.url)
	return i
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case i.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		told := map[string]any{
			"issuer": i.url, "authorization_endpoint": i.url + "/auth", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
			"id_token_signing_alg_values_supported": []string{oidc.ES256},
		}
		if i.info != nil {
			told["userinfo_endpoint"] = i.url + "/info"
		}
		i.answer(w, told)
	case r.URL.Path == "/token":
		i.token(w, r)
	case r.URL.Path == "/info" && r.Header.Get("Authorization") == "Bearer access":
		i.answer(w, i.info)
	default:
		i.keys.ServeHTTP(w, r)
	}
}

func (i *identity) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// token gives the claims only to the client that can show the verifier of what it sent the browser with.
func (i *identity) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	challenge := oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier"))
	if id != "geppo" || secret != "secret" || r.PostFormValue("code") != "code" || challenge != i.asked.Get("code_challenge") ||
		r.PostFormValue("redirect_uri") != i.asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		i.answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": i.url, "aud": "geppo", "sub": "1", "exp": today.Add(time.Minute).Unix(), "nonce": i.asked.Get("nonce")}
	maps.Copy(claims, i.claims)
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	i.answer(w, map[string]any{
		"access_token": "access", "token_type": "Bearer", "expires_in": 60,
		"id_token": oidctest.SignIDToken(i.key, "k", oidc.ES256, string(text)),
	})
}

// door asks the provider beside the site's tokens.
func (i *identity) door(d *console.Door) {
	d.URL = "https://geppo.example.jp"
	d.Access.Users = append(d.Access.Users, console.User{Name: "tanaka@example.jp", Role: console.Clerk})
	d.Access.OIDC = &console.OIDC{
		Issuer: i.url, ClientID: "geppo", Secret: "secret", Scopes: []string{"openid", "email"}, NameClaim: "email", RoleClaim: "groups",
		Roles: map[string]console.Role{"staff": console.Viewer, "desk-leads": console.Operator},
	}
}

// journey is a login by the provider; change alters what the browser brings back.
func (i *identity) journey(s *site, change func(query url.Values, cookie *http.Cookie)) *http.Response {
	s.t.Helper()
	sent := s.ask("GET", "/login/oidc?back=/log", nil, nil)
	to, err := url.Parse(sent.Header.Get("Location"))
	if err != nil || sent.StatusCode != http.StatusSeeOther || len(sent.Cookies()) != 1 {
		s.t.Fatalf("%d %v %v", sent.StatusCode, err, sent.Header)
	}
	i.asked = to.Query()
	query, cookie := url.Values{"code": {"code"}, "state": {i.asked.Get("state")}}, sent.Cookies()[0]
	if change != nil {
		change(query, cookie)
	}
	return s.ask("GET", "/login/oidc/callback?"+query.Encode(), map[string]string{"Cookie": cookie.Name + "=" + cookie.Value, "Sec-Fetch-Site": "cross-site"}, nil)
}

func sessionOf(answer *http.Response) *http.Cookie {
	i := slices.IndexFunc(answer.Cookies(), func(c *http.Cookie) bool { return c.Name == "__Host-geppo" })
	if i < 0 {
		return nil
	}
	return answer.Cookies()[i]
}

func TestAProviderSaysWhoSomebodyIs(t *testing.T) {
	verified := func(more map[string]any) map[string]any {
		claims := map[string]any{"email": "sato@example.jp", "email_verified": true}
		maps.Copy(claims, more)
		return claims
	}
	for name, tt := range map[string]struct {
		claims, info map[string]any
		role         string // in English, as the page shows it; "": he is not let in
	}{
		"a group":         {claims: verified(map[string]any{"groups": []string{"others", "staff"}}), role: "viewer"},
		"the highest":     {claims: verified(map[string]any{"groups": []string{"staff", "desk-leads"}}), role: "operator"},
		"one text":        {claims: verified(map[string]any{"groups": "staff"}), role: "viewer"},
		"by name":         {claims: verified(map[string]any{"email": "tanaka@example.jp", "groups": "desk-leads"}), role: "desk"},
		"no group":        {claims: verified(nil)},
		"another group":   {claims: verified(map[string]any{"groups": []any{"Staff", 7}})},
		"not verified":    {claims: map[string]any{"email": "tanaka@example.jp", "email_verified": false, "groups": "staff"}},
		"not said":        {claims: map[string]any{"email": "tanaka@example.jp"}},
		"no name":         {claims: map[string]any{"groups": "staff"}},
		"ours":            {claims: verified(map[string]any{"email": "yamada"})}, // who has a password logs in by it
		"told apart":      {claims: map[string]any{}, info: verified(map[string]any{"sub": "1", "groups": "staff"}), role: "viewer"},
		"signed is first": {claims: verified(nil), info: map[string]any{"sub": "1", "email": "tanaka@example.jp", "groups": "staff"}, role: "viewer"},
		"of another":      {claims: map[string]any{}, info: verified(map[string]any{"sub": "2", "groups": "staff"})},
		"expired":         {claims: verified(map[string]any{"groups": "staff", "exp": today.Add(-time.Minute).Unix()})},
		"for others":      {claims: verified(map[string]any{"groups": "staff", "aud": "another"})},
		"by others":       {claims: verified(map[string]any{"groups": "staff", "iss": "https://evil.example"})},
		"another login":   {claims: verified(map[string]any{"groups": "staff", "nonce": "x"})},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIdentity(t)
			i.claims, i.info = tt.claims, tt.info
			s := newSite(t, i.door)
			answer := i.journey(s, nil)
			session := sessionOf(answer)
			if tt.role == "" {
				if answer.StatusCode != http.StatusUnauthorized || session != nil {
					t.Fatalf("%d %v", answer.StatusCode, answer.Header)
				}
				return
			}
			if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/log" || session == nil || !session.Secure {
				t.Fatalf("%d %v", answer.StatusCode, answer.Header)
			}
			header := map[string]string{"Cookie": session.Name + "=" + session.Value, "Accept-Language": "en"}
			page := s.read(s.ask("GET", "/", header, nil))
			if wanted := "sato@example.jp"; !strings.Contains(page, tt.role) || tt.role != "desk" && !strings.Contains(page, wanted) {
				t.Errorf("the page does not say %s: %s", tt.role, page)
			}
		})
	}
}

func TestALoginByAProviderIsTheBrowsersOwn(t *testing.T) {
	i := newIdentity(t)
	i.claims = map[string]any{"email": "tanaka@example.jp", "email_verified": "true"}
	s := newSite(t, i.door)
	for name, change := range map[string]func(url.Values, *http.Cookie){
		"another state":  func(q url.Values, _ *http.Cookie) { q.Set("state", "x") },
		"no state":       func(q url.Values, _ *http.Cookie) { q.Del("state") },
		"another code":   func(q url.Values, _ *http.Cookie) { q.Set("code", "x") },
		"no cookie":      func(_ url.Values, c *http.Cookie) { c.Name = "x" },
		"an empty one":   func(q url.Values, c *http.Cookie) { c.Value = "e30"; q.Set("state", "") }, // {}
		"a broken one":   func(_ url.Values, c *http.Cookie) { c.Value = "%" },
		"it was refused": func(q url.Values, _ *http.Cookie) { q.Set("error", "access_denied") },
	} {
		if answer := i.journey(s, change); answer.StatusCode != http.StatusUnauthorized || sessionOf(answer) != nil {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	if i.asked.Get("code_challenge_method") != "S256" || i.asked.Get("redirect_uri") != "https://geppo.example.jp/login/oidc/callback" || i.asked.Get("scope") != "openid email" {
		t.Errorf("the browser is sent with %v", i.asked)
	}
	if answer := i.journey(s, nil); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("after all that: %d", answer.StatusCode)
	}
}

func TestAProviderMayBeAway(t *testing.T) {
	i := newIdentity(t)
	i.down = true
	s := newSite(t, i.door)
	if answer := s.ask("GET", "/login/oidc", nil, nil); answer.StatusCode != http.StatusBadGateway || len(answer.Cookies()) > 0 {
		t.Errorf("away: %d", answer.StatusCode)
	}
	if _, _, status := s.login("yamada", "correct horse", nil); status != http.StatusSeeOther {
		t.Errorf("a password while it is away: %d", status)
	}
	i.down = false
	i.claims = map[string]any{"email": "tanaka@example.jp", "email_verified": true}
	if answer := i.journey(s, nil); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("back again: %d", answer.StatusCode)
	}
	if err := s.door.Access.OIDC.Check(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := console.OIDC{Issuer: i.url + "/"}
	if err := wrong.Check(t.Context()); err == nil {
		t.Error("an issuer that calls itself otherwise was taken")
	}
	without := newSite(t, nil)
	for _, path := range []string{"/login/oidc", "/login/oidc/callback?code=code&state=x"} {
		if answer := without.ask("GET", path, nil, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s without a provider: %d", path, answer.StatusCode)
		}
	}
}
