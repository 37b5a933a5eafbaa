package mailer

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Conn is an open connection to the relay, for one message after the other; not for use by several goroutines at once.
//
// A message takes two round trips where the relay offers PIPELINING: MAIL, RCPT and DATA go in one write, then the body, then – after the
// caller's word – the dot. DATA goes with the others although RCPT may be refused: relays then refuse DATA too (RFC 2920 3.1), and one that
// does not gets the connection cut instead of the lone dot the RFC suggests, because a dot might be taken for an empty message.
//
// Nothing may be readable before the dot: a line too many would be taken for its reply, and a message that was refused for sent. As that line
// may still be on its way then, a RSET follows the dot (in the same write where the relay offers PIPELINING): what answers the dot twice shows.
//
// Whatever interrupts a step – its time-out or the context – does so by closing the connection. So there is one way to end
// early, and it never leaves half a message that the relay could take for whole.
type Conn struct {
	Sent int // messages accepted so far

	client     *Client
	raw        net.Conn // below TLS
	wire       *meteredConn
	out        io.Writer // wire, or TLS over it
	in         *bufio.Reader
	heard      chan struct{} // closed at the relay's next word; nil: nobody listens
	session    tlsSession
	offers     map[string]string // extensions, by keyword
	timeout    time.Duration
	dotTimeout time.Duration
	pace       pace
	size       bool // SIZE is offered
	limit      int  // bytes; 0: none known
	dirty      bool // a transaction was refused half-way: RSET before the next, or it gets the blame
	broken     bool
}

// chunk is how much of the body must get through within the time-out.
const chunk = 64 << 10

const reset = "RSET"

var (
	errGone    = errors.New("the connection is closed")
	errSlow    = errors.New("the relay was silent for too long")
	errUnasked = errors.New("the relay spoke unasked")
	errEarly   = errors.New("the relay answered before the message was complete")
)

// Usable tells whether another message can be sent: not after a cut, a 421, or an end without a reply.
func (c *Conn) Usable() bool { return !c.broken }

// Close says QUIT if the relay still listens, and waits 5 seconds for it at most. A message that was accepted
// stays accepted, so the error is of no weight.
func (c *Conn) Close() error {
	if c.broken {
		return nil
	}
	err := c.step(context.Background(), 5*time.Second, func() error {
		_, _, err := c.ask("QUIT")
		return err
	})
	c.drop()
	return err
}

// Send hands m over. beforeDot, if not nil, is called when all but the final dot is written; its error ends the attempt
// with the relay having accepted nothing. The error is an *Error; see Verdict for what it means.
func (c *Conn) Send(ctx context.Context, m Message, beforeDot func() error) (Reply, error) {
	commands, err := c.commands(m)
	if err != nil {
		return Reply{}, err
	}
	if c.broken {
		return Reply{}, &Error{Stage: StageMail, Verdict: Temporary, Anew: true, Err: errGone}
	}
	if err := c.envelope(ctx, commands); err != nil {
		return Reply{}, err
	}
	c.listen()
	if err := c.body(ctx, stuffed(m.Bytes)); err != nil {
		return Reply{}, err
	}
	if beforeDot != nil {
		if err := beforeDot(); err != nil {
			return Reply{}, c.lost(StageData, err)
		}
	}
	if c.spoke() {
		return Reply{}, c.early(ctx)
	}
	return c.dot(ctx)
}

// command is one line of the envelope and the class of reply it needs.
type command struct {
	stage Stage
	line  string
	want  int
}

// commands checks the message and words its envelope.
func (c *Conn) commands(m Message) ([]command, error) {
	from, err := EnvelopeAddress(m.From)
	if err != nil {
		return nil, composeError(Setup, fmt.Errorf("envelope sender: %w", err))
	}
	to, err := EnvelopeAddress(m.To)
	if err != nil {
		return nil, composeError(Permanent, fmt.Errorf("recipient: %w", err))
	}
	if err := checkLines(m.Bytes); err != nil {
		return nil, composeError(Permanent, err)
	}
	if c.limit > 0 && len(m.Bytes) > c.limit {
		return nil, &Error{Stage: StageMail, Verdict: TooLarge, Err: fmt.Errorf("the message has %d bytes, the relay takes %d", len(m.Bytes), c.limit)}
	}
	mail := "MAIL FROM:<" + from + ">"
	if c.size {
		mail += fmt.Sprintf(" SIZE=%d", len(m.Bytes))
	}
	list := []command{{StageMail, mail, 2}, {StageRcpt, "RCPT TO:<" + to + ">", 2}, {StageData, "DATA", 3}}
	if c.dirty {
		list = append([]command{{StageMail, reset, 2}}, list...)
	}
	return list, nil
}

