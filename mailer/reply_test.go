package mailer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func parseReply(in string) (Reply, error) {
	code, lines, err := readLines(bufio.NewReader(strings.NewReader(in)), new(Client).hide)
	if err != nil {
		return Reply{}, err
	}
	return newReply(code, lines, new(Client).hide), nil
}

func TestReadReply(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for in, want := range map[string]Reply{
		"250 2.0.0 Ok: queued as 4711\r\n": {Code: 250, Enhanced: "2.0.0", Text: "Ok: queued as 4711"},
		"250\r\n":                          {Code: 250},
		"250 \n":                           {Code: 250},
		"250-\r\n250-x\r\n250\r\n":         {Code: 250, Text: "x"},
		"550-5.1.1 The address\r\n550-5.1.1 does not\r\n550 5.1.1 exist\r\n": {Code: 550, Enhanced: "5.1.1", Text: "The address does not exist"},
		"450 5.1.1 class differs\r\n":                                        {Code: 450, Text: "5.1.1 class differs"},
		"550 5.7.0.1 what\r\n":                                               {Code: 550, Text: "5.7.0.1 what"},
		"550 5.1234.1 what\r\n":                                              {Code: 550, Text: "5.1234.1 what"},
		"554 \x1b[2J\x07red\x00 \u202eevil \xff日本\r\n":                       {Code: 554, Text: "?[2J?red? ?evil ?日本"},
		"250 " + long + "\r\n":                                               {Code: 250, Text: long[:1024]},
		strings.Repeat("250-"+long[:900]+"\r\n", 60) + "250 end\r\n":         {Code: 250, Text: long[:900] + " " + long[:123]},
	} {
		got, err := parseReply(in)
		if err != nil || got != want {
			t.Errorf("%.60q: %+v %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "250", "250-a\r\n", "hello\r\n", "99 x\r\n", "150 x\r\n", "650 x\r\n", "2a0 x\r\n", "2500 x\r\n", "\r\n", "250-a\r\n550 b\r\n", "250-a\r\nb\r\n",
		strings.Repeat("250-x\r\n", 20000), "250 " + strings.Repeat("x", 70000),
	} {
		if got, err := parseReply(in); err == nil {
			t.Errorf("%.60q is taken for %+v", in, got)
		}
	}
}

// FuzzReply: whatever a server sends, there is no panic and no hang, every error is one short printable line,
// success needs a 2xx that came after the dot was due, and a failure that is no reply to the dot says so.
func FuzzReply(f *testing.F) {
	const ehlo = "220 hi\r\n250-relay\r\n250 PIPELINING\r\n"
	for _, s := range []string{
		"", "220", "220 hi\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 queued\r\n",
		ehlo + "250 a\r\n250 b\r\n354 c\r\n250 d\r\n", ehlo + "250 a\r\n550 5.1.1 b\r\n354 c\r\n", ehlo + "421 bye\r\n",
		ehlo + "552 5.3.4 \x1b[31m\r\n503 x\r\n503 x\r\n", "220-\r\n220-\r\n", "554 5.7.1 \x00\xff\u202e\r\n", ehlo + "250-a\r\n250-",
		"220 hi\r\n250-relay\r\n250 SIZE 99999999999999999999999\r\n", "220 hi\r\n500 a\r\n500 b\r\n", "\r\n\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		read := make(chan struct{})
		go func() { defer close(read); _, _ = io.Copy(io.Discard, far) }()
		written := make(chan struct{})
		go func() { defer close(written); defer far.Close(); _, _ = far.Write(b) }()
		client := &Client{Host: "localhost", TLS: TLSNone, HELO: "c", Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
		conn, err := client.Connect(t.Context())
		dotted := false
		if err == nil {
			var reply Reply
			reply, err = conn.Send(t.Context(), letter("a"), func() error { dotted = true; return nil })
			if err == nil && (!dotted || reply.Code/100 != 2) {
				t.Errorf("success by %+v", reply)
			}
			conn.drop()
		}
		<-read
		<-written
		if err != nil {
			e := failure(t, err)
			if e.Stage == StageDot {
				checkDot(t, e, dotted)
			} else if e.Verdict == Ambiguous {
				t.Errorf("ambiguous before the dot: %+v", e)
			}
			line := e.Error()
			if len(line) > 2000 || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", line)
			}
		}
	})
}

// checkDot: after the dot only a refusal is one.
func checkDot(t *testing.T, e *Error, dotted bool) {
	t.Helper()
	want := Ambiguous
	switch e.Reply.Code / 100 {
	case 4:
		want = Temporary
	case 5:
		want = Permanent
	}
	if !dotted || e.Verdict != want {
		t.Errorf("dot due %t: %+v", dotted, e)
	}
}

// TestEndlessOpening: go-mail would read lines of any length.
func TestEndlessOpening(t *testing.T) {
	near, far := net.Pipe()
	done := make(chan int)
	go func() {
		sent, line := 0, []byte("220-x\r\n") // an odd start: no read ends at the bound by itself
		for {
			n, err := far.Write(line)
			line = []byte(strings.Repeat("x", 4000))
			if sent += n; err != nil {
				done <- sent
				return
			}
		}
	}()
	client := &Client{Host: "localhost", Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
	_, err := client.Connect(t.Context())
	if e := failure(t, err); e.Verdict != Temporary || len(e.Error()) > 2000 {
		t.Error(len(e.Error()))
	}
	if sent := <-done; sent > 2*maxReply {
		t.Errorf("read %d bytes", sent)
	}
}

func TestSecret(t *testing.T) {
	type config struct{ Password Secret }
	c := config{"hunter2"}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb+verb, c, c.Password)
		fmt.Fprintf(&out, verb, &c)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "a", c, "b", c.Password)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "a", c, "b", c.Password)
	out.WriteString(c.Password.String() + c.Password.GoString())
	for _, leak := range []string{"hunter2", "68756e74657232", "aHVudGVyMg"} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(leak)) {
			t.Error(out.String())
		}
	}
	if !strings.Contains(out.String(), `{"Password":"***"}`) || string(c.Password) != "hunter2" {
		t.Error(out.String())
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	for waited, want := range map[time.Duration]time.Duration{
		-1: 5 * time.Minute, 0: 5 * time.Minute, 5 * time.Minute: 10 * time.Minute, 15 * time.Minute: 20 * time.Minute, 155 * time.Minute: 160 * time.Minute,
		235 * time.Minute: 4 * time.Hour, 240 * time.Hour: 4 * time.Hour, math.MaxInt64: 4 * time.Hour,
	} {
		if got := b.Next(waited, 0.5); got != want {
			t.Errorf("after %s: %s, want %s", waited, got, want)
		}
	}
	if low, high := b.Next(0, 0), b.Next(0, 0.999999); low != 4*time.Minute || high < 5*time.Minute+59*time.Second || high > 6*time.Minute {
		t.Error(low, high)
	}
	own := Backoff{First: time.Second, Max: time.Hour, Factor: 1, GiveUp: time.Minute}
	if got := own.Next(time.Hour, 0.5); got != time.Second {
		t.Error(got)
	}
	for _, odd := range []Backoff{{Factor: math.NaN()}, {Factor: math.Inf(1)}, {Factor: -3}, {First: -1, Max: math.MaxInt64}, {First: math.MaxInt64, Max: math.MaxInt64}} {
		for _, jitter := range []float64{-1, 0, 0.999, 1, math.NaN()} {
			if got := odd.Next(100*time.Hour, jitter); got <= 0 {
				t.Errorf("%+v %v: %s", odd, jitter, got)
			}
		}
	}
	if b.Exhausted(72*time.Hour-1) || !b.Exhausted(72*time.Hour) || !own.Exhausted(time.Minute) {
		t.Error("gives up at the wrong time")
	}
}
