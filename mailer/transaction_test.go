package mailer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// letter is a small message that needs dot-stuffing.
func letter(word string) Message {
	return Message{
		ID: word + "@example.jp", From: "bounce@example.jp", To: "kanri@example.jp",
		Bytes: []byte(".leading\r\nSubject: " + word + "\r\n\r\n..two\r\n.\r\n\r\n.\r\nend\r\n"),
	}
}

func connect(t testing.TB, c *Client) *Conn {
	t.Helper()
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// failure is the *Error in err; the test ends if there is none.
func failure(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("want an *Error, got %v", err)
	}
	return e
}

// eachWay runs f against a relay with and without PIPELINING.
func eachWay(t *testing.T, f func(t *testing.T, extensions ...string)) {
	t.Run("pipelining", func(t *testing.T) { f(t, "PIPELINING", "SIZE 1000000") })
	t.Run("one by one", func(t *testing.T) { f(t) })
}

func TestSend(t *testing.T) {
	eachWay(t, func(t *testing.T, extensions ...string) {
		r := newRelay(t, extensions...)
		conn := connect(t, r.client())
		for i, word := range []string{"one", "two", "three"} {
			called := 0
			reply, err := conn.Send(t.Context(), letter(word), func() error {
				called++
				if len(r.got()) != i {
					t.Error("accepted before the dot")
				}
				return nil
			})
			if err != nil || called != 1 {
				t.Fatalf("%v, called %d times", err, called)
			}
			if want := (Reply{Code: 250, Enhanced: "2.0.0", Text: "queued as 4711"}); reply != want {
				t.Errorf("reply %#v", reply)
			}
			if got := r.got(); got[len(got)-1] != string(letter(word).Bytes) {
				t.Errorf("received %q", got[len(got)-1])
			}
		}
		if conn.Sent != 3 || !conn.Usable() {
			t.Error(conn.Sent, conn.Usable())
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		r.serving.Wait()
		if !strings.HasSuffix(r.seen(), "QUIT") || strings.Count(r.seen(), "DOT RSET") != 3 || strings.Count(r.seen(), "RSET") != 3 {
			t.Error(r.seen())
		}
	})
}

// TestRefused: each kind of refusal gets its stage and verdict, nothing is accepted, and the next message on the
// connection, if it is still usable, does not suffer for it.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		stage       Stage
		verdict     Verdict
		usable      bool
	}{
		{"MAIL", "451 4.3.0 later", StageMail, Temporary, true},
		{"MAIL", "550 5.7.1 not you", StageMail, Setup, true},
		{"MAIL", "553 5.1.8 bad sender", StageMail, Setup, true},
		{"MAIL", "530 5.7.0 log in first", StageMail, Setup, true},
		{"MAIL", "552 5.3.4 too big", StageMail, TooLarge, true},
		{"MAIL", "552 too big", StageMail, TooLarge, true},
		{"MAIL", "421 4.3.2 closing + cut", StageMail, Temporary, false},
		{"RCPT", "450 4.2.1 greylisted", StageRcpt, Temporary, true},
		{"RCPT", "550 5.1.1 unknown", StageRcpt, Permanent, true},
		{"RCPT", "554 5.7.1 relay access denied", StageRcpt, Setup, true},
		{"RCPT", "554 5.7.1 you are on our list", StageRcpt, Permanent, true},
		{"RCPT", "530 5.7.0 log in first", StageRcpt, Setup, true},
		{"RCPT", "421 too many + cut", StageRcpt, Temporary, false},
		{"DATA", "451 4.3.0 later", StageData, Temporary, true},
		{"DATA", "554 5.5.0 no", StageData, Permanent, true},
		{"DATA", "250 2.0.0 what", StageData, Temporary, false},
		{"DOT", "451 4.7.0 scanner is down", StageDot, Temporary, true},
		{"DOT", "552 5.2.2 mailbox full", StageDot, Permanent, true},
		{"DOT", "554 5.7.1 spam", StageDot, Permanent, true},
		{"DOT", "552 5.3.4 too big", StageDot, TooLarge, true},
		{"DOT", "421 4.3.2 closing + cut", StageDot, Temporary, false},
		{"DOT", "354 go on", StageDot, Ambiguous, false},
		{"DOT", "hello", StageDot, Ambiguous, false},
		{"DOT", "250-one\r\n550 two", StageDot, Ambiguous, false},
	} {
		eachWay(t, func(t *testing.T, extensions ...string) {
			r := newRelay(t, extensions...)
			r.replies[c.verb] = []string{c.reply}
			conn := connect(t, r.client())
			_, err := conn.Send(t.Context(), letter("first"), nil)
			e := failure(t, err)
			if e.Stage != c.stage || e.Verdict != c.verdict || conn.Usable() != c.usable {
				t.Errorf("%s %s: %v, usable %v", c.verb, c.reply, e, conn.Usable())
			}
			if c.usable && !strings.HasPrefix(c.reply, e.Reply.String()) {
				t.Errorf("%s: reply kept as %q", c.reply, e.Reply)
			}
			if !c.usable {
				return
			}
			if _, err := conn.Send(t.Context(), letter("second"), nil); err != nil {
				t.Errorf("%s %s: the next message: %v\n%s", c.verb, c.reply, err, r.seen())
			}
			if got := r.got(); len(got) != 1 || got[0] != string(letter("second").Bytes) {
				t.Errorf("%s %s: accepted %q", c.verb, c.reply, got)
			}
		})
	}
}

