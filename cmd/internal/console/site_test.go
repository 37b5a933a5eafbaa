package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/console"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

var (
	october = store.Period{Year: 2026, Month: time.October}
	today   = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
)

const hostile = `<script>alert(1)</script>"'&`

// fakeOffice remembers what it was asked to do.
type fakeOffice struct {
	desk.Desk // searches
	done      []desk.Request
	plan      desk.Outline
	refuse    error
	mail      string
}

func (o *fakeOffice) Consider(context.Context, desk.Request) (desk.Outline, error) {
	return o.plan, o.refuse
}

func (o *fakeOffice) Do(_ context.Context, r desk.Request) (desk.Done, error) {
	o.done = append(o.done, r)
	return desk.Done{Deliveries: o.plan.Deliveries}, nil
}

func (o *fakeOffice) Letter(context.Context, store.Delivery) (desk.Letter, error) {
	return desk.Letter{Message: []byte(o.mail), Source: desk.Archived}, nil
}

func (o *fakeOffice) Preview(_ context.Context, id string, _ store.Period) (desk.Letter, error) {
	if id != "C1" {
		return desk.Letter{}, store.ErrNotFound
	}
	return desk.Letter{Message: []byte(o.mail), Source: desk.Unsent}, nil
}

func (o *fakeOffice) Addresses(_ context.Context, c store.Contract) ([]desk.Registered, *store.Stop, error) {
	at := store.Recipient{Address: c.Recipients[0].Address, Name: hostile}
	return []desk.Registered{{Recipient: at, Marked: hostile, Stopped: true}}, &store.Stop{By: hostile, Reason: hostile}, nil
}

func (o *fakeOffice) Stale(context.Context, store.Period, []string, func(done, of int)) ([]desk.StaleReport, error) {
	return []desk.StaleReport{{Contract: "C1", Revision: 1, Changes: []desk.Change{{Figure: hostile, Was: hostile, Now: hostile}}}}, nil
}

func (o *fakeOffice) Feeds(context.Context) ([]desk.Feed, error) {
	return []desk.Feed{{ImportRecord: store.ImportRecord{File: hostile, Warnings: map[string]int64{hostile: 1}}, Silent: true}}, nil
}

func (o *fakeOffice) Fires(int) []time.Time { return []time.Time{today} }

// mail has what a stranger may have written into it.
const mail = "From: geppo <geppo@example.jp>\r\nTo: kanri@example.jp\r\nSubject: " + hostile + "\r\nDate: Mon, 02 Nov 2026 09:00:00 +0900\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" +
	"--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + hostile + "\r\n" +
	"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" + hostile + `<img src="cid:p@x"></p>` + "\r\n" +
	"--a\r\nContent-Type: image/png\r\nContent-Id: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n" +
	"--a\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"r.pdf\"\r\n\r\n%PDF-1.7\r\n" +
	"--a\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"no.pdf\"\r\n\r\n<html>\r\n--a--\r\n"

const (
	operatorToken = "operator-0123456789012345678901234567"
	deskToken     = "desk-01234567890123456789012345678901"
	viewerToken   = "viewer-012345678901234567890123456789"
)

// site is a console over real databases, with a contract and a delivery of hostile names.
type site struct {
	t      *testing.T
	office *fakeOffice
	door   console.Door
	pages  *console.Pages
	h      http.Handler
	now    time.Time
}

// newSite opens a console; change, if any, alters who may come in.
func newSite(t *testing.T, change func(*console.Door)) *site {
	t.Helper()
	s := &site{t: t, office: &fakeOffice{mail: mail}, now: today}
	tokens, err := console.ReadTokens(fmt.Sprintf("# who\n%s\n%s desk 窓口\n%s viewer\n", operatorToken, deskToken, viewerToken))
	if err != nil {
		t.Fatal(err)
	}
	s.door = console.Door{Access: &console.Access{
		Tokens: tokens, Users: []console.User{{Name: "yamada", Role: console.Clerk, Password: console.HashPassword("correct horse")}},
	}}
	if change != nil {
		change(&s.door)
	}
	ledger, detections := databases(t)
	s.office.Desk = desk.Desk{Ledger: ledger, Detections: detections}
	s.pages, err = console.NewPages(console.Backing{
		Ledger: ledger, Detections: detections, Office: func() console.Office { return s.office }, Zone: time.UTC,
		Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	}, s.door)
	if err != nil {
		t.Fatal(err)
	}
	s.h = s.pages.Handler()
	return s
}

