package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// PostgreSQL as an engine: many processes write at once, each by a pool of connections.

func openPostgres(ctx context.Context, dsn DSN, kind string, mode Mode) (db *database, err error) {
	pool := sql.OpenDB(newConnector(*dsn.config))
	// So many that senders and renderers seldom wait for each other; a server takes a hundred in all by default.
	most := max(8, 2*runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db = &database{name: dsn.String(), r: pool, w: pool}
	if err := migratePostgres(ctx, dsn, kind, mode); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migratePostgres uses a pool of its own, whose calls may take as long as they need: a migration may have to wait for
// another process's.
func migratePostgres(ctx context.Context, dsn DSN, kind string, mode Mode) (err error) {
	pool := stdlib.OpenDB(*dsn.config)
	defer func() { err = errors.Join(err, pool.Close()) }()
	return postgresSchema(pool, kind).migrate(ctx, mode)
}

func postgresSchema(pool *sql.DB, kind string) schema {
	table := "geppo_" + kind + "_version"
	return schema{pool, onPostgres, kind, table, `SELECT to_regclass('` + table + `') IS NOT NULL`}
}

// pgWriter writes to PostgreSQL, in a transaction on a connection of its own each time. What does not run together takes
// turns over all processes, as it does on SQLite, by a lock that its transaction holds to its end: so nothing that
// reads and then writes needs to know of others but claims, handings over and settlements.
type pgWriter struct{ db *sql.DB }

// postgresStatements are PostgreSQL's alone, and no part of ledgerStatements.
var postgresStatements = []string{takeTurn, beAlone, reserve}

// takeTurn waits for the others. It also has the tallies that this transaction changes kept apart from those of what
// runs together (see the migration): one that changes many in any order would else lock them in any order.
const takeTurn = `SELECT pg_advisory_xact_lock(7341018252), set_config('geppo.alone', '1', true), ` + giveUpIdle

// giveUpIdle has the server end a transaction whose client is gone without a word, and with it its locks.
const giveUpIdle = `set_config('idle_in_transaction_session_timeout', '10min', true)`

// beAlone takes a lock that its transaction holds to its end, or finds that another has it.
const beAlone = `SELECT pg_try_advisory_xact_lock(734101825, hashtext(?1)), ` + giveUpIdle

// turnWithin bounds the wait for a turn; the longest is the one behind the planning of a month.
const turnWithin = 10 * time.Minute

func (w *pgWriter) write(ctx context.Context, do func(ledgerTx) error) error {
	return w.transaction(ctx, func(tx ledgerTx) error {
		bounded, cancel := context.WithTimeout(withoutHurry(context.WithoutCancel(ctx)), turnWithin)
		defer cancel()
		if _, err := tx.ExecContext(bounded, takeTurn); err != nil {
			return err
		}
		return do(tx)
	})
}

func (w *pgWriter) writeTogether(ctx context.Context, do func(ledgerTx) error) error {
	return w.transaction(ctx, do)
}

// alone holds the lock by a transaction in which nothing else happens: do writes by others.
func (w *pgWriter) alone(ctx context.Context, name string, do func(context.Context) error) (ran bool, err error) {
	err = w.transaction(ctx, func(tx ledgerTx) error {
		var idle string
		if err := tx.row(ctx, beAlone, name).Scan(&ran, &idle); err != nil || !ran {
			return err
		}
		return do(ctx)
	})
	return ran, err
}

func (w *pgWriter) transaction(ctx context.Context, do func(ledgerTx) error) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // back to the pool, which throws away what is broken
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err := do(ledgerTx{tx, nil, new(bool)}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// passing are faults of the connection, and what PostgreSQL itself says may be tried again. See
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func (w *pgWriter) passing(err error) bool { return mayPass(err) }

func mayPass(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return slices.ContainsFunc(broken, func(fault error) bool { return errors.Is(err, fault) }) || isNetworks(err)
	}
	passing := []string{"40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03", "57P05"}
	return slices.Contains(passing, refused.Code) || refused.Code[:2] == "08"
}

// broken are the faults of a connection that is no more.
var broken = []error{errNoAnswer, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, sql.ErrTxDone, sql.ErrConnDone}

func isNetworks(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.SafeToRetry(err)
}

func (w *pgWriter) end() error { return nil }
