package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The body and its end: where it is decided whether the relay has the message.

// body writes all but the dot.
func (c *Conn) body(ctx context.Context, b []byte) error {
	for len(b) > 0 {
		if c.spoke() {
			return c.early(ctx)
		}
		n := min(len(b), chunk)
		if err := c.write(ctx, b[:n]); err != nil {
			if !c.broken { // a relay that hangs up in the middle may have said why
				return c.early(ctx)
			}
			return c.lost(StageData, err)
		}
		b = b[n:]
	}
	return nil
}

// early ends an attempt to which the relay spoke before the dot. Only that the message is too large is believed.
func (c *Conn) early(ctx context.Context) *Error {
	reply, err := c.read(ctx, time.Second)
	if err != nil {
		return c.lost(StageData, err)
	}
	c.drop()
	if e := c.refused(StageData, reply); reply.Code >= 400 {
		if e.Verdict != TooLarge {
			e.Verdict = Temporary
		}
		return e
	}
	return c.lost(StageData, fmt.Errorf("%w: %s", errEarly, reply))
}

// dot ends the message. From its first byte on the relay may have accepted it; if not one left us, it has not.
func (c *Conn) dot(ctx context.Context) (Reply, error) {
	if ctx.Err() != nil {
		return Reply{}, c.lost(StageData, context.Cause(ctx))
	}
	before := c.wire.wrote
	end := ".\r\n"
	if c.pipelining() {
		end += reset + "\r\n"
	}
	if err := c.write(ctx, []byte(end)); err != nil {
		if c.wire.wrote == before {
			return Reply{}, c.lost(StageData, err)
		}
		return Reply{}, c.lost(StageDot, err)
	}
	reply, err := c.read(ctx, c.dotTimeout)
	if err == nil && reply.Code/100 == 2 {
		return c.accepted(ctx, reply)
	}
	e := c.failed(command{stage: StageDot}, reply, err)
	if c.pipelining() {
		c.skip(ctx, []command{{stage: StageMail, line: reset, want: 2}})
	}
	return Reply{}, e
}

// accepted makes sure that reply was the dot's, by a RSET whose reply must be the only one that follows. What is no
// answer to it – silence, the end of the connection, a farewell, a relay that does not know RSET – takes nothing back.
func (c *Conn) accepted(ctx context.Context, reply Reply) (Reply, error) {
	if !c.pipelining() {
		if err := c.write(ctx, []byte(reset+"\r\n")); err != nil {
			c.drop()
		}
	}
	c.Sent++
	c.dirty = false
	if c.broken {
		return reply, nil
	}
	after, err := c.read(ctx, c.timeout)
	switch {
	case err != nil || after.Code == 421:
		if errors.Is(err, errSlow) && c.pipelining() {
			c.slower()
		}
		c.drop()
		return reply, nil
	case after.Code/100 == 2 || after.Code/10 == 50: // 50x: a relay without RSET
		return reply, nil
	case after.Code/100 != 5: // perhaps a farewell, of which nothing follows
		if _, err := c.read(ctx, time.Second); err != nil {
			c.drop()
			return reply, nil //nolint:nilerr // the message was accepted; that the relay then left is no fault of it
		}
	}
	c.Sent--
	return Reply{}, c.lost(StageDot, fmt.Errorf("%w: %s, and then %s", errEarly, reply, after))
}
