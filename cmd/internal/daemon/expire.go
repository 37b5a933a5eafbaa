package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"geppo/store"
)

// Expiry is what an archive's retention removes, or has removed.
type Expiry struct {
	Copies int64 `json:"copies"`
	Bytes  int64 `json:"bytes"`
}

// Expire removes the copies last written before a time, but for those of deliveries that may still
// be handed over again: their bytes are bound. With dryRun it only counts.
func (a Archive) Expire(before time.Time, unfinished []store.Delivery, dryRun bool) (e Expiry, err error) {
	keep, busy := map[string]bool{}, map[string]bool{} // what a copy's path is without its sum; months
	for _, d := range unfinished {
		keep[path.Join(d.Period.String(), d.Contract, copyPrefix(d))] = true
		busy[d.Period.String()] = true
	}
	goes := func(name string, info fs.FileInfo) bool {
		return !keep[withoutSum(name)] && info.ModTime().Before(before)
	}
	return a.remove(goes, func(dir string) bool { return busy[path.Dir(dir)] || busy[dir] }, dryRun)
}

// Forget removes the copies of a contract, however new they are, and its directories. With dryRun it only counts.
func (a Archive) Forget(contract string, dryRun bool) (Expiry, error) {
	its := func(name string) bool { return path.Base(name) == contract }
	goes := func(name string, _ fs.FileInfo) bool { return its(path.Dir(name)) }
	return a.remove(goes, func(dir string) bool { return !its(dir) }, dryRun)
}

// remove removes the copies that go, and the directories that were left empty but for those that stay. It touches
// nothing that Put did not make, and follows no link out of the directory.
func (a Archive) remove(goes func(name string, info fs.FileInfo) bool, stays func(dir string) bool, dryRun bool) (e Expiry, err error) {
	if a.Dir == "" {
		return e, nil
	}
	root, err := os.OpenRoot(a.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil // nothing was sent yet
	}
	if err != nil {
		return e, fmt.Errorf("archive: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	walk := func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !archived(name) {
			return err
		}
		info, err := entry.Info()
		if err != nil || !goes(name, info) {
			return err
		}
		e.Copies, e.Bytes = e.Copies+1, e.Bytes+info.Size()
		if dryRun {
			return nil
		}
		return root.Remove(name)
	}
	err = fs.WalkDir(root.FS(), ".", walk)
	if err == nil && !dryRun {
		err = removeEmpty(root, stays)
	}
	if err != nil {
		err = fmt.Errorf("archive: %w", err)
	}
	return e, err
}

// archived tells the names that Put gives, those of copies it did not finish included.
func archived(name string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return false
	}
	if _, err := store.ParsePeriod(parts[0]); err != nil {
		return false
	}
	return isCopy.MatchString(parts[2]) || strings.HasPrefix(parts[2], unfinishedCopy)
}

// isCopy tells the names that copyName gives.
var isCopy = regexp.MustCompile(`^[A-Za-z0-9._-]+\.[0-9a-f]{64}\.eml$`)

// withoutSum is a copy's path up to copyPrefix.
func withoutSum(name string) string {
	return name[:max(0, len(name)-hex.EncodedLen(sha256.Size)-len(".eml"))]
}

// removeEmpty removes the directories that were left empty, of contracts and then of months, but for those that stay:
// a copy may be written there at this moment.
func removeEmpty(root *os.Root, stays func(dir string) bool) error {
	periods, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, p := range periods {
		if _, err := store.ParsePeriod(p.Name()); err != nil || !p.IsDir() {
			continue
		}
		contracts, err := fs.ReadDir(root.FS(), p.Name())
		if err != nil {
			return err
		}
		for _, c := range contracts {
			if name := path.Join(p.Name(), c.Name()); c.IsDir() && !stays(name) {
				err = errors.Join(err, removeIfEmpty(root, name))
			}
		}
		if !stays(p.Name()) {
			err = errors.Join(err, removeIfEmpty(root, p.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func removeIfEmpty(root *os.Root, name string) error {
	entries, err := fs.ReadDir(root.FS(), name)
	if err != nil || len(entries) > 0 {
		return err
	}
	return root.Remove(name)
}