// databases have a contract with a delivery, everything about it under hostile names.
func databases(t *testing.T) (*sqlstore.Ledger, *sqlstore.Detections) {
	t.Helper()
	dir := t.TempDir()
	detections, err := sqlstore.OpenDetections(t.Context(), filepath.Join(dir, "d.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(dir, "l.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { detections.Close(); ledger.Close() })
	contract := store.Contract{
		ID: "C1", Name: hostile, Product: store.ProductAntivirus, Timezone: "Asia/Tokyo", Since: "2025-01-01",
		Recipients: []store.Recipient{{Address: "kanri@example.jp", Name: hostile}},
	}
	_, err = detections.Import(t.Context(), store.Import{File: "f", Now: func() time.Time { return today }}, func(tx *sqlstore.ImportTx) error {
		return errors.Join(tx.PutContract(t.Context(), contract, false),
			tx.PutEndpoint(t.Context(), "C1", store.Endpoint{Name: "Ｔest001", Class: store.ClassDesktop, InstalledAt: today}))
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Plan(t.Context(), store.Plan{Kind: "run", Period: october, RequestedBy: hostile, Each: func(take func(store.Chosen) error) error {
		return take(store.Chosen{Contract: "C1", Error: hostile, Targets: []store.Target{{Address: "kanri@example.jp", Name: hostile, MessageID: "m@x"}}})
	}}, today)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Freeze(t.Context(), store.Freezing{Contract: "C1", Period: october, Revision: 1, JSON: []byte("{}"), FollowUps: []store.FollowUp{
		{Contract: "C1", Feature: store.Virus, Result: "uncleanable", Endpoint: "=PC", Name: hostile, Count: 1, From: "2026-10-05", To: "2026-10-05"},
	}}, today)
	err = errors.Join(err,
		ledger.ChangeRecipient(t.Context(), store.RecipientChange{Contract: "C1", Recipient: store.Recipient{Address: "Added@example.jp"}, By: "x", At: today}),
		ledger.Pause(t.Context(), store.CauseOperator, hostile, hostile, today))
	if err != nil {
		t.Fatal(err)
	}
	return ledger, detections
}

// ask sends a request; fields make it a form.
func (s *site) ask(method, path string, header map[string]string, fields url.Values) *http.Response {
	s.t.Helper()
	var body io.Reader
	if fields != nil {
		body = strings.NewReader(fields.Encode())
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, body)
	r.RemoteAddr = "127.0.0.1:5000"
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		if name == "From" {
			r.RemoteAddr = value
			continue
		}
		r.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	s.h.ServeHTTP(recorder, r)
	return recorder.Result()
}

func (s *site) read(answer *http.Response) string {
	s.t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// paths are all pages there are.
var paths = []string{
	"/", "/search?q=C", "/search", "/contracts/C1", "/contracts/C1/preview?period=2026-10", "/deliveries?period=2026-10",
	"/deliveries/1", "/followups", "/imports", "/stale", "/log", "/act?action=pause", "/act?action=resend&delivery=1",
}

// login gives the cookie and the token of the forms of a session.
func (s *site) login(name, password string, header map[string]string) (cookie *http.Cookie, csrf string, status int) {
	s.t.Helper()
	answer := s.ask("POST", "/login", header, url.Values{"name": {name}, "password": {password}})
	for _, c := range answer.Cookies() {
		cookie = c
	}
	if cookie == nil {
		return nil, "", answer.StatusCode
	}
	page := s.read(s.ask("GET", "/", map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}, nil))
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		s.t.Fatalf("no token in %s", page)
	}
	return cookie, found[1], answer.StatusCode
}
