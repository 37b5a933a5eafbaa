package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/files"
	"geppo/store"
	"geppo/store/sqlstore"
)

type backupOptions struct {
	ledgerOnly, force, json bool
	live                    []string // the databases in use, of which none may be overwritten
	owner                   files.Owner
}

// backupFile is one copy to be made, and what --json tells of it.
type backupFile struct {
	Of    string `json:"of"`
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`

	make func(ctx context.Context, to string, progress func(done, total int)) error
	temp string // the copy until it is proved
}

func (a *app) backupCommand() *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the databases online",
		Long: `Copies the ledger to FILE and the detections beside it (backup.db has backup-detections.db beside it), while a daemon
sends and imports run. Each copy is one consistent state of its file; it is checked before it gets its name, and is its
owner's alone. The copy of the ledger is paused, as by an operator: put in the place of the ledger it sends nothing before
somebody has looked and said geppo resume. See "geppo help restoring" for the way back.`,
		Example: `  geppo backup /var/backups/geppo-2026-11.db
  geppo backup --ledger-only --force /var/backups/geppo-today.db`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&o.ledgerOnly, "ledger-only", false, "only the ledger: small, and what cannot be imported again")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace an earlier copy of that name")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, args []string) error {
		if sqlstore.OnPostgres(c.Ledger()) || sqlstore.OnPostgres(c.Detections()) {
			return refuseBackup(c)
		}
		o.live, o.owner = []string{c.Ledger(), c.Detections()}, ownerOf(c)
		// The ledger is copied last: it is the one that changes while a month is sent.
		copies := []*backupFile{{Of: c.Ledger(), File: args[0], make: func(ctx context.Context, to string, progress func(done, total int)) error {
			return db.ledger.Backup(ctx, to, pauseCopy(ctx, time.Now()), progress)
		}}}
		if !o.ledgerOnly {
			detections := &backupFile{Of: c.Detections(), File: sqlstore.DetectionsBeside(args[0]), make: db.detections.Backup}
			copies = append([]*backupFile{detections}, copies...)
		}
		return a.backup(ctx, copies, o)
	})
	return cmd
}

// refuseBackup names PostgreSQL's own tools, which copy a database while it is written to.
func refuseBackup(c config.Config) error {
	return exitWith(exitUsage, "backup copies SQLite's files; back up %s by pg_dump --format=custom --file=geppo.dump '%[1]s', from a standby if you can, or by pg_basebackup (geppo help postgresql)",
		sqlstore.Shown(c.Ledger()))
}

// pauseCopy keeps a copy from sending, put in the place of the ledger, what the ledger has sent since.
func pauseCopy(ctx context.Context, now time.Time) func(*sqlstore.Ledger) error {
	return func(l *sqlstore.Ledger) error {
		reason := fmt.Sprintf("this is the backup of %s: see what was sent since, by geppo help restoring", now.Format(time.DateTime))
		return l.Pause(ctx, store.CauseOperator, reason, desk.Operator(), now)
	}
}

func (a *app) backup(ctx context.Context, files []*backupFile, o backupOptions) (err error) {
	for _, f := range files {
		if err := f.refuse(o); err != nil {
			return err
		}
	}
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.discard())
		}
	}()
	for _, f := range files {
		if err := a.copyDatabase(ctx, f, o); err != nil {
			return err
		}
	}
	// No copy gets its name before all are sound.
	for _, f := range files {
		if err := f.refuse(o); err != nil {
			return err
		}
		if err := f.keep(); err != nil {
			return err
		}
	}
	if o.json {
		return writeJSON(a.stdout, files)
	}
	for _, f := range files {
		fmt.Fprintf(a.stdout, "%s: %d bytes, a sound copy of %s\n", printable(f.File), f.Bytes, printable(f.Of))
	}
	return nil
}

// refuse keeps a copy from harming anything: an earlier copy, a database in use, or the next opening
// of the copy, into which SQLite would play a -wal file that was left there.
func (f *backupFile) refuse(o backupOptions) error {
	there, err := os.Stat(f.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, live := range o.live {
		if info, err := os.Stat(live); err == nil && os.SameFile(there, info) {
			return exitWith(exitUsage, "%s is the database itself; name another file", f.File)
		}
	}
	if there != nil && !o.force {
		return exitWith(exitUsage, "%s is there already; name another file, or replace it with --force", f.File)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(f.File + suffix); err == nil {
			return exitWith(exitUsage, "%s%s is there: a database of that name is or was in use; name another file", f.File, suffix)
		}
	}
	return nil
}

func (a *app) copyDatabase(ctx context.Context, f *backupFile, o backupOptions) error {
	if err := a.removeLeftovers(f.File); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(f.File), "."+filepath.Base(f.File)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	f.temp = file.Name()
	err = o.owner.Give(file)
	if err == nil {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX) // see removeLeftovers
	}
	if err != nil {
		return fmt.Errorf("backup: %w", errors.Join(err, file.Close()))
	}
	var bar meter
	err = f.make(ctx, f.temp, func(done, total int) {
		if bar.bar == nil {
			bar = newMeter(a.stderr, int64(total), "copying pages of "+printable(filepath.Base(f.Of)), false)
		}
		bar.set(done)
	})
	bar.end()
	if err == nil {
		err = file.Sync() // of the file, through whichever descriptor it was written
	}
	if info, statErr := file.Stat(); statErr == nil {
		f.Bytes = info.Size()
	} else {
		err = errors.Join(err, statErr)
	}
	return errors.Join(err, file.Close())
}

// keep gives the copy its name, durably.
func (f *backupFile) keep() error {
	if err := os.Rename(f.temp, f.File); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	f.temp = ""
	return files.SyncDir(filepath.Dir(f.File))
}

// removeLeftovers removes what backups to the same name left when they were killed: a copy that is
// being made is locked by the process that makes it.
func (a *app) removeLeftovers(name string) error {
	dir := filepath.Dir(name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	leftover := regexp.MustCompile(`^\.` + regexp.QuoteMeta(filepath.Base(name)) + `\.[0-9]+$`)
	for _, e := range entries {
		if !leftover.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			fmt.Fprintf(a.stderr, "removing %s, left by a backup that was cut off\n", printable(path))
			err = removeCopy(path)
		} else if errors.Is(err, unix.EWOULDBLOCK) {
			err = nil // another is at it
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// discard removes a copy that did not get its name.
func (f *backupFile) discard() error {
	if f.temp == "" {
		return nil
	}
	return removeCopy(f.temp)
}

func removeCopy(path string) error {
	err := os.Remove(path)
	for _, beside := range []string{"-wal", "-shm"} {
		if besideErr := os.Remove(path + beside); !errors.Is(besideErr, fs.ErrNotExist) {
			err = errors.Join(err, besideErr)
		}
	}
	return err
}
