package sqlstore

import (
	"context"
	"slices"
	"strings"
)

// rowsPerStatement is how many rows one INSERT carries: around 20 the cost of calling SQLite is
// spread, and longer statements win nothing.
const rowsPerStatement = 20

// rowBulk writes to SQLite, by statements that carry some rows each.
type rowBulk[Row any] struct {
	conn      *importConn
	args      func(row *Row, to []any) []any
	one, many insertOrUpdate // of one row, and of rowsPerStatement rows
}

func (b rowBulk[Row]) write(ctx context.Context, w *written[Row], order []int) error {
	order = slices.DeleteFunc(order, func(at int) bool { return w.gone[at] > 0 })
	var args []any
	for group := range slices.Chunk(order, rowsPerStatement) {
		var err error
		if args, err = b.writeGroup(ctx, w, group, args[:0]); err != nil {
			return err
		}
	}
	for at, n := range w.gone {
		before := w.counts.Duplicate
		if _, err := b.writeGroup(ctx, w, []int{at}, args[:0]); err != nil {
			return err
		}
		if w.counts.Duplicate > before {
			w.counts.Duplicate += n
		} else {
			w.counts.Changed += n
		}
	}
	return nil
}

// writeGroup puts the rows at the places of group: by one statement if it is full, else one by one.
// It gives args back, grown to what a statement needs.
func (b rowBulk[Row]) writeGroup(ctx context.Context, w *written[Row], group []int, args []any) ([]any, error) {
	stmt, size := b.many, len(group)
	if size < rowsPerStatement {
		stmt, size = b.one, 1
	}
	for part := range slices.Chunk(group, size) {
		args = args[:0]
		for _, i := range part {
			args = b.args(&w.rows[i], args)
		}
		added, replaced, err := stmt.run(ctx, b.conn, len(part), args)
		if err != nil {
			return args, err
		}
		w.counts.New += added
		w.counts.Changed += replaced
		w.counts.Duplicate += int64(len(part)) - added - replaced
	}
	return args, nil
}

// values is "(?, …), (?, …)" for rows of so many columns.
func values(rows, columns int) string {
	return repeated("(?"+strings.Repeat(", ?", columns-1)+")", rows)
}

func repeated(row string, rows int) string { return row + strings.Repeat(", "+row, rows-1) }

// valuesAs is a table n of such rows, with names for its columns.
func valuesAs(rows int, columns string) string {
	return `(WITH v (` + columns + `) AS (VALUES ` + values(rows, len(columnsOf(columns))) + `) SELECT * FROM v) AS n`
}

func columnsOf(list string) []string { return strings.Split(list, ", ") }
