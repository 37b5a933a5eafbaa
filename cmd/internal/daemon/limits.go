package daemon

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"geppo/store"
)

// Limits hold back messages to at most a number per second, over all and for each recipient domain: of this process, or,
// once they are shared, of all that send from one ledger. The nil Limits hold back nothing.
type Limits struct {
	global, perDomain float64

	mu      sync.Mutex
	reserve Reserve
	lanes   map[string]*lane // "" is over all
}

// Reserve takes slots that are so far apart, over all processes, and tells how long it is to the first.
type Reserve func(ctx context.Context, key string, slots int, every time.Duration) (time.Duration, error)

// lane is what holds back the messages under one limit.
type lane struct {
	limiter *rate.Limiter // while the limits are this process's own

	mu    sync.Mutex
	slots int       // reserved and not used yet
	next  time.Time // of them
}

// NewLimits takes messages per second; 0 is unlimited.
func NewLimits(global, perDomain float64) *Limits {
	return &Limits{global: global, perDomain: perDomain, lanes: map[string]*lane{}}
}

// Share has others count, too.
func (l *Limits) Share(reserve Reserve) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserve = reserve
}

// Wait returns once a message to address may be handed over, or with ctx's error.
func (l *Limits) Wait(ctx context.Context, address string) error {
	if l == nil {
		return nil
	}
	if l.perDomain > 0 {
		mailbox := store.Mailbox(address)
		if err := l.wait(ctx, mailbox[strings.LastIndexByte(mailbox, '@')+1:], l.perDomain); err != nil {
			return err
		}
	}
	if l.global <= 0 {
		return nil
	}
	return l.wait(ctx, "", l.global)
}

func (l *Limits) wait(ctx context.Context, key string, perSecond float64) error {
	l.mu.Lock()
	reserve, on := l.reserve, l.lanes[key]
	if on == nil {
		on = &lane{limiter: rate.NewLimiter(rate.Limit(perSecond), 1)}
		l.lanes[key] = on
	}
	l.mu.Unlock()
	if reserve == nil {
		return on.limiter.Wait(ctx)
	}
	at, err := on.take(ctx, reserve, key, perSecond)
	if err != nil {
		return err
	}
	if wait := time.Until(at); wait > 0 && !sleep(ctx, wait) {
		return ctx.Err()
	}
	return nil
}

// reservedWithin is the stretch of time for which slots are reserved at once: what a crash may waste of the rate.
const reservedWithin = 250 * time.Millisecond

// take gives the time of the next slot.
func (n *lane) take(ctx context.Context, reserve Reserve, key string, perSecond float64) (time.Time, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	every := time.Duration(float64(time.Second) / perSecond)
	if n.slots == 0 {
		slots := max(1, int(math.Floor(float64(reservedWithin)/float64(every))))
		before := time.Now()
		wait, err := reserve(ctx, "rate "+key, slots, every)
		if err != nil {
			return time.Time{}, err
		}
		n.slots, n.next = slots, before.Add(wait)
		if now := time.Now(); n.next.Before(now) { // the answer took longer than it was to the first
			n.next = now
		}
	}
	at := n.next
	n.next, n.slots = at.Add(every), n.slots-1
	return at, nil
}
