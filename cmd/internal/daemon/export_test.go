package daemon

import "context"

// Finish is what a sending loop does when the queue is empty.
func Finish(d *Daemon, ctx context.Context, s Settings) error { return d.finish(ctx, s) }
