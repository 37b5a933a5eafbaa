package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/sink"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
	"geppo/templates"
)

var (
	october = store.Period{Year: 2026, Month: time.October}
	first   = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// house is a whole geppo over a server that answers by recipient.
type house struct {
	t          *testing.T
	ledger     *sqlstore.Ledger
	detections *sqlstore.Detections
	seat       *sqlstore.Seat
	planner    daemon.Planner
	dispatcher *daemon.Dispatcher
	server     *server
	now        time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := quietHouse(t, t.TempDir())
	h.server = startServer(t)
	h.dispatcher = h.newDispatcher(render.Options{})
	return h
}

// quietHouse has no server yet: its dispatcher's client needs a Dial.
func quietHouse(t *testing.T, dir string) *house {
	t.Helper()
	h := &house{t: t, now: first, server: &server{}}
	var err error
	if h.ledger, err = sqlstore.OpenLedger(t.Context(), filepath.Join(dir, "geppo.db"), sqlstore.Migrate); err != nil {
		t.Fatal(err)
	}
	if h.detections, err = sqlstore.OpenDetections(t.Context(), filepath.Join(dir, "geppo-detections.db"), sqlstore.Migrate); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.ledger.Close(), h.detections.Close()); err != nil {
			t.Error(err)
		}
	})
	if h.seat, err = h.ledger.Join(t.Context(), sqlstore.Worker{Name: "test"}); err != nil {
		t.Fatal(err)
	}
	h.planner = daemon.Planner{Detections: h.detections, Ledger: h.ledger, IDs: messageIDs(h.ledger), Now: h.clock}
	h.dispatcher = h.newDispatcher(render.Options{})
	return h
}

func (h *house) clock() time.Time { return h.now }

