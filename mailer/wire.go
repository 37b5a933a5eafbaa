package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// The wire: bytes in and out of a connection, each read and write within its time.

// write sends b at once.
func (c *Conn) write(ctx context.Context, b []byte) error {
	return c.step(ctx, c.timeout, func() error {
		if _, err := c.client.Text.W.Write(b); err != nil {
			return err
		}
		return c.client.Text.W.Flush()
	})
}

// read waits for one reply.
func (c *Conn) read(ctx context.Context, patience time.Duration) (reply Reply, err error) {
	err = c.step(ctx, patience, func() (err error) {
		reply, err = readReply(c.client.Text.R)
		return err
	})
	reply.TLS = c.tls
	return reply, err
}

// step runs f, which reads or writes, and closes the connection under it when ctx ends or d has passed.
func (c *Conn) step(ctx context.Context, d time.Duration, f func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d, errSlow)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := f()
	if stop() {
		return err
	}
	c.broken = true
	if err != nil {
		err = fmt.Errorf("%w (%s)", context.Cause(ctx), d)
	}
	return err
}

// drop cuts the connection without a word: no QUIT, no end of TLS.
func (c *Conn) drop() {
	c.broken = true
	_ = c.raw.Close()
}

// checkLines refuses bytes that another server may read as a different message: every CR and LF belongs to a pair.
func checkLines(b []byte) error {
	pairs := bytes.Count(b, []byte("\r\n"))
	if bytes.Count(b, []byte("\n")) != pairs || bytes.Count(b, []byte("\r")) != pairs || !bytes.HasSuffix(b, []byte("\r\n")) {
		return errors.New("the message does not have CRLF line ends throughout")
	}
	return nil
}

// stuffed doubles the dot at the start of a line (RFC 5321 4.5.2). b is returned as it is if there is none, as in
// most messages of ours.
func stuffed(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte(".")) && !bytes.Contains(b, []byte("\r\n.")) {
		return b
	}
	b = bytes.ReplaceAll(b, []byte("\r\n."), []byte("\r\n.."))
	if b[0] == '.' {
		b = append([]byte("."), b...)
	}
	return b
}

// maxOpening is how much a relay may say, TLS handshake included, until the connection is open. go-mail reads lines
// of any length there.
const maxOpening = 1 << 20

// meteredConn reads no more than left bytes, without bound if left is negative, and counts what it wrote.
type meteredConn struct {
	net.Conn
	left  int
	wrote int
}

func (m *meteredConn) Read(p []byte) (int, error) {
	if m.left < 0 {
		return m.Conn.Read(p)
	}
	if m.left == 0 {
		return 0, fmt.Errorf("%w: more than %d bytes where a few lines were due", errGarbled, maxOpening)
	}
	n, err := m.Conn.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

func (m *meteredConn) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.wrote += n
	return n, err
}
