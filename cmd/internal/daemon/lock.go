package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrLocked says that another process is the sender.
var ErrLocked = errors.New("another geppo is sending")

// Lock is the right to send from a ledger. The kernel drops it when its holder dies, so that
// recovery after a kill is immediate and needs no timers.
type Lock struct{ file *os.File }

// AcquireLock takes the lock beside a ledger, or fails with ErrLocked and says who holds it.
func AcquireLock(ledger string) (*Lock, error) {
	// By whatever name it is called: two locks would be two senders.
	if real, err := filepath.EvalSymlinks(ledger); err == nil { // else it will be made by this name
		ledger = real
	}
	path := ledger + ".lock"
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, readErr := os.ReadFile(path)
		closeErr := file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("%w: process %s", ErrLocked, strings.TrimSpace(string(holder))), readErr, closeErr)
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), closeErr)
	}
	// The number is a hint for people; the lock itself is the kernel's.
	if err := errors.Join(file.Truncate(0), writeAt(file, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return &Lock{file}, nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// Release lets another process send.
func (l *Lock) Release() error { return l.file.Close() }
