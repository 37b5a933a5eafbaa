package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

// backupPages are copied in one step: 4 MB, between which a backup can be stopped.
const backupPages = 1024

// Backup copies the ledger to a file that does not exist yet, while others read and write it, and
// proves the copy sound. progress is told pages.
func (l *Ledger) Backup(ctx context.Context, to string, progress func(done, total int)) error {
	return l.copyTo(ctx, to, progress)
}

// Backup copies the detections to a file that does not exist yet, while others read and write them,
// and proves the copy sound. progress is told pages.
func (d *Detections) Backup(ctx context.Context, to string, progress func(done, total int)) error {
	return d.f.copyTo(ctx, to, progress)
}

// copyTo copies by SQLite's online backup, from one snapshot. Without a snapshot, SQLite begins a
// backup anew whenever another process has written between two steps: beside a daemon that sends it
// would never end. In WAL a snapshot makes nobody wait. (The tempting other ways: cp misses what is
// still in the -wal file, VACUUM INTO knows no progress and cannot be stopped.)
func (f *file) copyTo(ctx context.Context, to string, progress func(done, total int)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy %s to %s: %w", f.path, to, err)
		}
	}()
	source, err := f.r.Conn(ctx)
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
	err = source.Raw(func(from any) error {
		return conn.Raw(func(to any) error {
			return copyPages(ctx, to.(*sqlite3.SQLiteConn), from.(*sqlite3.SQLiteConn), progress)
		})
	})
	if err != nil {
		return err
	}
	return sound(ctx, to)
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
