package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"geppo/cmd/internal/sink"
	"geppo/store"
	"geppo/store/sqlstore"
)

// stage is how far a message has come at the relay.
type stage string

const (
	stageHello  stage = "hello"
	stageMail   stage = "mail"
	stageRcpt   stage = "rcpt"
	stageData   stage = "data"
	stageBody   stage = "body"   // the half of it has arrived
	stageDot    stage = "dot"    // all of it has
	stageStored stage = "stored" // and will not be forgotten
)

var stages = []stage{stageHello, stageMail, stageRcpt, stageData, stageBody, stageDot, stageStored}

// errCut ends a connection without a word.
var errCut = errors.New("cut")

// testRelay accepts mail over TCP and keeps it. Its at is asked at each stage of each message, and may
// refuse, cut, or kill the client.
type testRelay struct {
	port int
	at   func(s stage, to string, try int) error

	mu     sync.Mutex
	tries  map[string]int // messages begun to a recipient
	copies map[string][]arrival
	lost   int // accepted, and then cut before the reply
}

// arrival is one accepted message.
type arrival struct {
	to, token string
	data      []byte
}

func newTestRelay(t testing.TB, at func(s stage, to string, try int) error) *testRelay {
	t.Helper()
	r := &testRelay{at: at, tries: map[string]int{}, copies: map[string][]arrival{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		r.port = address.Port
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		call := &call{r: r, conn: c}
		return call, call.ask(stageHello)
	}))
	server.Domain = "relay.example"
	server.ErrorLog = log.New(io.Discard, "", 0)
	stop := sink.Serve(server, listener)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// call is a client's session.
type call struct {
	r    *testRelay
	conn *smtp.Conn
	to   string
	try  int
}

func (c *call) ask(s stage) error {
	if c.r.at == nil {
		return nil
	}
	err := c.r.at(s, c.to, c.try)
	if errors.Is(err, errCut) {
		err = errors.Join(err, c.conn.Conn().Close())
	}
	return err
}

func (c *call) Mail(string, *smtp.MailOptions) error { return c.ask(stageMail) }

func (c *call) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.r.mu.Lock()
	c.r.tries[to]++
	c.to, c.try = to, c.r.tries[to]
	c.r.mu.Unlock()
	return c.ask(stageRcpt)
}

func (c *call) Data(body io.Reader) error {
	if err := c.ask(stageData); err != nil {
		return err
	}
	var data bytes.Buffer
	if _, err := io.CopyN(&data, body, 1000); err != nil {
		return err
	}
	if err := c.ask(stageBody); err != nil {
		return err
	}
	if _, err := io.Copy(&data, body); err != nil {
		return err
	}
	if err := c.ask(stageDot); err != nil {
		return err
	}
	token, err := c.r.keep(c.to, data.Bytes())
	if err != nil {
		return err
	}
	if err := c.ask(stageStored); err != nil {
		c.r.mu.Lock()
		c.r.lost++
		c.r.mu.Unlock()
		return err
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "queued as " + token}
}

func (c *call) Reset()        { c.to, c.try = "", 0 }
func (c *call) Logout() error { return nil }

// keep accepts a message.
func (r *testRelay) keep(to string, data []byte) (token string, err error) {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	id := strings.Trim(message.Header.Get("Message-Id"), "<>")
	r.mu.Lock()
	defer r.mu.Unlock()
	token = fmt.Sprintf("%s/%d", id[:12], len(r.copies[id])+1)
	r.copies[id] = append(r.copies[id], arrival{to, token, data})
	return token, nil
}

// accepted counts the messages.
func (r *testRelay) accepted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.copies)
}

// standing is how a relay's record and a ledger agree.
type standing struct {
	states     map[store.State]int
	duplicates int
	ambiguous  int
	lost       int // replies
}

func (r *testRelay) audit(t *testing.T, dir string) standing {
	t.Helper()
	return r.auditLedger(t, filepath.Join(dir, "geppo.db"))
}

// auditLedger holds every delivery of a ledger against what the relay accepted, message by message.
func (r *testRelay) auditLedger(t *testing.T, dsn string) standing {
	t.Helper()
	ledger, err := sqlstore.OpenLedger(t.Context(), dsn, sqlstore.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	}()
	deliveries, err := ledger.Deliveries(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := standing{states: map[store.State]int{}, lost: r.lost}
	ours := map[string]bool{}
	for _, d := range deliveries {
		copies := r.copies[d.MessageID]
		ours[d.MessageID] = true
		sum.states[d.State]++
		sum.ambiguous += d.Ambiguous
		sum.duplicates += max(len(copies)-1, 0)
		if err := auditOne(d, copies); err != nil {
			t.Errorf("delivery %d to %s: %v", d.ID, d.Recipient, err)
		}
	}
	for id := range r.copies {
		if !ours[id] {
			t.Errorf("mail %s is in no ledger", id)
		}
	}
	return sum
}

func auditOne(d store.Delivery, copies []arrival) error {
	confirmed := false
	for i, c := range copies {
		confirmed = confirmed || strings.Contains(d.LastReply, c.token)
		if c.to != d.Recipient || !bytes.Contains(c.data, []byte("_"+d.Contract+"_"+d.Period.String()+".pdf")) {
			return fmt.Errorf("a mail for %s crossed", c.to)
		}
		if !bytes.Equal(c.data, copies[0].data) {
			return fmt.Errorf("copy %d has other bytes", i)
		}
	}
	switch {
	case d.State == store.Sent && (!confirmed || d.LastCode != 250):
		return fmt.Errorf("sent without the relay's word: %d %q", d.LastCode, d.LastReply)
	case d.State != store.Sent && confirmed:
		return fmt.Errorf("confirmed, but %s", d.State)
	case len(copies)-1 > d.Ambiguous:
		return fmt.Errorf("%d copies, %d marked ambiguous", len(copies), d.Ambiguous)
	case d.State != store.Sent && len(copies) > d.Ambiguous:
		return fmt.Errorf("%s, %d copies, %d marked ambiguous", d.State, len(copies), d.Ambiguous)
	}
	return nil
}

// port as an environment's value.
func (r *testRelay) environ() string { return "GEPPO_SMTP_PORT=" + strconv.Itoa(r.port) }
