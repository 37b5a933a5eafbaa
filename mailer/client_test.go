package mailer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// certificate is one for host, signed by a CA of its own, valid for that time.
func certificate(t testing.TB, host string, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca = sign(ca, ca, caKey, caKey)
	leaf := sign(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{host}, NotBefore: from, NotAfter: to}, ca, key, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}, pool
}

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
	t.Cleanup(func() { server.Close(); <-done })
	return office
}

// reach is a client of office that believes to talk to host.
func reach(office *postOffice, host string) *Client {
	return &Client{Host: host, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, office.addr)
	}}
}

func TestTLSModes(t *testing.T) {
	now := time.Now()
	good, pool := certificate(t, "relay.example.jp", now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredPool := certificate(t, "relay.example.jp", now.Add(-2*time.Hour), now.Add(-time.Hour))
	const ok13, loose = "TLS 1.3", "TLS 1.3 (unverified)"
	for _, c := range []struct {
		name     string
		mode     TLSMode
		cert     *tls.Certificate
		pool     *x509.CertPool
		host     string
		implicit bool
		want     string // Reply.TLS, or with a stage what the error says
		stage    Stage
	}{
		{"starttls", "", &good, pool, "relay.example.jp", false, ok13, ""},
		{"implicit", TLSImplicit, &good, pool, "relay.example.jp", true, ok13, ""},
		{"opportunistic with", TLSOpportunistic, &good, pool, "relay.example.jp", false, ok13, ""},
		{"opportunistic without", TLSOpportunistic, nil, nil, "relay.example.jp", false, "", ""},
		{"opportunistic, unknown CA", TLSOpportunistic, &good, nil, "relay.example.jp", false, loose, ""},
		{"none", TLSNone, &good, pool, "relay.example.jp", false, "", ""},
		{"not offered", TLSStart, nil, nil, "relay.example.jp", false, "offers no STARTTLS", StageTLS},
		{"unknown CA", TLSStart, &good, nil, "relay.example.jp", false, "unknown authority", StageTLS},
		{"unknown CA, implicit", TLSImplicit, &good, nil, "relay.example.jp", true, "unknown authority", StageTLS},
		{"other host", TLSStart, &good, pool, "mail.example.jp", false, "not mail.example.jp", StageTLS},
		{"expired", TLSStart, &expired, expiredPool, "relay.example.jp", false, "expired", StageTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config *tls.Config
			if c.cert != nil {
				config = &tls.Config{Certificates: []tls.Certificate{*c.cert}}
			}
			office := serve(t, &postOffice{}, config, c.implicit)
			client := reach(office, c.host)
			client.TLS, client.RootCAs = c.mode, c.pool
			conn, err := client.Connect(t.Context())
			if c.stage != "" {
				if e := failure(t, err); e.Stage != c.stage || e.Verdict != Temporary || !strings.Contains(e.Error(), c.want) {
					t.Error(e)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			m := letter("a")
			reply, err := conn.Send(t.Context(), m, nil)
			if err != nil || reply.TLS != c.want || reply.Code != 250 {
				t.Errorf("%v %v", reply, err)
			}
			office.mu.Lock()
			defer office.mu.Unlock()
			if len(office.got) != 1 || !bytes.Equal(office.got[0].Bytes, m.Bytes) {
				t.Errorf("received %q", office.got)
			}
			if o := office.mail[0]; o.UTF8 || o.Body != "" || o.Size != int64(len(m.Bytes)) {
				t.Errorf("MAIL with %+v", o)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	now := time.Now()
	cert, pool := certificate(t, "relay.example.jp", now.Add(-time.Hour), now.Add(time.Hour))
	every := []string{"LOGIN", "PLAIN", "SCRAM-SHA-256", "XOAUTH2"}
	for _, c := range []struct {
		name    string
		mode    AuthMode
		offered []string
		want    string // mechanism used, or with a verdict what the error says
		pass    Secret
		verdict Verdict
	}{
		{"auto", "", every, "SCRAM-SHA-256", "open sesame", ""},
		{"auto without SCRAM", AuthAuto, []string{"LOGIN", "PLAIN"}, "PLAIN", "open sesame", ""},
		{"auto with LOGIN only", AuthAuto, []string{"LOGIN"}, "LOGIN", "open sesame", ""},
		{"plain", AuthPlain, every, "PLAIN", "open sesame", ""},
		{"login", AuthLogin, every, "LOGIN", "open sesame", ""},
		{"scram", AuthSCRAM, every, "SCRAM-SHA-256", "open sesame", ""},
		{"xoauth2", AuthXOAUTH2, every, "XOAUTH2", "open sesame", ""},
		{"none", AuthNone, every, "", "", ""},
		{"wrong password", AuthPlain, every, "535 5.7.8", "wrong", Setup},
		{"wrong password, scram", AuthSCRAM, every, "535 5.7.8", "wrong", Setup},
		{"not offered", AuthSCRAM, []string{"PLAIN"}, "do not fit", "open sesame", Setup},
		{"nothing offered", AuthAuto, nil, "do not fit", "open sesame", Setup},
		{"xoauth2 is never guessed", AuthAuto, []string{"XOAUTH2"}, "do not fit", "open sesame", Setup},
	} {
		t.Run(c.name, func(t *testing.T) {
			office := serve(t, &postOffice{mechanisms: c.offered}, &tls.Config{Certificates: []tls.Certificate{cert}}, false)
			client := reach(office, "relay.example.jp")
			client.RootCAs, client.Auth, client.Username, client.Password = pool, c.mode, "geppo", c.pass
			conn, err := client.Connect(t.Context())
			if c.verdict != "" {
				e := failure(t, err)
				if e.Stage != StageAuth || e.Verdict != c.verdict || !strings.Contains(e.Error(), c.want) || e.Reply.TLS != "TLS 1.3" {
					t.Error(e)
				}
				if strings.Contains(fmt.Sprintf("%+v %v", e, client), "sesame") {
					t.Error("the password shows")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Send(t.Context(), letter("a"), nil); err != nil {
				t.Error(err)
			}
			office.mu.Lock()
			defer office.mu.Unlock()
			if got := strings.Join(office.logins, " "); got != c.want {
				t.Errorf("logged in by %q", got)
			}
		})
	}
}

// TestNoLoginInTheOpen: credentials leave only over verified TLS or to this machine.
func TestNoLoginInTheOpen(t *testing.T) {
	now := time.Now()
	cert, _ := certificate(t, "relay.example.jp", now.Add(-time.Hour), now.Add(time.Hour))
	far := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}
	for name, config := range map[string]*tls.Config{"plain": nil, "unverified": {Certificates: []tls.Certificate{cert}}} {
		for _, auth := range []AuthMode{AuthAuto, AuthPlain, AuthLogin, AuthSCRAM, AuthXOAUTH2} {
			office := serve(t, &postOffice{mechanisms: []string{"LOGIN", "PLAIN", "SCRAM-SHA-256", "XOAUTH2"}}, config, false)
			client := reach(office, "relay.example.jp")
			client.TLS, client.Auth, client.Username, client.Password = TLSOpportunistic, auth, "geppo", "open sesame"
			conn, err := client.Connect(t.Context()) // to loopback: fine
			if err != nil {
				t.Errorf("%s %s: %v", name, auth, err)
			} else {
				conn.Close()
			}
			near := client.Dial
			client.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := near(ctx, network, addr)
				return remoteConn{conn, far}, err
			}
			_, err = client.Connect(t.Context())
			if e := failure(t, err); e.Stage != StageAuth || e.Verdict != Setup {
				t.Errorf("%s %s: %v", name, auth, err)
			}
			office.mu.Lock()
			if len(office.logins) != 1 {
				t.Errorf("%s %s: logins %q", name, auth, office.logins)
			}
			office.mu.Unlock()
		}
	}
}

// remoteConn seems to come from elsewhere.
type remoteConn struct {
	net.Conn
	addr net.Addr
}

func (r remoteConn) RemoteAddr() net.Addr { return r.addr }

// TestScramBound: a relay may not keep us hashing.
func TestScramBound(t *testing.T) {
	for _, count := range []string{"2000000000", "0", "-1", "x", "99999999999999999999"} {
		a := boundedAuth{nil}
		if _, err := a.Next([]byte("r=n,s=c2FsdA==,i="+count), true); err == nil {
			t.Errorf("i=%s is taken", count)
		}
	}
}

func TestConnectRefused(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		verdict     Verdict
		code        int
	}{
		{"GREETING", "421 4.3.2 busy + cut", Temporary, 421},
		{"GREETING", "554 5.7.1 blocked + cut", Setup, 554},
		{"GREETING", "554 no service + cut", Setup, 554},
		{"GREETING", "cut", Temporary, 0},
		{"GREETING", "HTTP/1.1 400 Bad Request", Temporary, 0},
		{"EHLO", "cut", Temporary, 0},
		{"EHLO", "550 5.7.1 bad HELO", "", 0}, // HELO then works
	} {
		r := newRelay(t)
		r.replies[c.verb] = []string{c.reply}
		conn, err := r.client().Connect(t.Context())
		if c.verdict == "" {
			if err != nil {
				t.Errorf("%s %s: %v", c.verb, c.reply, err)
				continue
			}
			if _, err := conn.Send(t.Context(), letter("a"), nil); err != nil {
				t.Error(err)
			}
			conn.Close()
			continue
		}
		if e := failure(t, err); e.Stage != StageConnect || e.Verdict != c.verdict || e.Reply.Code != c.code {
			t.Errorf("%s %s: %v", c.verb, c.reply, e)
		}
	}
	dead := &Client{Host: "localhost", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }}
	_, err := dead.Connect(t.Context())
	if e := failure(t, err); e.Stage != StageConnect || e.Verdict != Temporary {
		t.Error(e)
	}
}

// TestConnectEnds: opening is bounded as a whole, and by the context, also where go-mail reads.
func TestConnectEnds(t *testing.T) {
	for _, verb := range []string{"GREETING", "EHLO", "AUTH"} {
		for _, cancelled := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t, "AUTH PLAIN")
				r.replies[verb] = []string{"hang"}
				client := r.client()
				client.Username, client.Password = "geppo", "secret"
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				want, cause := time.Minute, "within 1m0s"
				if cancelled {
					want, cause = 5*time.Second, "canceled"
					time.AfterFunc(want, cancel)
				}
				start := time.Now()
				_, err := client.Connect(ctx)
				if e := failure(t, err); time.Since(start) != want || e.Verdict != Temporary || !strings.Contains(e.Error(), cause) {
					t.Errorf("%s: %v after %s", verb, err, time.Since(start))
				}
				r.close()
				r.serving.Wait()
			})
		}
	}
}

func TestCloseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.replies["QUIT"] = []string{"hang"}
		conn, err := r.client().Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := conn.Close(); err == nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		r.close()
		r.serving.Wait()
	})
}

func TestClientSettings(t *testing.T) {
	for says, c := range map[string]Client{
		"host":     {},
		"port":     {Host: "h", Port: 70000},
		"TLS mode": {Host: "h", TLS: "ssl"},
		"set auto": {Host: "h", Auth: "md5"},
		"both":     {Host: "h", Username: "u"},
		"HELO":     {Host: "h", HELO: "a\r\nMAIL"},
		"time-out": {Host: "h", Timeout: -1},
	} {
		_, err := c.Connect(t.Context())
		if e := failure(t, err); e.Verdict != Setup || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %v", says, e)
		}
	}
	if got := (&Client{Host: "::1", TLS: TLSImplicit}).addr(); got != "[::1]:465" {
		t.Error(got)
	}
	if got := (&Client{Host: "relay"}).addr(); got != "relay:25" {
		t.Error(got)
	}
}
