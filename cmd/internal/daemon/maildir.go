package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"geppo/store"
)

// Maildir is a directory into which a mail server delivers what comes to the bounce address. What is in new/ is taken, and moved
// to cur/ once that is durable: killed between the two, geppo takes it again, which changes nothing (see Bounces). What is no
// notification is moved as well and flagged there, for somebody to look at. What cannot be taken now, because the
// ledger is locked, say, stays in new/ until the next look.
//
// It is looked at every few seconds. (Being told by the kernel would save a look at an empty directory, and miss what was delivered
// while geppo was down or over NFS, so that it had to be looked at all the same.)
type Maildir struct {
	Dir     string
	Bounces Bounces
}

const maildirEvery = 10 * time.Second

// The flags of a Maildir's names: seen, and flagged.
const (
	flagTaken   = ":2,S"
	flagRefused = ":2,F"
)

// Read takes what is in new/ and tells how many mails it has moved. Its error says what stays there, and why.
func (m Maildir) Read(ctx context.Context) (moved int, err error) {
	if err := m.Bounces.Ledger.InPlace(); err != nil {
		return 0, err // what is written to a ledger that was replaced is lost
	}
	for _, sub := range []string{"tmp", "new", "cur"} { // as the mail server would at its first delivery
		if err := os.MkdirAll(filepath.Join(m.Dir, sub), 0o700); err != nil {
			return 0, fmt.Errorf("bounce.maildir: %w", err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(m.Dir, "new"))
	if err != nil {
		return 0, fmt.Errorf("bounce.maildir: %w", err)
	}
	var left []error // in new/
	for _, entry := range entries {
		if ctx.Err() != nil {
			return moved, ctx.Err()
		}
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		err := m.take(ctx, entry.Name())
		var inPath *fs.PathError
		switch {
		case err == nil:
			moved++
		case errors.Is(err, store.ErrUnderWay): // in a moment it can be
		case errors.As(err, &inPath) && len(left) < 3:
			left = append(left, err)
		case !errors.As(err, &inPath): // of the ledger: so it would be with all of them
			return moved, err
		}
	}
	return moved, errors.Join(left...)
}

// take reads one mail and moves it.
func (m Maildir) take(ctx context.Context, name string) error {
	path := filepath.Join(m.Dir, "new", name)
	// Whoever may write there may put anything: a link to another file, a pipe that nobody writes to.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("not a file")}
	}
	flags := flagTaken
	_, err = m.Bounces.Take(ctx, file)
	var refused *RefusedError
	if errors.As(err, &refused) {
		flags = flagRefused
		m.Bounces.Log.Warn("a mail to the bounce address is not understood; it is flagged in cur", "file", name, "reason", refused.Reason)
	} else if err != nil {
		return err
	}
	return m.move(path, name, flags)
}

// move puts a mail into cur/, never in the place of another.
func (m Maildir) move(path, name, flags string) error {
	name, _, _ = strings.Cut(name, ":")
	to := filepath.Join(m.Dir, "cur", name+flags)
	for n := 1; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
		to = filepath.Join(m.Dir, "cur", fmt.Sprintf("%s.%d%s", name, n, flags))
	}
	if err := os.Rename(path, to); err != nil {
		return &fs.PathError{Op: "move to cur", Path: path, Err: err}
	}
	return nil
}
