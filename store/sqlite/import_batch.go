package sqlite

import (
	"context"
	"slices"
	"strings"

	"geppo/store"
)

// rowsPerStatement is how many rows one INSERT carries: around 20 the cost of calling SQLite is
// spread, and longer statements win nothing.
const rowsPerStatement = 20

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

// batch holds rows back, to write them in the order of their table. Of rows with one key it keeps
// the one that holds: neither SQLite nor the order of the table decides between them.
type batch[Row any, Key comparable] struct {
	batchRules[Row, Key]
	one, many insertOrUpdate // of one row, and of rowsPerStatement rows

	rows   []Row
	bytes  int
	places map[Key]int   // of rows
	gone   map[int]int64 // how many rows gave way to the one at a place
	order  []int         // of rows, when they are written
	buf    []any         // columns of one statement
}

func newBatch[Row any, Key comparable](rules batchRules[Row, Key], one, many insertOrUpdate) batch[Row, Key] {
	return batch[Row, Key]{batchRules: rules, one: one, many: many, places: map[Key]int{}, gone: map[int]int64{}}
}

// add takes a row whose text is size bytes, and writes the batch when it is full.
func (b *batch[Row, Key]) add(ctx context.Context, row Row, size int, counts *store.ImportCounts) error {
	key := b.key(&row)
	if at, ok := b.places[key]; ok {
		if b.holds(&b.rows[at], &row) {
			counts.Duplicate++
		} else {
			b.rows[at] = row
			b.gone[at]++
		}
		return nil
	}
	b.places[key] = len(b.rows)
	b.rows = append(b.rows, row)
	b.bytes += size
	if len(b.rows) < maxBatchRows && b.bytes < maxBatchBytes {
		return nil
	}
	return b.flush(ctx, counts)
}

// flush writes what is held.
func (b *batch[Row, Key]) flush(ctx context.Context, counts *store.ImportCounts) error {
	b.order = b.order[:0]
	for i := range b.rows {
		if b.gone[i] == 0 {
			b.order = append(b.order, i)
		}
	}
	// Places are sorted instead of rows, because rows are large to move.
	slices.SortFunc(b.order, func(i, j int) int { return b.compare(&b.rows[i], &b.rows[j]) })
	for group := range slices.Chunk(b.order, rowsPerStatement) {
		if err := b.write(ctx, group, counts); err != nil {
			return err
		}
	}
	if err := b.writeLast(ctx, counts); err != nil {
		return err
	}
	clear(b.rows) // lets go of the strings
	b.rows, b.bytes = b.rows[:0], 0
	clear(b.places)
	clear(b.gone)
	return nil
}

// write puts the rows at the places of group: by one statement if it is full, else one by one.
func (b *batch[Row, Key]) write(ctx context.Context, group []int, counts *store.ImportCounts) error {
	stmt, size := b.many, len(group)
	if size < rowsPerStatement {
		stmt, size = b.one, 1
	}
	for part := range slices.Chunk(group, size) {
		b.buf = b.buf[:0]
		for _, i := range part {
			b.buf = b.args(&b.rows[i], b.buf)
		}
		added, replaced, err := stmt.run(ctx, len(part), b.buf)
		if err != nil {
			return err
		}
		counts.New += added
		counts.Changed += replaced
		counts.Duplicate += int64(len(part)) - added - replaced
	}
	return nil
}

// writeLast puts the rows to which others of the batch gave way. These have changed something if
// the last of them did: a file that is imported again changes nothing.
func (b *batch[Row, Key]) writeLast(ctx context.Context, counts *store.ImportCounts) error {
	for at, n := range b.gone {
		before := counts.Duplicate
		if err := b.write(ctx, []int{at}, counts); err != nil {
			return err
		}
		if counts.Duplicate > before {
			counts.Duplicate += n
		} else {
			counts.Changed += n
		}
	}
	return nil
}

// values is "(?, …), (?, …)" for rows of so many columns.
func values(rows, columns int) string {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

// valuesAs is a table n of such rows, with names for its columns.
func valuesAs(rows int, columns string) string {
	names := strings.Split(columns, ", ")
	return `(WITH v (` + columns + `) AS (VALUES ` + values(rows, len(names)) + `) SELECT * FROM v) AS n`
}
