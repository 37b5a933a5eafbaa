package daemon_test

import (
	"context"
	"net"
	"sync"
)

// pipes is a server's listener whose connections are net.Pipe's, so that synctest sees who waits.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	close    func()
}

func newPipes() pipes {
	closed := make(chan struct{})
	return pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { p.close(); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "relay"} }

// offer hands a connection to the server.
func (p pipes) offer(ctx context.Context, c net.Conn) error {
	select {
	case p.incoming <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
