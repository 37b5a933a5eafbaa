// Package sink is an SMTP server on loopback that keeps what it accepts: the demo's relay, and the
// benchmarks'. It refuses nothing and relays nothing.
package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// Message is one accepted message.
type Message struct {
	From string
	To   []string
	Data []byte // as received, CRLF line ends
}

// Sink is a running server.
type Sink struct {
	listener net.Listener
	stop     func() error
}

// maxMessage bounds what one DATA may bring.
const maxMessage = 64 << 20

// Start listens on a free loopback port. Each accepted message is given to keep before the reply
// to its final dot; if keep fails, the message is refused for the time being.
func Start(ctx context.Context, keep func(Message) error) (*Sink, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{keep: keep}, nil
	}))
	server.Domain = "localhost"
	server.MaxMessageBytes, server.MaxLineLength = maxMessage, 0 // to look for the end of each line takes as long as to read them
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	return &Sink{listener: listener, stop: Serve(server, listener)}, nil
}

// stopsWithin bounds the wait for a server that was told to stop.
const stopsWithin = 10 * time.Second

// Serve runs a server until stop, which waits for it and may be called at once: the server's own Close
// knows a listener only once its Serve has got that far, and one closed before would listen for ever.
func Serve(server *smtp.Server, listener net.Listener) (stop func() error) {
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return func() error {
		err := errors.Join(withoutClosed(server.Close()), withoutClosed(listener.Close()))
		timer := time.NewTimer(stopsWithin)
		defer timer.Stop()
		select {
		case served := <-done:
			return errors.Join(err, withoutClosed(served))
		case <-timer.C:
			return errors.Join(err, fmt.Errorf("the SMTP server on %s did not stop within %s", listener.Addr(), stopsWithin))
		}
	}
}

// withoutClosed takes what is closed twice for closed.
func withoutClosed(err error) error {
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Port is where it listens, on 127.0.0.1.
func (s *Sink) Port() int {
	if addr, ok := s.listener.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// Close stops the server and waits for it.
func (s *Sink) Close() error { return s.stop() }

type session struct {
	keep    func(Message) error
	message Message
	size    int64 // as announced; 0: it was not
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.message, s.size = Message{From: from}, o.Size // the server refuses more than maxMessage
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.message.To = append(s.message.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data := bytes.NewBuffer(make([]byte, 0, s.size+bytes.MinRead)) // else it grows to twice the size by and by
	if _, err := data.ReadFrom(r); err != nil {
		return err
	}
	s.message.Data = data.Bytes()
	return s.keep(s.message)
}

func (s *session) Reset()        { s.message = Message{} }
func (s *session) Logout() error { return nil }
