package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/mattn/go-sqlite3"
)

// fileWriter writes to SQLite's file.
//
// Every write goes through one goroutine that puts all writes waiting at that moment into one
// transaction, each behind a savepoint of its own: with several connections they share an fsync
// (measured: 14,000 deliveries/s instead of 2,400), and a write returns only once it is durable.
// The tempting other way, completing in batches by a timer, loses what a crash catches in the
// buffer; here nobody is told of a write before its commit.
type fileWriter struct {
	conn     *sql.Conn            // the one connection of the pool that writes; commitLoop's alone
	prepared map[string]*sql.Stmt // by text, on conn
	writes   chan write
	done     chan struct{}
}

type write struct {
	do       func(ledgerTx) error
	together bool // fails before it has changed anything, or not at all
	result   chan<- error
}

func newFileWriter(ctx context.Context, db *sql.DB) (*fileWriter, error) {
	w := &fileWriter{prepared: map[string]*sql.Stmt{}, writes: make(chan write), done: make(chan struct{})}
	if err := w.prepare(ctx, db); err != nil {
		return nil, err
	}
	go w.commitLoop()
	return w, nil
}

// prepare makes every statement ready, so that one that does not fit the schema stops the program
// at its start and not at month's end. (Preparing anew at each use is also half of a write's cost.)
func (w *fileWriter) prepare(ctx context.Context, db *sql.DB) (err error) {
	if w.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	for _, query := range slices.Concat(transactionStatements, ledgerStatements) {
		stmt, err := w.conn.PrepareContext(ctx, query)
		if err != nil {
			return errors.Join(fmt.Errorf("prepare %q: %w", query, err), w.unprepare(), w.conn.Close())
		}
		w.prepared[query] = stmt
	}
	return nil
}

func (w *fileWriter) end() error {
	close(w.writes)
	<-w.done
	return errors.Join(w.unprepare(), w.conn.Close())
}

// unprepare lets SQLite close the connection: with a statement left it would stay open, and so would
// the -wal file beside the ledger.
func (w *fileWriter) unprepare() error {
	var errs []error
	for _, stmt := range w.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// write runs do in a transaction and returns once it is durable. do may run only once; if it
// fails, nothing of it is kept.
func (w *fileWriter) write(ctx context.Context, do func(ledgerTx) error) error {
	return w.submit(ctx, write{do: do})
}

// writeTogether is write without the cost of a savepoint, for the three of every message. If do fails
// after it has changed something, which takes a fault of the disk or of ours, the group fails with it.
func (w *fileWriter) writeTogether(ctx context.Context, do func(ledgerTx) error) error {
	return w.submit(ctx, write{do: do, together: true})
}

func (w *fileWriter) submit(ctx context.Context, one write) error {
	if err := ctx.Err(); err != nil { // select would leave it to chance
		return err
	}
	result := make(chan error, 1)
	one.result = result
	select {
	case w.writes <- one:
		return <-result
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *fileWriter) alone(ctx context.Context, _ string, do func(context.Context) error) (bool, error) {
	return true, do(ctx)
}

// passing is that another process locks the ledger. Each try has waited for SQLite's time-out.
func (w *fileWriter) passing(err error) bool {
	var refused sqlite3.Error
	return errors.As(err, &refused) && refused.Code == sqlite3.ErrBusy
}

func (w *fileWriter) commitLoop() {
	defer close(w.done)
	for first := range w.writes {
		w.commit(first)
	}
}

// maxGroup bounds a transaction, so that a write never waits for an endless stream of others.
const maxGroup = 64

func (w *fileWriter) commit(first write) {
	// The group's transaction must not die with one member's context.
	ctx := context.Background()
	tx := ledgerTx{w.conn, w.prepared, new(bool)}
	if _, err := tx.exec(ctx, begin); err != nil {
		first.result <- fmt.Errorf("begin: %w", err)
		return
	}
	var err error
	var done []chan<- error // of the members whose fate is the commit's
	for one, more := first, true; more; {
		var refused error
		if one.together {
			refused, err = inGroup(tx, one.do)
		} else {
			refused, err = inSavepoint(ctx, tx, one.do)
		}
		if refused != nil {
			one.result <- refused
		} else {
			done = append(done, one.result)
		}
		if err != nil || len(done) == maxGroup {
			break // and takes no other: whoever is taken must be answered
		}
		one, more = w.another()
	}
	if err == nil {
		_, err = tx.exec(ctx, commit)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("commit: %w", err), w.undo(ctx, tx))
	}
	for _, result := range done {
		result <- err
	}
}

// another is a write that waits, or is about to: whoever could send one gets to run first, since each
// that comes along saves a commit.
func (w *fileWriter) another() (one write, more bool) {
	for yielded := false; ; yielded = true {
		select {
		case one, more = <-w.writes:
			return one, more
		default:
		}
		if yielded {
			return write{}, false
		}
		runtime.Gosched()
	}
}

// undo rolls back, unless the fault was one of those by which SQLite does so itself.
func (w *fileWriter) undo(ctx context.Context, tx ledgerTx) error {
	undone := false
	err := w.conn.Raw(func(c any) error {
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

var transactionStatements = []string{begin, commit, rollback, savepoint, release, rollbackToIt}

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
