package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Owner is whom root's files are given to. The zero Owner is root, who keeps them; nobody else can give files away.
type Owner struct{ UID, GID int }

// OwnerOf is who has a database; of one that is not there yet, who has its folder, unless everybody may write there.
func OwnerOf(database string) Owner {
	if os.Geteuid() != 0 {
		return Owner{}
	}
	info, err := os.Stat(database)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(database))
		if err == nil && info.Mode().Perm()&0o002 != 0 {
			return Owner{}
		}
	}
	if err != nil {
		return Owner{}
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Owner{}
	}
	return Owner{int(stat.Uid), int(stat.Gid)}
}

// Give gives an open file or folder to the owner.
func (o Owner) Give(file *os.File) error {
	if o == (Owner{}) {
		return nil
	}
	return file.Chown(o.UID, o.GID)
}

// Make makes an empty file for the owner, unless there is one: SQLite gives the files that it makes beside a database
// to the database's owner.
func (o Owner) Make(path string) error {
	if o == (Owner{}) {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(o.Give(file), file.Close())
}

// MakeDir makes a folder and those above it that are missing, each for the owner and durable in the one that holds it.
func (o Owner) MakeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := o.MakeDir(above); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o750)
	if errors.Is(err, fs.ErrExist) {
		return nil // another was as fast
	}
	if err != nil {
		return err
	}
	made, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return errors.Join(o.Give(made), made.Close(), SyncDir(above))
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
