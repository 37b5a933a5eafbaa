package mailer

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Relays as they are: what stands in no RFC, or in one that they have not read.

// TestEarlyReply: what is said before the dot is not its reply, whichever side of the dot it is seen on.
func TestEarlyReply(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		stage       Stage // empty: sent
		verdict     Verdict
		says        string
	}{
		{"BODY", "250 2.0.0 fine already", StageData, Temporary, "before the message was complete"},
		{"BODY", "554 5.7.1 I have seen enough", StageData, Temporary, "seen enough"},
		{"BODY", "552 5.3.4 too big + cut", StageData, TooLarge, "too big"},
		{"BODY", "451 4.3.0 full + cut", StageData, Temporary, "full"},
		{"DOT", "250 2.0.0 fine already\r\n554 5.6.0 refused", StageDot, Ambiguous, "before the message was complete"},
		{"DOT", "250 2.0.0 fine already\r\n451 4.6.0 not now", StageDot, Ambiguous, "before the message was complete"},
		{"DOT", "stored 250 2.0.0 ok\r\n451 4.4.2 idle for too long + cut", "", "", ""},
		{"DOT", "stored 250 2.0.0 ok\r\n421 4.4.2 goodbye + cut", "", "", ""},
		{"DOT", "stored 250 2.0.0 ok + cut", "", "", ""},
		{"RSET", "502 5.5.1 what", "", "", ""},
		{"RSET", "cut", "", "", ""},
	} {
		eachWay(t, func(t *testing.T, extensions ...string) {
			r := newRelay(t, extensions...)
			r.replies[c.verb] = []string{c.reply}
			conn := connect(t, r.client())
			long := letter("a")
			long.Bytes = append(long.Bytes, strings.Repeat(strings.Repeat("x", 98)+"\r\n", 3000)...)
			reply, err := conn.Send(t.Context(), long, func() error {
				if c.verb == "BODY" { // the disk's turn: the reply has the time to come
					<-conn.heard
				}
				return nil
			})
			if c.stage == "" {
				if err != nil || reply.Code != 250 || conn.Sent != 1 {
					t.Errorf("%s %s: %v %v", c.verb, c.reply, reply, err)
				}
				return
			}
			if e := failure(t, err); e.Stage != c.stage || e.Verdict != c.verdict || !strings.Contains(e.Error(), c.says) || conn.Usable() || conn.Sent != 0 {
				t.Errorf("%s %s: %v", c.verb, c.reply, e)
			}
		})
	}
}

// TestTheConnectionIsBlamedFirst: a 4xx on a connection that has carried a message may be about the session.
func TestTheConnectionIsBlamedFirst(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "DATA"} {
		for _, carried := range []bool{false, true} {
			eachWay(t, func(t *testing.T, extensions ...string) {
				r := newRelay(t, extensions...)
				conn := connect(t, r.client())
				if carried {
					if _, err := conn.Send(t.Context(), letter("a"), nil); err != nil {
						t.Fatal(err)
					}
				}
				r.replies[verb] = []string{"451 4.7.1 too many messages in this session", "550 5.1.1 no"}
				for i, code := range []int{451, 550} {
					_, err := conn.Send(t.Context(), letter("b"), nil)
					if e := failure(t, err); e.Reply.Code != code || e.Anew != (carried && i == 0) {
						t.Errorf("%s, carried %v: %v, anew %v", verb, carried, e, e.Anew)
					}
				}
			})
		}
	}
}

// TestBareReplies: a reply without text is a reply, of one line or of many, at every stage.
func TestBareReplies(t *testing.T) {
	for verb, replies := range map[string][]string{
		"GREETING": {"220", "220 ", "220-\r\n220", "220-This server is protected by\r\n220-the devil himself.\r\n220"},
		"EHLO":     {"250", "250-relay.example.jp\r\n250-PIPELINING\r\n250", "250-\r\n250-SIZE 1000\r\n250"},
		"MAIL":     {"250", "250-\r\n250"},
		"RCPT":     {"250", "251"},
		"DATA":     {"354", "354-\r\n354"},
		"DOT":      {"250", "250-\r\n250-ok\r\n250"},
		"RSET":     {"250"},
	} {
		for _, reply := range replies {
			eachWay(t, func(t *testing.T, extensions ...string) {
				r := newRelay(t, extensions...)
				r.replies[verb] = []string{reply}
				if _, err := connect(t, r.client()).Send(t.Context(), letter("a"), nil); err != nil {
					t.Errorf("%s %q: %v", verb, reply, err)
				}
			})
		}
	}
}

