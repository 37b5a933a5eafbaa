// Package files writes what geppo leaves beside its databases, into folders that it may share with others: nothing is
// written through a link, nothing is left that was there before, and what root makes belongs to whom the ledger
// belongs to. It reads what somebody has named, be it a pipe that nobody writes to. It knows nothing of what the files hold.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// OpenDir opens a folder to write into, and makes it if it is not there. A link that another user has laid there is
// not followed.
func OpenDir(dir string) (*os.Root, error) {
	var stat unix.Stat_t
	if err := unix.Lstat(dir, &stat); err == nil && stat.Mode&unix.S_IFMT == unix.S_IFLNK && stat.Uid != 0 && stat.Uid != uint32(os.Geteuid()) {
		return nil, fmt.Errorf("%s is another user's link; name another folder", dir)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// Create writes a file that is not there yet.
func Create(dir *os.Root, name string, data []byte) error {
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// Replace makes the folder name hold these files and no others. One that was there before goes, unless it holds what
// we would not have written. The tempting other way, to write file by file over the old ones, would leave another
// month's beside them, follow links, and keep permissions that others chose.
func Replace(dir *os.Root, name string, contents map[string][]byte) error {
	fresh := "." + name + ".new"
	if err := dir.RemoveAll(fresh); err != nil { // of one that was cut off
		return err
	}
	if err := dir.Mkdir(fresh, 0o750); err != nil {
		return err
	}
	err := fill(dir, fresh, contents)
	if err == nil {
		err = makeRoom(dir, name)
	}
	if err == nil {
		err = dir.Rename(fresh, name)
	}
	if err != nil {
		return errors.Join(err, dir.RemoveAll(fresh))
	}
	return nil
}

func fill(dir *os.Root, name string, contents map[string][]byte) error {
	inside, err := dir.OpenRoot(name)
	if err != nil {
		return err
	}
	defer inside.Close()
	for file, data := range contents {
		if err := Create(inside, file, data); err != nil {
			return err
		}
	}
	return nil
}

// kinds are the extensions of what we write.
var kinds = []string{".eml", ".html", ".txt", ".json", ".png", ".pdf"}

// makeRoom removes what stands where a folder of ours will be.
func makeRoom(dir *os.Root, name string) error {
	info, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.IsDir() {
		return errors.Join(err, dir.Remove(name))
	}
	old, err := dir.Open(name)
	if err != nil {
		return err
	}
	entries, err := old.ReadDir(-1)
	if err := errors.Join(err, old.Close()); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() || !slices.Contains(kinds, filepath.Ext(entry.Name())) {
			return fmt.Errorf("%s holds %s, which is none of ours; name another folder", filepath.Join(dir.Name(), name), entry.Name())
		}
	}
	return dir.RemoveAll(name)
}

// CreateNew makes a file that is not there yet: path, or path.2, path.3 and so on where it is taken.
func CreateNew(path string, owner Owner) (*os.File, error) {
	for n := 1; ; n++ {
		name := path
		if n > 1 {
			name = fmt.Sprintf("%s.%d", path, n)
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			if err := owner.Give(file); err != nil {
				return nil, errors.Join(err, file.Close())
			}
			return file, nil
		}
		if !errors.Is(err, fs.ErrExist) || n == mostNames {
			return nil, err
		}
	}
}

// mostNames bounds the search for a free one.
const mostNames = 1000
