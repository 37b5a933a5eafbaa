package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"geppo/store/sqlstore"
)

// Post is a worker's seat at the ledger, held by heartbeats: without them others take over what the worker has claimed.
// So that it cannot hand anything over after that, a timer of the kernel kills the process when it has been silent for
// too long: stopped, hung or cut off from the database, it is dead by then, and others need not guess.
type Post struct {
	Seat *sqlstore.Seat

	who   sqlstore.Worker
	log   *slog.Logger
	man   atomic.Pointer[Dispatcher]
	timer *deadman // nil: nobody waits for heartbeats
	end   context.CancelFunc
	ended chan struct{}
}

// beatEvery is how often a worker shows that it lives, and also the margin between the end of a silent one and the taking
// over of what it was handing over.
const beatEvery = 5 * time.Second

// beats is how often a worker with so little grace does.
func beats(grace time.Duration) time.Duration { return min(beatEvery, grace/5) }

// TakePost joins the workers of a ledger; the errors are those of Ledger.Join.
func TakePost(ctx context.Context, ledger *sqlstore.Ledger, who sqlstore.Worker, log *slog.Logger) (*Post, error) {
	before, err := sinceBoot()
	if err != nil {
		return nil, err
	}
	seat, err := ledger.Join(ctx, who)
	if err != nil {
		return nil, err
	}
	p := &Post{Seat: seat, who: who, log: log}
	if !seat.Shared() {
		return p, nil
	}
	p.timer, err = newDeadman()
	if err == nil {
		err = p.timer.killAt(before + who.Grace - beats(who.Grace))
	}
	if err != nil {
		return nil, errors.Join(err, p.Leave(ctx))
	}
	// Beyond ctx: what is under way when geppo is told to stop is finished first.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	p.end, p.ended = end, make(chan struct{})
	go p.hold(alive)
	return p, nil
}

// Man has a dispatcher send from the post, and settle what dead workers leave.
func (p *Post) Man(d *Dispatcher) {
	d.Seat = p.Seat
	if p.Seat.Shared() {
		d.Policy.Limits.Share(p.Seat.Reserve)
	}
	p.man.Store(d)
}

// Leave gives the post up; nothing may be under way.
func (p *Post) Leave(ctx context.Context) error {
	if p.end != nil {
		p.end()
		<-p.ended
	}
	err := p.Seat.Leave(context.WithoutCancel(ctx))
	if p.timer != nil {
		err = errors.Join(err, p.timer.disarm())
	}
	return err
}

func (p *Post) hold(ctx context.Context) {
	defer close(p.ended)
	told := ""
	for sleep(ctx, beats(p.who.Grace)) {
		err := p.beat(ctx)
		if d := p.man.Load(); err == nil && d != nil {
			err = d.TakeOver(ctx)
		}
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && err.Error() != told:
			told = err.Error()
			p.log.Warn("this worker could not show that it lives", "worker", p.Seat.Name(), "error", err)
		}
	}
}

// beat shows that the worker lives, and puts its end off: counted from before the question, for the answer may have
// taken long.
func (p *Post) beat(ctx context.Context) error {
	before, err := sinceBoot()
	if err != nil {
		return err
	}
	if err := p.Seat.Beat(ctx); err != nil {
		return err
	}
	return p.timer.killAt(before + p.who.Grace - beats(p.who.Grace))
}
