package store

import "errors"

// ErrPruned says that a report cannot be computed any more, because rows of its month or of the
// month before were removed.
var ErrPruned = errors.New("its detections were pruned")

// Retention says which months of the detections may go. Months are calendar months in each
// contract's own zone, and go as a whole.
type Retention struct {
	Before Period   // the first month that stays
	Keep   []Period // earlier months that stay too
}
