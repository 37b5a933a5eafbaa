package mailer

import (
	"math"
	"time"
)

// Backoff is how long to wait between attempts. Zero fields stand for 5 minutes, doubled each time up to
// 4 hours, for 72 hours. It is arithmetic only: the caller has the clock and the dice.
type Backoff struct {
	First, Max, GiveUp time.Duration
	Factor             float64
}

// Next is the wait after the next failure, for one that has waited so long after those before it: First, and then
// Factor times as long each time, at most Max, spread by ±20 % so that what failed together does not come back
// together. As it goes by what was waited, attempts that were interrupted, or that never reached the relay, do not
// count. jitter is in [0,1); 0.5 is the middle.
func (b Backoff) Next(waited time.Duration, jitter float64) time.Duration {
	first, most := float64(positiveOr(b.First, 5*time.Minute)), float64(positiveOr(b.Max, 4*time.Hour))
	factor := b.Factor
	if !(factor >= 1) { // also NaN
		factor = 2
	}
	if !(jitter >= 0 && jitter < 1) {
		jitter = 0.5
	}
	// First + First×Factor + First×Factor² + … : each wait is First and (Factor−1) times all before it.
	wait := min(first+max(float64(waited), 0)*(factor-1), most)
	return time.Duration(min(wait*(0.8+0.4*jitter), math.MaxInt64/2))
}

// Exhausted tells whether an attempt that failed this long after the first one was the last. It is asked after
// a failure only, so nothing is given up without a try after GiveUp has passed.
func (b Backoff) Exhausted(age time.Duration) bool { return age >= positiveOr(b.GiveUp, 72*time.Hour) }

func positiveOr(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
