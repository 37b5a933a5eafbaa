package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"geppo/store"
)

// Ledger is the database of what was done. It is the truth about deliveries, and also their queue.
type Ledger struct {
	*database
	engine
	packers sync.Pool // of *gzip.Writer
	secret  []byte
}

// engine is how a ledger writes. What was written is durable when the method returns, and nobody is told of it before.
type engine interface {
	// write runs do in a transaction, one at a time in the whole ledger but for what runs together. do may run only
	// once; if it fails, nothing of it is kept.
	write(ctx context.Context, do func(ledgerTx) error) error
	// writeTogether is for the three writes of every message, which are many at once. do touches one delivery, or what
	// nobody else can see, and may run again.
	writeTogether(ctx context.Context, do func(ledgerTx) error) error
	// alone runs do unless another process does so under the same name at this moment, and tells whether it did.
	alone(ctx context.Context, name string, do func(context.Context) error) (ran bool, err error)
	// passing tells whether an error may be gone when the same is tried again at once.
	passing(err error) bool
	// end ends what write and writeTogether need; no write may be under way.
	end() error
}

// OpenLedger opens the ledger of a DSN.
func OpenLedger(ctx context.Context, dsn string, mode Mode) (*Ledger, error) {
	db, err := open(ctx, dsn, "ledger", mode)
	if err != nil {
		return nil, err
	}
	l := &Ledger{database: db}
	if l.engine, err = newEngine(ctx, db); err == nil {
		err = l.r.QueryRowContext(ctx, selectSecret).Scan(&l.secret)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", db.name, err), l.Close())
	}
	return l, nil
}

func newEngine(ctx context.Context, db *database) (engine, error) {
	if db.file == nil {
		return &pgWriter{db.w}, nil
	}
	w, err := newFileWriter(ctx, db.w)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Close closes the ledger. No write may be under way.
func (l *Ledger) Close() error {
	var err error
	if l.engine != nil {
		err = l.end()
	}
	return errors.Join(err, l.database.Close())
}

// Passing tells whether an error may be gone when the same is tried again at once: a lock, a connection that was lost.
func (l *Ledger) Passing(err error) bool { return l.passing(err) }

// Alone runs what one process does for all, unless another one is at it: then that one does it. On SQLite nobody else is.
func (l *Ledger) Alone(ctx context.Context, name string, do func(context.Context) error) (ran bool, err error) {
	return l.alone(ctx, name, do)
}

const selectSecret = `SELECT secret FROM identity`

// Secret is what this ledger and its copies alone know: 32 random bytes, made with it.
func (l *Ledger) Secret() []byte { return l.secret }

// ledgerTx is what a write may do between begin and commit.
type ledgerTx struct {
	runner
	prepared map[string]*sql.Stmt // by text; none on PostgreSQL, whose connections keep what they have prepared
	changed  *bool                // by the member under way
}

type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// A statement under way is not broken off with its caller's context: SQLite would roll back the
// whole transaction, and with it the other members of the group.
func (tx ledgerTx) exec(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	ctx = context.WithoutCancel(ctx)
	if stmt, ok := tx.prepared[query]; ok {
		result, err = stmt.ExecContext(ctx, args...)
	} else {
		result, err = tx.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return nil, err
	}
	n, err := result.RowsAffected()
	*tx.changed = *tx.changed || n > 0
	return result, err
}

func (tx ledgerTx) row(ctx context.Context, query string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	if stmt, ok := tx.prepared[query]; ok {
		return stmt.QueryRowContext(ctx, args...)
	}
	return tx.QueryRowContext(ctx, query, args...)
}

// each calls scan for every row of a query.
func (tx ledgerTx) each(ctx context.Context, query string, scan func(scanner) error, args ...any) error {
	ctx = context.WithoutCancel(ctx)
	if stmt, ok := tx.prepared[query]; ok {
		return eachRow(ctx, stmt, scan, args...)
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	return readRows(rows, err, scan)
}

func (tx ledgerTx) deliveries(ctx context.Context, query string, args ...any) (list []store.Delivery, err error) {
	err = tx.each(ctx, query, func(row scanner) error {
		d, err := scanDelivery(row)
		list = append(list, d)
		return err
	}, args...)
	return list, err
}

// millis is a time as stored; a zero time is NULL.
func millis(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: true}
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
