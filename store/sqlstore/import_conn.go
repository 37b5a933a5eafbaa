package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// importConn is the transaction of an import. What reads the file and the batches that are being written share it, and a
// connection to PostgreSQL answers one question after the other: each has its turn until its answer is read.
type importConn struct {
	conn *sql.Conn // on which tx runs
	tx   *sql.Tx

	turn  sync.Mutex
	bound map[*sql.Stmt]*sql.Stmt // to tx, which keeps all that it is asked for until its end

	partitions map[string]bool // those that are there; PostgreSQL's, read when they are needed
}

// beginImport waits for an import that runs in another process.
func (d *Detections) beginImport(ctx context.Context) (*importConn, error) {
	conn, err := d.f.w.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c := &importConn{conn: conn, tx: tx, bound: map[*sql.Stmt]*sql.Stmt{}}
	if err := d.alone(ctx, tx); err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

// end undoes what was not committed.
func (c *importConn) end() error {
	err := c.tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) {
		err = nil // there is nothing left to roll back
	}
	return errors.Join(err, c.conn.Close())
}

// inTx binds a statement to the transaction, once for all rows.
func (c *importConn) inTx(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if c.bound[stmt] == nil {
		c.bound[stmt] = c.tx.StmtContext(ctx, stmt)
	}
	return c.bound[stmt]
}

// exec tells how many rows were affected.
func (c *importConn) exec(ctx context.Context, stmt *sql.Stmt, args ...any) (int64, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	result, err := c.inTx(ctx, stmt).ExecContext(withoutHurry(ctx), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads a statement's one row.
func (c *importConn) one(ctx context.Context, stmt *sql.Stmt, args []any, to ...any) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.inTx(ctx, stmt).QueryRowContext(withoutHurry(ctx), args...).Scan(to...)
}

// each calls scan for every row; scan must not ask for another.
func (c *importConn) each(ctx context.Context, stmt *sql.Stmt, scan func(scanner) error, args ...any) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	return eachRow(withoutHurry(ctx), c.inTx(ctx, stmt), scan, args...)
}

// insertOrUpdate is two statements with the same arguments: one adds a row unless it is there, the
// other replaces it where it says something else. One statement (ON CONFLICT DO UPDATE) would be as
// fast, but does not tell a new row from a changed one.
type insertOrUpdate struct{ insert, update *sql.Stmt }

func (s *insertOrUpdate) list(db *sql.DB, insert, update string) []statement {
	return []statement{{&s.insert, db, insert}, {&s.update, db, update}}
}

// run gives how many of the rows in args were added and how many replaced.
func (s insertOrUpdate) run(ctx context.Context, c *importConn, rows int, args []any) (added, replaced int64, err error) {
	added, err = c.exec(ctx, s.insert, args...)
	if err != nil || added == int64(rows) {
		return added, 0, err
	}
	replaced, err = c.exec(ctx, s.update, args...)
	return added, replaced, err
}
