package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

// openTestLedger opens the ledger of a test's directory.
func openTestLedger(t *testing.T, dir string) *sqlstore.Ledger {
	t.Helper()
	ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(dir, "geppo.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	return ledger
}

func TestServeAsAService(t *testing.T) {
	arrived := make(chan letter, 100)
	port := startRelay(t, arrived)
	s := &serviceUnderTest{t: t, dir: t.TempDir()}
	config := "[schedule]\nmonthly = \"* * * * *\"\n[smtp]\nusername = \"geppo\"\nport = " + strconv.Itoa(port) + "\n[http]\nlisten = \"unix:http\"\n"
	s.configure(config)
	now := time.Now()
	previous := store.PeriodOf(now, time.FixedZone("JST", 9*60*60)).Previous()
	importOne(t, s.dir, previous)
	// The last fire was two minutes ago: the next is due at once.
	ledger := openTestLedger(t, s.dir)
	fire := store.Fire{DueAt: now.Add(-2 * time.Minute), Period: previous.Previous(), State: store.FireBaseline}
	if err := errors.Join(ledger.PutFire(t.Context(), fire), ledger.Close()); err != nil {
		t.Fatal(err)
	}

	s.start()
	s.await("READY=1")
	s.await("WATCHDOG=1")
	got := map[string]bool{}
	for range 2 {
		m := receive(t, "a mail", arrived)
		got[m.to] = true
		expectReport(t, m, previous)
	}
	if !got["a@example.jp"] || !got["b@example.jp"] {
		t.Errorf("mail went to %v", got)
	}
	if status, body := s.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d %s", status, body)
	}
	if status, body := s.get("/readyz"); status != http.StatusOK || !strings.Contains(body, "relay: ok") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	// A mail has arrived a moment before the daemon has recorded that it did.
	s.awaitMetrics(`geppo_attempts_total{outcome="sent",stage="dot"} 2`, "geppo_relay_up 1", `geppo_followups{result="uncleanable"} 0`)

	// A faulty configuration changes nothing, a good one is taken.
	s.configure("[smtp]\nprot = 25\n")
	s.signal(syscall.SIGHUP)
	s.await("RELOADING=1")
	s.await("READY=1")
	if status, body := s.get("/readyz"); status != http.StatusOK {
		t.Errorf("after a faulty reload: %d %s", status, body)
	}
	config = strings.Replace(config, "* * * * *", "0 9 1 * *", 1)
	if status, _ := s.get("/login"); status != http.StatusNotFound {
		t.Errorf("a console where nobody could log in: %d", status)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "tokens"), []byte(strings.Repeat("x", 40)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(strings.Replace(config, `"unix:http"`, `"unix:elsewhere"`+"\ntoken_file = \"tokens\"", 1) + "[log]\nlevel = \"error\"\nformat = \"json\"\n[store]\ndsn = \"sqlite:other.db\"\n")
	s.signal(syscall.SIGHUP)
	s.await("RELOADING=1")
	s.await("READY=1")
	if status, body := s.get("/readyz"); status != http.StatusOK {
		t.Errorf("after a reload: %d %s", status, body)
	}
	if status, body := s.get("/login"); status != http.StatusOK {
		t.Errorf("the console after a reload that lets somebody in: %d %s", status, body)
	}
	s.configure(config)
	s.signal(syscall.SIGHUP)
	s.await("RELOADING=1")
	s.await("READY=1")

	s.signal(syscall.SIGTERM)
	s.await("STOPPING=1")
	if err := s.wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	log := s.stderr.String()
	for _, want := range []string{"geppo serves", "period planned", "run finished", "smtp.prot: unknown key", "configuration and templates reloaded", "key=store.dsn", "key=store.detections", "key=http.listen", "key=log.format", "geppo stopped"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, servicePassword) {
		t.Errorf("the log shows the password:\n%s", log)
	}
	if len(arrived) > 0 {
		t.Errorf("%d mails too many", len(arrived))
	}
}

// The relay has the message and says nothing yet. The first SIGTERM waits for its reply; a second one
// does not, and the next start finds a delivery that may have arrived.
func TestSIGTERMWaitsForTheReplyAndASecondOneDoesNot(t *testing.T) {
	for _, second := range []bool{false, true} {
		stored, speak := make(chan string), make(chan struct{})
		relay := newTestRelay(t, func(at stage, to string, try int) error {
			if at == stageStored && try == 1 {
				stored <- to
				<-speak
			}
			return nil
		})
		s := &serviceUnderTest{t: t, dir: t.TempDir()}
		s.configure("[smtp]\nconnections = 1\nport = " + strconv.Itoa(relay.port) + "\n[http]\nlisten = \"unix:http\"\n")
		copyDatabases(t, s.dir, template(t, 1))
		ledger := openTestLedger(t, s.dir)
		now := time.Now()
		_, err := ledger.Plan(t.Context(), store.Plan{Kind: "run", Period: september, RequestedBy: "test", Each: func(take func(store.Chosen) error) error {
			return take(store.Chosen{Contract: "C0", Targets: []store.Target{
				{Address: "a0@example.jp", MessageID: daemon.MessageID(mailer.IDs{Domain: "localhost", Key: mailer.Secret(ledger.Secret())}, "C0", september, 1, "a0@example.jp", 0)},
			}})
		}}, now)
		if err := errors.Join(err, ledger.Close()); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.await("READY=1")
		receive(t, "a message at the relay", stored)
		s.signal(syscall.SIGTERM)
		s.await("STOPPING=1")
		if second {
			s.signal(syscall.SIGTERM)
		} else {
			close(speak)
		}
		err = s.wait()
		var exit *exec.ExitError
		if !second {
			if err != nil {
				t.Errorf("after one SIGTERM: %v\n%s", err, s.stderr.String())
			}
			s.expectSent(relay, 0)
			continue
		}
		if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
			t.Errorf("after the second SIGTERM: %v", err)
		}
		close(speak)
		s.stderr.Reset()
		s.start()
		s.await("READY=1")
		s.awaitMetrics(`geppo_attempts_total{outcome="sent",stage="dot"} 1`)
		s.signal(syscall.SIGTERM)
		if err := s.wait(); err != nil {
			t.Errorf("after the restart: %v", err)
		}
		s.expectSent(relay, 1)
		if log := s.stderr.String(); !strings.Contains(log, "outcome=ambiguous") {
			t.Errorf("the start does not say that a reply was lost:\n%s", log)
		}
	}
}

