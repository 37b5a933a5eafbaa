package mailer

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// TLSMode is how a connection is encrypted. The zero value is TLSStart.
type TLSMode string

// TLSStart and TLSImplicit refuse a relay whose certificate does not verify. TLSOpportunistic is plain only if STARTTLS is not
// offered, and then, as with TLSNone, nobody is kept from listening; it takes any certificate, since a forged one is no worse than none.
const (
	TLSStart         TLSMode = "starttls"
	TLSImplicit      TLSMode = "implicit" // TLS from the first byte, usually port 465
	TLSOpportunistic TLSMode = "opportunistic"
	TLSNone          TLSMode = "none"
)

// AuthMode is how to log in. The zero value is AuthAuto.
type AuthMode string

// AuthAuto takes the best of SCRAM-SHA-256, PLAIN and LOGIN that the relay offers, and does not log in without a user
// name. With AuthXOAUTH2 the password is the access token.
const (
	AuthAuto    AuthMode = "auto"
	AuthPlain   AuthMode = "plain"
	AuthLogin   AuthMode = "login"
	AuthSCRAM   AuthMode = "scram-sha-256"
	AuthXOAUTH2 AuthMode = "xoauth2"
	AuthNone    AuthMode = "none"
)

// Client says how to reach the relay. Only Host must be set. It holds no connection and may be used by many goroutines.
//
// go-mail's smtp package brings the ways to log in; the dialogue is ours (see Conn), because go-mail's own cannot tell a lost
// reply from a refused message, leaves the connection dirty after a refusal, needs seven round trips, and takes a reply without
// text for none.
type Client struct {
	Host     string
	Port     int // 0: 25, with TLSImplicit 465
	TLS      TLSMode
	Auth     AuthMode
	Username string
	Password Secret
	RootCAs  *x509.CertPool // nil: the system's
	HELO     string         // empty: this machine's name
	// Timeout bounds opening the connection as a whole, then each command's reply and each 64 KB of the body; 0: 60 s.
	Timeout time.Duration
	// DotTimeout bounds the reply to the final dot; 0: 10 min (RFC 5321 4.5.3.2.6).
	DotTimeout time.Duration
	Dial       func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net.Dialer

	pace   atomic.Int32 // how commands are sent, as learned; see pace
	probed atomic.Bool  // a silent relay was asked whether it waits for TLS; see Client.probe
}

// Connect opens a connection, encrypts it and logs in. Its errors are of the stages connect, tls and auth.
func (c *Client) Connect(ctx context.Context) (*Conn, error) {
	if err := c.Check(); err != nil {
		return nil, &Error{Stage: StageConnect, Verdict: Setup, Err: err}
	}
	timeout, _ := c.timeouts()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the relay %s did not get ready within %s", c.addr(), timeout))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	raw, err := c.dial(ctx)
	if err != nil {
		return nil, c.connectError(ctx, StageConnect, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn := c.newConn(raw)
	stage, err := conn.open(ctx, fail)
	if !stop() && err == nil {
		stage, err = StageConnect, context.Cause(ctx)
	}
	if err != nil {
		conn.drop()
		e := c.connectError(ctx, stage, err)
		e.Reply.TLS = conn.session.String()
		return nil, e
	}
	return conn, nil
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx, "tcp", c.addr())
	}
	return new(net.Dialer).DialContext(ctx, "tcp", c.addr())
}

// Check finds settings that can never work.
func (c *Client) Check() error {
	login := c.Auth != AuthNone && (c.Username != "" || c.Auth != "" && c.Auth != AuthAuto)
	switch {
	case c.Host == "":
		return errors.New("no relay is set; set its host")
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("port %d; set one from 1 to 65535", c.Port)
	case c.Timeout < 0 || c.DotTimeout < 0:
		return errors.New("a time-out is negative; set it to a duration such as 60s")
	case !knownTLS(c.TLS):
		return fmt.Errorf("TLS mode %q; set starttls, implicit, opportunistic or none", string(c.TLS))
	case !knownAuth(c.Auth):
		return fmt.Errorf("login %q; set auto, plain, login, scram-sha-256, xoauth2 or none", string(c.Auth))
	case login && (c.Username == "" || c.Password == ""):
		return errors.New("a login needs both user name and password; set both, or no login")
	case strings.ContainsFunc(c.HELO, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("HELO name %q; set a host name in ASCII", printable(c.HELO, 80))
	}
	return nil
}

func knownTLS(m TLSMode) bool {
	return m == "" || m == TLSStart || m == TLSImplicit || m == TLSOpportunistic || m == TLSNone
}

func knownAuth(m AuthMode) bool {
	return m == "" || m == AuthAuto || m == AuthNone || m == AuthPlain || m == AuthLogin || m == AuthSCRAM || m == AuthXOAUTH2
}

func (c *Client) addr() string {
	port := c.Port
	if port == 0 {
		port = 25
		if c.TLS == TLSImplicit {
			port = 465
		}
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(port))
}

// timeouts are those of a command and of the final dot.
func (c *Client) timeouts() (command, dot time.Duration) {
	return cmp.Or(c.Timeout, time.Minute), cmp.Or(c.DotTimeout, 10*time.Minute)
}

// helo is the name to greet with.
func (c *Client) helo() string {
	if c.HELO != "" {
		return c.HELO
	}
	name, err := os.Hostname()
	if _, wrong := wireDomain(name); err != nil || wrong != nil {
		return "localhost"
	}
	return name
}

// connectError tells what a failure to open the connection means.
func (c *Client) connectError(ctx context.Context, stage Stage, err error) *Error {
	if ctx.Err() != nil {
		err = withHint(context.Cause(ctx), err)
	}
	e := &Error{Stage: stage, Verdict: Temporary, Err: err}
	var refused *refusal
	if errors.As(err, &refused) {
		e.Reply = refused.Reply
		e.Verdict = judge(stage, e.Reply)
	}
	if errors.Is(err, errSetup) {
		e.Verdict = Setup
	}
	return e
}

// errSetup marks what only the operator can mend.
var errSetup = errors.New("wrong settings")

// isLoopback tells whether the connection stays on this machine.
func isLoopback(host string, conn net.Conn) bool {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.IP.IsLoopback()
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
