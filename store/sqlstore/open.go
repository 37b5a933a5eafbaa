// Package sqlstore owns every SQL statement of geppo and the databases behind them: the
// detections (what came in: contracts, inventory, detections, events) and the ledger (what we did:
// runs, frozen reports, deliveries, attempts, marks on addresses). It reads and writes rows; it
// never counts them, formats them or logs.
//
// They stand in two SQLite files, or side by side in one PostgreSQL database. The files are apart so that
// a long import never locks the ledger, the small precious file is easy to back up, and an import cannot
// erase what operators or bounces said of an address.
//
// There is one SQL for both engines, in SQLite's words. What differs is in few places: rebind changes the
// words, pgConn values and deadlines, the migrations have a folder for each, and a ledger writes by an engine.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"geppo/store"
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

// database is what the ledger and the detections stand in.
type database struct {
	name string  // the file's path, or PostgreSQL's DSN without its password
	r, w *sql.DB // to read and to write by; on PostgreSQL one pool is both
	file *file   // nil on PostgreSQL
}

// open opens the database of a DSN under the migrations of its kind; a DSN without a scheme is a file's path.
func open(ctx context.Context, dsn, kind string, mode Mode) (db *database, err error) {
	parsed, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if parsed.Path != "" {
		db, err = openFile(ctx, parsed.Path, kind, mode)
	} else {
		db, err = openPostgres(ctx, parsed, kind, mode)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s database %s: %w", kind, parsed, err)
	}
	return db, nil
}

// InPlace fails with store.ErrMisplaced unless the database is still the file of its name alone. PostgreSQL's is
// wherever its server says.
func (db *database) InPlace() error {
	if db.file == nil {
		return nil
	}
	return db.file.InPlace()
}

// Close closes the database; what was committed is on the disk before it returns.
func (db *database) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.r, db.w} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.file != nil {
		errs = append(errs, db.file.handle.Close())
	}
	return errors.Join(errs...)
}

// onFile fails on PostgreSQL, whose own tools do what is asked.
func (db *database) onFile(instead string) error {
	if db.file == nil {
		return fmt.Errorf("%w: %s is no file; use %s", store.ErrNotOnPostgres, db.name, instead)
	}
	return nil
}

//go:embed migrations
var migrations embed.FS

// schema is how far a kind of data is migrated.
type schema struct {
	db     *sql.DB
	engine string // a folder of migrations
	kind   string
	table  string // where goose keeps its versions
	exists string // tells whether there is such a table
}

func (s schema) provider() (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations/"+s.kind+"/"+s.engine)
	if err != nil {
		return nil, err
	}
	if s.engine != onPostgres {
		return goose.NewProvider(goose.DialectSQLite3, s.db, sub, goose.WithTableName(s.table))
	}
	// First starts wait for each other here; on SQLite they do so in file.migrating.
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.db, sub, goose.WithTableName(s.table), goose.WithSessionLocker(locker))
}

func (s schema) migrate(ctx context.Context, mode Mode) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := s.version(ctx)
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

// version is the newest migration applied, 0 for an empty database. It asks the database instead of
// goose because goose would create its table, which a database opened as Existing must not suffer.
func (s schema) version(ctx context.Context) (version int64, err error) {
	var exists bool
	if err := s.db.QueryRowContext(ctx, s.exists).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+s.table+` WHERE is_applied`).Scan(&version)
	return version, err
}

// Made tells whether a DSN has a database of a kind, "ledger" or "detections".
func Made(ctx context.Context, dsn, kind string) (made bool, err error) {
	parsed, err := ParseDSN(dsn)
	if err != nil {
		return false, err
	}
	if parsed.Path != "" {
		info, err := os.Stat(parsed.Path)
		return err == nil && info.Size() > 0, nil
	}
	pool := stdlib.OpenDB(*parsed.config)
	defer func() { err = errors.Join(err, pool.Close()) }()
	version, err := postgresSchema(pool, kind).version(ctx)
	if err != nil {
		return false, fmt.Errorf("open %s database %s: %w", kind, parsed, err)
	}
	return version > 0, nil
}

// LibraryVersion is the version of the SQLite library inside the program.
func LibraryVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}
