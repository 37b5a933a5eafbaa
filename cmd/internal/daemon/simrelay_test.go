package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"geppo/cmd/internal/sink"
)

// relay is a go-smtp server over net.Pipe that misbehaves by the simulation's dice, and remembers
// every message that it accepted and what became of the reply.
type relay struct {
	pipes
	s      *simulation
	server *smtp.Server
	stop   func() error

	mu     sync.Mutex
	copies map[string][]*copied // by Message-ID, as accepted
	lost   int                  // accepted, but the reply did not arrive
	downTo time.Time            // virtual time until which nobody can connect
	busyTo map[string]time.Time // recipients refused for the time being
	overTo time.Time            // until which our quota is used up
	limit  int                  // connections at once; 0: any number
	live   int                  // of those that count
}

// copied is one accepted message.
type copied struct {
	recipient string
	data      []byte
	token     string // in the reply to its dot
	lost      bool   // its reply never arrived, or the client died before it had recorded it
	settled   bool   // the client said that it recorded the reply
}

func startRelay(s *simulation) *relay {
	r := &relay{pipes: newPipes(), s: s, copies: map[string][]*copied{}, busyTo: map[string]time.Time{}}
	r.server = smtp.NewServer(r)
	r.server.Domain = "relay.example"
	r.server.ErrorLog = log.New(io.Discard, "", 0)
	r.stop = sink.Serve(r.server, r)
	return r
}

// dial is the client's.
func (r *relay) dial(l *life) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		l.tick("dial")
		if l.dead.Load() {
			return nil, errors.New("dead")
		}
		if r.isDown() || r.s.roll(100, "refuse") < 2 {
			r.s.tracef("refused to connect")
			return nil, errors.New("connection refused")
		}
		near, far := net.Pipe()
		line := &wire{Conn: far, r: r, life: l, muteAtOnce: r.s.roll(100, "mute") < 1}
		r.mu.Lock()
		if r.live++; r.limit > 0 && r.live > r.limit {
			line.crowded = true
		}
		r.mu.Unlock()
		near = &clientEnd{near, line}
		if !l.hold(line) {
			return nil, errors.Join(errors.New("connection refused"), near.Close(), far.Close())
		}
		if err := r.offer(ctx, line); err != nil {
			return nil, errors.Join(err, near.Close(), far.Close())
		}
		return near, nil
	}
}

func (r *relay) isDown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.downTo)
}

// wire is the relay's end of a connection. It sees whether the reply to a dot arrived.
type wire struct {
	net.Conn
	r          *relay
	life       *life
	muteAtOnce bool
	crowded    bool
	gone       sync.Once

	mu      sync.Mutex
	waiting *copied // for its reply
}

func (w *wire) Close() error {
	w.gone.Do(func() {
		w.r.mu.Lock()
		defer w.r.mu.Unlock()
		w.r.live--
	})
	return w.Conn.Close()
}

func (w *wire) Write(b []byte) (int, error) {
	if w.muteAtOnce {
		return 0, errors.Join(io.ErrClosedPipe, w.Close())
	}
	n, err := w.Conn.Write(b)
	w.answered(err == nil)
	return n, err
}

func (w *wire) await(c *copied) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = c
}

// answered notes whether the client learns that its message was accepted.
func (w *wire) answered(arrived bool) {
	w.mu.Lock()
	c := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	if c == nil || arrived {
		return
	}
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	c.lost = true
	w.r.lost++
}

// clientEnd tells the relay that its client does not listen any more.
type clientEnd struct {
	net.Conn
	far *wire
}

func (c *clientEnd) Close() error {
	c.far.answered(false)
	return c.Conn.Close()
}

// NewSession refuses the greeting now and then.
func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	w, ok := c.Conn().(*wire)
	if !ok {
		return nil, errors.New("not a simulated connection")
	}
	w.life.tick("ehlo")
	switch {
	case w.life.dead.Load():
		return nil, io.ErrClosedPipe
	case w.crowded:
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "too many connections"}
	case r.s.roll(100, "greeting") < 1:
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "too busy"}
	}
	return &visit{r: r, w: w}, nil
}

// fate is what happens to a message at the relay.
type fate int