// TestLaxData: a relay that wants a body although it refused the only recipient gets none.
func TestLaxData(t *testing.T) {
	r := newRelay(t, "PIPELINING")
	r.replies["RCPT"] = []string{"550 5.1.1 unknown"}
	r.replies["DATA"] = []string{"354 go ahead"}
	conn := connect(t, r.client())
	_, err := conn.Send(t.Context(), letter("a"), func() error { t.Error("must not come to the dot"); return nil })
	if e := failure(t, err); e.Stage != StageRcpt || e.Verdict != Permanent || conn.Usable() {
		t.Error(e, conn.Usable())
	}
	r.serving.Wait()
	if got := r.got(); len(got) != 0 {
		t.Errorf("accepted %q", got)
	}
}

// TestCut: the connection ends at each verb.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		stage       Stage
		verdict     Verdict
		accepted    int
	}{
		{"MAIL", "cut", StageMail, Temporary, 0},
		{"RCPT", "cut", StageRcpt, Temporary, 0},
		{"DATA", "cut", StageData, Temporary, 0},
		{"BODY", "cut", StageData, Temporary, 0},
		{"DOT", "cut", StageDot, Ambiguous, 0},
		{"DOT", "stored cut", StageDot, Ambiguous, 1}, // the real ambiguous case: accepted, the reply lost
		{"DOT", "250-half a reply + cut", StageDot, Ambiguous, 1},
	} {
		eachWay(t, func(t *testing.T, extensions ...string) {
			r := newRelay(t, extensions...)
			r.replies[c.verb] = []string{c.reply}
			conn := connect(t, r.client())
			_, err := conn.Send(t.Context(), letter("a"), nil)
			e := failure(t, err)
			if e.Stage != c.stage || e.Verdict != c.verdict || e.Reply.Code != 0 || e.Err == nil || conn.Usable() {
				t.Errorf("%s %s: %v", c.verb, c.reply, e)
			}
			if _, err := conn.Send(t.Context(), letter("b"), nil); !errors.Is(err, errGone) {
				t.Errorf("%s: a message over a dead connection: %v", c.verb, err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			r.serving.Wait()
			if len(r.got()) != c.accepted {
				t.Errorf("%s %s: accepted %d", c.verb, c.reply, len(r.got()))
			}
		})
	}
}

// TestAcceptedStaysAccepted: what happens after the reply to the dot does not undo it.
func TestAcceptedStaysAccepted(t *testing.T) {
	r := newRelay(t, "PIPELINING")
	r.replies["DOT"] = []string{"250 2.0.0 ok + cut"}
	conn := connect(t, r.client())
	if _, err := conn.Send(t.Context(), letter("a"), nil); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Send(t.Context(), letter("b"), nil)
	if e := failure(t, err); !e.Anew || e.Verdict != Temporary || e.Stage != StageMail || conn.Usable() {
		t.Errorf("%v, stale %v", e, e.Anew)
	}
}

func TestStale(t *testing.T) {
	for name, replies := range map[string][]string{"cut": {"", "cut"}, "421": {"", "421 4.4.2 idle for too long + cut"}} {
		eachWay(t, func(t *testing.T, extensions ...string) {
			r := newRelay(t, extensions...)
			r.replies["MAIL"] = replies
			conn := connect(t, r.client())
			if _, err := conn.Send(t.Context(), letter("a"), nil); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Send(t.Context(), letter("b"), nil)
			if e := failure(t, err); !e.Anew || e.Verdict != Temporary {
				t.Errorf("%s: %v", name, e)
			}
		})
	}
	r := newRelay(t)
	r.replies["MAIL"] = []string{"cut"}
	_, err := connect(t, r.client()).Send(t.Context(), letter("a"), nil)
	if e := failure(t, err); e.Anew {
		t.Error("the first message of a connection is never stale")
	}
}

// TestBeforeDot: its failure leaves the relay with nothing.
func TestBeforeDot(t *testing.T) {
	eachWay(t, func(t *testing.T, extensions ...string) {
		r := newRelay(t, extensions...)
		conn := connect(t, r.client())
		cause := errors.New("the ledger is gone")
		_, err := conn.Send(t.Context(), letter("a"), func() error { return cause })
		e := failure(t, err)
		if !errors.Is(err, cause) || e.Stage != StageData || e.Verdict != Temporary || conn.Usable() {
			t.Error(e)
		}
		r.serving.Wait()
		if len(r.got()) != 0 || strings.Contains(r.seen(), "DOT") {
			t.Error("the relay accepted the message: ", r.seen())
		}
	})
}

// TestUnasked: a reply too many must not shift those after it, least of all to the dot.
func TestUnasked(t *testing.T) {
	for verb, reply := range map[string]string{"DATA": "354 go ahead\r\n250 2.0.0 queued", "DOT": "250 2.0.0 ok\r\n421 4.3.2 closing"} {
		r := newRelay(t, "PIPELINING")
		r.replies[verb] = []string{reply}
		conn := connect(t, r.client())
		_, err := conn.Send(t.Context(), letter("a"), nil)
		if verb == "DOT" {
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Send(t.Context(), letter("b"), nil)
		}
		if e := failure(t, err); e.Verdict != Temporary || conn.Usable() || e.Anew != (verb == "DOT") {
			t.Errorf("%s: %v", verb, e)
		}
	}
}

func TestTooLarge(t *testing.T) {
	r := newRelay(t, "SIZE 20")
	conn := connect(t, r.client())
	_, err := conn.Send(t.Context(), letter("a"), nil)
	if e := failure(t, err); e.Verdict != TooLarge || !conn.Usable() {
		t.Error(e)
	}
	if strings.Contains(r.seen(), "MAIL") {
		t.Error("the relay was asked all the same")
	}
	for _, announced := range []string{"SIZE", "SIZE 0", "SIZE lots", "SIZE -5"} {
		if _, err := connect(t, newRelay(t, announced).client()).Send(t.Context(), letter("a"), nil); err != nil {
			t.Errorf("%s: %v", announced, err)
		}
	}
}

// TestFaultyMessage: what could smuggle commands or a second message is refused before a word is said.
func TestFaultyMessage(t *testing.T) {
	r := newRelay(t, "PIPELINING")
	conn := connect(t, r.client())
	for name, change := range map[string]func(*Message){
		"bare LF":        func(m *Message) { m.Bytes = []byte("a: b\r\n\r\nx\n.\r\ny\r\n") },
		"bare CR":        func(m *Message) { m.Bytes = []byte("a: b\r\n\r\nx\r.\r\n") },
		"no end":         func(m *Message) { m.Bytes = []byte("a: b\r\n\r\nx") },
		"empty":          func(m *Message) { m.Bytes = nil },
		"to injects":     func(m *Message) { m.To = "a@b.jp>\r\nRCPT TO:<x@y.jp" },
		"from injects":   func(m *Message) { m.From = "a@b.jp>\r\nX" },
		"to not ASCII":   func(m *Message) { m.To = "管理@example.jp" },
		"no recipient":   func(m *Message) { m.To = "" },
		"no sender":      func(m *Message) { m.From = "" },
		"quoted control": func(m *Message) { m.To = "\"a\r\n\"@b.jp" },
	} {
		m := letter("a")
		change(&m)
		_, err := conn.Send(t.Context(), m, nil)
		if e := failure(t, err); e.Stage != StageCompose {
			t.Errorf("%s: %v", name, e)
		}
	}
	if strings.Contains(r.seen(), "MAIL") || !conn.Usable() {
		t.Error(r.seen())
	}
}

// TestTimeouts: each step has its own time, and the dot the longest.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		stage       Stage
		verdict     Verdict
		after       time.Duration
	}{
		{"MAIL", "hang", StageMail, Temporary, time.Minute},
		{"RCPT", "hang", StageRcpt, Temporary, time.Minute},
		{"DATA", "hang", StageData, Temporary, time.Minute},
		{"BODY", "hang", StageData, Temporary, time.Minute},
		{"DOT", "hang", StageDot, Ambiguous, 10 * time.Minute},
		{"DOT", "wait 9m59s 250 2.0.0 ok", "", "", 10*time.Minute - time.Second},
		{"DOT", "wait 10m1s 250 2.0.0 ok", StageDot, Ambiguous, 10 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.replies[c.verb] = []string{c.reply}
			conn, err := r.client().Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m := letter("a")
			m.Bytes = append(m.Bytes, bytes.Repeat([]byte("0123456789\r\n"), 20000)...)
			start := time.Now()
			_, err = conn.Send(t.Context(), m, nil)
			if took := time.Since(start); took != c.after {
				t.Errorf("%s %s: took %s, want %s", c.verb, c.reply, took, c.after)
			}
			if c.verdict == "" {
				if err != nil {
					t.Errorf("%s %s: %v", c.verb, c.reply, err)
				}
			} else if e := failure(t, err); e.Stage != c.stage || e.Verdict != c.verdict || !errors.Is(err, errSlow) || conn.Usable() {
				t.Errorf("%s %s: %v", c.verb, c.reply, e)
			}
			_ = conn.Close()
			r.close()
			r.serving.Wait()
		})
	}
}

