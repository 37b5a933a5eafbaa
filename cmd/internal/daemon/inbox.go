package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
)

// Inbox is a folder whose files are imported. A file is taken once its size has rested, so that one
// that is still being copied is not; then it is moved to done/YYYY-MM/, or to failed/ with the
// reasons beside it, whole and untouched. A bad row fails its whole file, because nobody watches.
//
// A file is imported exactly once: its name, size and SHA-256 stand in the record that its rows are
// committed with. Killed between that commit and the move, geppo finds the file again, finds the
// record, and only moves. (A list of names in memory, or the move first, would lose or repeat it.)
//
// It is looked at every few seconds and not by being told by the kernel, which would miss what came
// while geppo was down or over NFS, so that it had to be looked at all the same.
type Inbox struct {
	Dir        string
	Settle     time.Duration
	Detections *sqlstore.Detections
	Reading    ingest.Reading
	Zone       *time.Location                                  // of files' dates
	Silence    func(ctx context.Context, feeds []Silent) error // tells the operators
	Log        *slog.Logger
	Now        func() time.Time
	Crash      Crash

	resting map[string]resting // files that may still grow
	left    map[string]bool    // what was told to be left
	silence silence
}

// resting is a file as it was seen.
type resting struct {
	size     int64
	modified time.Time
	since    time.Time
}

const (
	doneDir   = "done"
	failedDir = "failed"
	// ReasonsSuffix ends the name of the reasons beside a file that failed.
	ReasonsSuffix = ".reasons.txt"
	// deepest is how many folders may lie above a file: a contract and a format, in any order, and
	// one for a customer or a machine.
	deepest = 3
	// mostFaults is how many files in a row may fail before the others are left for the next look.
	mostFaults = 3
	// mostReasons is how many bad rows are written down beside a file.
	mostReasons = 1000
)

// Look takes what has rested, and tells how many files it has moved. Its error says what could not
// be done now, and is tried again at the next look.
func (in *Inbox) Look(ctx context.Context) (moved int, err error) {
	if err := in.Detections.InPlace(); err != nil {
		return 0, err // what is written to a file that was replaced is lost
	}
	root, err := os.OpenRoot(in.Dir)
	if err != nil {
		return 0, fmt.Errorf("inbox.dir: %w", err)
	}
	defer root.Close()
	files, err := in.list(root, ".", 0)
	if err != nil {
		return 0, fmt.Errorf("inbox.dir: %w", err)
	}
	moved, err = in.takeAll(ctx, root, in.rested(files))
	if ctx.Err() != nil {
		return moved, ctx.Err()
	}
	return moved, errors.Join(err, in.listen(ctx))
}

// takeAll takes one file after another. One file's fault keeps no other from being taken; that of
// several in a row is one of all of them, as of a locked database.
func (in *Inbox) takeAll(ctx context.Context, root *os.Root, names []string) (moved int, err error) {
	inARow := 0
	for _, name := range names {
		failed := in.take(ctx, root, name)
		if failed == nil {
			moved, inARow = moved+1, 0
			continue
		}
		inARow++
		err = errors.Join(err, fmt.Errorf("inbox file %s: %w", name, failed))
		if inARow == mostFaults || ctx.Err() != nil {
			break
		}
	}
	return moved, err
}

// list finds the files below a folder. No link is followed: whoever may write here must not make us
// read, or move, what lies elsewhere.
func (in *Inbox) list(root *os.Root, dir string, depth int) (files map[string]fs.FileInfo, err error) {
	files = map[string]fs.FileInfo{}
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		info, err := root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), leftAlone(entry.Name()), depth == 0 && (name == doneDir || name == failedDir):
		case err != nil:
			return nil, err
		case info.IsDir() && depth < deepest:
			inside, err := in.list(root, name, depth+1)
			if err != nil {
				return nil, err
			}
			for name, info := range inside {
				files[name] = info
			}
		case info.Mode().IsRegular():
			files[name] = info
		case !in.left[name]:
			in.leave(name)
		}
	}
	return files, nil
}