// swallower throws away what comes along with a command, from the verb on, or within so long after it.
func swallower(from string, busy time.Duration) *Client {
	serve := func(conn net.Conn) {
		defer conn.Close()
		say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
		say("220 hi")
		buf := make([]byte, 4096)
		for data := false; ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			for _, line := range strings.SplitAfter(string(buf[:n]), "\r\n") {
				verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch {
				case line == "" || data && verb != ".":
					continue
				case verb == "EHLO":
					say("250-relay\r\n250 PIPELINING")
				case verb == "DATA":
					say("354 go")
					data = true
				default:
					say("250 ok")
					data = false
				}
				if verb == from {
					if busy > 0 {
						ignore(conn, busy)
					}
					break
				}
			}
		}
	}
	return &Client{Host: "localhost", TLS: TLSNone, HELO: "c", Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go serve(far)
		return near, nil
	}}
}

// ignore reads for a while, for nothing.
func ignore(conn net.Conn, busy time.Duration) {
	buf := make([]byte, 4096)
	if conn.SetReadDeadline(time.Now().Add(busy)) != nil {
		return
	}
	for {
		if _, err := conn.Read(buf); err != nil {
			_ = conn.SetReadDeadline(time.Time{})
			return
		}
	}
}

// TestSwallowedPipelining: the client finds out by itself, and remembers it; and it does not take a silent relay for one.
func TestSwallowedPipelining(t *testing.T) {
	for _, test := range []struct {
		from  string
		busy  time.Duration
		tries int // that cost a time-out
		took  time.Duration
	}{{"MAIL", 0, 1, 0}, {"RCPT", 0, 1, 0}, {"RCPT", 200 * time.Millisecond, 2, 900 * time.Millisecond}} {
		from := test.from
		synctest.Test(t, func(t *testing.T) {
			c := swallower(from, test.busy)
			for i := range 4 {
				conn, err := c.Connect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err = conn.Send(t.Context(), letter("a"), nil)
				if i < test.tries {
					if e := failure(t, err); !e.Anew || e.Verdict != Temporary || time.Since(began) != time.Minute {
						t.Errorf("%s: %v after %s", from, e, time.Since(began))
					}
				} else if err != nil || time.Since(began) != test.took {
					t.Errorf("%s: the %d. time: %v after %s", from, i+1, err, time.Since(began))
				}
				hangUp(t, conn)
			}
			synctest.Wait()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t, "PIPELINING")
		r.replies["MAIL"] = []string{"hang", "hang", "hang", "250 ok"}
		c := r.client()
		for i, want := range []pace{together, oneByOne, breathed, together} {
			conn, err := c.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Send(t.Context(), letter("a"), nil)
			var e *Error
			if conn.pace != want || (err == nil) != (i == 3) || errors.As(err, &e) && e.Anew != (i < 2) {
				t.Errorf("connection %d: pace %d, %v", i+1, conn.pace, err)
			}
			hangUp(t, conn)
		}
		r.close()
		r.serving.Wait()
	})
}