// TestBodyProgress: a slow line may take long as a whole, as long as each 64 KB get through in time.
func TestBodyProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go func() { // 64 KB a 50 seconds, then the dot's reply
			defer far.Close()
			_, _ = io.WriteString(far, "220 hi\r\n")
			buf := make([]byte, 1<<10)
			for _, reply := range []string{"250 PIPELINING", "250 a\r\n250 b\r\n354 c"} {
				_, _ = far.Read(buf)
				_, _ = io.WriteString(far, reply+"\r\n")
			}
			var got bytes.Buffer
			for !bytes.HasSuffix(got.Bytes(), []byte("\r\n.\r\nRSET\r\n")) {
				n, err := far.Read(buf)
				if err != nil {
					return
				}
				got.Write(buf[:n])
				time.Sleep(50 * time.Second / 64) // the bubble's clock
			}
			_, _ = io.WriteString(far, "250 ok\r\n250 reset\r\n")
		}()
		c := &Client{Host: "localhost", TLS: TLSNone, Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conn.pace = together // the one-line EHLO reply above has no room for it
		m := letter("a")
		m.Bytes = append(m.Bytes, bytes.Repeat([]byte("0123456789\r\n"), 40000)...)
		start := time.Now()
		if _, err := conn.Send(t.Context(), m, nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 5*time.Minute {
			t.Errorf("took %s only", took)
		}
		conn.drop()
	})
}

