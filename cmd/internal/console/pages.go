package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"geppo/cmd/internal/harmless"
	"geppo/store"
)

// Ledger is what pages read of the ledger.
type Ledger interface {
	CountStates(context.Context, store.Filter) (map[store.State]int, error)
	Runs(context.Context, store.Period) ([]store.Run, error)
	Pauses(context.Context) ([]store.Pause, error)
	OpenFires(context.Context) ([]store.Fire, error)
	SentSince(context.Context, store.Period, time.Time) (int, error)
	SentByQuarter(context.Context, time.Time) ([]store.SentCount, error)
	Delivery(context.Context, int64) (store.Delivery, error)
	Deliveries(context.Context, store.Filter) ([]store.Delivery, error)
	SomeDeliveries(context.Context, store.Filter, int) ([]store.Delivery, error)
	RecipientChanges(context.Context, string) ([]store.RecipientChange, error)
	DeliveriesTo(context.Context, string) ([]store.Delivery, error)
	Attempts(context.Context, int64) ([]store.Attempt, error)
	Actions(context.Context, int) ([]store.Action, error)
	ActionsOf(context.Context, int64) ([]store.Action, error)
	FollowUps(context.Context, store.Period) ([]store.FollowUp, error)
	Handled(context.Context, store.Period) (map[store.FollowUpLine]store.Handled, error)
	PutHandled(context.Context, store.Handled) error
}

// Detections is what pages read of what came in.
type Detections interface {
	Contract(context.Context, string) (store.Contract, error)
	ImportsByQuarter(context.Context, time.Time) ([]store.ImportCount, error)
}

// Backing is what the pages stand on.
type Backing struct {
	Ledger     Ledger
	Detections Detections
	Office     func() Office // as the settings in force make it
	Zone       *time.Location
	Now        func() time.Time
	Log        *slog.Logger
}

// Pages is the console for people. It shows what its backing tells, and asks the office for every action.
type Pages struct {
	Backing

	door     atomic.Pointer[door]
	key      [32]byte
	words    words
	pages    map[string]*template.Template
	sessions sessions
	stale    staleSearches
	working  sync.WaitGroup  // what goes on beside the pages
	ending   context.Context // done when the console ends
	charts   chartCache
}

//go:embed assets templates words.toml
var files embed.FS

// NewPages prepares the pages: what is wrong with a template or a word stops the program here.
func NewPages(b Backing, d Door) (p *Pages, err error) {
	p = &Pages{Backing: b, ending: context.Background()}
	if err := p.Change(d); err != nil {
		return nil, err
	}
	if _, err := rand.Read(p.key[:]); err != nil {
		return nil, err
	}
	if p.words, err = readWords(); err != nil {
		return nil, err
	}
	p.pages = map[string]*template.Template{}
	names, err := fs.Glob(files, "templates/*.html")
	for _, name := range names {
		page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		if page == "layout" || page == "parts" {
			continue
		}
		p.pages[page], err = template.New("layout.html").Funcs(template.FuncMap{"dict": dict}).ParseFS(files, "templates/layout.html", "templates/parts.html", name)
		if err != nil {
			return nil, err
		}
	}
	return p, err
}

// dict gives a template what it needs by name.
func dict(pairs ...any) (map[string]any, error) {
	d := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("a name of a dict is no text")
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}

// page answers a request whose visitor is known, or says what is wrong.
type page func(w http.ResponseWriter, r *http.Request, v visitor) error

