package console

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Door is how people come in. It can be changed while the pages are served.
type Door struct {
	Access *Access
	URL    string // under which browsers reach the console through a proxy; "": as they ask for it
	TLS    bool   // it is served over TLS by itself
}

// door is a Door in use.
type door struct {
	Door
	host     string    // by which a proxy is reached, "" without one
	secure   bool      // browsers reach it over TLS, and over nothing else
	provider *provider // nil: there is none
}

// Change puts another door in place of the one in use. Who would still come in by the same token or password stays
// logged in; all others must say anew who they are.
func (p *Pages) Change(d Door) error {
	if old := p.door.Load(); old != nil && old.same(d) {
		return nil
	}
	fresh := &door{Door: d, secure: d.TLS || strings.HasPrefix(d.URL, "https:")}
	if d.URL != "" {
		u, err := url.Parse(d.URL)
		if err != nil {
			return fmt.Errorf("http.url: %w", err)
		}
		fresh.host = u.Hostname()
	}
	if d.Access.OIDC != nil {
		fresh.provider = newProvider(*d.Access.OIDC, d.URL)
	}
	p.door.Store(fresh)
	p.sessions.keep(d.Access.knows)
	return nil
}

// closed tells whether nobody can say who he is: then there is no console.
func (d *door) closed() bool {
	return len(d.Access.Tokens) == 0 && len(d.Access.Users) == 0 && d.provider == nil
}

func (d *door) same(other Door) bool {
	a, b := d.Access, other.Access
	return d.URL == other.URL && d.TLS == other.TLS && a.ProxyUser == b.ProxyUser && slices.Equal(a.Tokens, b.Tokens) &&
		slices.Equal(a.Users, b.Users) && reflect.DeepEqual(a.OIDC, b.OIDC)
}

// knows tells whether somebody who is logged in could log in as the same again.
func (a *Access) knows(user User) bool {
	return slices.ContainsFunc(a.Tokens, func(t Token) bool { return t.User == user }) || slices.Contains(a.Users, user)
}

// passwords tells whether anybody has one.
func (a *Access) passwords() bool {
	return slices.ContainsFunc(a.Users, func(u User) bool { return u.Password != "" })
}
