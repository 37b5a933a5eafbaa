package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connector opens connections to PostgreSQL that take what SQLite's take: its statements (see rebind), and its values,
// of which a truth is 0 or 1 and a text may hold anything.
//
// pgx waits for an answer as long as the network lets it, and a network that swallows packets tells nobody: a call that
// has heard nothing for a while ends with errNoAnswer, and its connection with it. The bound is on silence and not on
// the whole, so that a list of a million rows may take its time.
//
// A server that restarts closes every connection and takes no new ones for a moment. Who reads does not notice: a query
// outside a transaction that finds its connection gone is asked again on another, and once there was a connection the next
// one is waited for.
type connector struct {
	driver.Connector
	patience  time.Duration
	connected *atomic.Bool
}

// answerWithin is how long PostgreSQL may be silent.
const answerWithin = 10 * time.Second

var errNoAnswer = errors.New("the database has not answered in time")

func newConnector(config pgx.ConnConfig) connector {
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = answerWithin
	}
	return connector{stdlib.GetConnector(config), answerWithin, new(atomic.Bool)}
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil && c.connected.Load() {
		conn, err = c.again(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	c.connected.Store(true)
	return &pgConn{Conn: conn.(*stdlib.Conn), patience: c.patience}, nil
}

// again tries to connect until the server answers.
func (c connector) again(ctx context.Context, err error) (conn driver.Conn, _ error) {
	bounded, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	for err != nil && mayPass(err) && bounded.Err() == nil {
		pause, resume := context.WithTimeout(bounded, tryEvery)
		<-pause.Done()
		resume()
		conn, err = c.Connector.Connect(ctx)
	}
	return conn, err
}

type pgConn struct {
	*stdlib.Conn
	patience time.Duration
	inTx     bool
}

func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	w := c.wait(ctx)
	defer w.end()
	result, err := c.Conn.ExecContext(w, rebind(query), args)
	return result, w.explain(err)
}

func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	w := c.wait(ctx)
	rows, err := c.Conn.QueryContext(w, rebind(query), args)
	return w.over(rows, c.elsewhere(err))
}

// elsewhere has database/sql ask a question again, which changes nothing, if the connection is gone.
func (c *pgConn) elsewhere(err error) error {
	if err != nil && !c.inTx && c.Conn.Conn().IsClosed() && mayPass(err) && !errors.Is(err, context.Canceled) {
		return driver.ErrBadConn
	}
	return err
}

func (c *pgConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext prepares nothing: the driver keeps what a connection has prepared, by its text, and prepares nothing
// either where the DSN says default_query_exec_mode=exec, because a pgbouncer between hands out another connection for
// each transaction. That every statement fits the schema is for a test to find.
func (c *pgConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return pgStmt{query, c}, nil
}

func (c *pgConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	w := c.wait(ctx)
	defer w.end()
	if _, err := c.Conn.BeginTx(w, options); err != nil {
		return nil, w.explain(err)
	}
	c.inTx = true
	return pgTx{c}, nil
}

func (c *pgConn) Ping(ctx context.Context) error {
	w := c.wait(ctx)
	defer w.end()
	return c.Conn.Ping(w)
}

func (c *pgConn) ResetSession(ctx context.Context) error {
	w := c.wait(ctx)
	defer w.end()
	return c.Conn.ResetSession(w)
}

// CheckNamedValue brings a value into the form in which PostgreSQL takes it.
func (c *pgConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	if v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value); err != nil {
		return err
	}
	switch value := v.Value.(type) {
	case bool:
		v.Value = int64(0)
		if value {
			v.Value = int64(1)
		}
	case string:
		v.Value = storable(value)
	}
	return nil
}

// storable is a text without what PostgreSQL refuses in one. What others said must not keep a delivery from being settled.
func storable(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}

// pgTx is a transaction whose end is a call like any other.
type pgTx struct{ *pgConn }

// Commit fails where PostgreSQL answers it by rolling back, which it does if a statement has failed before.
func (tx pgTx) Commit() error {
	tag, err := tx.end(commit)
	if err == nil && tag.String() == rollback {
		err = errors.New("the transaction was rolled back: one of its statements had failed")
	}
	return err
}

func (tx pgTx) Rollback() error {
	_, err := tx.end(rollback)
	return err
}

func (tx pgTx) end(statement string) (pgconn.CommandTag, error) {
	tx.inTx = false
	w := tx.wait(context.Background())
	defer w.end()
	tag, err := tx.Conn.Conn().Exec(w, statement)
	return tag, w.explain(err)
}

// pgStmt is a statement that is prepared by whichever connection runs it.
type pgStmt struct {
	query string
	conn  *pgConn
}

func (s pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// NumInput is not known before it is run.
func (s pgStmt) NumInput() int { return -1 }

func (s pgStmt) Close() error { return nil }

var errWithoutContext = errors.New("a statement is run with a context")

// Exec is there for the interface's sake, as Query is.
func (s pgStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errWithoutContext }

// Query is what ExecContext is beside Exec.
func (s pgStmt) Query([]driver.Value) (driver.Rows, error) { return nil, errWithoutContext }

// waiting is the context of a call under way.
type waiting struct {
	context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer // nil: the call has no bound
	patience time.Duration
}

func (c *pgConn) wait(ctx context.Context) waiting {
	w := waiting{patience: c.patience}
	w.Context, w.cancel = context.WithCancelCause(ctx)
	if ctx.Value(unhurried{}) == nil {
		w.timer = time.AfterFunc(w.patience, func() { w.cancel(errNoAnswer) }) //nolint:forbidigo // a bound on silence begins anew with each row, which no deadline does
	}
	return w
}

// unhurried marks the context of calls that may take PostgreSQL long: of a migration, say, or of an import.
type unhurried struct{}

// withoutHurry lets the calls under ctx take as long as they need.
func withoutHurry(ctx context.Context) context.Context {
	return context.WithValue(ctx, unhurried{}, true)
}

func (w waiting) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
}

// explain says why a call was broken off.
func (w waiting) explain(err error) error {
	if err != nil && errors.Is(context.Cause(w), errNoAnswer) {
		return errors.Join(errNoAnswer, err)
	}
	return err
}

// over hands the rows of a call on, which ends with them.
func (w waiting) over(rows driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		w.end()
		return nil, w.explain(err)
	}
	return pgRows{rows, w}, nil
}

type pgRows struct {
	driver.Rows
	w waiting
}

func (r pgRows) Next(to []driver.Value) error {
	if r.w.timer != nil {
		r.w.timer.Reset(r.w.patience)
	}
	return r.w.explain(r.Rows.Next(to))
}

func (r pgRows) Close() error {
	defer r.w.end()
	return r.Rows.Close()
}
