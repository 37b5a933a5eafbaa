package mailer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// How a connection is opened: greeting, EHLO, STARTTLS, and the login (see login.go). All of it is bounded as a
// whole by Connect, which closes the connection under whoever reads or writes.

// refusal is a reply that ends the opening.
type refusal struct{ Reply }

func (r *refusal) Error() string { return r.String() }

// accepted turns any reply but 2xx into a refusal.
func accepted(reply Reply, err error) error {
	switch {
	case err != nil:
		return err
	case reply.Code/100 == 2:
		return nil
	case reply.Code < 400:
		return fmt.Errorf("%w: unexpected reply %s", errGarbled, reply)
	}
	return &refusal{reply}
}

// open goes from a bare connection to one that can send. On failure it tells the stage. fail ends ctx.
func (c *Conn) open(ctx context.Context, fail context.CancelCauseFunc) (Stage, error) {
	if c.client.TLS == TLSImplicit {
		if err := c.encrypt(ctx); err != nil {
			return StageTLS, c.notTLS(err)
		}
	}
	if err := c.greeting(ctx, fail); err != nil {
		return StageConnect, err
	}
	if err := c.hello(); err != nil {
		return StageConnect, err
	}
	if err := c.startTLS(ctx); err != nil {
		return StageTLS, err
	}
	if err := c.login(); err != nil {
		return StageAuth, err
	}
	c.capabilities()
	return "", nil
}

// encrypt puts TLS around the connection. What was read before it is of no worth: anybody may have written it.
func (c *Conn) encrypt(ctx context.Context) error {
	if c.in.Buffered() > 0 {
		return fmt.Errorf("%w before TLS began", errUnasked)
	}
	encrypted := tls.Client(c.wire, c.client.tlsConfig(&c.session))
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return err
	}
	c.out = encrypted
	c.in.Reset(encrypted)
	return nil
}

// notTLS explains an answer that is no TLS.
func (c *Conn) notTLS(err error) error {
	var header tls.RecordHeaderError
	if errors.As(err, &header) {
		return fmt.Errorf("%w: the relay %s does not speak TLS from the first byte; set tls = \"starttls\", or its port for implicit TLS (usually 465)", errSetup, c.client.addr())
	}
	return err
}

// silence is for how long a greeting may be awaited before the relay is asked whether it waits for TLS.
const silence = 5 * time.Second

// greeting waits for the relay's first word. A port for implicit TLS never says one: the client has to speak
// first. So a silent one is asked, over a connection of its own, since a slow relay would take it amiss.
func (c *Conn) greeting(ctx context.Context, fail context.CancelCauseFunc) error {
	if c.client.TLS != TLSImplicit {
		silent, greeted := context.WithTimeout(ctx, silence)
		asking, answered := context.WithCancel(ctx)
		done := make(chan struct{})
		stop := context.AfterFunc(silent, func() {
			defer close(done)
			if errors.Is(silent.Err(), context.DeadlineExceeded) {
				c.client.probe(asking, fail)
			}
		})
		defer func() {
			answered()
			if !stop() {
				<-done
			}
			greeted()
		}()
	}
	reply, err := c.hear()
	if err != nil && c.client.TLS != TLSImplicit {
		err = errors.Join(err, errSilent)
	}
	return accepted(reply, err)
}

// errSilent is added where the relay did not even greet.
var errSilent = errors.New(`it said nothing: see whether a firewall lets geppo out, and set tls = "implicit" if the port is one for TLS from the first byte (usually 465)`)

// withHint adds to a cause what is known beyond it.
func withHint(cause, known error) error {
	if errors.Is(known, errSilent) {
		return fmt.Errorf("%w: %w", cause, errSilent)
	}
	return cause
}

// probe asks once in the client's life whether the relay begins with TLS, and then fails with the reason.
func (c *Client) probe(ctx context.Context, fail context.CancelCauseFunc) {
	if c.probed.Swap(true) {
		return
	}
	raw, err := c.dial(ctx)
	if err != nil {
		return
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	// Nothing but the handshake is done, so it does not matter whose certificate it is.
	hello := tls.Client(raw, &tls.Config{ServerName: c.Host, InsecureSkipVerify: true}) //nolint:gosec // see above
	if hello.HandshakeContext(ctx) == nil {
		fail(fmt.Errorf("%w: the relay %s speaks TLS from the first byte; set tls = \"implicit\", or its port for STARTTLS (usually 587 or 25)", errSetup, c.addr()))
	}
}

// hello greets, and notes what the relay offers.
func (c *Conn) hello() error {
	c.offers = map[string]string{}
	name := c.client.helo()
	reply, lines, err := c.ask("EHLO " + name)
	if err == nil && reply.Code/100 == 5 {
		lines = nil
		reply, _, err = c.ask("HELO " + name)
	}
	for _, line := range lines[min(1, len(lines)):] {
		keyword, parameters, _ := strings.Cut(strings.Replace(strings.ToUpper(line), "AUTH=", "AUTH ", 1), " ") // as relays of the nineties say it
		c.offers[keyword] += " " + parameters
	}
	return accepted(reply, err)
}

// startTLS encrypts where the mode wants it.
func (c *Conn) startTLS(ctx context.Context) error {
	mode := c.client.TLS
	if mode == TLSImplicit || mode == TLSNone {
		return nil
	}
	if _, offered := c.offers["STARTTLS"]; !offered {
		if mode == TLSOpportunistic {
			return nil
		}
		return fmt.Errorf("the relay %s offers no STARTTLS, which is required; use its port for submission or implicit TLS, or allow plain connections", c.client.addr())
	}
	reply, _, err := c.ask("STARTTLS")
	if err := accepted(reply, err); err != nil {
		return err
	}
	if err := c.encrypt(ctx); err != nil {
		return err
	}
	return c.hello()
}

// capabilities are what of the offers is made use of.
func (c *Conn) capabilities() {
	_, offered := c.offers["PIPELINING"]
	if offered {
		c.pace = pace(c.client.pace.Load())
	} else {
		c.pace = plain
	}
	limit, offered := c.offers["SIZE"]
	c.size = offered
	if n, err := strconv.Atoi(strings.TrimSpace(limit)); offered && err == nil {
		c.limit = max(n, 0) // absent, 0 or nonsense: no limit known
	}
}

// ask sends a line and gives the reply to it, and its lines as they came.
func (c *Conn) ask(line string) (Reply, []string, error) {
	if _, err := c.out.Write([]byte(line + "\r\n")); err != nil {
		return Reply{}, nil, err
	}
	code, lines, err := readLines(c.in, c.client.hide)
	return newReply(code, lines, c.client.hide), lines, err
}

// hear waits for a reply.
func (c *Conn) hear() (Reply, error) {
	code, lines, err := readLines(c.in, c.client.hide)
	if err != nil {
		return Reply{}, err
	}
	return newReply(code, lines, c.client.hide), nil
}

func (c *Client) newConn(raw net.Conn) *Conn {
	wire := &meteredConn{Conn: raw}
	conn := &Conn{client: c, raw: raw, wire: wire, out: wire, in: bufio.NewReader(wire)}
	conn.timeout, conn.dotTimeout = c.timeouts()
	return conn
}

// server is what a way to log in may know.
func (c *Conn) server() *smtp.ServerInfo {
	return &smtp.ServerInfo{Name: c.client.Host, TLS: c.session.version != 0, Auth: c.mechanisms()}
}

func (c *Conn) mechanisms() []string { return strings.Fields(c.offers["AUTH"]) }
