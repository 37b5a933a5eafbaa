package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// A provider of OpenID Connect says who somebody is: the browser is sent there and comes back with a code (the code flow
// of OpenID Connect Core 1.0, with PKCE, RFC 7636), for which the provider tells us, and not the browser, his claims. What
// ties the answer to the browser that asked is kept in a cookie of that browser for as long as a login may take, and not
// with us: else strangers who only ask could push out those who are about to log in.

// OIDC is how a provider is asked, and what its claims are taken for.
type OIDC struct {
	Issuer   string // of https, whose configuration is found below it
	ClientID string
	Secret   string // "": a client without one, which PKCE alone guards
	Scopes   []string

	NameClaim string          // what somebody is called in the log of actions; "email" counts only where it is verified
	RoleClaim string          // a text, or a list of texts
	Roles     map[string]Role // by what RoleClaim may have
}

const (
	oidcPath    = "/login/oidc"
	oidcLongest = 10 * time.Minute // between being sent to the provider and coming back
)

// provider is an OIDC in use.
type provider struct {
	OIDC
	redirect string
	client   *http.Client
	asking   singleflight.Group
	found    atomic.Pointer[oidc.Provider]
}

func newProvider(o OIDC, url string) *provider {
	return &provider{OIDC: o, redirect: strings.TrimSuffix(url, "/") + oidcPath + "/callback", client: &http.Client{Timeout: checkTimeout}}
}

// Check asks the provider for its configuration, as the first login would.
func (o OIDC) Check(ctx context.Context) error {
	_, err := newProvider(o, "").discover(ctx)
	return err
}

// discover reads the provider's configuration, once it is needed: that a provider is away must not keep the daemon from
// starting. It is kept until the door changes, but for its keys, which the library reads anew when it meets another one.
func (o *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	if found := o.found.Load(); found != nil {
		return found, nil
	}
	_, err, _ := o.asking.Do("", func() (any, error) {
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), o.Issuer)
		if err == nil {
			o.found.Store(found)
		}
		return nil, err
	})
	return o.found.Load(), err
}

func (o *provider) oauth(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.Secret, Endpoint: found.Endpoint(), RedirectURL: o.redirect, Scopes: o.Scopes}
}

// asked is what a browser keeps while it is at the provider's.
type asked struct {
	State, Nonce, Verifier, Back string
}

func (a asked) cookie() (string, error) {
	text, err := json.Marshal(a)
	return base64.RawURLEncoding.EncodeToString(text), err
}

