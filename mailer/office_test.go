package mailer

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// postOffice is a go-smtp server that keeps what it gets.
type postOffice struct {
	mechanisms []string
	addr       string

	mu     sync.Mutex
	got    []Message
	logins []string
	mail   []gosmtp.MailOptions
}

type session struct {
	office *postOffice
	from   string
	to     string
}

func (o *postOffice) NewSession(*gosmtp.Conn) (gosmtp.Session, error) {
	return &session{office: o}, nil
}
func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }
func (s *session) Mail(from string, o *gosmtp.MailOptions) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.mail = append(s.office.mail, *o)
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if strings.HasPrefix(to, "unknown@") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err // the client went away without the dot
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.got = append(s.office.got, Message{From: s.from, To: s.to, Bytes: b})
	return nil
}
func (s *session) AuthMechanisms() []string { return s.office.mechanisms }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "geppo" || password != "open sesame" {
			return gosmtp.ErrAuthFailed
		}
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.logins = append(s.office.logins, mechanism)
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	case "SCRAM-SHA-256":
		return &scramServer{check: check, iterations: "4096"}, nil
	case "XOAUTH2":
		return saslFunc(func(response []byte) ([]byte, bool, error) {
			user, token, _ := strings.Cut(strings.TrimPrefix(string(response), "user="), "\x01auth=Bearer ")
			return nil, true, check(user, strings.TrimRight(token, "\x01"))
		}), nil
	}
	return nil, gosmtp.ErrAuthUnknownMechanism
}

type saslFunc func([]byte) ([]byte, bool, error)

func (f saslFunc) Next(response []byte) ([]byte, bool, error) { return f(response) }

// loginServer: go-sasl has the client's side of LOGIN only.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

// scramServer is RFC 5802 for the one user of the tests.
type scramServer struct {
	check      func(user, password string) error
	iterations string
	bare       string
	first      string
	nonce      string
}

func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case response == nil:
		return []byte{}, false, nil
	case s.first == "":
		s.bare = strings.TrimPrefix(string(response), "n,,")
		_, nonce, _ := strings.Cut(s.bare, ",r=")
		s.nonce = nonce + "server"
		s.first = "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString([]byte("salt")) + ",i=" + s.iterations
		return []byte(s.first), false, nil
	case len(response) == 0:
		return nil, true, s.check("geppo", "open sesame")
	}
	salted, err := pbkdf2.Key(sha256.New, "open sesame", []byte("salt"), 4096, 32)
	if err != nil {
		return nil, true, err
	}
	sum := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	without, proof, _ := strings.Cut(string(response), ",p=")
	auth := s.bare + "," + s.first + "," + without
	clientKey := sum(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	want := sum(stored[:], auth)
	for i := range want {
		want[i] ^= clientKey[i]
	}
	if proof != base64.StdEncoding.EncodeToString(want) {
		return nil, true, gosmtp.ErrAuthFailed
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(sum(sum(salted, "Server Key"), auth))), false, nil
}

// serve starts go-smtp on loopback.
func serve(t testing.TB, office *postOffice, config *tls.Config, implicit bool) *postOffice {
	t.Helper()
	server := gosmtp.NewServer(office)
	server.Domain = "relay.example.jp"
	server.TLSConfig = config
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	server.MaxMessageBytes = 10 << 20
	server.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	office.addr = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	// The server knows its listener only once Serve has got that far; one that is closed before must end too.
	t.Cleanup(func() { server.Close(); l.Close(); <-done })
	return office
}

// reach is a client of office that believes to talk to host.
func reach(office *postOffice, host string) *Client {
	return &Client{Host: host, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, office.addr)
	}}
}