// Handler serves the pages.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, page := range map[string]page{
		"GET /{$}":                                          p.overview,
		"GET /search":                                       p.search,
		"GET /contracts/{contract}":                         p.contract,
		"GET /contracts/{contract}/preview":                 p.preview,
		"GET /deliveries":                                   p.deliveries,
		"GET /deliveries/{id}":                              p.delivery,
		"GET /deliveries/{id}/mail/{part}":                  p.deliveryPart,
		"GET /contracts/{contract}/preview/{period}/{part}": p.previewPart,
		"GET /followups":                                    p.followUps,
		"GET /followups.csv":                                p.followUpsCSV,
		"POST /followups":                                   p.handle,
		"GET /imports":                                      p.imports,
		"GET /stale":                                        p.staleReports,
		"POST /stale":                                       p.searchStale,
		"GET /log":                                          p.log,
		"GET /act":                                          p.ask,
		"POST /act":                                         p.act,
		"GET /charts/{name}":                                p.chart,
		"POST /logout":                                      p.logout,
	} {
		mux.Handle(pattern, p.known(page))
	}
	mux.HandleFunc("GET /login", p.loginForm)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET "+oidcPath, p.askProvider)
	mux.HandleFunc("GET "+oidcPath+"/callback", p.providerAnswers)
	mux.HandleFunc("GET /assets/{name}", p.asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.fault(w, r, p.visitor(r), http.StatusNotFound, "") })
	return p.guard(mux)
}

const formBytes = 64 << 10

// guard is what holds for every answer: nothing of it is framed, sniffed, kept or run elsewhere, and no other site's page
// makes a browser of ours ask.
func (p *Pages) guard(next http.Handler) http.Handler {
	var sameOrigin http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door := p.door.Load()
		if door.closed() {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if door.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, formBytes)
		if err := sameOrigin.Check(r); err != nil {
			p.fault(w, r, visitor{}, http.StatusForbidden, "fault.forged")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// known lets in who is known, and sends others to the login.
func (p *Pages) known(page page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.visitor(r)
		switch {
		case v.known:
		case v.machine || r.Method != http.MethodGet:
			w.Header().Set("WWW-Authenticate", `Bearer realm="geppo"`)
			p.fault(w, r, v, http.StatusUnauthorized, "fault.unknown")
			return
		default:
			http.Redirect(w, r, "/login?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		if r.Method == http.MethodPost && v.forged(r) {
			p.fault(w, r, v, http.StatusForbidden, "fault.forged")
			return
		}
		if err := page(w, r, v); err != nil {
			p.failed(w, r, v, err)
		}
	})
}

// errForbidden says that a role does not reach that far.
var errForbidden = errors.New("the role does not allow it")

// failed answers with what went wrong.
func (p *Pages) failed(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	switch {
	case errors.Is(err, errForbidden):
		p.fault(w, r, v, http.StatusForbidden, "fault.forbidden")
	case errors.Is(err, store.ErrNotFound):
		p.fault(w, r, v, http.StatusNotFound, "")
	case r.Context().Err() != nil:
		p.Log.Debug("a page was not waited for", "path", r.URL.Path)
	default:
		p.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
		p.fault(w, r, v, http.StatusInternalServerError, "")
	}
}

// fault is a page that says no.
func (p *Pages) fault(w http.ResponseWriter, r *http.Request, v visitor, status int, word string) {
	if word == "" {
		word = fmt.Sprintf("fault.%d", status)
	}
	if err := p.show(w, r, v, status, "fault", "fault.title", word); err != nil {
		p.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// show writes a page once it is whole, so that no half of one passes for it.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, v visitor, status int, name, title string, body any) error {
	var page bytes.Buffer
	told := p.sessions.told(v.csrf)
	view := view{Page: name, Title: title, Who: v, Told: told, Now: p.Now(), Body: body, zone: p.Zone, sentence: p.words.of(r)}
	if err := p.pages[name].Execute(&page, view); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	if _, err := w.Write(harmless.Page(page.Bytes())); err != nil {
		p.Log.Debug("the answer could not be written", "error", err)
	}
	return nil
}

// asset serves the style sheet and the script.
func (p *Pages) asset(w http.ResponseWriter, r *http.Request) {
	name := "assets/" + r.PathValue("name")
	if _, err := fs.Stat(files, name); err != nil {
		p.fault(w, r, p.visitor(r), http.StatusNotFound, "")
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, name)
}
