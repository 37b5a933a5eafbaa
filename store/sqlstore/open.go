// Package sqlstore owns every SQL statement of geppo and the two SQLite files behind them: the
// detections (what came in: contracts, inventory, detections, events) and the ledger (what we did:
// runs, frozen reports, deliveries, attempts, marks on addresses). It reads and writes rows; it
// never counts them, formats them or logs.
//
// The files are apart so that a long import never locks the ledger, the small precious file is
// easy to back up, and an import cannot erase what operators or bounces said of an address.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

// Mode says what opening a database may do to it.
type Mode int

const (
	// Existing opens a database that is there with today's schema, and refuses any other.
	Existing Mode = iota
	// Upgrade also brings an older one to today's schema.
	Upgrade
	// Migrate also creates a missing one.
	Migrate
)

//go:embed migrations
var migrations embed.FS

// file is one SQLite file behind two pools: a single writing connection, so that writers queue in
// Go instead of meeting SQLITE_BUSY, and reading ones that can never write. Reading transactions
// are deferred: each sees one snapshot and blocks nobody.
type file struct {
	path   string
	handle *os.File // opened before the pools and closed after them, see Lock
	w      *sql.DB
	r      *sql.DB
}

// ParseDSN gives the path behind a "sqlite:PATH" data source name.
func ParseDSN(dsn string) (path string, err error) {
	scheme, path, ok := strings.Cut(dsn, ":")
	if !ok || scheme != "sqlite" || path == "" {
		return "", fmt.Errorf("database %q is not of the form sqlite:PATH (other schemes are refused for now)", dsn)
	}
	return path, nil
}

// DetectionsBeside is the default path of the detections that belong to a ledger: geppo.db has
// geppo-detections.db beside it.
func DetectionsBeside(ledger string) string {
	ext := filepath.Ext(ledger)
	return strings.TrimSuffix(ledger, ext) + "-detections" + ext
}

// Pragmas stand in the DSN because they hold for one connection each: by Exec they would reach
// only whichever connection the pool happened to hand out. In WAL only FULL survives power loss.
// SQLite's own mutexes are off because a pool gives a connection to one goroutine at a time; taken
// for every column, they are a tenth of the time of reading rows and more.
const pragmas = "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_busy_timeout=30000&_mutex=no"

// openFile opens path under the migrations in migrations/kind.
func openFile(ctx context.Context, path, kind string, mode Mode) (f *file, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open %s database %s: %w", kind, path, err)
		}
	}()
	f = &file{path: path}
	if f.handle, err = hold(path, mode); err != nil {
		return nil, err
	}
	// A failed start-up must not leave pools behind.
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := f.refuseForeignWAL(); err != nil {
		return f, err
	}
	uri := fileURI(path)
	// The writer keeps 32 MB of pages instead of 2: a month of 100,000 deliveries stays in its cache,
	// which makes the ledger half as fast again.
	if f.w, err = sql.Open("sqlite3", uri+"?"+pragmas+"&_txlock=immediate&_cache_size=-32000"); err != nil {
		return f, err
	}
	f.w.SetMaxOpenConns(1)
	// The cache is for statements that bypass database/sql, see monthReader.eachValue.
	if f.r, err = sql.Open("sqlite3", uri+"?"+pragmas+"&_query_only=on&_stmt_cache_size=4"); err != nil {
		return f, err
	}
	f.r.SetMaxOpenConns(runtime.GOMAXPROCS(0) + 2)
	f.r.SetMaxIdleConns(runtime.GOMAXPROCS(0) + 2)
	if mode == Existing {
		return f, f.migrate(ctx, kind, mode)
	}
	return f, f.migrating(func() error { return f.migrate(ctx, kind, mode) })
}

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

func (f *file) migrate(ctx context.Context, kind string, mode Mode) error {
	sub, err := fs.Sub(migrations, "migrations/"+kind)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, f.w, sub)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := f.schemaVersion(ctx)
	if err != nil {
		return err
	}
	switch {
	case have > newest:
		return fmt.Errorf("its schema (%d) is newer than this geppo knows (%d); use the newer geppo", have, newest)
	case have == newest:
		return nil
	case have == 0 && mode != Migrate:
		return errors.New("it is empty; make it with geppo init, or name another with --db")
	case mode == Existing:
		return fmt.Errorf("its schema (%d) is older than this geppo's (%d); back it up and migrate it with geppo init, run or serve", have, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

// schemaVersion is the newest migration applied, 0 for an empty file. It asks SQLite instead of
// goose because goose would create its table, which a database opened as Existing must not suffer.
func (f *file) schemaVersion(ctx context.Context) (version int64, err error) {
	var tables int
	const findTable = `SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'`
	if err := f.w.QueryRowContext(ctx, findTable).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = f.w.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, err
}

// Close closes both pools; what was committed is on the disk before it returns.
func (f *file) Close() error {
	var errs []error
	for _, db := range []*sql.DB{f.r, f.w} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, f.handle.Close())...)
}

// LibraryVersion is the version of the SQLite library inside the program.
func LibraryVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}
