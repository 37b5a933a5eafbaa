package daemon

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"geppo/store"
)

// Limits hold back messages to at most a number per second, over all and for each recipient
// domain. The nil Limits hold back nothing.
type Limits struct {
	global    *rate.Limiter
	perDomain rate.Limit
	mu        sync.Mutex
	domains   map[string]*rate.Limiter
}

// NewLimits takes messages per second; 0 is unlimited.
func NewLimits(global, perDomain float64) *Limits {
	l := &Limits{domains: map[string]*rate.Limiter{}, perDomain: rate.Limit(perDomain)}
	if global > 0 {
		l.global = rate.NewLimiter(rate.Limit(global), 1)
	}
	return l
}

// Wait returns once a message to address may be handed over, or with ctx's error.
func (l *Limits) Wait(ctx context.Context, address string) error {
	if l == nil {
		return nil
	}
	if l.perDomain > 0 {
		if err := l.domain(address).Wait(ctx); err != nil {
			return err
		}
	}
	if l.global == nil {
		return nil
	}
	return l.global.Wait(ctx)
}

func (l *Limits) domain(address string) *rate.Limiter {
	mailbox := store.Mailbox(address)
	domain := mailbox[strings.LastIndexByte(mailbox, '@')+1:]
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.domains[domain]
	if !ok {
		limiter = rate.NewLimiter(l.perDomain, 1)
		l.domains[domain] = limiter
	}
	return limiter
}
