package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// send hands one message over; right before the final dot the ledger is told.
func (l *link) send(ctx context.Context, c composed) (mailer.Reply, error) {
	if l.conn != nil && (!l.conn.Usable() || l.sent >= l.d.Policy.MessagesPerConnection) {
		l.hangUp()
	}
	if l.conn == nil {
		done := l.d.Watch.start("connect")
		conn, err := l.d.connect(ctx)
		done()
		if err != nil {
			return mailer.Reply{}, err
		}
		l.conn = conn
		l.d.Crash.at(Connected)
	}
	l.sent++
	defer l.d.Watch.start("send")()
	return l.conn.Send(ctx, c.message, func() error {
		if err := l.d.eligible(ctx, c.delivery); err != nil {
			return err
		}
		if err := l.d.Composer.Archive.Put(c.delivery, c.message.Bytes); err != nil {
			return err
		}
		l.d.Crash.at(BeforeHandOver)
		err := l.d.Ledger.HandOver(ctx, c.delivery.ID, c.attempt.Number, c.message.SHA256(), l.d.Now())
		l.d.Crash.at(AfterHandOver)
		return errors.Join(err, l.recorded())
	})
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
}

// connect opens a connection and keeps count of those that fail in a row.
func (d *Dispatcher) connect(ctx context.Context) (*mailer.Conn, error) {
	conn, err := d.Client.Connect(ctx)
	if err != nil {
		if d.failedConnections.Add(1) == maxFailedConnections {
			reason := fmt.Sprintf("%d connections in a row failed: %v", maxFailedConnections, err)
			return nil, errors.Join(err, d.pause(ctx, reason))
		}
		return nil, err
	}
	d.failedConnections.Store(0)
	if err := d.endPause(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (d *Dispatcher) pause(ctx context.Context, reason string) error {
	d.Log.Error("the queue is paused", "reason", reason)
	return d.Ledger.Pause(ctx, store.CauseSetup, reason, "geppo", d.Now())
}

// endPause lets the queue go on if a broken relay or set-up had paused it: a connection works again.
func (d *Dispatcher) endPause(ctx context.Context) error {
	pauses, err := d.Ledger.Pauses(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(pauses, func(p store.Pause) bool { return p.Cause == store.CauseSetup })
	if i < 0 {
		return nil
	}
	d.Log.Info("the relay answers again", "paused_since", pauses[i].StartedAt)
	return d.Ledger.EndPause(ctx, store.CauseSetup, d.Now())
}