// TestWrongPort: a port that begins with TLS and one that does not are told apart, within seconds.
func TestWrongPort(t *testing.T) {
	cert, _ := certificate(t, "relay.example.jp", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	synctest.Test(t, func(t *testing.T) {
		c := &Client{Host: "relay.example.jp", HELO: "c", Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				_, _ = io.Copy(io.Discard, tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}}))
			}()
			return near, nil
		}}
		for _, mode := range []TLSMode{TLSStart, TLSOpportunistic, TLSNone} {
			c.TLS = mode
			c.probed.Store(false)
			began := time.Now()
			_, err := c.Connect(t.Context())
			if e := failure(t, err); e.Verdict != Setup || !strings.Contains(e.Error(), `set tls = "implicit"`) || time.Since(began) != silence {
				t.Errorf("%s: %v after %s", mode, e, time.Since(began))
			}
		}
		synctest.Wait()
	})
	c := reach(serve(t, &postOffice{}, nil, false), "relay.example.jp") // over TCP: both speak at once
	c.TLS = TLSImplicit
	_, err := c.Connect(t.Context())
	if e := failure(t, err); e.Verdict != Setup || !strings.Contains(e.Error(), `set tls = "starttls"`) {
		t.Error(e)
	}
}

// TestSilentRelay: it is asked once in the client's life whether it waits for TLS; a slow one is served all the same.
func TestSilentRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.replies["GREETING"] = []string{"hang", "hang", "hang", "wait 30s 220 at last"}
		c := r.client()
		for i, want := range []struct {
			dialled int
			took    time.Duration
		}{{2, time.Minute}, {3, time.Minute}, {4, 30 * time.Second}} {
			began := time.Now()
			conn, err := c.Connect(t.Context())
			if took := time.Since(began); took != want.took || r.dialled != want.dialled {
				t.Errorf("%d. time: %d dialled, %s", i+1, r.dialled, took)
			}
			if i == 2 {
				if err != nil {
					t.Fatal(err)
				}
				hangUp(t, conn)
				break
			}
			if e := failure(t, err); e.Verdict != Temporary || !strings.Contains(e.Error(), "within 1m0s") || !strings.Contains(e.Error(), `tls = "implicit" if`) {
				t.Error(e)
			}
		}
		r.close()
		r.serving.Wait()
	})
}

