package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"geppo/cmd/internal/files"
	"geppo/store"
)

// Archive keeps exact copies of what is handed over, DIR/PERIOD/CONTRACT/MESSAGE.SHA256.eml: by the
// Message-ID, which stays the same when a ledger is restored and gives its numbers out again, and by
// the bytes, so that no copy ever takes the place of another. The zero Archive keeps nothing.
type Archive struct {
	Dir   string
	Owner files.Owner // of what is made: a command typed as root must not lock the service's user out
}

// Put stores a delivery's bytes durably. It is called before the final dot, so that no message can
// have been accepted without its copy; one that is there already is this one.
func (a Archive) Put(d store.Delivery, message []byte) error {
	if a.Dir == "" {
		return nil
	}
	sum := sha256.Sum256(message)
	name := filepath.Join(a.folder(d), copyName(d, sum[:]))
	there, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.write(name, message)
	} else if err == nil && sha256.Sum256(there) != sum {
		err = fmt.Errorf("%s is damaged: it holds other bytes than its name says; move it away", name)
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

func (a Archive) write(name string, message []byte) (err error) {
	dir := filepath.Dir(name)
	if err := a.Owner.MakeDir(dir); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, unfinishedCopy+"*")
	if err != nil {
		return err
	}
	_, err = file.Write(message)
	err = errors.Join(err, a.Owner.Give(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return files.SyncDir(dir) // or a crash of the machine forgets the name
}

// Get reads the copy of a delivery's message that was handed over, or was about to be: the one that
// the ledger is bound to, or the newest where the ledger knows of none, as one does that was restored.
func (a Archive) Get(d store.Delivery) (message []byte, found bool, err error) {
	if a.Dir == "" {
		return nil, false, nil
	}
	name, err := a.find(d)
	if err != nil || name == "" {
		return nil, false, err
	}
	message, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("archive: %w", err)
	}
	sum := sha256.Sum256(message)
	return message, filepath.Base(name) == copyName(d, sum[:]), nil
}

func (a Archive) find(d store.Delivery) (name string, err error) {
	dir := a.folder(d)
	if d.SHA256 != nil {
		return filepath.Join(dir, copyName(d, d.SHA256)), nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("archive: %w", err)
	}
	var newest fs.FileInfo
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), copyPrefix(d)) || !archived(path.Join(d.Period.String(), d.Contract, e.Name())) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return "", fmt.Errorf("archive: %w", err)
		}
		if newest == nil || info.ModTime().After(newest.ModTime()) {
			newest, name = info, filepath.Join(dir, e.Name())
		}
	}
	return name, nil
}

func (a Archive) folder(d store.Delivery) string {
	return filepath.Join(a.Dir, d.Period.String(), d.Contract)
}

// unfinishedCopy begins the name of a copy that is being written.
const unfinishedCopy = ".geppo-"

// copyPrefix begins the names of a message's copies: the Message-ID's part before the @, which is
// unique by itself and made of letters, digits and dots.
func copyPrefix(d store.Delivery) string {
	id, _, _ := strings.Cut(d.MessageID, "@")
	safe := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}
	return strings.Map(safe, id) + "."
}

func copyName(d store.Delivery, sum []byte) string {
	return copyPrefix(d) + hex.EncodeToString(sum) + ".eml"
}
