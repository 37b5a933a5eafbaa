package store

import "time"

// Worker is a process that sends.
type Worker struct {
	ID        int64
	Name      string
	Build     string // what makes its messages' bytes
	StartedAt time.Time
	BeatAt    time.Time     // its last heartbeat, zero where there are none; the Unix epoch: it is surely dead
	Silent    time.Duration // since then, by the database's clock
	Lives     bool          // as far as anybody can tell
	UnderWay  int           // deliveries that it has claimed and not settled
}
