package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"geppo/cmd/internal/console"
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
	done   []console.Request
	plan   console.Plan
	refuse error
	mail   string
}

func (o *fakeOffice) Plan(context.Context, console.Request) (console.Plan, error) {
	return o.plan, o.refuse
}

func (o *fakeOffice) Do(_ context.Context, r console.Request) (console.Done, error) {
	o.done = append(o.done, r)
	return console.Done{Deliveries: o.plan.Deliveries}, nil
}

func (o *fakeOffice) Letter(context.Context, store.Delivery) (console.Letter, error) {
	return console.Letter{Message: []byte(o.mail), Source: console.Archived}, nil
}

func (o *fakeOffice) Preview(_ context.Context, id string, _ store.Period) (console.Letter, error) {
	if id != "C1" {
		return console.Letter{}, store.ErrNotFound
	}
	return console.Letter{Message: []byte(o.mail), Source: console.Unsent}, nil
}

func (o *fakeOffice) Addresses(_ context.Context, c store.Contract) ([]console.Address, string, error) {
	return []console.Address{{Address: c.Recipients[0].Address, Name: hostile, Marked: hostile, Stopped: true}}, hostile, nil
}

func (o *fakeOffice) Stale(context.Context, store.Period) ([]console.Stale, error) {
	return []console.Stale{{Contract: "C1", Revision: 1, Changes: []string{hostile}}}, nil
}

func (o *fakeOffice) Feeds(context.Context) ([]console.Feed, error) {
	return []console.Feed{{ImportRecord: store.ImportRecord{File: hostile, Warnings: map[string]int64{hostile: 1}}, Silent: true}}, nil
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
	pages  *console.Pages
	h      http.Handler
	now    time.Time
}