// TestCancel: the context ends each wait at once.
func TestCancel(t *testing.T) {
	for verb, want := range map[string]Verdict{"MAIL": Temporary, "RCPT": Temporary, "DATA": Temporary, "BODY": Temporary, "DOT": Ambiguous} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.replies[verb] = []string{"hang"}
			conn, err := r.client().Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cause := errors.New("shutting down")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(3*time.Second, func() { cancel(cause) })
			start := time.Now()
			_, err = conn.Send(ctx, letter("a"), nil)
			if e := failure(t, err); e.Verdict != want || !errors.Is(err, cause) || time.Since(start) != 3*time.Second || conn.Usable() {
				t.Errorf("%s: %v after %s", verb, e, time.Since(start))
			}
			r.close()
			r.serving.Wait()
		})
	}
}

// TestCancelBeforeDot: a context that ends while the ledger commits keeps the dot from being written. Over TCP, where a
// write would win against the closing of the connection.
func TestCancelBeforeDot(t *testing.T) {
	office := serve(t, &postOffice{}, nil, false)
	client := reach(office, "localhost")
	client.TLS = TLSNone
	conn := connect(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	wrote := 0
	_, err := conn.Send(ctx, letter("a"), func() error { cancel(); wrote = conn.wire.wrote; return nil })
	if e := failure(t, err); e.Verdict != Temporary || e.Stage != StageData || !errors.Is(err, context.Canceled) || conn.Usable() {
		t.Error(e)
	}
	if wrote == 0 || conn.wire.wrote != wrote {
		t.Error("the dot was written")
	}
}

func TestStuffed(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n":                 "a\r\n",
		".\r\n":                 "..\r\n",
		"..a\r\n":               "...a\r\n",
		"a\r\n.\r\n.\r\n..\r\n": "a\r\n..\r\n..\r\n...\r\n",
		"a.b\r\nc.\r\n":         "a.b\r\nc.\r\n",
	} {
		if got := string(stuffed([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
