package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"geppo/cmd/internal/sink"
	"geppo/store"
)

const servicePassword = "correct horse battery staple"

// letter is a mail as it arrived.
type letter struct {
	to   string
	data []byte
}

// authSession is a relay that wants a login, and gives what it accepts to a channel.
type authSession struct {
	arrived chan<- letter
	to      string
	known   bool
}

func (s *authSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *authSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if s.known = username == "geppo" && password == servicePassword; !s.known {
			return errors.New("wrong login")
		}
		return nil
	}), nil
}

func (s *authSession) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *authSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *authSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.arrived <- letter{s.to, data}
	return nil
}

func (s *authSession) Reset()        {}
func (s *authSession) Logout() error { return nil }

func startRelay(t *testing.T, arrived chan<- letter) (port int) {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &authSession{arrived: arrived}, nil }))
	server.Domain, server.AllowInsecureAuth = "localhost", true
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := sink.Serve(server, listener)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().(*net.TCPAddr).Port
}

// service is the real binary, run as systemd would run it.
type serviceUnderTest struct {
	t      *testing.T
	dir    string
	notify *net.UnixConn
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// await reads systemd's socket until the daemon says so.
func (s *serviceUnderTest) await(state string) {
	s.t.Helper()
	if err := s.notify.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := s.notify.Read(buf)
		if err != nil {
			s.t.Fatalf("waiting for %s: %v\n%s", state, err, s.stderr.String())
		}
		if strings.HasPrefix(string(buf[:n]), state) {
			return
		}
	}
}

func (s *serviceUnderTest) configure(text string) {
	s.t.Helper()
	if err := writeFile(s.dir, "geppo.toml", []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serviceUnderTest) start() {
	s.t.Helper()
	socket := filepath.Join(s.dir, "notify")
	if s.notify == nil {
		s.listen(socket)
	}
	credentials := filepath.Join(s.dir, "credentials")
	if err := writeFile(credentials, "smtp_password", []byte(servicePassword+"\n")); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.CommandContext(context.Background(), "geppo", "serve")
	s.cmd.Dir, s.cmd.Stderr = s.dir, &s.stderr
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=300000", "CREDENTIALS_DIRECTORY="+credentials)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill() // the test has failed already
			_ = s.cmd.Wait()
		}
	})
}

func (s *serviceUnderTest) listen(socket string) {
	s.t.Helper()
	var err error
	if s.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := s.notify.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// wait is for the end of the process, which a signal has asked for.
func (s *serviceUnderTest) wait() error {
	timer := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() }) // Wait then says so
	defer timer.Stop()
	return s.cmd.Wait()
}

func (s *serviceUnderTest) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serviceUnderTest) get(path string) (int, string) {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", filepath.Join(s.dir, "http"))
		},
	}}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://geppo"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// awaitMetrics asks at each sign of life until all lines are there.
func (s *serviceUnderTest) awaitMetrics(lines ...string) {
	s.t.Helper()
	var body string
	for range 300 {
		_, body = s.get("/metrics")
		if !slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(body, "\n"+line+"\n") }) {
			return
		}
		s.await("WATCHDOG=1")
	}
	s.t.Errorf("/metrics does not come to %q:\n%s\n%s", lines, body, s.stderr.String())
}

// expectReport reads a mail: whose it is, of which month, and that it shows the one detection.
func expectReport(t *testing.T, m letter, p store.Period) {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(m.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	month := fmt.Sprintf("%d年%d月分", p.Year, p.Month)
	if err != nil || !strings.Contains(subject, month) || !strings.Contains(message.Header.Get("To"), m.to) {
		t.Errorf("subject %q, to %q: want %s and %s; %v", subject, message.Header.Get("To"), month, m.to, err)
	}
	parts := map[string]string{}
	readParts(t, message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), "", message.Body, parts)
	for part, want := range map[string]string{
		"text/plain": "TROJ_GEN.R002C0CLT21", "text/html": "TROJ_GEN.R002C0CLT21", "image/png": "\x89PNG",
		"application/pdf geppo-av_C1_" + p.String() + ".pdf": "%PDF-",
	} {
		if !strings.Contains(parts[part], want) {
			t.Errorf("the mail's %s has no %q: %.200q", part, want, parts[part])
		}
	}
	for _, part := range []string{"text/plain", "text/html"} {
		unwrapped := strings.ReplaceAll(parts[part], "\r\n", "")
		if !strings.Contains(unwrapped, month) || !strings.Contains(parts[part], "株式会社サンプル") {
			t.Errorf("the mail's %s does not say whose it is, of which month: %.400q", part, parts[part])
		}
	}
}

// readParts decodes a message's leaves, by type and file name.
func readParts(t *testing.T, contentType, encoding, disposition string, body io.Reader, parts map[string]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		switch strings.ToLower(encoding) {
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if _, params, err := mime.ParseMediaType(disposition); err == nil && strings.HasPrefix(disposition, "attachment") {
			kind += " " + params["filename"]
		}
		parts[kind] += string(data)
		return
	}
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		readParts(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part.Header.Get("Content-Disposition"), part, parts)
	}
}
