package mailer

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay is an SMTP server for tests, correct but where replies says otherwise: by verb, used in turn. BODY is met
// after the first line of a message, DOT at its end. Besides plain replies there are:
//
//	cut     the connection is closed instead of a reply
//	hang    nothing is answered and nothing read any more
//	wait D  the reply comes after D
//
// and "R + cut" is reply R and then the cut.
type relay struct {
	extensions []string
	replies    map[string][]string

	stop     chan struct{}
	serving  sync.WaitGroup
	mu       sync.Mutex
	verbs    []string
	accepted []string // bodies as received, dot-stuffing undone
	dialled  int
}

// newRelay is closed at the end of the test.
func newRelay(t testing.TB, extensions ...string) *relay {
	r := &relay{extensions: extensions, replies: map[string][]string{}, stop: make(chan struct{})}
	t.Cleanup(r.close)
	return r
}

func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
}

// client reaches r over net.Pipe.
func (r *relay) client() *Client {
	return &Client{Host: "localhost", TLS: TLSNone, HELO: "client.example.jp", Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		r.mu.Lock()
		r.dialled++
		r.mu.Unlock()
		r.serving.Go(func() { r.serve(far) })
		return near, nil
	}}
}

// next is the scripted reply to verb, or else.
func (r *relay) next(verb, otherwise string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verbs = append(r.verbs, verb)
	if list := r.replies[verb]; len(list) > 0 {
		r.replies[verb] = list[1:]
		if list[0] != "" {
			return list[0]
		}
	}
	return otherwise
}

// answer writes a reply and tells whether to go on.
func (r *relay) answer(conn net.Conn, reply string) bool {
	if d, ok := strings.CutPrefix(reply, "wait "); ok {
		wait, then, _ := strings.Cut(d, " ")
		pause, err := time.ParseDuration(wait)
		if err != nil {
			panic(err)
		}
		timer := time.NewTimer(pause) // of the synctest bubble
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.stop:
			return false
		}
		reply = then
	}
	switch reply {
	case "cut":
		return false
	case "hang":
		<-r.stop
		return false
	}
	reply, cut := strings.CutSuffix(reply, " + cut")
	_, err := io.WriteString(conn, reply+"\r\n")
	return err == nil && !cut
}

func (r *relay) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if !r.answer(conn, r.next("GREETING", "220 relay.example.jp ready")) {
		return
	}
	var mail, rcpt bool
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.FieldsFunc(line+" ", func(c rune) bool { return c == ' ' || c == '\r' || c == '\n' })[0])
		reply := "502 5.5.1 unknown command"
		switch verb {
		case "EHLO":
			reply = "250-relay.example.jp\r\n250-" + strings.Join(append(r.extensions, "8BITMIME"), "\r\n250-") + "\r\n250 HELP"
		case "HELO":
			reply = "250 relay.example.jp"
		case "RSET":
			reply, mail, rcpt = "250 2.0.0 ok", false, false
		case "MAIL":
			if reply = "250 2.1.0 ok"; mail {
				reply = "503 5.5.1 nested MAIL"
			}
		case "RCPT":
			if reply = "250 2.1.5 ok"; !mail {
				reply = "503 5.5.1 need MAIL"
			}
		case "DATA":
			if reply = "354 go ahead"; !rcpt {
				reply = "554 5.5.1 no valid recipients"
			}
		case "QUIT":
			reply = "221 2.0.0 bye + cut"
		}
		reply = r.next(verb, reply)
		mail = mail || verb == "MAIL" && reply[0] == '2'
		rcpt = rcpt || verb == "RCPT" && reply[0] == '2'
		if !r.answer(conn, reply) {
			return
		}
		if verb == "DATA" && reply[0] == '3' {
			if !r.message(conn, in) {
				return
			}
			mail, rcpt = r.dirty(), false
		}
	}
}

// dirty: a relay that keeps the transaction open after a refused dot, as some do.
func (r *relay) dirty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.verbs[len(r.verbs)-1] == "DOT refused"
}

// message reads a body to its dot.
func (r *relay) message(conn net.Conn, in *bufio.Reader) bool {
	var body strings.Builder
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if first {
			if reply := r.next("BODY", ""); reply != "" && !r.answer(conn, reply) {
				return false
			}
		}
		if line == ".\r\n" {
			break
		}
		body.WriteString(strings.TrimPrefix(line, "."))
	}
	reply := r.next("DOT", "250 2.0.0 queued as 4711")
	stored := strings.HasPrefix(reply, "250") || strings.HasPrefix(reply, "stored ") || strings.HasPrefix(reply, "wait ")
	r.mu.Lock()
	if stored {
		r.accepted = append(r.accepted, body.String())
	} else {
		r.verbs = append(r.verbs, "DOT refused")
	}
	r.mu.Unlock()
	return r.answer(conn, strings.TrimPrefix(reply, "stored "))
}

// got is what the relay accepted so far.
func (r *relay) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.accepted...)
}

func (r *relay) seen() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.verbs, " ")
}
