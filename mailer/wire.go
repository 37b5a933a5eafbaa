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
		_, err := c.out.Write(b)
		return err
	})
}

// read waits for one reply.
func (c *Conn) read(ctx context.Context, patience time.Duration) (reply Reply, err error) {
	err = c.step(ctx, patience, func() (err error) {
		c.joinListener()
		reply, err = c.hear()
		return err
	})
	reply.TLS = c.session.String()
	return reply, err
}

// listen waits for the relay's next word while something else is done; see spoke. The reading itself is read's.
func (c *Conn) listen() {
	heard := make(chan struct{})
	c.heard = heard
	go func() {
		defer close(heard)
		_, _ = c.in.Peek(1) // that it failed is read's to find again
	}()
}

// spoke tells whether the relay has said something, or hung up, since listen.
func (c *Conn) spoke() bool {
	select {
	case <-c.heard:
		return true
	default:
		return false
	}
}

func (c *Conn) joinListener() {
	if c.heard != nil {
		<-c.heard
		c.heard = nil
	}
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
	c.joinListener()
}

// checkLines refuses bytes that another server may read as a different message: every CR and LF belongs to a pair.
func checkLines(b []byte) error {
	lines := 0
	for rest := b; len(rest) > 0; lines++ {
		end := bytes.IndexByte(rest, '\n')
		if end < 1 || rest[end-1] != '\r' {
			return errLines
		}
		rest = rest[end+1:]
	}
	if lines == 0 || bytes.Count(b, []byte("\r")) != lines {
		return errLines
	}
	return nil
}

var errLines = errors.New("the message does not have CRLF line ends throughout")

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

// meteredConn counts what it wrote.
type meteredConn struct {
	net.Conn
	wrote int
}

func (m *meteredConn) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.wrote += n
	return n, err
}
