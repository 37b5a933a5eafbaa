package daemon

import (
	"context"
	"errors"
	"fmt"

	"geppo/mailer"
	"geppo/store"
)

// link is one sender's connection to the relay: dialled when it is first needed, used for many
// messages, and dialled anew when it has been used enough or is not clean any more.
type link struct {
	d    *Dispatcher
	conn *mailer.Conn // nil: none
	sent int          // messages begun on it

	// The next message may be prepared while the reply to the last is still on its way to the disk,
	// so that they share a commit; but no dot is written before it is there. So a crash finds one
	// unrecorded reply for each connection at the most.
	recording chan error // nil: nothing is
	fault     error      // of the ledger
}

// errCrowded says that the relay takes no more connections than those that stand: another one carries the message.
var errCrowded = errors.New("the relay takes no more connections")

// open makes sure that there is a connection that another message may go over.
func (l *link) open(ctx context.Context) error {
	if l.conn != nil && (!l.conn.Usable() || l.sent >= l.d.Policy.MessagesPerConnection) {
		l.hangUp()
	}
	if l.conn != nil {
		return nil
	}
	done, ok := l.d.gate.dial(ctx)
	if !ok {
		return errCrowded
	}
	defer done()
	defer l.d.Watch.start("connect")()
	conn, err := l.d.connect(ctx)
	if err != nil {
		return err
	}
	l.conn = conn
	l.d.Crash.at(Connected)
	return nil
}

// send hands one message over; right before the final dot the ledger is told.
func (l *link) send(ctx context.Context, c composed) (mailer.Reply, error) {
	if err := l.open(ctx); err != nil {
		return mailer.Reply{}, err
	}
	l.sent++
	defer l.d.Watch.start("send")()
	return l.conn.Send(ctx, c.message, func() error { return l.beforeDot(ctx, c) })
}

// beforeDot is the last that can keep a message from being accepted.
func (l *link) beforeDot(ctx context.Context, c composed) error {
	var cancel *CancelError
	if err := l.d.eligible(ctx, c.delivery); errors.As(err, &cancel) {
		return err
	} else if err != nil {
		return &ownFault{err}
	}
	if err := l.d.Composer.Archive.Put(c.delivery, c.message.Bytes); err != nil {
		return &ownFault{err}
	}
	l.d.Crash.at(BeforeHandOver)
	err := l.d.Seat.HandOver(ctx, c.delivery.ID, c.attempt.Number, c.message.SHA256(), l.d.Now())
	l.d.Crash.at(AfterHandOver)
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrBytesDiffer) && !errors.Is(err, store.ErrStale) {
		err = &ownFault{err}
	}
	return errors.Join(err, l.recorded())
}

// record begins to record a message's outcome.
func (l *link) record(ctx context.Context, c composed) {
	done := make(chan error, 1)
	l.recording = done
	s := l.d.settlement(&c)
	l.d.Crash.at(Replied)
	go func() { done <- l.d.record(ctx, c, s) }()
}

// recorded waits for what is being recorded.
func (l *link) recorded() error {
	if l.recording == nil {
		return nil
	}
	err := <-l.recording
	l.recording = nil
	l.fault = errors.Join(l.fault, err)
	return err
}

// hangUp closes the connection. What was accepted on it is recorded already: that a QUIT is lost
// changes nothing.
func (l *link) hangUp() {
	if l.conn == nil {
		return
	}
	if err := l.conn.Close(); err != nil {
		l.d.Log.Debug("closing the connection failed", "error", err)
	}
	l.conn, l.sent = nil, 0
	l.d.gate.closed()
}

// connect opens a connection. One that fails pauses the queue if it is the last of a row; one that the relay refuses
// beside others of ours is no failure.
func (d *Dispatcher) connect(ctx context.Context) (*mailer.Conn, error) {
	conn, err := d.Client.Connect(ctx)
	if err == nil {
		d.gate.connected()
		return conn, nil
	}
	var failure *mailer.Error
	if ctx.Err() != nil || errors.As(err, &failure) && failure.Verdict == mailer.Setup {
		return nil, err
	}
	crowded, broken := d.gate.refused()
	switch {
	case crowded:
		d.Log.Info("the relay takes no more connections", "error", err)
		return nil, errCrowded
	case broken:
		reason := fmt.Sprintf("%d connections in a row failed: %v", maxFailedConnections, err)
		return nil, errors.Join(err, d.stop(ctx, store.CauseSetup, reason))
	}
	return nil, err
}
