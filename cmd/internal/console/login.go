package console

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// loginBody is the form by which somebody says who he is.
type loginBody struct {
	Back  string
	Name  string
	Fault string // the name of a sentence
	Names bool   // there are passwords, and not tokens alone

	Secrets  bool // there are passwords or tokens
	Provider bool // there is one who says who somebody is
}

func (p *Pages) loginForm(w http.ResponseWriter, r *http.Request) {
	v := p.visitor(r)
	if v.known {
		http.Redirect(w, r, back(r.FormValue("back")), http.StatusSeeOther)
		return
	}
	p.showLogin(w, r, loginBody{Back: back(r.FormValue("back"))}, http.StatusOK)
}

func (p *Pages) showLogin(w http.ResponseWriter, r *http.Request, body loginBody, status int) {
	access := p.door.Load().Access
	body.Names, body.Provider = access.passwords(), access.OIDC != nil
	body.Secrets = body.Names || len(access.Tokens) > 0
	if err := p.show(w, r, visitor{}, status, "login", "login.title", body); err != nil {
		p.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
	}
}

// login opens a session. What was wrong is told to nobody: not the name, and not whether there is one.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) {
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	user, err := p.door.Load().Access.login(name, password, p.Now())
	if err != nil {
		body := loginBody{Back: back(r.PostFormValue("back")), Name: name, Fault: "login.refused"}
		status := http.StatusUnauthorized
		if errors.Is(err, errTooMany) {
			body.Fault, status = "login.too-many", http.StatusTooManyRequests
			w.Header().Set("Retry-After", "60")
		}
		p.Log.Warn("a login to the console was refused", "name", shorten(name, 100), "from", r.RemoteAddr, "error", err)
		p.showLogin(w, r, body, status)
		return
	}
	p.letIn(w, r, user, back(r.PostFormValue("back")))
}

// letIn opens a session for somebody who has said who he is, in place of any that he had.
func (p *Pages) letIn(w http.ResponseWriter, r *http.Request, user User, to string) {
	if cookie, err := r.Cookie(p.cookieName()); err == nil {
		p.sessions.end(cookie.Value)
	}
	p.setCookie(w, p.cookieName(), p.sessions.begin(user, p.Now()), sessionLongest)
	p.Log.Info("somebody logged in to the console", "name", user.Name, "role", user.Role, "from", r.RemoteAddr)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *Pages) logout(w http.ResponseWriter, r *http.Request, v visitor) error {
	p.sessions.end(v.session)
	p.setCookie(w, p.cookieName(), "", -time.Second)
	w.Header().Set("Clear-Site-Data", `"cookies", "storage"`)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// fromThisMachine tells whether the other end is on loopback, or on a unix socket, whose file says who may open it.
func fromThisMachine(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if _, isUnix := local.(*net.UnixAddr); isUnix {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && onThisMachine(host)
}
