package sqlstore

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"geppo/store"
)

// fileLock is the right to send from a ledger: a kernel lock on the database file itself, by whatever
// name it was opened. The kernel drops it when its holder dies, so that recovery after a kill is
// immediate and needs no timers. (The tempting other way, a lock file beside the ledger, is another
// file after somebody has removed it, moved the ledger or copied its directory: two senders.)
//
// flock(2) and SQLite's locks, which are POSIX byte ranges, do not see each other. But the kernel
// drops all POSIX locks that a process has on a file as soon as it closes any descriptor of it; hence
// file.handle, which is opened before SQLite's and closed after them.
type fileLock struct{ f *file }

// lock takes the right to send, or fails with store.ErrLocked and says who holds it, or with
// store.ErrMisplaced.
func (db *database) lock() (fileLock, error) {
	if err := db.InPlace(); err != nil {
		return fileLock{}, err
	}
	if !db.file.locked.CompareAndSwap(false, true) { // the kernel would let the same process have it again
		return fileLock{}, fmt.Errorf("%w: this very process", store.ErrLocked)
	}
	lock, err := db.flock()
	if err != nil {
		db.file.locked.Store(false)
	}
	return lock, err
}

func (db *database) flock() (fileLock, error) {
	err := unix.Flock(int(db.file.handle.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fileLock{}, fmt.Errorf("%w: process %s", store.ErrLocked, holder(db.file.handle))
	}
	if err != nil {
		return fileLock{}, fmt.Errorf("lock %s: %w", db.name, err)
	}
	lock := fileLock{db.file}
	if err := db.InPlace(); err != nil {
		return fileLock{}, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// Close lets another process send.
func (l fileLock) Close() error {
	l.f.locked.Store(false)
	return unix.Flock(int(l.f.handle.Fd()), unix.LOCK_UN)
}

// InPlace fails with store.ErrMisplaced unless the file is still the one of its name, and has no other
// name: by that another process could lock a second file, or write a second -wal beside the same one.
func (f *file) InPlace() error {
	open, err := f.handle.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", f.path, err)
	}
	named, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s was removed or moved away; stop geppo before that, and start it again", store.ErrMisplaced, f.path)
	case err != nil:
		return fmt.Errorf("look at %s: %w", f.path, err)
	case !os.SameFile(open, named):
		return fmt.Errorf("%w: another file has the name %s now; stop geppo before that, and start it again", store.ErrMisplaced, f.path)
	}
	if links := open.Sys().(*syscall.Stat_t).Nlink; links > 1 {
		return fmt.Errorf("%w: %s has %d names (hard links), by which two geppos could write at once; copy it by geppo backup instead, and remove the other names",
			store.ErrMisplaced, f.path, links)
	}
	return nil
}

const nobody = "unknown"

// holder names the process that has the lock, as /proc tells it: a hint for people.
func holder(handle *os.File) string {
	info, err := handle.Stat()
	if err != nil {
		return nobody
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return nobody
	}
	defer locks.Close()
	inode := fmt.Sprintf(":%d", info.Sys().(*syscall.Stat_t).Ino)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF", proc_locks(5)
		field := strings.Fields(lines.Text())
		if len(field) >= 6 && field[1] == "FLOCK" && strings.HasSuffix(field[5], inode) {
			return field[4]
		}
	}
	return nobody
}

// migrating makes first starts wait for each other: the loser finds everything done. It locks a byte
// that SQLite's ranges never reach, apart from the right to send.
func (f *file) migrating(do func() error) error {
	const beyond = 1 << 62
	set := func(kind int16, cmd int) error {
		return unix.FcntlFlock(f.handle.Fd(), cmd, &unix.Flock_t{Type: kind, Start: beyond, Len: 1})
	}
	err := set(unix.F_WRLCK, unix.F_OFD_SETLKW)
	for errors.Is(err, unix.EINTR) {
		err = set(unix.F_WRLCK, unix.F_OFD_SETLKW)
	}
	if err != nil {
		return fmt.Errorf("wait for another geppo's first start: %w", err)
	}
	return errors.Join(do(), set(unix.F_UNLCK, unix.F_OFD_SETLK))
}
