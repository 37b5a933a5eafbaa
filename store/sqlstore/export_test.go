package sqlstore

import (
	"context"
	"time"
)

// Vanish is what a worker's death leaves: its place is free, and all else as it was.
func (s *Seat) Vanish() error { return s.place.Close() }

// FallSilent has the last heartbeat be so long ago.
func (s *Seat) FallSilent(ctx context.Context, ago time.Duration) error {
	_, err := s.l.w.ExecContext(ctx, `UPDATE workers SET beat_at = now_ms() - ?2 WHERE id = ?1`, s.id.Load(), ago.Milliseconds())
	return err
}