func newSite(t *testing.T, change func(*console.Backing)) *site {
	t.Helper()
	s := &site{t: t, office: &fakeOffice{mail: mail}, now: today}
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
		if err := tx.PutContract(t.Context(), contract, false); err != nil {
			return err
		}
		return tx.PutEndpoint(t.Context(), "C1", store.Endpoint{Name: "Ｔest001", Class: store.ClassDesktop, InstalledAt: today})
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
	if err := ledger.ChangeRecipient(t.Context(), store.RecipientChange{Contract: "C1", Recipient: store.Recipient{Address: "Added@example.jp"}, By: "x", At: today}); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Pause(t.Context(), store.CauseOperator, hostile, hostile, today); err != nil {
		t.Fatal(err)
	}
	report, err := json.Marshal(struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Freeze(t.Context(), store.Freezing{Contract: "C1", Period: october, Revision: 1, JSON: report, FollowUps: []store.FollowUp{
		{Contract: "C1", Feature: store.Virus, Result: "uncleanable", Endpoint: "=PC", Name: hostile, Count: 1, From: "2026-10-05", To: "2026-10-05"},
	}}, today)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := console.ReadTokens(fmt.Sprintf("# who\n%s\n%s desk 窓口\n%s viewer\n", operatorToken, deskToken, viewerToken))
	if err != nil {
		t.Fatal(err)
	}
	b := console.Backing{
		Ledger: ledger, Detections: detections, Office: s.office, Zone: time.UTC, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Access: &console.Access{Tokens: tokens, Users: []console.User{{Name: "yamada", Role: console.Clerk, Password: console.HashPassword("correct horse")}}},
	}
	if change != nil {
		change(&b)
	}
	pages, err := console.NewPages(b)
	if err != nil {
		t.Fatal(err)
	}
	s.pages, s.h = pages, pages.Handler()
	return s
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

// Whatever stands in the data, it is text on a page, and every sentence has its words.
func TestPagesShowHostileNamesAsText(t *testing.T) {
	s := newSite(t, nil)
	s.office.plan = console.Plan{Deliveries: 3, Contracts: 1, Names: []string{hostile}, Left: []string{hostile}}
	unworded := regexp.MustCompile(`>[a-z-]+\.[a-z-]+<`)
	for _, lang := range []string{"ja", "en"} {
		for _, path := range paths {
			header := bearer(operatorToken)
			header["Accept-Language"] = lang
			answer := s.ask("GET", path, header, nil)
			page := s.read(answer)
			if strings.Contains(page, "<script>alert") || strings.Contains(page, "ZgotmplZ") {
				t.Errorf("%s shows a name as markup", path)
			}
			if found := unworded.FindString(page); found != "" && found != ">r.pdf<" && found != ">no.pdf<" {
				t.Errorf("%s has no words for %s in %s", path, found, lang)
			}
			if answer.StatusCode == http.StatusOK && !strings.Contains(page, `<html lang="`+lang+`">`) {
				t.Errorf("%s is not in %s", path, lang)
			}
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range append([]string{"/login", "/assets/style.css", "/nothing", "/assets/nothing"}, paths...) {
		h := s.ask("GET", path, bearer(viewerToken), nil).Header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") ||
			h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// The roles, by everything that can be asked for.
func TestRolesBoundWhatIsDone(t *testing.T) {
	forDesk := []string{"test-send", "resend"}
	all := []string{
		"resend", "rebuild", "test-send", "cancel", "release", "retry", "ack", "approve", "pause", "resume", "add", "remove",
		"stop", "start", "stop-contract", "start-contract",
	}
	s := newSite(t, nil)
	for _, action := range all {
		for role, token := range map[string]string{"viewer": viewerToken, "desk": deskToken, "operator": operatorToken} {
			s.office.done = nil
			want := http.StatusForbidden
			if role == "operator" || role == "desk" && slices.Contains(forDesk, action) {
				want = http.StatusSeeOther
			}
			form := url.Values{"action": {action}, "delivery": {"1"}, "reason": {"because"}, "address": {"a@example.jp"}}
			answer := s.ask("POST", "/act", bearer(token), form)
			if answer.StatusCode != want {
				t.Errorf("%s by %s: %d, want %d", action, role, answer.StatusCode, want)
			}
			if done := len(s.office.done) == 1; done != (want == http.StatusSeeOther) {
				t.Errorf("%s by %s: %v was done", action, role, s.office.done)
			} else if done && (s.office.done[0].Reason != "because" || s.office.done[0].By == "" || s.office.done[0].Action != action) {
				t.Errorf("%s by %s: asked %+v", action, role, s.office.done[0])
			}
		}
	}
	// Many at once are an operator's.
	if answer := s.ask("POST", "/act", bearer(deskToken), url.Values{"action": {"resend"}, "period": {"2026-10"}, "failed": {"1"}, "reason": {"x"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("the desk resends a month: %d", answer.StatusCode)
	}
	if answer := s.ask("POST", "/followups", bearer(viewerToken), url.Values{"period": {"2026-10"}, "contract": {"C1"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer works through the follow-ups: %d", answer.StatusCode)
	}
}

// What a program did is not told to the next stranger.
func TestWhatWasDoneIsToldToWhoDidIt(t *testing.T) {
	s := newSite(t, nil)
	form := url.Values{"action": {"resend"}, "delivery": {"1"}, "reason": {"x"}}
	s.ask("POST", "/act", bearer(operatorToken), form)
	if page := s.read(s.ask("GET", "/login", nil, nil)); strings.Contains(page, `class="told"`) {
		t.Error("a stranger is told what was done")
	}
	cookie, csrf, _ := s.login("", operatorToken, nil)
	header := map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
	form.Set("csrf", csrf)
	s.ask("POST", "/act", header, form)
	for _, told := range []bool{true, false} {
		if page := s.read(s.ask("GET", "/log", header, nil)); strings.Contains(page, `class="told"`) != told {
			t.Errorf("told: want %v", told)
		}
	}
}

func TestAnActionWantsAReasonAndWhatWasAgreedTo(t *testing.T) {
	s := newSite(t, nil)
	s.office.plan.Deliveries = 3
	form := func(more ...string) url.Values {
		v := url.Values{"action": {"ack"}, "period": {"2026-10"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for name, tt := range map[string]struct {
		form url.Values
		want int
	}{
		"no reason":     {form("deliveries", "3"), http.StatusUnprocessableEntity},
		"moved":         {form("deliveries", "2", "reason", "x"), http.StatusConflict},
		"no action":     {url.Values{"action": {"format"}, "reason": {"x"}}, http.StatusNotFound},
		"no number":     {form("delivery", "many", "reason", "x"), http.StatusNotFound},
		"agreed":        {form("deliveries", "3", "reason", "x"), http.StatusSeeOther},
		"another site":  {form("deliveries", "3", "reason", "x", "back", "//evil.example/"), http.StatusSeeOther},
		"another site2": {form("deliveries", "3", "reason", "x", "back", `/\evil.example/`), http.StatusSeeOther},
	} {
		s.office.done = nil
		answer := s.ask("POST", "/act", bearer(operatorToken), tt.form)
		if answer.StatusCode != tt.want || (len(s.office.done) > 0) != (tt.want == http.StatusSeeOther) {
			t.Errorf("%s: %d and %v, want %d", name, answer.StatusCode, s.office.done, tt.want)
		}
		if to := answer.Header.Get("Location"); to != "" && to != "/" {
			t.Errorf("%s: goes on to %s", name, to)
		}
	}
	s.office.refuse = &console.Refusal{Reason: hostile}
	if answer := s.ask("POST", "/act", bearer(operatorToken), form("reason", "x")); answer.StatusCode != http.StatusUnprocessableEntity || strings.Contains(s.read(answer), "<script>") {
		t.Errorf("a refusal: %d", answer.StatusCode)
	}
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
	for _, change := range []func(*console.Backing){
		func(b *console.Backing) { b.TLS = true }, func(b *console.Backing) { b.URL = "https://geppo.example.jp" },
	} {
		s := newSite(t, change)
		answer := s.ask("POST", "/login", nil, url.Values{"password": {operatorToken}})
		if len(answer.Cookies()) != 1 || !answer.Cookies()[0].Secure || !strings.HasPrefix(answer.Cookies()[0].Name, "__Host-") || answer.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%v", answer.Header)
		}
	}
}

// A proxy is believed only from this machine, for one name that is known.
func TestAProxyVouchesForAName(t *testing.T) {
	s := newSite(t, func(b *console.Backing) { b.Access.ProxyUser = "X-Remote-User" })
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

func TestAMailRunsNothing(t *testing.T) {
	s := newSite(t, nil)
	part := func(path string) (http.Header, string) {
		answer := s.ask("GET", path, bearer(viewerToken), nil)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, answer.StatusCode)
		}
		return answer.Header, s.read(answer)
	}
	for _, below := range []string{"/deliveries/1/mail/", "/contracts/C1/preview/2026-10/"} {
		h, body := part(below + "html")
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "sandbox; default-src 'none'") || strings.Contains(policy, "script") || strings.Contains(policy, "allow-") || h.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("%s: %v", below, h)
		}
		if !strings.Contains(body, `src="data:image/png;base64,`) || !strings.Contains(body, hostile) {
			t.Errorf("%s: %s", below, body)
		}
		if h, body := part(below + "text"); !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || !strings.Contains(body, hostile) {
			t.Errorf("%s: %v", below, h)
		}
		if h, _ := part(below + "r.pdf"); h.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s: %v", below, h)
		}
		if h, _ := part(below + "no.pdf"); h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("what calls itself a PDF: %v", h)
		}
		if h, body := part(below + "eml"); !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || body != mail {
			t.Errorf("%s: %v", below, h)
		}
	}
	if page := s.read(s.ask("GET", "/deliveries/1", bearer(viewerToken), nil)); !strings.Contains(page, `<iframe class="mail" sandbox="" src="/deliveries/1/mail/html"`) {
		t.Error("the frame is not sandboxed")
	}
}

func TestFollowUpsKeepWhatTheDeskSays(t *testing.T) {
	s := newSite(t, nil)
	line := url.Values{"period": {"2026-10"}, "contract": {"C1"}, "feature": {"virus"}, "endpoint": {"=PC"}, "name": {hostile}, "done": {"1"}, "note": {"+電話済み"}}
	if answer := s.ask("POST", "/followups", bearer(deskToken), line); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", answer.StatusCode)
	}
	if page := s.read(s.ask("GET", "/followups", bearer(viewerToken), nil)); strings.Contains(page, "=PC") {
		t.Error("what is done is still listed")
	}
	if page := s.read(s.ask("GET", "/followups?all=1", bearer(viewerToken), nil)); !strings.Contains(page, "電話済み") || !strings.Contains(page, "窓口") {
		t.Error("what was said is not shown")
	}
	csv := s.read(s.ask("GET", "/followups.csv", bearer(viewerToken), nil))
	if !strings.HasPrefix(csv, "\ufeff") || !strings.Contains(csv, ",'=PC,") || !strings.Contains(csv, "'+電話済み") || !strings.Contains(csv, "対応済み") {
		t.Errorf("the file is %q", csv)
	}
	if page := s.read(s.ask("GET", "/log", bearer(viewerToken), nil)); !strings.Contains(page, "電話済み") {
		t.Error("the log does not tell of it")
	}
}

func TestASearchFindsByWhatIsSaidOnTheTelephone(t *testing.T) {
	s := newSite(t, nil)
	for query, found := range map[string]bool{
		"C1": true, "script": true, "kanri@": true, "KANRI@example.jp": true, "added@": true, "test0": true, "TEST001": true, // Ｔest001 folds to this
		"%": false, "_1": false, "est001": false, "C2": false,
	} {
		answer := s.ask("GET", "/search?q="+url.QueryEscape(query), bearer(viewerToken), nil)
		if got := answer.Header.Get("Location") == "/contracts/C1"; got != found {
			t.Errorf("%q: found %v, want %v (%d)", query, got, found, answer.StatusCode)
		}
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
