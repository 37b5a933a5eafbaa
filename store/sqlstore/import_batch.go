package sqlstore

import (
	"context"
	"slices"

	"geppo/store"
)

// The bounds of a batch. Larger ones sort better, smaller ones hold less: 100k rows keep most of
// the gain in some tens of megabytes.
const (
	maxBatchRows  = 100_000
	maxBatchBytes = 32 << 20
)

// batchRules say how rows of one kind are told apart and written.
type batchRules[Row any, Key comparable] struct {
	key     func(*Row) Key                 // equal for rows that are one and the same
	holds   func(have, next *Row) bool     // of two with one key, whether the first stays
	compare func(a, b *Row) int            // by the table's primary key
	args    func(row *Row, to []any) []any // appends a row's columns
}

// bulk is how an engine writes the rows of a batch, which order has in the order of their table. It counts them in
// w.counts; those that gave way to others have changed something if the last of them did: a file that is imported again
// changes nothing.
type bulk[Row any] interface {
	write(ctx context.Context, w *written[Row], order []int) error
}

// batch holds rows back, to write them in the order of their table. Of rows with one key it keeps
// the one that holds: neither SQLite nor the order of the table decides between them.
//
// A full batch is written while the next one fills, because reading a file costs as much as writing
// its rows: with one batch at a time, each waited for the other.
type batch[Row any, Key comparable] struct {
	batchRules[Row, Key]
	to bulk[Row]

	held[Row]
	bytes   int
	places  map[Key]int // of rows
	spare   held[Row]   // what was written last, for its memory
	writing chan written[Row]
}

// held are the rows of one batch.
type held[Row any] struct {
	rows []Row
	gone map[int]int64 // how many rows gave way to the one at a place
}

// written is a batch that has been written, or has failed to be.
type written[Row any] struct {
	held[Row]
	counts store.ImportCounts
	err    error
}

func newBatch[Row any, Key comparable](rules batchRules[Row, Key], to bulk[Row]) batch[Row, Key] {
	return batch[Row, Key]{batchRules: rules, to: to, places: map[Key]int{}}
}

// add takes a row whose text is size bytes, and begins to write the batch when it is full.
func (b *batch[Row, Key]) add(ctx context.Context, row Row, size int, counts *store.ImportCounts) error {
	key := b.key(&row)
	if at, ok := b.places[key]; ok {
		if b.holds(&b.rows[at], &row) {
			counts.Duplicate++
		} else {
			b.replace(at, row)
		}
		return nil
	}
	b.places[key] = len(b.rows)
	if len(b.rows) == cap(b.rows) {
		b.rows = slices.Grow(b.rows, max(len(b.rows), 20)) // append would copy large rows five times
	}
	b.rows = append(b.rows, row)
	b.bytes += size
	if len(b.rows) < maxBatchRows && b.bytes < maxBatchBytes {
		return nil
	}
	return b.flush(ctx, counts)
}

func (b *batch[Row, Key]) replace(at int, row Row) {
	b.rows[at] = row
	if b.gone == nil {
		b.gone = map[int]int64{}
	}
	b.gone[at]++
}

// flush begins to write what is held, once what was held before is written.
func (b *batch[Row, Key]) flush(ctx context.Context, counts *store.ImportCounts) error {
	if err := b.wait(counts); err != nil {
		return err
	}
	full := b.held
	b.writing = make(chan written[Row], 1)
	go func() {
		w := written[Row]{held: full}
		w.err = b.write(ctx, &w)
		b.writing <- w
	}()
	b.held, b.bytes = b.spare, 0
	clear(b.places)
	return nil
}

// wait ends when nothing is being written any more. What was written counts then.
func (b *batch[Row, Key]) wait(counts *store.ImportCounts) error {
	if b.writing == nil {
		return nil
	}
	w := <-b.writing
	b.writing = nil
	counts.New += w.counts.New
	counts.Changed += w.counts.Changed
	counts.Duplicate += w.counts.Duplicate
	clear(w.rows) // lets go of the strings
	clear(w.gone)
	b.spare = held[Row]{w.rows[:0], w.gone}
	return w.err
}

// write puts all rows of w.
func (b *batch[Row, Key]) write(ctx context.Context, w *written[Row]) error {
	order := make([]int, len(w.rows)) // places are sorted instead of rows, which are large to move
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return b.compare(&w.rows[i], &w.rows[j]) })
	return b.to.write(ctx, w, order)
}
