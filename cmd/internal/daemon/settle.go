package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"geppo/mailer"
	"geppo/store"
)

// failed turns an SMTP failure into the attempt's outcome.
func (d *Dispatcher) failed(ctx context.Context, c composed, cause error) error {
	var failure *mailer.Error
	if !errors.As(cause, &failure) {
		return errors.Join(cause, d.giveBack(ctx, c))
	}
	c.attempt.Stage, c.attempt.Reply = string(failure.Stage), failure.Reply.Text
	c.attempt.Code, c.attempt.Enhanced, c.attempt.TLS = failure.Reply.Code, failure.Reply.Enhanced, failure.Reply.TLS
	if c.attempt.Reply == "" {
		c.attempt.Reply = failure.Error()
	}
	var cancel *CancelError
	if errors.As(cause, &cancel) {
		c.attempt.Reply, c.attempt.Outcome = cancel.Reason, store.OutcomeCancelled
		return d.settle(ctx, c)
	}
	if errors.Is(cause, store.ErrBytesDiffer) {
		return d.refuse(ctx, c, &HoldError{store.ErrBytesDiffer.Error()})
	}
	var own *ownFault
	switch {
	case errors.Is(cause, store.ErrStale): // another process has taken the delivery: see who sends
		return cause
	case errors.As(cause, &own):
		return d.ours(ctx, c, own)
	case failure.Verdict == mailer.Permanent && failure.Stage != mailer.StageCompose:
		return d.refusedForGood(ctx, c, failure.Reply)
	case failure.Verdict == mailer.Setup:
		return d.refusedForAll(ctx, c, failure)
	}
	c.attempt.Outcome = outcomes[failure.Verdict]
	return d.settle(ctx, c)
}

var outcomes = map[mailer.Verdict]store.Outcome{
	mailer.Temporary: store.OutcomeTemporary,
	mailer.Permanent: store.OutcomePermanent,
	mailer.Ambiguous: store.OutcomeAmbiguous,
	mailer.TooLarge:  store.OutcomeHeld,
}

// settle decides the state that follows from an attempt's outcome, and records both.
func (d *Dispatcher) settle(ctx context.Context, c composed) error {
	s := d.settlement(&c)
	d.Crash.at(Replied)
	return d.record(ctx, c, s)
}

// settlement ends an attempt now.
func (d *Dispatcher) settlement(c *composed) store.Settlement {
	now := d.Now()
	c.attempt.EndedAt = now
	s := store.Settlement{Attempt: c.attempt, Mark: c.mark}
	switch c.attempt.Outcome {
	case store.OutcomeSent:
		s.State = store.Sent
	case store.OutcomePermanent:
		s.State, s.Reason = store.Failed, c.attempt.Reply
	case store.OutcomeCancelled:
		s.State, s.Reason = store.Cancelled, c.attempt.Reply
	case store.OutcomeHeld:
		s.State, s.Reason = store.Held, c.attempt.Reply
	case store.OutcomeAmbiguous:
		s.State, s.NextAttemptAt = store.Queued, now
		if d.Policy.HoldAmbiguous || c.delivery.Ambiguous+1 >= d.Policy.AmbiguousMax {
			s.State, s.NextAttemptAt = store.Held, time.Time{}
			s.Reason = "the relay may have accepted the message: its reply was lost"
		}
	case store.OutcomeTemporary:
		wait := d.Policy.Backoff.Next(c.delivery.Waited, jitter(c.delivery))
		s.State, s.NextAttemptAt = store.Deferred, now.Add(wait)
		if unreached(c.attempt) {
			break // no message gets through: time that no delivery is given up for
		}
		s.Waited = wait
		if d.Policy.Backoff.Exhausted(c.delivery.Waited) {
			s.State, s.NextAttemptAt, s.Reason = store.Failed, time.Time{}, "given up: "+c.attempt.Reply
		}
	case store.OutcomeSetup: // the delivery is not to blame; others go first, and tell whether it is all the same
		s.State, s.NextAttemptAt = store.Queued, now.Add(time.Millisecond)
	default: // interrupted
		s.State, s.NextAttemptAt = store.Queued, now
	}
	return s
}

// record makes a settlement durable and tells of it.
func (d *Dispatcher) record(ctx context.Context, c composed, s store.Settlement) error {
	defer d.Watch.start("record")()
	// What happened is recorded even if geppo was told to stop meanwhile.
	if err := d.Seat.Settle(context.WithoutCancel(ctx), s); err != nil {
		return err
	}
	d.Crash.at(Settled)
	d.log(c, s)
	d.Watch.attempted(s.Attempt)
	if d.Settled != nil {
		d.Settled(c.delivery, s.State)
	}
	return d.shows(ctx, mailer.Stage(s.Attempt.Stage), s.Attempt.Outcome)
}

// unreached tells a failure before the relay had heard of the message.
func unreached(a store.Attempt) bool {
	return slices.Contains([]mailer.Stage{mailer.StageConnect, mailer.StageTLS, mailer.StageAuth}, mailer.Stage(a.Stage))
}

// jitter spreads retries over [0,1). It is drawn from the delivery and its attempt instead of at
// random, so that a month can be replayed; not from the Message-ID, which is another one in each ledger.
func jitter(d store.Delivery) float64 {
	sum := sha256.Sum256(fmt.Append(nil, d.Contract, d.Period, d.Recipient, d.Resend, d.Attempts))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// log writes the one line of an attempt.
func (d *Dispatcher) log(c composed, s store.Settlement) {
	level := slog.LevelInfo
	if s.State != store.Sent && s.Attempt.Outcome != store.OutcomeInterrupted { // which is what stopping does
		level = slog.LevelWarn
	}
	log := d.Log
	if s.State == store.Deferred {
		log = log.With("next_try", s.NextAttemptAt)
	}
	log.Log(context.Background(), level, "attempt", "delivery", c.delivery.ID, "contract", c.delivery.Contract,
		"period", c.delivery.Period, "recipient", c.delivery.Recipient, "attempt", s.Attempt.Number, "stage", s.Attempt.Stage,
		"outcome", s.Attempt.Outcome, "state", s.State, "code", s.Attempt.Code, "reply", s.Attempt.Reply)
}