// pace is how commands are sent to a relay that offers PIPELINING: some firewalls swallow what is sent along with a
// command, or while they are busy with it. A silence in the middle makes the client go slower from then on; if that
// helps nothing either, it was something else.
type pace int32

const (
	together pace = iota // in one write
	oneByOne             // each after the reply to the last
	breathed             // and not at once
	plain                // PIPELINING is not offered
)

// breath is what a firewall gets between two commands.
const breath = 300 * time.Millisecond

func (c *Conn) pipelining() bool { return c.pace == together }

// slower is said after a silence in the middle of the envelope, and tells whether that may help.
func (c *Conn) slower() bool {
	if c.pace == plain {
		return false
	}
	next := (c.pace + 1) % plain
	c.client.pace.CompareAndSwap(int32(c.pace), int32(next))
	return next != together
}

// envelope goes as far as the relay's word to send the body.
func (c *Conn) envelope(ctx context.Context, commands []command) error {
	e := c.say(ctx, commands)
	if e == nil {
		return nil
	}
	if errors.Is(e, errSlow) && c.slower() {
		e.Anew = true
	}
	return e
}

func (c *Conn) say(ctx context.Context, commands []command) *Error {
	if c.in.Buffered() > 0 { // a farewell, or an answer too many that would shift all that follow
		reply, err := c.read(ctx, c.timeout)
		return c.failed(commands[0], reply, cmp.Or(err, errUnasked))
	}
	if c.pipelining() {
		var lines strings.Builder
		for _, cmd := range commands {
			lines.WriteString(cmd.line + "\r\n")
		}
		if err := c.write(ctx, []byte(lines.String())); err != nil {
			return c.failed(commands[0], Reply{}, err)
		}
	}
	for i, cmd := range commands {
		reply, err := c.answer(ctx, cmd)
		if err == nil && reply.Code/100 == cmd.want {
			c.dirty = true // from the first accepted command until the dot is
			continue
		}
		e := c.failed(cmd, reply, err)
		if c.pipelining() {
			c.skip(ctx, commands[i+1:])
		}
		return e
	}
	if c.in.Buffered() > 0 { // what stands here would be taken for the reply to the dot
		return c.lost(StageData, errUnasked)
	}
	return nil
}

// answer gets the reply to cmd, which is sent only now if the commands were not sent at once.
func (c *Conn) answer(ctx context.Context, cmd command) (Reply, error) {
	if !c.pipelining() {
		if c.pace == breathed {
			pause, cancel := context.WithTimeout(ctx, breath)
			<-pause.Done()
			cancel()
		}
		if err := c.write(ctx, []byte(cmd.line+"\r\n")); err != nil {
			return Reply{}, err
		}
	}
	return c.read(ctx, c.timeout)
}

// skip reads the replies to what was sent along with a refused command, which is to blame for all of them. A relay
// that now waits for a body is cut off; see Conn.
func (c *Conn) skip(ctx context.Context, rest []command) {
	for _, cmd := range rest {
		if c.broken {
			return
		}
		reply, err := c.read(ctx, c.timeout)
		if err != nil || reply.Code == 421 || cmd.stage == StageData && reply.Code/100 == 3 {
			c.drop()
		}
	}
}

// failed makes the error of a command that did not get the reply it needs.
func (c *Conn) failed(cmd command, reply Reply, err error) *Error {
	used, carried := c.Sent > 0 || c.dirty, c.Sent > 0
	var e *Error
	switch {
	case err != nil:
		e = c.lost(cmd.stage, err)
	case reply.Code < 400:
		e = c.lost(cmd.stage, fmt.Errorf("%w: unexpected reply %s", errGarbled, reply))
	case cmd.line == reset && reply.Code != 421: // not the fault of the message that comes after it
		e = c.lost(cmd.stage, fmt.Errorf("%w: RSET was refused with %s", errGarbled, reply))
	default:
		e = c.refused(cmd.stage, reply)
	}
	if cmd.stage != StageDot {
		e.Anew = used && cmd.stage == StageMail && c.broken || carried && reply.Code/100 == 4
	}
	return e
}

// refused is the error for a reply of 4xx or 5xx.
func (c *Conn) refused(stage Stage, reply Reply) *Error {
	if reply.Code == 421 {
		c.drop()
	}
	return &Error{Stage: stage, Verdict: judge(stage, reply), Reply: reply}
}

// lost is the error for no reply. The connection is of no more use, and is cut so that the relay knows.
func (c *Conn) lost(stage Stage, err error) *Error {
	c.drop()
	e := &Error{Stage: stage, Verdict: Temporary, Reply: Reply{TLS: c.session.String()}, Err: err}
	if stage == StageDot {
		e.Verdict = Ambiguous
	}
	return e
}
