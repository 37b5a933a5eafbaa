package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"

	"github.com/mattn/go-sqlite3"
)

// backupPages are copied in one step: 4 MB, between which a backup can be stopped.
const backupPages = 1024

// Backup copies the ledger to a file that does not exist yet, while others read and write it, and
// proves the copy sound. amend may write into the copy, nil does not; progress is told pages.
func (l *Ledger) Backup(ctx context.Context, to string, amend func(*Ledger) error, progress func(done, total int)) error {
	return l.copyTo(ctx, to, progress, func() error {
		if amend == nil {
			return nil
		}
		copied, err := OpenLedger(ctx, to, Existing)
		if err != nil {
			return err
		}
		return errors.Join(amend(copied), copied.Close())
	})
}

// Backup copies the detections to a file that does not exist yet, while others read and write them,
// and proves the copy sound. progress is told pages.
func (d *Detections) Backup(ctx context.Context, to string, progress func(done, total int)) error {
	return d.f.copyTo(ctx, to, progress, func() error { return nil })
}

// copyTo copies by SQLite's online backup, from one snapshot. Without a snapshot, SQLite begins a
// backup anew whenever another process has written between two steps: beside a daemon that sends it
// would never end. In WAL a snapshot makes nobody wait. (The tempting other ways: cp misses what is
// still in the -wal file, VACUUM INTO knows no progress and cannot be stopped.)
func (db *database) copyTo(ctx context.Context, to string, progress func(done, total int), amend func() error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy %s to %s: %w", db.name, to, err)
		}
	}()
	if err := db.onFile("pg_dump, or pg_basebackup"); err != nil {
		return err
	}
	if err := db.copyAll(ctx, to, progress); err != nil {
		return err
	}
	if err := amend(); err != nil {
		return err
	}
	if err := seal(to); err != nil {
		return err
	}
	return sound(ctx, to)
}

func (db *database) copyAll(ctx context.Context, to string, progress func(done, total int)) (err error) {
	source, err := db.r.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	tx, err := source.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// Nothing was written: rolling back only ends the snapshot.
	defer tx.Rollback()
	var tables int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil { // takes the snapshot
		return err
	}
	// The copy is thrown away if anything fails, so it needs no journal; the caller syncs it.
	target, err := sql.Open("sqlite3", fileURI(to)+"?_journal_mode=OFF&_synchronous=OFF")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	conn, err := target.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return source.Raw(func(from any) error {
		return conn.Raw(func(to any) error {
			return copyPages(ctx, to.(*sqlite3.SQLiteConn), from.(*sqlite3.SQLiteConn), progress)
		})
	})
}

func copyPages(ctx context.Context, to, from *sqlite3.SQLiteConn, progress func(done, total int)) error {
	backup, err := to.Backup("main", from, "main")
	if err != nil {
		return err
	}
	for done, left := false, -1; !done && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		if done, err = backup.Step(backupPages); err != nil {
			break
		}
		// The driver does not tell a step that found the file locked from one that copied.
		if !done && backup.Remaining() == left {
			err = errors.New("the database is locked; try again")
		}
		left = backup.Remaining()
		progress(backup.PageCount()-left, backup.PageCount())
	}
	return errors.Join(err, backup.Finish())
}

// sound makes sure that a copy can be opened and read. It leaves no file beside it.
func sound(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite3", fileURI(path)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	faults, err := integrityFaults(ctx, db, false)
	if err == nil && len(faults) > 0 {
		err = fmt.Errorf("the copy is damaged: %s", faults[0])
	}
	return err
}

func fileURI(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
}

// A database's header says in two bytes, for writers and for readers, whether it is in WAL mode
// (https://www.sqlite.org/fileformat.html, 1.3.3). Every database that geppo has opened is.
const (
	walModeAt = 18
	noWAL     = "\x01\x01"
)

// seal marks a finished copy as one that nobody has opened yet. SQLite plays whatever -wal file stands
// beside a database into it; put in the place of a ledger whose -wal was left there, the copy would
// become a mixture of both. See refuseForeignWAL.
func seal(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(noWAL), walModeAt)
	return errors.Join(err, file.Close())
}

// refuseForeignWAL fails if a copy that nobody has opened yet stands beside a -wal file that holds
// something: it belongs to another database of that name.
func (f *file) refuseForeignWAL() error {
	mode := make([]byte, len(noWAL))
	if _, err := f.handle.ReadAt(mode, walModeAt); errors.Is(err, io.EOF) {
		return nil // a new file
	} else if err != nil {
		return err
	}
	wal := f.path + "-wal"
	info, err := os.Stat(wal)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info.Size() == 0 || string(mode) != noWAL) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s belongs to another database: a copy was put in its place; stop every geppo, move %s and %s-shm away, and try again (geppo help restoring)", wal, wal, f.path)
}