var september = store.Period{Year: 2026, Month: time.September}

// expectSent finds the one delivery sent, and so many lost replies in the ledger.
func (s *serviceUnderTest) expectSent(relay *testRelay, lost int) {
	s.t.Helper()
	if got := relay.audit(s.t, s.dir); got.states[store.Sent] != 1 || got.ambiguous != lost || got.duplicates != lost {
		s.t.Errorf("%+v, want one sent and %d replies lost", got, lost)
	}
}

// importOne imports a contract with two addresses and one detection.
func importOne(t *testing.T, dir string, p store.Period) {
	t.Helper()
	lines := `{"type":"contract","id":"C1","name":"株式会社サンプル","product":"antivirus","licences":5,"since":"2020-04-01","recipients":[{"address":"a@example.jp"},{"address":"b@example.jp"}]}
{"type":"endpoint","contract":"C1","name":"PC-1","class":"desktop","os":"Windows 11 Pro","installed_at":"2020-04-02T10:00:00+09:00"}
{"type":"detection","contract":"C1","id":"d-1","feature":"virus","time":"` + p.String() + `-05T14:03:22+09:00","endpoint":"PC-1","name":"TROJ_GEN.R002C0CLT21","result":"quarantined"}
`
	for _, day := range p.Days() { // a feed that has lived to the month's end
		lines += fmt.Sprintf(`{"type":"coverage","contract":"C1","day":%q}`+"\n", day)
	}
	if err := writeFile(dir, "data.jsonl", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runGeppo(t, "--db", "sqlite:"+filepath.Join(dir, "geppo.db"), "import", filepath.Join(dir, "data.jsonl"))
	if code != 0 {
		t.Fatalf("import: exit %d: %s", code, stderr)
	}
}

func TestASecondDaemonRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	importOne(t, dir, store.Period{Year: 2026, Month: time.October})
	ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(dir, "geppo.db"), sqlstore.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if _, err := ledger.Join(t.Context(), sqlstore.Worker{Name: "daemon"}); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runGeppo(t, "--db", "sqlite:"+filepath.Join(dir, "geppo.db"), "serve")
	if code != exitError || !strings.Contains(stderr, strconv.Itoa(os.Getpid())) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
