package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A session is what a login gives: a number that nobody can guess, in a cookie that no script sees. It is kept in
// memory only, by its sum: a restart ends all of them.
type session struct {
	user  User
	begun time.Time
	seen  time.Time
	csrf  string
}

const (
	sessionIdle    = 30 * time.Minute
	sessionLongest = 12 * time.Hour
	sessionsMost   = 1000
)

type sessions struct {
	mu    sync.Mutex
	open  map[[sha256.Size]byte]*session
	notes map[string]string // what the last action did, to be told once
}

// begin opens a session under a new number, whatever the browser came with.
func (s *sessions) begin(user User, now time.Time) (id string) {
	id = rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[[sha256.Size]byte]*session{}
	}
	s.sweep(now)
	s.open[sha256.Sum256([]byte(id))] = &session{user: user, begun: now, seen: now, csrf: rand.Text()}
	return id
}

// sweep ends what is over, and the longest unseen where there are too many.
func (s *sessions) sweep(now time.Time) {
	var oldest [sha256.Size]byte
	for key, one := range s.open {
		if one.over(now) {
			delete(s.open, key)
		} else if other, ok := s.open[oldest]; !ok || one.seen.Before(other.seen) {
			oldest = key
		}
	}
	if len(s.open) >= sessionsMost {
		delete(s.open, oldest)
	}
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.seen) > sessionIdle || now.Sub(s.begun) > sessionLongest
}

// find gives the session of a number, if it is open.
func (s *sessions) find(id string, now time.Time) (found session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.open[sha256.Sum256([]byte(id))]
	if one == nil || one.over(now) {
		return session{}, false
	}
	one.seen = now
	return *one, true
}

// keep ends the sessions of all whom still does not know.
func (s *sessions) keep(still func(User) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.open, func(_ [sha256.Size]byte, one *session) bool { return !still(one.user) })
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(id)))
}

// remember keeps a line for the next page of a visitor, by the token of his forms. Who has none, as a program has none,
// is told by the answer alone: strangers have none either.
func (s *sessions) remember(csrf, text string) {
	if csrf == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes == nil || len(s.notes) >= sessionsMost {
		s.notes = map[string]string{}
	}
	s.notes[csrf] = text
}

// told gives that line, once.
func (s *sessions) told(csrf string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.notes[csrf]
	delete(s.notes, csrf)
	return text
}

// visitor is who asks, and how that is known.
type visitor struct {
	User
	known   bool
	session string // the number of the session; "": none
	csrf    string // what a form must bring along
	machine bool   // by Authorization: no browser sends that by itself
}

// visitor finds out who asks: by a token, a session, or what a proxy says.
func (p *Pages) visitor(r *http.Request) visitor {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		user, known := p.door.Load().Access.byToken(strings.TrimSpace(token))
		return visitor{User: user, known: known, machine: true}
	}
	if user, known := p.door.Load().Access.byProxy(r); known {
		return visitor{User: user, known: true, csrf: p.proxyCSRF(user.Name)}
	}
	cookie, err := r.Cookie(p.cookieName())
	if err != nil {
		return visitor{}
	}
	found, ok := p.sessions.find(cookie.Value, p.Now())
	return visitor{User: found.user, known: ok, session: cookie.Value, csrf: found.csrf}
}

// proxyCSRF is the token of forms of somebody who has no session, since a proxy vouches for him each time.
func (p *Pages) proxyCSRF(name string) string {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// forged tells whether a form was not made by us for this visitor.
func (v visitor) forged(r *http.Request) bool {
	if v.machine {
		return false
	}
	return v.csrf == "" || subtle.ConstantTimeCompare([]byte(v.csrf), []byte(r.PostFormValue("csrf"))) != 1
}

// A name with __Host- is one that no other site of the domain can have set.
func (p *Pages) cookieName() string {
	if p.door.Load().secure {
		return "__Host-geppo"
	}
	return "geppo"
}

func (p *Pages) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: Secure wherever the console is reached by TLS
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: p.door.Load().secure, SameSite: http.SameSiteLaxMode,
	})
}