// TestRepeatedSecrets: whatever a relay repeats of the login, at whichever stage, stays between it and us.
func TestRepeatedSecrets(t *testing.T) {
	const user, password = "geppo", "S3cr3t-Hunter2"
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	forms := map[string]string{
		"plain":      password,
		"capitals":   strings.ToUpper(password),
		"base64":     encode(password),
		"AUTH PLAIN": encode("\x00" + user + "\x00" + password),
		"unpadded":   strings.TrimRight(encode("\x00"+user+"\x00"+password), "="),
		"with authz": encode(user + "\x00" + user + "\x00" + password),
		"cut off":    encode("\x00" + user + "\x00" + password)[:20],
		"cold":       strings.ToUpper(encode("\x00" + user + "\x00" + password)),
		"XOAUTH2":    encode("user=" + user + "\x01auth=Bearer " + password + "\x01\x01"),
		"wrapped":    encode("AUTH PLAIN failed for " + password),
	}
	for name, form := range forms {
		for _, said := range []string{
			"535 5.7.8 wrong: AUTH PLAIN " + form + " refused", "501-5.5.2 cannot read\r\n501 5.5.2 '" + form + "'", "garbled " + form, "235 ok\r\n" + form,
		} {
			r := newRelay(t, "AUTH PLAIN")
			r.replies["AUTH"] = []string{said}
			c := r.client()
			c.Username, c.Password = user, password
			conn, err := c.Connect(t.Context())
			if err == nil {
				_, err = conn.Send(t.Context(), letter("a"), nil)
			}
			if e := failure(t, err); strings.Contains(e.Error()+e.Reply.Text, form) || strings.Contains(e.Error(), password) {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
	c := &Client{Username: user, Password: password}
	for _, harmless := range []string{"Ok: queued as 4Q0123ABCDEF01", "Authentication unsuccessful [TYCPR01MB0001.jpnprd01.prod.outlook.com]", "geppo@relay.example"} {
		if got := c.hide(harmless); got != harmless {
			t.Errorf("%q became %q", harmless, got)
		}
	}
}

// TestToldOfOneMeantForAll: refusals as mail services word them. Those that can only be meant for all stop us at once.
func TestToldOfOneMeantForAll(t *testing.T) {
	for reply, want := range map[string]Verdict{
		"550 5.7.60 SMTP; Client does not have permissions to send as this sender [TYCPR01MB0001]":                                         Setup,
		"554 5.2.252 SendAsDenied; a@example.com not allowed to send as geppo@report.example.jp; STOREDRV.Submission.Exception":            Setup,
		"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception": Setup,
		"550-5.4.5 Daily user sending limit exceeded. For more information\r\n550 5.4.5 https://support.google.com/a/answer/166852":        Setup,
		"554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again later.":    Setup,
		"554 Message rejected: Email address is not verified. The following identities failed the check in region AP-NORTHEAST-1":          Setup,
		"554 Sending paused for this account. For more information, please check the inbox":                                                Setup,
		"554 5.7.1 <x@example.co.jp>: Relay access denied":                                                                                 Setup,
		"550 5.7.1 Unable to relay for x@example.jp":                                                                                       Setup,
		"550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.":                                               Setup,
		"550 5.1.8 Access denied, bad outbound sender AS(42004)":                                                                           Setup,
		"550 5.1.1 no such user":                            Permanent,
		"552 5.2.2 Mailbox full":                            Permanent,
		"554 5.7.1 Message rejected: infected":              Permanent,
		"550 5.7.1 our filter does not like the attachment": Permanent,
		"452 4.5.3 sending limit exceeded":                  Temporary,
		"552 5.3.4 Message size exceeds fixed maximum":      TooLarge,
	} {
		r, err := parseReply(reply + "\r\n")
		if err != nil {
			t.Fatal(err)
		}
		for _, stage := range []Stage{StageRcpt, StageData, StageDot} {
			if got := judge(stage, r); got != want {
				t.Errorf("%s at %s: %s, want %s", reply, stage, got, want)
			}
		}
	}
}

// TestKind: replies to different recipients that say the same are of one kind.
func TestKind(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"550 5.7.1 no a", "550 5.7.1 no b", true},
		{"550 5.7.1 no", "554 5.7.1 no", false},
		{"550 5.7.1 no", "550 5.1.1 no", false},
		{"554 Rejected <a@example.jp> as 4711", "554 rejected <b@example.jp> as 4712", true},
		{"554 rejected", "554 unknown user", false},
	} {
		a, errA := parseReply(c.a + "\r\n")
		b, errB := parseReply(c.b + "\r\n")
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if (a.Kind() == b.Kind()) != c.same {
			t.Errorf("%q and %q: %q, %q", c.a, c.b, a.Kind(), b.Kind())
		}
	}
}

// TestPlainPrompts: AUTH LOGIN as some relays ask for it.
func TestPlainPrompts(t *testing.T) {
	for _, prompts := range [][2]string{
		{"334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"}, {"334 VXNlcg", "334 Password"}, {"334", "334"}, {"334 User Name", "334 ユーザー名"},
	} {
		near, far := net.Pipe()
		got := make(chan []string, 1)
		go func() {
			defer far.Close()
			in := bufio.NewReader(far)
			var lines []string
			_, _ = io.WriteString(far, "220 hi\r\n")
			for _, reply := range []string{"250-relay\r\n250 AUTH=LOGIN", prompts[0], prompts[1], "235 ok"} {
				line, _ := in.ReadString('\n')
				lines = append(lines, strings.TrimSpace(line))
				_, _ = io.WriteString(far, reply+"\r\n")
			}
			got <- lines
		}()
		c := &Client{Host: "localhost", TLS: TLSNone, HELO: "c", Username: "u", Password: "p", Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Errorf("%v: %v", prompts, err)
			hangUp(t, far)
			continue
		}
		conn.drop()
		if lines := <-got; strings.Join(lines, "|") != "EHLO c|AUTH LOGIN|dQ==|cA==" {
			t.Errorf("%v: said %q", prompts, lines)
		}
	}
}

// hangUp ends a connection of a test that is about something else.
func hangUp(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Logf("hang up: %v", err)
	}
}