func readAsked(cookie *http.Cookie) (a asked, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

func (p *Pages) oidcCookie() string { return p.cookieName() + "-oidc" }

// askProvider sends the browser to the provider.
func (p *Pages) askProvider(w http.ResponseWriter, r *http.Request) {
	provider := p.door.Load().provider
	if provider == nil {
		p.fault(w, r, p.visitor(r), http.StatusNotFound, "")
		return
	}
	a := asked{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: back(r.FormValue("back"))}
	found, err := provider.discover(r.Context())
	kept, cookieErr := a.cookie()
	if err := errors.Join(err, cookieErr); err != nil {
		p.Log.Error("the provider of logins cannot be asked", "issuer", provider.Issuer, "error", err)
		p.showLogin(w, r, loginBody{Back: a.Back, Fault: "login.provider-away"}, http.StatusBadGateway)
		return
	}
	p.setCookie(w, p.oidcCookie(), kept, oidcLongest)
	to := provider.oauth(found).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// providerAnswers is where the browser comes back to. Why somebody is not let in stands in the log only.
func (p *Pages) providerAnswers(w http.ResponseWriter, r *http.Request) {
	door := p.door.Load()
	if door.provider == nil {
		p.fault(w, r, p.visitor(r), http.StatusNotFound, "")
		return
	}
	user, to, err := p.comesBack(r, door)
	p.setCookie(w, p.oidcCookie(), "", -time.Second)
	if err != nil {
		p.Log.Warn("a login to the console was refused", "issuer", door.provider.Issuer, "from", r.RemoteAddr, "error", err)
		p.showLogin(w, r, loginBody{Back: to, Fault: "login.provider-refused"}, http.StatusUnauthorized)
		return
	}
	p.letIn(w, r, user, to)
}

// comesBack is the user that the provider answers for, and where he wanted to go.
func (p *Pages) comesBack(r *http.Request, door *door) (user User, to string, err error) {
	cookie, err := r.Cookie(p.oidcCookie())
	if err != nil {
		return user, "/", errors.New("the browser did not ask, or took too long")
	}
	a, err := readAsked(cookie)
	to = back(a.Back)
	query := r.URL.Query()
	switch {
	case err != nil:
		return user, "/", fmt.Errorf("what the browser kept cannot be read: %w", err)
	case a.State == "" || subtle.ConstantTimeCompare([]byte(a.State), []byte(query.Get("state"))) != 1:
		return user, to, errors.New("the answer is to another question")
	case query.Get("error") != "":
		return user, to, fmt.Errorf("the provider says %s %s", shorten(query.Get("error"), 100), shorten(query.Get("error_description"), 200))
	}
	claims, err := door.provider.claims(r.Context(), query.Get("code"), a, p.Now)
	if err != nil {
		return user, to, err
	}
	user, err = door.provider.user(claims, door.Access.Users)
	return user, to, err
}

// claims gives what the provider says of whom a code stands for. Some tell names and groups only where they are asked
// for them apart.
func (o *provider) claims(ctx context.Context, code string, a asked, now func() time.Time) (map[string]any, error) {
	ctx = oidc.ClientContext(ctx, o.client)
	found, err := o.discover(ctx)
	if err != nil {
		return nil, err
	}
	token, err := o.oauth(found).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: o.ClientID, Now: now}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if a.Nonce == "" || subtle.ConstantTimeCompare([]byte(a.Nonce), []byte(id.Nonce)) != 1 {
		return nil, errors.New("the token is of another login")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil || found.UserInfoEndpoint() == "" || claims[o.NameClaim] != nil && claims[o.RoleClaim] != nil {
		return claims, err
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	if info.Subject != id.Subject {
		return nil, errors.New("the provider tells of somebody else")
	}
	more := map[string]any{}
	err = info.Claims(&more)
	maps.Copy(more, claims) // what is signed goes before
	return more, err
}

// user is whom claims stand for: by name one of those without a password of ours, else by the highest of the roles that
// they have. Whoever is neither is nobody here.
func (o *provider) user(claims map[string]any, users []User) (User, error) {
	name, _ := claims[o.NameClaim].(string)
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return User{}, fmt.Errorf("the claim %s is no name", o.NameClaim)
	}
	if o.NameClaim == "email" && fmt.Sprint(claims["email_verified"]) != "true" {
		return User{}, fmt.Errorf("the provider has not verified the address %q", name)
	}
	i := slices.IndexFunc(users, func(u User) bool { return u.Name == name && u.Password == "" })
	if i >= 0 {
		return User{Name: name, Role: users[i].Role, vouched: true}, nil
	}
	has := texts(claims[o.RoleClaim])
	for _, role := range slices.Backward(roles) {
		if slices.ContainsFunc(has, func(one string) bool { return o.Roles[one] == role }) {
			return User{Name: name, Role: role, vouched: true}, nil
		}
	}
	return User{}, fmt.Errorf("%q has no role: it is in no [http.users] without a password, and its %s %q are in no [http.oidc.roles]", name, o.RoleClaim, has)
}

// texts are those of a claim that is one, or a list of them.
func texts(claim any) (list []string) {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		for _, one := range claim {
			if text, ok := one.(string); ok {
				list = append(list, text)
			}
		}
	}
	return list
}