const (
	accept fate = iota
	refuseMail
	refuseSender // ours to blame
	cutMail
	laterRcpt
	neverRcpt
	cutRcpt
	cutBody
	cutDot // before it is stored
	laterDot
	neverDot
	cutReply   // after it is stored
	muteReply  // likewise, and the client has to give up waiting
	slowAccept // within the client's patience
)

// odds in a thousand; the rest is accepted.
var odds = []struct {
	fate fate
	of   int
}{
	{refuseMail, 15},
	{refuseSender, 4},
	{cutMail, 15},
	{laterRcpt, 50},
	{neverRcpt, 15},
	{cutRcpt, 15},
	{cutBody, 20},
	{cutDot, 20},
	{laterDot, 25},
	{neverDot, 8},
	{cutReply, 35},
	{muteReply, 5},
	{slowAccept, 20},
}

func (s *simulation) fate() fate {
	n := s.roll(1000, "fate")
	for _, o := range odds {
		if n -= o.of; n < 0 {
			return o.fate
		}
	}
	return accept
}

// visit is one connection's session.
type visit struct {
	r    *relay
	w    *wire
	fate fate
	to   string
}

var (
	errCut = errors.New("cut")
	later  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	never  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 2, 1}, Message: "mailbox disabled"} // 5.1.1 would mark the address
)

// at lets time pass at a stage; a client that died meanwhile gets no further.
func (v *visit) at(stage string) error {
	v.w.life.tick(stage)
	if v.w.life.dead.Load() {
		return errCut
	}
	return nil
}

func (v *visit) cut() error { return errors.Join(errCut, v.w.Close()) }

func (v *visit) Mail(string, *smtp.MailOptions) error {
	if err := v.at("mail"); err != nil {
		return err
	}
	if v.w.life.heldBack {
		v.r.s.faultf("mail was sent while an operator had paused the queue")
	}
	v.fate = v.r.s.fate()
	switch v.fate {
	case refuseMail:
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "too many messages"}
	case refuseSender:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "sender not allowed"}
	case cutMail:
		return v.cut()
	}
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := v.at("rcpt"); err != nil {
		return err
	}
	v.to = to
	v.r.mu.Lock()
	busy, over := time.Now().Before(v.r.busyTo[to]), time.Now().Before(v.r.overTo)
	v.r.mu.Unlock()
	switch {
	case over:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "over your limit"}
	case busy, v.fate == laterRcpt:
		return later
	case v.fate == neverRcpt:
		return never
	case v.fate == cutRcpt:
		return v.cut()
	}
	return nil
}

func (v *visit) Data(body io.Reader) error {
	if err := v.at("data"); err != nil {
		return err
	}
	if v.fate == cutBody {
		_, err := io.CopyN(io.Discard, body, int64(v.r.s.roll(800, "body")))
		return errors.Join(err, v.cut())
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if err := v.at("dot"); err != nil { // the client may die here, and nobody has the message
		return err
	}
	switch v.fate {
	case cutDot:
		v.r.s.tracef("cut before %s's message was stored", v.to)
		return v.cut()
	case laterDot:
		return later
	case neverDot:
		return never
	}
	c := v.store(data)
	if c == nil {
		return v.cut()
	}
	v.w.await(c)
	switch v.fate {
	case cutReply:
		v.w.answered(false)
		return v.cut()
	case muteReply:
		time.Sleep(11 * time.Minute)
	case slowAccept:
		time.Sleep(8 * time.Minute)
	}
	if err := v.at("stored"); err != nil { // or here, and the relay has it
		return err
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "queued as " + c.token}
}

// store accepts a message.
func (v *visit) store(data []byte) *copied {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		v.r.s.faultf("unreadable message to %s: %v", v.to, err)
		return nil
	}
	id := message.Header.Get("Message-Id")
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	if !v.r.s.model.mayLeave(strings.Trim(id, "<>")) {
		v.r.s.faultf("%s left for %s without a last look at who may get it", id, v.to)
	}
	c := &copied{recipient: v.to, data: data, token: fmt.Sprintf("%08X", v.r.s.roll(1<<31, id))}
	v.r.copies[id] = append(v.r.copies[id], c)
	v.r.s.tracef("accepted %s for %s (%s)", id, v.to, c.token)
	return c
}

func (*visit) Reset()        {}
func (*visit) Logout() error { return nil }
