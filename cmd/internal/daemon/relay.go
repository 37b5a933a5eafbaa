package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Relay is what is known of the relay between two months: whether it lets us in. It learns from the
// attempts, and asks by logging in and out again, so that an operator hears of a changed password
// weeks before the next fire and not at it. However many want to know, one asks at a time.
type Relay struct {
	Log   *slog.Logger
	Now   func() time.Time
	Login func(context.Context) error // logs in and out again
	Every time.Duration               // how often the daemon asks by itself; 0: 15 minutes

	asking chan struct{} // held by the one who asks
	known  atomic.Pointer[relayState]
}

type relayState struct {
	at  time.Time
	err error // nil: it let us in
}

const (
	relayEvery   = 15 * time.Minute // how often the daemon asks by itself
	relayTimeout = time.Minute      // of one question, so that a silent relay answers as one
)

// NewRelay knows nothing yet.
func NewRelay(log *slog.Logger, now func() time.Time, login func(context.Context) error) *Relay {
	return &Relay{Log: log, Now: now, Login: login, asking: make(chan struct{}, 1)}
}

// Up tells whether the relay let us in when it was last seen; known is false before that.
func (r *Relay) Up() (up, known bool) {
	s := r.known.Load()
	return s != nil && s.err == nil, s != nil
}

// Learned takes what an attempt to deliver has found out.
func (r *Relay) Learned(err error) {
	before := r.known.Swap(&relayState{r.Now(), err})
	switch {
	case err != nil && (before == nil || before.err == nil):
		r.Log.Warn("the relay cannot be reached", "error", err)
	case err == nil && before != nil && before.err != nil:
		r.Log.Info("the relay can be reached again")
	}
}

// Forget what was learned: the relay has become another one.
func (r *Relay) Forget() { r.known.Store(nil) }

// Ask tells why the relay does not let us in. What was learned within fresh is not asked again, and
// is the answer too if ctx ends before the relay says anything.
func (r *Relay) Ask(ctx context.Context, fresh time.Duration) error {
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return r.unanswered(ctx)
	}
	if s := r.known.Load(); s != nil && r.Now().Sub(s.at) < fresh {
		return s.err
	}
	bounded, cancel := context.WithTimeout(ctx, relayTimeout)
	defer cancel()
	err := r.Login(bounded)
	if ctx.Err() != nil {
		return r.unanswered(ctx)
	}
	r.Learned(err)
	return err
}

func (r *Relay) unanswered(ctx context.Context) error {
	if s := r.known.Load(); s != nil {
		return s.err
	}
	return fmt.Errorf("no answer from the relay yet: %w", context.Cause(ctx))
}