// leftAlone tells names that programs give to files that are not finished.
func leftAlone(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") }

func (in *Inbox) leave(name string) {
	if in.left == nil {
		in.left = map[string]bool{}
	}
	in.left[name] = true
	in.Log.Warn("left in the inbox: neither a file nor a folder of at most three levels", "file", name)
}

// rested gives the files whose size has not changed for long enough, in the order of their names.
func (in *Inbox) rested(files map[string]fs.FileInfo) (names []string) {
	now, before := in.Now(), in.resting
	in.resting = map[string]resting{}
	for name, info := range files {
		r, known := before[name]
		if !known || r.size != info.Size() || !r.modified.Equal(info.ModTime()) || now.Before(r.since) {
			r = resting{info.Size(), info.ModTime(), now}
		}
		in.resting[name] = r
		if now.Sub(r.since) >= in.Settle {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// take imports one file, unless that was done before, and moves it.
func (in *Inbox) take(ctx context.Context, root *os.Root, name string) error {
	file, info, err := openFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody took it back
	}
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	at, err := in.Detections.Imported(ctx, name, size, sum.Sum(nil))
	if err != nil {
		return err
	}
	if !at.IsZero() {
		return in.again(ctx, root, name, info, at)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	reasons := &reasons{}
	in.Crash.at(BeforeImport)
	result, err := ingest.Import(ctx, in.Detections, file, in.options(ctx, name, info, reasons))
	in.Crash.at(AfterImport)
	if rowError := new(ingest.RowError); errors.As(err, &rowError) || errors.Is(err, ingest.ErrRejected) {
		return in.failed(root, name, info, err, reasons)
	}
	if err != nil {
		return err
	}
	in.Log.Info("a file of the inbox was imported", "file", name, "format", result.Format, "read", result.Read, "new", result.New,
		"changed", result.Changed, "duplicate", result.Duplicate, "not_reported", result.NotReported, "warnings", result.Warnings)
	return in.done(root, name, info)
}

// again moves a file that was imported before. If it was put here since, its feed lives, though it
// has nothing new to tell.
func (in *Inbox) again(ctx context.Context, root *os.Root, name string, info fs.FileInfo, at time.Time) error {
	in.Log.Info("a file of the inbox was imported before", "file", name, "imported_at", at)
	if info.ModTime().After(at) {
		_, err := in.Detections.Import(ctx, store.Import{File: name, Feed: feedOf(name), Now: in.Now}, func(tx *sqlstore.ImportTx) error {
			tx.Warnings["the same file as before"]++
			return nil
		})
		if err != nil {
			return err
		}
	}
	return in.done(root, name, info)
}

// openFile opens a file that is one: since it was listed a link, or a pipe that nobody writes to, may
// have taken its place.
func openFile(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a file")}
	}
	file, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !os.SameFile(before, info) {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("was replaced while it was opened")}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// options are how a file is read: by what its folders are called.
func (in *Inbox) options(ctx context.Context, name string, info fs.FileInfo, rejects io.Writer) ingest.Options {
	o := ingest.Options{
		File: name, Feed: feedOf(name), Now: in.Now, Reading: in.Reading, Rejects: rejects, Whole: true,
	}
	o.Day = store.DayOf(info.ModTime(), in.Zone)
	for folder := range strings.SplitSeq(path.Dir(name), "/") {
		if slices.Contains(ingest.Formats(), folder) {
			o.Format = folder
		} else if _, err := in.Detections.Contract(ctx, folder); err == nil {
			o.Contract = folder
		}
	}
	return o
}

// done moves an imported file to the folder of its month.
func (in *Inbox) done(root *os.Root, name string, read fs.FileInfo) error {
	dir := path.Join(doneDir, in.Now().In(in.Zone).Format("2006-01"))
	_, err := in.move(root, name, read, dir, nil)
	return err
}

// failed moves a file that cannot be imported, once its reasons stand where it will be.
func (in *Inbox) failed(root *os.Root, name string, read fs.FileInfo, why error, all *reasons) error {
	text := all.text.String()
	if text == "" {
		text = why.Error() + "\n"
	}
	to, err := in.move(root, name, read, failedDir, []byte(text))
	if err == nil && to != "" {
		in.Log.Error("a file of the inbox cannot be imported; mend it and put it back", "file", name, "moved_to", to, "reason", why)
	}
	return err
}

// reasons takes what an import says of bad rows, up to a bound.
type reasons struct {
	text bytes.Buffer
	rows int
}

// Write takes one bad row: its reason on the first line, and below it the row.
func (r *reasons) Write(p []byte) (int, error) {
	r.rows++
	reason, _, _ := bytes.Cut(bytes.TrimPrefix(p, []byte("# ")), []byte("\n"))
	switch {
	case r.rows <= mostReasons:
		r.text.Write(append(reason, '\n'))
	case r.rows == mostReasons+1:
		r.text.WriteString("and more\n")
	}
	return len(p), nil
}
