package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// ErrClock says that this machine's clock is not believed.
var ErrClock = errors.New("the clock is not believed")

// Clock judges whether this machine's clock can be believed: one that is wrong for a moment, after a
// flat battery or a restored machine, would plan the months of years, prune everything, and set the
// schedule to times that never come.
//
// Nothing here knows the time; what is known is what was written down. A clock behind that, or further
// ahead of it than Leap, is not believed until it fits again or an operator says resume. It is then a
// pause of its own cause, which stops planning and pruning, and not the queue: what is planned already
// may go out. The zero Leap believes everything.
type Clock struct {
	Ledger     *sqlstore.Ledger
	Detections *sqlstore.Detections
	Leap       time.Duration
	// Trust is how far ahead a delivery's next try can rightly be: what is set for later was set by a
	// clock that was wrong, and is due at once. 0: it is not looked at.
	Trust time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// clockTolerance is how far a clock may rightly go back: it is set by NTP, not by hand.
const clockTolerance = time.Hour

// clockMark is how often it is written down that the clock was believed.
const clockMark = 10 * time.Minute

// Check gives the time, to be used for all that it was asked for: the clock may leap at any moment. It
// fails with ErrClock while the clock is not believed; first tells that it was until now, which is
// worth an alert.
func (c Clock) Check(ctx context.Context) (now time.Time, first bool, err error) {
	now = c.Now()
	if c.Leap == 0 {
		return now, false, nil
	}
	known, reason, err := c.look(ctx, now)
	switch {
	case err != nil:
	case reason != "" && c.vouched(known, now):
		c.Log.Warn("an operator vouches for the clock", "reason", reason)
		err = c.Ledger.VouchClock(ctx, known.LastVouch, known.Ahead, now)
	case reason != "":
		first, err = c.stop(ctx, reason, now)
	default:
		err = c.believe(ctx, known, now)
	}
	return now, first, err
}

// Doubt says why the clock is not believed, and changes nothing; "": it is.
func (c Clock) Doubt(ctx context.Context) (reason string, err error) {
	now := c.Now()
	known, reason, err := c.look(ctx, now)
	if c.Leap == 0 || c.vouched(known, now) {
		reason = ""
	}
	return reason, err
}

func (c Clock) look(ctx context.Context, now time.Time) (known store.ClockMarks, reason string, err error) {
	if known, err = c.Ledger.ClockMarks(ctx, now); err != nil {
		return known, "", err
	}
	behind, ahead, err := c.Detections.ImportedUntil(ctx, now)
	if err != nil {
		return known, "", err
	}
	known.Behind, known.Ahead = latest(known.Behind, behind), latest(known.Ahead, ahead)
	reason, err = c.doubt(ctx, known, now)
	return known, reason, err
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// doubt says why the clock is not believed; "": it is.
func (c Clock) doubt(ctx context.Context, known store.ClockMarks, now time.Time) (reason string, err error) {
	ahead := known.Seen
	if known.Ahead.After(known.Excused) {
		ahead = latest(ahead, known.Ahead)
	}
	if ahead.Sub(now) > clockTolerance {
		return fmt.Sprintf("it says %s, but something was recorded on %s", now.Format(time.RFC3339), ahead.Format(time.RFC3339)), nil
	}
	behind := known.Behind
	if !known.Seen.After(now) {
		behind = latest(behind, known.Seen)
	}
	if behind.IsZero() || now.Sub(behind) <= c.Leap {
		return "", nil
	}
	// Other machines' clocks wrote the rows: they are asked last because it takes a look at every contract.
	newest, err := c.Detections.NewestRow(ctx, now)
	if err != nil {
		return "", err
	}
	if behind = latest(behind, newest); now.Sub(behind) <= c.Leap {
		return "", nil
	}
	return fmt.Sprintf("it says %s, but nothing was recorded since %s", now.Format(time.RFC3339), behind.Format(time.RFC3339)), nil
}

// vouched tells whether an operator has said resume under this same clock.
func (c Clock) vouched(known store.ClockMarks, now time.Time) bool {
	since := now.Sub(known.LastVouch)
	return known.LastVouch.After(known.Vouched) && since > -clockTolerance && since <= c.Leap
}

func (c Clock) stop(ctx context.Context, reason string, now time.Time) (first bool, err error) {
	open, err := c.paused(ctx)
	if err == nil && !open {
		c.Log.Error("the clock is not believed: nothing is planned or pruned", "reason", reason)
		err = c.Ledger.Pause(ctx, store.CauseClock, reason, "geppo", now)
	}
	if err != nil {
		return false, err
	}
	return !open, fmt.Errorf("%w: %s; set it right, or say geppo resume if it is", ErrClock, reason)
}

func (c Clock) believe(ctx context.Context, known store.ClockMarks, now time.Time) error {
	open, err := c.paused(ctx)
	if err == nil && open {
		c.Log.Info("the clock is believed again")
		err = c.Ledger.EndPause(ctx, store.CauseClock, now)
	}
	if err == nil && (known.Seen.IsZero() || now.Sub(known.Seen) >= clockMark) {
		err = c.Ledger.SeeClock(ctx, now)
	}
	if err != nil || c.Trust == 0 {
		return err
	}
	n, err := c.Ledger.BringForward(ctx, now.Add(c.Trust), now)
	if n > 0 {
		c.Log.Warn("deliveries that a wrong clock had put off are due now", "deliveries", n)
	}
	return err
}

func (c Clock) paused(ctx context.Context) (bool, error) {
	pauses, err := c.Ledger.Pauses(ctx)
	for _, p := range pauses {
		if p.Cause == store.CauseClock {
			return true, err
		}
	}
	return false, err
}

// horizon is up to when a fire that was recorded can be one.
func (c Clock) horizon(now time.Time) time.Time {
	if c.Leap == 0 {
		return time.UnixMilli(math.MaxInt64)
	}
	return now.Add(clockTolerance)
}
