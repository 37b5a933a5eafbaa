// Package ingest reads files of rows into the store: our own JSON Lines, and other programs'
// formats beside it. It owns encodings, formats and what becomes of a bad row; it knows nothing of
// reports and mail.
//
// A file goes through three steps that run at once: bytes become text (encoding.go), text becomes
// records with their rows (source.go; one file for each format), and records are put into the
// store (here).
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Options say how a file is imported.
type Options struct {
	// File names the input in errors and in the record of imports.
	File string
	// Feed, if set, is what the record of imports knows the file's source by, instead of store.Feed.
	Feed string
	// Rejects, if set, makes a bad row no reason to stop: the good rows are kept, and each bad one
	// is written here as a comment line "# FILE:LINE: reason" and below it the row as received, in
	// UTF-8. Once mended, that file can be imported as it is: comment lines are skipped.
	Rejects io.Writer
	// Whole makes any bad row undo the import after all, once all of them are written to Rejects.
	Whole bool
	// Now tells the time for the record of imports.
	Now func() time.Time
	// Format is one of Formats; Import guesses it if it is empty.
	Format string
	// Reading says how a vendor's format is read. Import asks the store where Known is not set.
	Reading
	// Progress, if set, is called with the number of bytes that have been taken in since the last call.
	Progress func(bytes int)
}

// Result says what became of the rows.
type Result struct {
	store.ImportCounts
	Notes
	Format string
}

// ErrRejected undoes an import by Options.Whole.
var ErrRejected = errors.New("bad rows; mend them and import the file again")

// RowError is a row that cannot be taken. Its text is "FILE:LINE: reason", and the reason says
// what to mend.
type RowError struct {
	File   string
	Line   int // from 1
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// JSONLines imports r, which holds geppo's own format (see jsonl.go); see Import.
func JSONLines(ctx context.Context, db *sqlstore.Detections, r io.Reader, opts Options) (Result, error) {
	opts.Format = "jsonl"
	return Import(ctx, db, r, opts)
}

// Import imports r in one transaction. The first bad row ends it with a *RowError, and nothing is
// kept, unless opts.Rejects takes the bad rows. The result counts the rows that were read up to an
// error.
func Import(ctx context.Context, db *sqlstore.Detections, r io.Reader, opts Options) (Result, error) {
	if opts.Known == nil {
		opts.Known = func(contract string) (Known, error) { return knownTo(ctx, db, contract) }
	}
	input := newMeasured(r)
	from, format, err := open(input, opts)
	if err != nil {
		return Result{}, err
	}
	file := store.Import{File: opts.File, Feed: opts.Feed, Format: format, Now: opts.Now}
	return load(ctx, db, file, from, input, opts)
}

// measured tells what was read through it.
type measured struct {
	r    io.Reader
	sum  hash.Hash
	size int64
}

func newMeasured(r io.Reader) *measured { return &measured{r: r, sum: sha256.New()} }

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.sum.Write(p[:n])
	m.size += int64(n)
	return n, err
}

// knownTo is what the store knows of a contract; an unknown one is found out when its rows are put.
func knownTo(ctx context.Context, db *sqlstore.Detections, contract string) (Known, error) {
	c, endpoints, err := db.Inventory(ctx, contract)
	if errors.Is(err, store.ErrNotFound) {
		return Known{}, nil
	}
	if err != nil {
		return Known{}, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	return Known{Zone: zone, Endpoints: endpoints}, err
}

// readAhead is how many chunks may wait for the store: decoding goes on while a large batch is
// written, which takes about half a second.
const readAhead = 32

// load decodes in one goroutine and writes in another. If it ends early, the decoding one ends
// with the Read under way, which nobody can interrupt and which load therefore does not wait for.
func load(ctx context.Context, db *sqlstore.Detections, file store.Import, from source, input *measured, opts Options) (Result, error) {
	decoding, stop := context.WithCancel(ctx)
	defer stop()
	chunks := make(chan *chunk, readAhead)
	go readChunks(decoding, from, chunks)

	var notes Notes
	counts, err := db.Import(ctx, file, func(tx *sqlstore.ImportTx) error {
		notes = Notes{NotReported: tx.NotReported, Warnings: tx.Warnings}
		if err := takeChunks(ctx, tx, chunks, opts); err != nil {
			return err
		}
		if opts.Whole && tx.Counts.Rejected > 0 {
			return fmt.Errorf("%s: %d %w", opts.File, tx.Counts.Rejected, ErrRejected)
		}
		if tx.Counts.Read == 0 {
			tx.Warnings[warnEmpty]++
		}
		// A document may end before its file does.
		if _, err := io.Copy(io.Discard, input); err != nil {
			return readError(opts.File, err)
		}
		tx.File.Size, tx.File.SHA256 = input.size, input.sum.Sum(nil)
		return nil
	})
	return Result{counts, notes, file.Format}, err
}

// warnEmpty is counted once for a file.
const warnEmpty = "the file holds no rows"

func takeChunks(ctx context.Context, tx *sqlstore.ImportTx, chunks <-chan *chunk, opts Options) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("import %s: %w", opts.File, ctx.Err())
		case c, ok := <-chunks:
			if !ok {
				return ctx.Err() // decoding ends early only with ctx
			}
			if err := takeChunk(ctx, tx, c, opts); err != nil {
				return err
			}
		}
	}
}

func takeChunk(ctx context.Context, tx *sqlstore.ImportTx, c *chunk, opts Options) error {
	for i := range c.lines {
		if err := take(ctx, tx, &c.lines[i], opts); err != nil {
			return err
		}
	}
	if c.err != nil {
		return readError(opts.File, c.err)
	}
	if opts.Progress != nil {
		opts.Progress(c.bytes)
	}
	return nil
}

// readError is why a file could not be read to its end; what refuses a whole file says so itself.
func readError(file string, err error) error {
	if refused, ok := errors.AsType[*RowError](err); ok {
		refused.File = file
		return refused
	}
	return fmt.Errorf("read %s: %w", file, err)
}

// take puts one record's rows into the store, or deals with a bad one.
func take(ctx context.Context, tx *sqlstore.ImportTx, l *line, opts Options) error {
	tx.Counts.Read += int64(l.counted())
	notes := Notes{NotReported: tx.NotReported, Warnings: tx.Warnings}
	notes.take(l)
	err := l.err
	for i := 0; err == nil && i < len(l.records); i++ {
		r := l.records[i]
		switch put := r.put(ctx, tx); {
		case errors.Is(put, store.ErrNotFound):
			err = fmt.Errorf("unknown contract %q; import its contract row first", r.contractID())
		case put != nil:
			return fmt.Errorf("%s:%d: %w", opts.File, l.number, put)
		}
	}
	if err == nil {
		return nil
	}
	bad := &RowError{File: opts.File, Line: l.number, Reason: err.Error()}
	if opts.Rejects == nil {
		return bad
	}
	tx.Counts.Rejected++
	return reject(opts.Rejects, bad, l.text)
}

// reject writes a bad record as received, below its reason.
func reject(to io.Writer, bad *RowError, text []byte) error {
	if _, err := fmt.Fprintf(to, "# %s\n%s\n", bad, text); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}
