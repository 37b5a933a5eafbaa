package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// move puts the file that was read into a folder, below the folders that it lay in, and never in the
// place of another. One that took its name or grew since it was read holds rows that nobody has seen:
// it stays, is taken at a later look, and the name returned is empty.
func (in *Inbox) move(root *os.Root, name string, read fs.FileInfo, dir string, reasons []byte) (to string, err error) {
	to = path.Join(dir, name)
	if err := root.MkdirAll(path.Dir(to), 0o750); err != nil {
		return "", err
	}
	free, err := freeName(root, to)
	if err != nil {
		return "", err
	}
	if reasons != nil {
		// One that is there is of a move that was cut off: its file is not there.
		if err := root.WriteFile(free+ReasonsSuffix, reasons, 0o600); err != nil {
			return "", err
		}
	}
	in.Crash.at(BeforeMove)
	moved, err := moveThis(root, name, read, free)
	in.Crash.at(AfterMove)
	if err == nil && moved {
		return free, nil
	}
	if reasons != nil {
		err = errors.Join(err, root.Remove(free+ReasonsSuffix))
	}
	if err == nil {
		in.Log.Info("a file of the inbox was replaced, or grew, while it was read; it is looked at again", "file", name)
	}
	return "", err
}

// freeName is to, or the first of to.2, to.3 … that nothing has.
func freeName(root *os.Root, to string) (free string, err error) {
	free = to
	for n := 2; ; n++ {
		if _, err := root.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		} else if err != nil {
			return "", err
		}
		free = fmt.Sprintf("%s.%d", to, n)
	}
}

// moveThis renames a file if it is still the one that was read. There is no such rename, so that the
// file is looked at before it, and once more after it: what came in between goes back.
func moveThis(root *os.Root, name string, read fs.FileInfo, to string) (moved bool, err error) {
	if same, err := unchanged(root, name, read); err != nil || !same {
		return false, err
	}
	if err := root.Rename(name, to); err != nil {
		return false, err
	}
	if same, err := unchanged(root, to, read); err != nil || same {
		return same, err
	}
	back, err := freeName(root, name)
	if err != nil {
		return false, err
	}
	return false, root.Rename(to, back)
}

// unchanged tells whether the name's file is the one that was read, with what was read of it.
func unchanged(root *os.Root, name string, read fs.FileInfo) (bool, error) {
	now, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // somebody took it back
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(read, now) && now.Size() == read.Size() && now.ModTime().Equal(read.ModTime()), nil
}