// newDispatcher is what a start of geppo makes.
func (h *house) newDispatcher(options render.Options) *daemon.Dispatcher {
	h.t.Helper()
	renderer, err := render.New(templates.FS, options)
	if err != nil {
		h.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return &daemon.Dispatcher{
		Ledger: h.ledger, Seat: h.seat, Log: log, Now: h.clock, Renderers: 2,
		Eligible: daemon.Eligibility{Detections: h.detections, Ledger: h.ledger}.Reason,
		Composer: &daemon.Composer{
			Detections: h.detections, Ledger: h.ledger, Brands: daemon.Brands{"": {Renderer: renderer, From: mail.Address{Name: "geppo", Address: "geppo@geppo.example"}}},
			MaxSize: 20e6, Log: log, Now: h.clock,
		},
		Client: &mailer.Client{Host: "127.0.0.1", Port: h.server.port, TLS: mailer.TLSNone, Auth: mailer.AuthNone},
		Policy: daemon.Policy{
			Connections: 3, MessagesPerConnection: 5, AmbiguousMax: 2, Finish: time.Second,
			Backoff: mailer.Backoff{First: 5 * time.Minute, Factor: 2, Max: 4 * time.Hour, GiveUp: 72 * time.Hour},
		},
	}
}

// contract imports a contract with one detection of its own and the given addresses.
func (h *house) contract(id string, addresses ...string) {
	h.t.Helper()
	h.ingest(contractLines(id, addresses...))
}

func (h *house) ingest(lines string) {
	h.t.Helper()
	_, err := ingest.JSONLines(h.t.Context(), h.detections, strings.NewReader(lines), ingest.Options{File: "test", Now: func() time.Time { return h.now }})
	if err != nil {
		h.t.Fatal(err)
	}
}

func contractLines(id string, addresses ...string) string {
	var recipients []string
	for _, a := range addresses {
		recipients = append(recipients, fmt.Sprintf(`{"address":%q,"name":"ご担当者"}`, a))
	}
	return fmt.Sprintf(`{"type":"contract","id":%q,"name":"株式会社%s","product":"antivirus","licences":5,"since":"2025-04-01","recipients":[%s]}
{"type":"endpoint","contract":%q,"name":"PC-%s","class":"desktop","os":"Windows 11 Pro","installed_at":"2025-04-02T10:00:00+09:00"}
{"type":"detection","contract":%q,"id":"d-1","feature":"virus","time":"2026-10-05T14:03:22+09:00","endpoint":"PC-%s","name":"TROJ_GEN.R002C0CLT21","result":"quarantined"}
`, id, id, strings.Join(recipients, ","), id, id, id, id)
}

func (h *house) plan() store.Run {
	h.t.Helper()
	run, err := h.planner.Plan(h.t.Context(), daemon.Request{Kind: "run", Period: october, By: "root"})
	if err != nil {
		h.t.Fatal(err)
	}
	return run
}

func (h *house) pauses() []store.Pause {
	h.t.Helper()
	pauses, err := h.ledger.Pauses(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return pauses
}

func (h *house) run() error {
	return h.dispatcher.Run(h.t.Context(), store.Filter{Period: october})
}

func (h *house) deliveries() map[string]store.Delivery {
	h.t.Helper()
	list, err := h.ledger.Deliveries(h.t.Context(), store.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	byRecipient := map[string]store.Delivery{}
	for _, d := range list {
		byRecipient[d.Recipient] = d
	}
	return byRecipient
}

// server keeps what it accepts; the local part of a recipient says what it does with a message.
type server struct {
	port     int
	mu       sync.Mutex
	accepted map[string][][]byte // by recipient
	calm     bool                // accepts everything from now on
	refuse   *smtp.SMTPError     // every MAIL gets this
}

func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{accepted: map[string][][]byte{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	running := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }))
	running.Domain = "relay.example"
	stop := sink.Serve(running, listener)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// become changes how the server answers from now on.
func (s *server) become(calm bool, refuse *smtp.SMTPError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm, s.refuse = calm, refuse
}

func (s *server) of(recipient string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted[recipient]
}

type session struct {
	s    *server
	conn *smtp.Conn
	to   string
}

func (x *session) Mail(string, *smtp.MailOptions) error {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.s.refuse != nil {
		return x.s.refuse
	}
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.to = to
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	switch {
	case x.s.calm:
	case strings.HasPrefix(to, "later"):
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "mailbox busy"}
	case strings.HasPrefix(to, "never"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	return nil
}

func (x *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.accepted[x.to] = append(x.s.accepted[x.to], data)
	if strings.HasPrefix(x.to, "drop") && !x.s.calm {
		return x.conn.Conn().Close()
	}
	return nil
}

func (x *session) Reset()        {}
func (x *session) Logout() error { return nil }

func TestEveryAddressGetsItsOwnContractsMail(t *testing.T) {
	h := newHouse(t)
	want := map[string]string{}
	for _, id := range []string{"C1", "C2", "C3", "C4", "C5", "C6", "C7"} {
		a, b := "a@"+strings.ToLower(id)+".example", "b@"+strings.ToLower(id)+".example"
		h.contract(id, a, b)
		want[a], want[b] = id, id
	}
	if run := h.plan(); run.Planned != len(want) {
		t.Fatalf("planned %d", run.Planned)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for recipient, d := range h.deliveries() {
		if d.State != store.Sent || d.Attempts != 1 || d.LastCode != 250 || d.Contract != want[recipient] {
			t.Errorf("%s: %+v", recipient, d)
		}
		got := h.server.of(recipient)
		if len(got) != 1 {
			t.Fatalf("%s got %d mails", recipient, len(got))
		}
		message, err := mail.ReadMessage(bytes.NewReader(got[0]))
		if err != nil {
			t.Fatal(err)
		}
		to, err := message.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != recipient {
			t.Errorf("%s: To %v, %v", recipient, to, err)
		}
		if id := message.Header.Get("Message-Id"); id != "<"+d.MessageID+">" || ids[id] {
			t.Errorf("%s: Message-ID %s, seen %v", recipient, id, ids[id])
		}
		ids[message.Header.Get("Message-Id")] = true
		if !bytes.Contains(got[0], []byte("geppo-av_"+want[recipient]+"_2026-10.pdf")) {
			t.Errorf("%s did not get %s's report", recipient, want[recipient])
		}
	}
	if len(ids) != len(want) {
		t.Errorf("%d mails for %d addresses", len(ids), len(want))
	}
	if run := h.plan(); run.Planned != 0 {
		t.Errorf("planning again added %d", run.Planned)
	}
}

func TestOutcomesBecomeStates(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "fine@example.jp", "later@example.jp", "never@example.jp", "drop@example.jp")
	h.plan()
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	got := h.deliveries()
	later := got["later@example.jp"]
	if wait := later.NextAttemptAt.Sub(h.now); later.State != store.Deferred || wait < 4*time.Minute || wait > 6*time.Minute || later.LastCode != 450 {
		t.Errorf("temporary: %+v, next in %s", later, wait)
	}
	if d := got["never@example.jp"]; d.State != store.Failed || d.LastCode != 550 || !strings.Contains(d.Reason, "no such user") {
		t.Errorf("permanent: %+v", d)
	}
	drop := got["drop@example.jp"]
	if drop.State != store.Held || drop.Ambiguous != 2 {
		t.Errorf("ambiguous twice: %+v", drop)
	}
	copies := h.server.of("drop@example.jp")
	if len(copies) != 2 || !bytes.Equal(copies[0], copies[1]) {
		t.Errorf("%d copies, want 2 equal ones", len(copies))
	}
	attempts, err := h.ledger.Attempts(t.Context(), drop.ID)
	if err != nil || len(attempts) != 2 || attempts[1].Stage != "dot" || attempts[1].Outcome != store.OutcomeAmbiguous {
		t.Errorf("attempts %+v, %v", attempts, err)
	}

	h.now = later.NextAttemptAt
	h.server.become(true, nil)
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if d := h.deliveries()["later@example.jp"]; d.State != store.Sent || d.Attempts != 2 {
		t.Errorf("after its time: %+v", d)
	}
	if n := len(h.server.of("fine@example.jp")); n != 1 {
		t.Errorf("fine got %d mails", n)
	}
}

func TestGivingUpComesAfterATry(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "later@example.jp")
	h.plan()
	for range 100 {
		if err := h.run(); err != nil {
			t.Fatal(err)
		}
		d := h.deliveries()["later@example.jp"]
		if d.State == store.Failed {
			if age := h.now.Sub(first); age < 72*time.Hour || age > 77*time.Hour || !strings.HasPrefix(d.Reason, "given up: ") {
				t.Errorf("given up after %s: %+v", age, d)
			}
			return
		}
		h.now = d.NextAttemptAt
	}
	t.Error("never given up")
}

func TestAFrozenReportIsWhatEveryTrySends(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "later@example.jp")
	h.plan()
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	before, err := h.ledger.Frozen(t.Context(), "C1", october, 1)
	if err != nil {
		t.Fatal(err)
	}
	late := `{"type":"detection","contract":"C1","id":"d-2","feature":"spyware","time":"2026-10-06T14:03:22+09:00","endpoint":"PC-C1","name":"ADW_LATE","result":"cleaned","count":7}`
	if _, err := ingest.JSONLines(t.Context(), h.detections, strings.NewReader(late), ingest.Options{File: "late", Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	h.server.become(true, nil)
	h.now = h.now.Add(time.Hour)
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	after, err := h.ledger.Frozen(t.Context(), "C1", october, 1)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the frozen report changed, %v", err)
	}
	if got := h.server.of("later@example.jp"); len(got) != 1 || bytes.Contains(got[0], []byte("ADW_LATE")) {
		t.Errorf("%d mails", len(got))
	}
	november, err := h.dispatcher.Composer.Fresh(t.Context(), "C1", october.Next(), 1)
	if err != nil || november.Late != 7 {
		t.Errorf("the next report tells of %d late detections, want 7 (%v)", november.Late, err)
	}
}

func TestABrokenRelayPausesTheQueueAndBurnsNothing(t *testing.T) {
	h := newHouse(t)
	for i := range 12 {
		h.contract(fmt.Sprintf("C%d", i), fmt.Sprintf("a%d@example.jp", i))
	}
	h.plan()
	good := h.dispatcher.Client.Port
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.dispatcher.Client.Port = dead.Addr().(*net.TCPAddr).Port
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.run(); !errors.Is(err, daemon.ErrPaused) {
		t.Fatal(err)
	}
	if p := h.pauses(); len(p) != 1 || p[0].Cause != store.CauseSetup {
		t.Errorf("pauses %+v", p)
	}
	for recipient, d := range h.deliveries() {
		if !d.State.Pending() || d.State == store.Sending {
			t.Errorf("%s: %+v", recipient, d)
		}
	}
	h.dispatcher.Client.Port, h.now = good, h.now.Add(time.Hour)
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if p := h.pauses(); len(p) != 0 {
		t.Errorf("still paused: %v", p)
	}
	for recipient, d := range h.deliveries() {
		if d.State != store.Sent || len(h.server.of(recipient)) != 1 {
			t.Errorf("%s: %+v", recipient, d)
		}
	}
}

func TestAFaultOfOurSetUpStopsBeforeTheNextDelivery(t *testing.T) {
	h := newHouse(t)
	for i := range 20 {
		h.contract(fmt.Sprintf("C%d", i), fmt.Sprintf("a%d@example.jp", i))
	}
	h.plan()
	h.server.become(false, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "sender not allowed"})
	if err := h.run(); !errors.Is(err, daemon.ErrPaused) {
		t.Fatal(err)
	}
	if p := h.pauses(); len(p) != 1 || !strings.Contains(p[0].Reason, "sender not allowed") {
		t.Errorf("pauses %+v", p)
	}
	for recipient, d := range h.deliveries() {
		if d.State != store.Queued {
			t.Errorf("%s: %+v", recipient, d)
		}
	}
}

func TestAnOperatorsPauseHolds(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp")
	h.plan()
	if err := h.ledger.Pause(t.Context(), store.CauseOperator, "maintenance", "root", h.now); err != nil {
		t.Fatal(err)
	}
	if err := h.run(); !errors.Is(err, daemon.ErrPaused) || !strings.Contains(err.Error(), "maintenance") {
		t.Errorf("error %v", err)
	}
	if d := h.deliveries()["a@example.jp"]; d.State != store.Queued || d.Attempts != 0 {
		t.Errorf("%+v", d)
	}
}

func TestStoppingLeavesNothingUnderWay(t *testing.T) {
	h := newHouse(t)
	for i := range 30 {
		h.contract(fmt.Sprintf("C%d", i), fmt.Sprintf("a%d@example.jp", i))
	}
	h.plan()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	h.dispatcher.Settled = func(store.Delivery, store.State) { once.Do(cancel) }
	if err := h.dispatcher.Run(ctx, store.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	sent := 0
	for recipient, d := range h.deliveries() {
		switch d.State {
		case store.Sent:
			sent++
		case store.Queued:
		default:
			t.Errorf("%s: %+v", recipient, d)
		}
		if n := len(h.server.of(recipient)); (n == 1) != (d.State == store.Sent) {
			t.Errorf("%s is %s and got %d mails", recipient, d.State, n)
		}
	}
	if sent == 0 || sent == 30 {
		t.Errorf("%d sent, want some and not all", sent)
	}
	h.dispatcher.Settled = nil
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	for recipient := range h.deliveries() {
		if n := len(h.server.of(recipient)); n != 1 {
			t.Errorf("%s got %d mails", recipient, n)
		}
	}
}

func TestComposingCutOffIsNoFailure(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp")
	h.plan()
	h.dispatcher.Policy.Finish = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	h.dispatcher.Compose = func(ctx context.Context, _ store.Delivery) (mailer.Message, error) {
		stop()
		<-ctx.Done()
		return mailer.Message{}, fmt.Errorf("read the month: %w", ctx.Err())
	}
	if err := h.dispatcher.Run(ctx, store.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	d := h.deliveries()["a@example.jp"]
	attempts, err := h.ledger.Attempts(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d.State != store.Queued || d.Waited != 0 || len(attempts) != 1 || attempts[0].Outcome != store.OutcomeInterrupted {
		t.Errorf("%+v, attempts %+v", d, attempts)
	}
}

func TestRecoveryAfterACrash(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp", "b@example.jp", "c@example.jp")
	h.plan()
	var claimed []store.Delivery
	for range 2 {
		d, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 1)
		if err != nil {
			t.Fatal(err)
		}
		claimed = append(claimed, d...)
	}
	// The second one's dot may have been written when the machine went down.
	message, err := h.dispatcher.Composer.Compose(t.Context(), claimed[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.seat.HandOver(t.Context(), claimed[1].ID, claimed[1].Attempts, message.SHA256(), h.now); err != nil {
		t.Fatal(err)
	}
	if err := h.dispatcher.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := h.deliveries()
	if d := got["a@example.jp"]; d.State != store.Queued || d.Ambiguous != 0 {
		t.Errorf("sending: %+v", d)
	}
	if d := got["b@example.jp"]; d.State != store.Queued || d.Ambiguous != 1 {
		t.Errorf("handing over: %+v", d)
	}
	h.now = h.now.Add(time.Minute)
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	for recipient, d := range h.deliveries() {
		if d.State != store.Sent {
			t.Errorf("%s: %+v", recipient, d)
		}
	}
	// What is sent after the crash is what would have been sent before it.
	if copies := h.server.of("b@example.jp"); len(copies) != 1 || !bytes.Equal(copies[0], message.Bytes) {
		t.Errorf("%d copies, or other bytes", len(copies))
	}
}

func TestPlanningNamesContractsNobodyCanBeWrittenTo(t *testing.T) {
	h := newHouse(t)
	h.contract("C1")
	h.contract("C2", "gone@example.jp")
	h.contract("C3", "a@example.jp", "gone@example.jp")
	if err := h.ledger.Mark(t.Context(), "gone@example.jp", "550", h.now); err != nil {
		t.Fatal(err)
	}
	run := h.plan()
	var contracts []string
	for _, e := range run.Errors {
		contracts = append(contracts, e.Contract)
	}
	if diff := cmp.Diff([]string{"C1", "C2", "C3"}, contracts); diff != "" || run.Planned != 1 {
		t.Errorf("planned %d, %s", run.Planned, diff)
	}
}

func TestActiveContracts(t *testing.T) {
	for _, test := range []struct {
		since, ends store.Day
		want        bool
	}{
		{"2025-04-01", "", true},
		{"2026-10-31", "", true},
		{"2026-11-01", "", false},
		{"2025-04-01", "2026-10-01", true},
		{"2025-04-01", "2026-09-30", false},
	} {
		if got := daemon.Active(store.Contract{Since: test.since, Ends: test.ends}, october); got != test.want {
			t.Errorf("since %s, ends %q: active %v", test.since, test.ends, got)
		}
	}
}

// covered imports the day of a contract's feed.
func (h *house) covered(contract, day string) {
	h.t.Helper()
	h.rows(fmt.Sprintf(`{"type":"coverage","contract":%q,"day":%q}`, contract, day))
}

func (h *house) rows(lines string) {
	h.t.Helper()
	_, err := ingest.JSONLines(h.t.Context(), h.detections, strings.NewReader(lines), ingest.Options{File: "rows", Now: func() time.Time { return h.now }})
	if err != nil {
		h.t.Fatal(err)
	}
}

func waitingOf(run store.Run) (list []string) {
	for _, w := range run.Waiting {
		list = append(list, w.Contract)
	}
	return list
}

// Each contract waits for its own feed and its own zone, and for nobody else's.
func TestAContractWaitsForItself(t *testing.T) {
	h := newHouse(t)
	h.planner.RequireData = true
	h.contract("C1", "a@example.jp")
	h.contract("C2", "b@example.jp")
	h.contract("HI", "h@example.jp")
	h.rows(`{"type":"contract","id":"HI","name":"株式会社HI","product":"antivirus","licences":5,"since":"2025-04-01","timezone":"Pacific/Honolulu"}`)
	request := daemon.Request{Kind: "run", Period: october, By: "root"}
	var usage *daemon.Refusal
	h.now = time.Date(2026, 10, 31, 14, 59, 59, 0, time.UTC) // 23:59:59 on the 31st in Tokyo
	if _, err := h.planner.Plan(t.Context(), request); !errors.As(err, &usage) {
		t.Errorf("a period that has ended nowhere: %v", err)
	}
	h.now = h.now.Add(time.Second)
	for _, step := range []struct {
		what    string
		do      func()
		planned int
		waiting []string
	}{
		{"an import that says nothing of October's end", func() { h.contract("C1", "a@example.jp"); h.covered("C2", "2026-10-30") }, 0, []string{"C1", "C2", "HI"}},
		{"C1's feed is complete", func() { h.covered("C1", "2026-10-31"); h.covered("HI", "2026-10-31") }, 1, []string{"C2", "HI"}},
		{"nothing new", func() {}, 0, []string{"C2", "HI"}},
		{"October ends in Hawaii", func() { h.now = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC) }, 1, []string{"C2"}},
		{"by force", func() { request.Force = true }, 1, nil},
		{"what was forced is not waited for", func() { request.Force = false }, 0, nil},
	} {
		step.do()
		run, err := h.planner.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.waiting, waitingOf(run)); diff != "" || run.Planned != step.planned || run.Cancelled != 0 {
			t.Errorf("%s: planned %d, cancelled %d, waiting %v, want %d and %v", step.what, run.Planned, run.Cancelled, waitingOf(run), step.planned, step.waiting)
		}
	}
}

// A run of nothing is no success.
func TestNothingToPlanIsAnError(t *testing.T) {
	h := newHouse(t)
	h.planner.RequireData = true
	request := daemon.Request{Kind: "run", Period: october, By: "root"}
	if _, err := h.planner.Plan(t.Context(), request); !errors.Is(err, daemon.ErrNothingToPlan) {
		t.Errorf("no contract: %v", err)
	}
	h.contract("C1", "a@example.jp")
	request.Period = store.Period{Year: 2026, Month: time.August}
	if _, err := h.planner.Plan(t.Context(), request); !errors.Is(err, daemon.ErrNoSuchPeriod) {
		t.Errorf("before the data begin: %v", err)
	}
	request.Period = store.Period{Year: 2020, Month: time.August}
	if _, err := h.planner.Plan(t.Context(), request); !errors.Is(err, daemon.ErrNothingToPlan) {
		t.Errorf("before the contracts began: %v", err)
	}
	if runs, err := h.ledger.Runs(t.Context(), store.Period{}); err != nil || len(runs) > 0 {
		t.Errorf("runs %v, %v", runs, err)
	}
}

// A daemon with one delivery at a time to send meets a dead relay as well.
func TestFailedConnectionsAreCountedFromRunToRun(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp")
	h.plan()
	good := h.dispatcher.Client.Port
	h.dispatcher.Client.Port = 1 // tcpmux, which nobody has
	for n := 1; n <= 3; n++ {
		if err := h.run(); errors.Is(err, daemon.ErrPaused) != (n == 3) || err != nil && n < 3 {
			t.Fatal(err)
		}
		if p := h.pauses(); (len(p) == 0) != (n < 3) {
			t.Errorf("after %d failed connections: %v", n, p)
		}
		h.now = h.now.Add(5 * time.Hour)
	}
	if err := h.ledger.Resume(t.Context(), store.Order{By: "root"}, h.now); err != nil {
		t.Fatal(err)
	}
	h.dispatcher.Client.Port = good
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if d := h.deliveries()["a@example.jp"]; d.State != store.Sent {
		t.Errorf("%+v after an operator's resume", d)
	}
}

func TestTooLargeAMessageGoesOutWithoutItsPDFs(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp")
	h.plan()
	h.dispatcher.Composer.MaxSize = 100_000
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	got := h.server.of("a@example.jp")
	if len(got) != 1 || len(got[0]) > 100_000 || bytes.Contains(got[0], []byte("application/pdf")) {
		t.Errorf("%d mails, or one with its PDFs", len(got))
	}
	h.contract("C2", "b@example.jp")
	h.plan()
	h.dispatcher.Composer.MaxSize = 1000
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if d := h.deliveries()["b@example.jp"]; d.State != store.Held || !strings.Contains(d.Reason, "smtp.max_size") {
		t.Errorf("%+v", d)
	}
}

// A repeat after an upgrade: the renderer's bytes have changed since the first handing over.
func TestARepeatSendsTheArchivedBytesOrNone(t *testing.T) {
	for _, archived := range []bool{true, false} {
		h := newHouse(t)
		if archived {
			h.dispatcher.Composer.Archive.Dir = t.TempDir()
		}
		h.dispatcher.Policy.AmbiguousMax = 3
		h.contract("C1", "drop@example.jp")
		h.plan()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h.dispatcher.Settled = func(store.Delivery, store.State) { cancel() }
		if err := h.dispatcher.Run(ctx, store.Filter{}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		h.server.become(true, nil)
		archive := h.dispatcher.Composer.Archive
		h.dispatcher = h.newDispatcher(render.Options{SupportPhone: "0120-000-000"})
		h.dispatcher.Composer.Archive = archive
		if err := h.run(); err != nil {
			t.Fatal(err)
		}
		d, copies := h.deliveries()["drop@example.jp"], h.server.of("drop@example.jp")
		switch {
		case archived && (d.State != store.Sent || len(copies) != 2 || !bytes.Equal(copies[0], copies[1])):
			t.Errorf("with an archive: %s, %d copies, or other bytes", d.State, len(copies))
		case !archived && (d.State != store.Held || len(copies) != 1 || !strings.Contains(d.Reason, "differ")):
			t.Errorf("without one: %s, %d copies, %s", d.State, len(copies), d.Reason)
		}
	}
}

func messageIDs(l *sqlstore.Ledger) mailer.IDs {
	return mailer.IDs{Domain: "geppo.example", Key: mailer.Secret(l.Secret())}
}
