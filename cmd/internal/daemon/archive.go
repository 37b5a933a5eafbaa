package daemon

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"geppo/store"
)

// Archive keeps exact copies of what is handed over, DIR/PERIOD/CONTRACT/DELIVERY.eml. The zero
// Archive keeps nothing.
type Archive struct{ Dir string }

// Put stores a delivery's bytes durably. It is called before the final dot, so that no message can
// have been accepted without its copy; a copy whose message was not accepted is overwritten by the
// next try's, which has the same bytes.
func (a Archive) Put(d store.Delivery, message []byte) (err error) {
	if a.Dir == "" {
		return nil
	}
	path := a.path(d)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".geppo-*")
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	_, err = file.Write(message)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("archive: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// Get reads the copy that was handed over, if it is there and is the one the ledger is bound to.
func (a Archive) Get(d store.Delivery) (message []byte, found bool, err error) {
	if a.Dir == "" {
		return nil, false, nil
	}
	message, err = os.ReadFile(a.path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("archive: %w", err)
	}
	sum := sha256.Sum256(message)
	return message, string(sum[:]) == string(d.SHA256), nil
}

func (a Archive) path(d store.Delivery) string {
	return filepath.Join(a.Dir, d.Period.String(), d.Contract, fmt.Sprintf("%d.eml", d.ID))
}
