package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"geppo/store"
)

// Ledger is the file of what was done. It is the truth about deliveries and, on SQLite, also their
// queue.
//
// Every write goes through one goroutine that puts all writes waiting at that moment into one
// transaction, each behind a savepoint of its own: with several connections they share an fsync
// (measured: 14,000 deliveries/s instead of 2,400), and a write returns only once it is durable.
// The tempting other way, completing in batches by a timer, loses what a crash catches in the
// buffer; here nobody is told of a write before its commit.
type Ledger struct {
	*file
	writer   *sql.Conn            // the one connection of file.w; commitLoop's alone
	prepared map[string]*sql.Stmt // by text, on writer
	writes   chan write
	done     chan struct{}
	packers  sync.Pool // of *gzip.Writer
	secret   []byte
}

type write struct {
	do       func(ledgerTx) error
	together bool // fails before it has changed anything, or not at all
	result   chan<- error
}

// OpenLedger opens the ledger at path.
func OpenLedger(ctx context.Context, path string, mode Mode) (*Ledger, error) {
	f, err := openFile(ctx, path, "ledger", mode)
	if err != nil {
		return nil, err
	}
	l := &Ledger{file: f, prepared: map[string]*sql.Stmt{}, writes: make(chan write), done: make(chan struct{})}
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), f.Close())
	}
	go l.commitLoop()
	return l, nil
}

// prepare makes every statement ready, so that one that does not fit the schema stops the program
// at its start and not at month's end. (Preparing anew at each use is also half of a write's cost.)
func (l *Ledger) prepare(ctx context.Context) (err error) {
	if l.writer, err = l.w.Conn(ctx); err != nil {
		return err
	}
	for _, query := range ledgerStatements {
		stmt, err := l.writer.PrepareContext(ctx, query)
		if err != nil {
			return errors.Join(fmt.Errorf("prepare %q: %w", query, err), l.unprepare(), l.writer.Close())
		}
		l.prepared[query] = stmt
	}
	return l.writer.QueryRowContext(ctx, selectSecret).Scan(&l.secret)
}

const selectSecret = `SELECT secret FROM identity`

// Secret is what this ledger and its copies alone know: 32 random bytes, made with it.
func (l *Ledger) Secret() []byte { return l.secret }

// ledgerTx is what a write may do between begin and commit, on the one connection that writes. A
// sql.Tx would clone each prepared statement at each use and start a goroutine for each transaction,
// which is a tenth of the processor time.
type ledgerTx struct {
	*sql.Conn
	prepared map[string]*sql.Stmt
	changed  *bool // by the member under way
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

// Close ends the writer and closes the file. No write may be under way.
func (l *Ledger) Close() error {
	close(l.writes)
	<-l.done
	return errors.Join(l.unprepare(), l.writer.Close(), l.file.Close())
}

// unprepare lets SQLite close the connection: with a statement left it would stay open, and so would
// the -wal file beside the ledger.
func (l *Ledger) unprepare() error {
	var errs []error
	for _, stmt := range l.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// write runs do in a transaction and returns once it is durable. do may run only once; if it
// fails, nothing of it is kept.
func (l *Ledger) write(ctx context.Context, do func(ledgerTx) error) error {
	return l.submit(ctx, write{do: do})
}

// writeTogether is write without the cost of a savepoint, for the three of every message. If do fails
// after it has changed something, which takes a fault of the disk or of ours, the group fails with it.
func (l *Ledger) writeTogether(ctx context.Context, do func(ledgerTx) error) error {
	return l.submit(ctx, write{do: do, together: true})
}

func (l *Ledger) submit(ctx context.Context, w write) error {
	if err := ctx.Err(); err != nil { // select would leave it to chance
		return err
	}
	result := make(chan error, 1)
	w.result = result
	select {
	case l.writes <- w:
		return <-result
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxBusyTries bounds patience: with SQLite's time-out it is ten minutes.
const maxBusyTries = 20

// patiently repeats a write for as long as another process locks the ledger; each try waits for SQLite's time-out.
func (l *Ledger) patiently(ctx context.Context, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		var refused sqlite3.Error
		if !errors.As(err, &refused) || refused.Code != sqlite3.ErrBusy || try == maxBusyTries || ctx.Err() != nil {
			return err
		}
	}
}

func (l *Ledger) commitLoop() {
	defer close(l.done)
	for first := range l.writes {
		l.commit(first)
	}
}

// maxGroup bounds a transaction, so that a write never waits for an endless stream of others.
const maxGroup = 64

func (l *Ledger) commit(first write) {
	// The group's transaction must not die with one member's context.
	ctx := context.Background()
	tx := ledgerTx{l.writer, l.prepared, new(bool)}
	if _, err := tx.exec(ctx, begin); err != nil {
		first.result <- fmt.Errorf("begin: %w", err)
		return
	}
	var err error
	var done []chan<- error // of the members whose fate is the commit's
	for w, more := first, true; more; {
		var refused error
		if w.together {
			refused, err = inGroup(tx, w.do)
		} else {
			refused, err = inSavepoint(ctx, tx, w.do)
		}
		if refused != nil {
			w.result <- refused
		} else {
			done = append(done, w.result)
		}
		if err != nil || len(done) == maxGroup {
			break // and takes no other: whoever is taken must be answered
		}
		w, more = l.another()
	}
	if err == nil {
		_, err = tx.exec(ctx, commit)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("commit: %w", err), tx.undo(ctx))
	}
	for _, result := range done {
		result <- err
	}
}

// another is a write that waits, or is about to: whoever could send one gets to run first, since each
// that comes along saves a commit.
func (l *Ledger) another() (w write, more bool) {
	for yielded := false; ; yielded = true {
		select {
		case w, more = <-l.writes:
			return w, more
		default:
		}
		if yielded {
			return write{}, false
		}
		runtime.Gosched()
	}
}

// undo rolls back, unless the fault was one of those by which SQLite does so itself.
func (tx ledgerTx) undo(ctx context.Context) error {
	undone := false
	err := tx.Raw(func(c any) error {
		sqlite, ok := c.(*sqlite3.SQLiteConn)
		undone = ok && sqlite.AutoCommit()
		return nil
	})
	if err != nil || undone {
		return err
	}
	_, err = tx.exec(ctx, rollback)
	return err
}

const (
	begin        = `BEGIN IMMEDIATE`
	commit       = `COMMIT`
	rollback     = `ROLLBACK`
	savepoint    = `SAVEPOINT one`
	release      = `RELEASE one`
	rollbackToIt = `ROLLBACK TO one`
)

// inGroup runs do as one member of a group; see writeTogether.
func inGroup(tx ledgerTx, do func(ledgerTx) error) (refused, broken error) {
	*tx.changed = false
	err := do(tx)
	if err != nil && *tx.changed {
		return nil, err
	}
	return err, nil
}

// inSavepoint runs do as one member of a group. refused is the member's own failure, undone
// without a trace; broken means that the transaction itself is lost (a full disk, say).
func inSavepoint(ctx context.Context, tx ledgerTx, do func(ledgerTx) error) (refused, broken error) {
	if _, err := tx.exec(ctx, savepoint); err != nil {
		return nil, err
	}
	refused = do(tx)
	if refused != nil {
		_, broken = tx.exec(ctx, rollbackToIt)
	}
	if broken == nil {
		_, broken = tx.exec(ctx, release)
	}
	return refused, broken
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
