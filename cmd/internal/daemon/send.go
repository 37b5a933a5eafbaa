package daemon

import (
	"context"
	"errors"
	"time"

	"geppo/mailer"
	"geppo/store"
)

// The stages over a connection: hand over and record.

// outbox is what the senders work off: what was composed, and before it what one of them could not get a connection for.
type outbox struct{ ready, again chan composed }

// next is false once there is nothing and will be nothing, but for what its caller itself puts into again.
func (o outbox) next() (c composed, ok bool) {
	select {
	case c = <-o.again:
		return c, true
	default:
	}
	select {
	case c = <-o.again:
		return c, true
	case c, ok = <-o.ready:
	}
	if ok {
		return c, true
	}
	select {
	case c = <-o.again:
		return c, true
	default:
		return c, false
	}
}

// crowdedRest is how long a sender that was refused a connection waits: one that was closed a moment ago may count yet.
const crowdedRest = time.Second

// send works off the outbox over one connection of its own, while it has a place.
func (d *Dispatcher) send(ctx, work context.Context, out outbox) (err error) {
	relay := link{d: d}
	placed := false
	leave := func() {
		relay.hangUp()
		if placed {
			d.gate.leave()
			placed = false
		}
	}
	defer func() {
		err = errors.Join(err, relay.recorded())
		leave()
	}()
	for {
		if !placed {
			placed = d.gate.enter(ctx)
		}
		next, ok := out.next()
		if !ok {
			return nil
		}
		if ctx.Err() != nil || !placed || d.gate.isShut() {
			err = d.giveBack(work, next)
		} else {
			err = d.deliver(work, &relay, &next)
		}
		if errors.Is(err, errCrowded) {
			out.again <- next
			leave()
			if !d.gate.isShut() {
				sleep(ctx, crowdedRest)
			}
		} else if err != nil {
			return err
		}
	}
}

// mostAnew is how often the connection is blamed in one attempt: once for what it had carried, or twice until it is known
// at which pace the way to the relay lets commands through.
const mostAnew = 2

// deliver runs one SMTP transaction and records how it ended; that it was accepted is durable only
// before the next dot on this connection. Its error is one of the ledger's, or errCrowded.
func (d *Dispatcher) deliver(ctx context.Context, relay *link, c *composed) error {
	if err := d.Policy.Limits.Wait(ctx, c.delivery.Recipient); err != nil {
		return d.giveBack(ctx, *c)
	}
	if !belongs(c.message, c.delivery) {
		return d.refuse(ctx, *c, &HoldError{"the message does not belong to this delivery"})
	}
	reply, err := relay.send(ctx, *c)
	var failure *mailer.Error
	for errors.As(err, &failure) && failure.Anew && c.anew < mostAnew {
		// The connection is to blame until a new one has been tried, which is no further try.
		c.anew++
		relay.hangUp()
		reply, err = relay.send(ctx, *c)
	}
	if relay.conn != nil && !relay.conn.Usable() {
		relay.hangUp()
	}
	if errors.Is(err, errCrowded) {
		return err
	}
	if err != nil {
		return errors.Join(relay.fault, d.failed(ctx, *c, err))
	}
	d.accepted()
	c.attempt.Stage, c.attempt.Outcome = string(mailer.StageDot), store.OutcomeSent
	c.attempt.Code, c.attempt.Enhanced, c.attempt.Reply, c.attempt.TLS = reply.Code, reply.Enhanced, reply.Text, reply.TLS
	relay.record(ctx, *c)
	return nil
}

// belongs is the last look before a message leaves: the Message-ID names contract, period,
// revision, address and resend, the envelope the address.
func belongs(m mailer.Message, d store.Delivery) bool {
	address, err := mailer.EnvelopeAddress(d.Recipient)
	return err == nil && m.To == address && m.ID == d.MessageID
}
