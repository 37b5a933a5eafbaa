package daemon

import (
	"context"
	"time"

	"geppo/store"
)

// Finish is what a sending loop does when the queue is empty.
func Finish(d *Daemon, ctx context.Context, s Settings) error { return d.finish(ctx, s) }

// FreshPauses is what tells, look by look, of which pauses nobody was told.
func FreshPauses() func([]store.Pause, time.Time) []store.Pause { return new(pauseWatch).fresh }
