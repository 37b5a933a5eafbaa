package sqlstore

// Vanish is what a worker's death leaves: its place is free, and all else as it was.
func (s *Seat) Vanish() error { return s.place.Close() }
