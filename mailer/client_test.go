package mailer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
				_ = conn.Close()
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
			_ = conn.Close()
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
	for says, c := range map[string]*Client{
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
