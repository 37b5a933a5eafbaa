package notify

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Post is the outgoing post of a process. Whoever tells never waits: one goroutine posts, and what cannot be posted is for
// the log. Of the same event and period one notice goes out in a while, the newest, which says how many it stands for: the
// end of a hundred resends is one line in a chat and not a hundred. So what waits is bounded too.
type Post struct {
	log    *slog.Logger
	now    func() time.Time
	client *http.Client

	mu      sync.Mutex
	waiting map[key]letter
	posted  map[key]time.Time
	closing bool
	wake    chan struct{} // something waits, or it closes
	ended   chan struct{}
	stop    context.CancelFunc
}

// key is what is told once in a while.
type key struct{ event, period string }

// letter is the newest notice of its key, and where it goes.
type letter struct {
	hooks  []Hook
	notice Notice
}

// while is how long one notice of its event and period must do.
const while = time.Minute

// NewPost starts a Post, which Close ends. transport is nil but in tests.
func NewPost(log *slog.Logger, now func() time.Time, transport http.RoundTripper) *Post {
	ctx, stop := context.WithCancel(context.Background())
	p := &Post{
		log: log, now: now, client: newClient(), stop: stop,
		waiting: map[key]letter{}, posted: map[key]time.Time{}, wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	p.client.Transport = transport
	go p.work(ctx)
	return p
}

// Tell has a notice posted to the hooks, and returns at once.
func (p *Post) Tell(hooks []Hook, n Notice) {
	if len(hooks) == 0 {
		return
	}
	if n.At.IsZero() {
		n.At = p.now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	about := key{n.Event, n.Period}
	if before, ok := p.waiting[about]; ok {
		n.More = before.notice.More + 1
	}
	p.waiting[about] = letter{hooks, n}
	p.nudge()
}

// Close posts what waits, gives up what is not posted within a time, and returns when all has ended.
func (p *Post) Close(within time.Duration) {
	p.mu.Lock()
	p.closing = true
	p.nudge()
	p.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
	}
	p.stop()
	<-p.ended
	p.client.CloseIdleConnections()
}

func (p *Post) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (p *Post) work(ctx context.Context) {
	defer close(p.ended)
	for {
		next, wait, closing := p.next()
		if next != nil {
			p.deliver(ctx, *next)
			continue
		}
		if closing || ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// next takes a letter out whose turn it is; without one it says how long to wait.
func (p *Post) next() (next *letter, wait time.Duration, closing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	wait = while
	for about, waiting := range p.waiting {
		since := now.Sub(p.posted[about])
		if rest := while - since; rest > 0 && since >= 0 && !p.closing { // a clock that was set back keeps nothing waiting
			wait = min(wait, rest)
			continue
		}
		if next == nil || waiting.notice.At.Before(next.notice.At) {
			next = &waiting
		}
	}
	if next != nil {
		about := key{next.notice.Event, next.notice.Period}
		delete(p.waiting, about)
		p.posted[about] = now
	}
	return next, wait, p.closing
}

// deliver posts to all hooks at once, so that a dead one keeps none waiting.
func (p *Post) deliver(ctx context.Context, l letter) {
	var all sync.WaitGroup
	for _, hook := range l.hooks {
		all.Go(func() {
			if err := post(ctx, p.client, hook, l.notice); err != nil {
				p.log.Error("a webhook could not be told; see [notify]", "webhook", hook.Name, "kind", l.notice.Event, "period", l.notice.Period, "error", err)
			}
		})
	}
	all.Wait()
}
