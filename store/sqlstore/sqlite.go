package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	_ "github.com/mattn/go-sqlite3" // the driver
	"golang.org/x/sys/unix"
)

// file is one SQLite file. It is behind two pools: a single writing connection, so that writers queue in
// Go instead of meeting SQLITE_BUSY, and reading ones that can never write. Reading transactions
// are deferred: each sees one snapshot and blocks nobody.
type file struct {
	path   string
	handle *os.File    // opened before the pools and closed after them, see fileLock
	locked atomic.Bool // by this process
}

// Pragmas stand in the DSN because they hold for one connection each: by Exec they would reach
// only whichever connection the pool happened to hand out. In WAL only FULL survives power loss.
// SQLite's own mutexes are off because a pool gives a connection to one goroutine at a time; taken
// for every column, they are a tenth of the time of reading rows and more.
const pragmas = "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_busy_timeout=30000&_mutex=no"

// openFile opens the file at path.
func openFile(ctx context.Context, path, kind string, mode Mode) (db *database, err error) {
	f := &file{path: path}
	if f.handle, err = hold(path, mode); err != nil {
		return nil, err
	}
	db = &database{name: path, file: f}
	// A failed start-up must not leave pools behind.
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := f.refuseForeignWAL(); err != nil {
		return db, err
	}
	uri := fileURI(path)
	// The writer keeps 32 MB of pages instead of 2: a month of 100,000 deliveries stays in its cache,
	// which makes the ledger half as fast again.
	if db.w, err = sql.Open("sqlite3", uri+"?"+pragmas+"&_txlock=immediate&_cache_size=-32000"); err != nil {
		return db, err
	}
	db.w.SetMaxOpenConns(1)
	// The cache is for statements that bypass database/sql, see monthReader.eachValue.
	if db.r, err = sql.Open("sqlite3", uri+"?"+pragmas+"&_query_only=on&_stmt_cache_size=4"); err != nil {
		return db, err
	}
	db.r.SetMaxOpenConns(runtime.GOMAXPROCS(0) + 2)
	db.r.SetMaxIdleConns(runtime.GOMAXPROCS(0) + 2)
	s := schema{db.w, onSQLite, kind, "goose_db_version", `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`}
	migrate := func() error { return s.migrate(ctx, mode) }
	if mode != Existing {
		err = f.migrating(migrate)
	} else {
		err = migrate()
	}
	return db, err
}

// The folders of migrations.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

// hold opens the file for as long as SQLite does. A new one is its owner's alone: it will hold
// customers' names and addresses. SQLite gives the files beside it the same permissions.
func hold(path string, mode Mode) (*os.File, error) {
	flags := os.O_RDWR
	if mode == Migrate {
		flags |= os.O_CREATE
	}
	handle, err := os.OpenFile(path, flags, 0o600)
	if mode == Existing && (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) {
		handle, err = os.Open(path) // who may only read may look
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is none; make it with geppo init, or name another with --db")
	}
	return handle, err
}
