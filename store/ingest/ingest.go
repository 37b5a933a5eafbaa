// Package ingest reads files of rows into the store: our own JSON Lines, and other programs'
// formats beside it. It owns encodings, formats and what becomes of a bad row; it knows nothing of
// reports and mail.
//
// A file goes through three steps that run at once: bytes become lines of UTF-8 (encoding.go,
// lines.go), a line becomes a record (jsonl.go, rows.go), a record is put into the store (here).
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"geppo/store"
	"geppo/store/sqlite"
)

// Options say how a file is imported.
type Options struct {
	// File names the input in errors and in the record of imports.
	File string
	// Rejects, if set, makes a bad row no reason to stop: the good rows are kept, and each bad one
	// is written here as a comment line "# FILE:LINE: reason" and below it the row as received, in
	// UTF-8. Once mended, that file can be imported as it is: comment lines are skipped.
	Rejects io.Writer
	// Now tells the time for the record of imports.
	Now func() time.Time
	// Progress, if set, is called with the number of bytes that have been taken in since the last call.
	Progress func(bytes int)
}

// Result says what became of the rows.
type Result = store.ImportCounts

// RowError is a row that cannot be taken. Its text is "FILE:LINE: reason", and the reason says
// what to mend.
type RowError struct {
	File   string
	Line   int // from 1
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// JSONLines imports r, which holds geppo's own format (see jsonl.go), in one transaction. The first
// bad row ends it with a *RowError, and nothing is kept, unless opts.Rejects takes the bad rows.
// The result counts the rows that were read up to an error.
func JSONLines(ctx context.Context, db *sqlite.Detections, r io.Reader, opts Options) (Result, error) {
	return load(ctx, db, r, "jsonl", decodeJSON, opts)
}

// decoder makes a line a record; its error is a reason, without a place.
type decoder func(line []byte) (record, error)

// readAhead is how many chunks may wait for the store: decoding goes on while a large batch is
// written, which takes about half a second.
const readAhead = 32

// load decodes in one goroutine and writes in another. If it ends early, the decoding one ends
// with the Read under way, which nobody can interrupt and which load therefore does not wait for.
func load(ctx context.Context, db *sqlite.Detections, r io.Reader, format string, decode decoder, opts Options) (Result, error) {
	decoding, stop := context.WithCancel(ctx)
	defer stop()
	chunks := make(chan chunk, readAhead)
	go readChunks(decoding, r, decode, chunks)

	file := store.Import{File: opts.File, Format: format, Now: opts.Now}
	return db.Import(ctx, file, func(tx *sqlite.ImportTx) error {
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
	})
}

func takeChunk(ctx context.Context, tx *sqlite.ImportTx, c chunk, opts Options) error {
	for i := range c.lines {
		if err := take(ctx, tx, &c.lines[i], opts); err != nil {
			return err
		}
	}
	if c.err != nil {
		return fmt.Errorf("read %s: %w", opts.File, c.err)
	}
	if opts.Progress != nil {
		opts.Progress(c.bytes)
	}
	return nil
}

// take puts one line's record into the store, or deals with a bad one.
func take(ctx context.Context, tx *sqlite.ImportTx, l *line, opts Options) error {
	tx.Counts.Read++
	err := l.err
	if err == nil {
		err = l.record.put(ctx, tx)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%s:%d: %w", opts.File, l.number, err)
		}
		if err != nil {
			err = fmt.Errorf("unknown contract %q; import its contract row first", l.record.contractID())
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
	if _, err := fmt.Fprintf(opts.Rejects, "# %s\n%s\n", bad, l.text); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}
