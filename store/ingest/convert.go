package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
)

// Converted counts what became of a file's records.
type Converted struct {
	Format               string
	Read, Rows, Rejected int64
	Notes
}

// Convert writes the rows that Import would take from r as lines of our own format, and touches no
// database: whether a contract exists is not looked at. The first bad record ends it with a
// *RowError, unless opts.Rejects takes the bad ones; the rows before it are written.
func Convert(ctx context.Context, to io.Writer, r io.Reader, opts Options) (done Converted, err error) {
	from, format, err := open(r, opts)
	if err != nil {
		return done, err
	}
	done.Format = format
	for {
		if err := ctx.Err(); err != nil {
			return done, fmt.Errorf("convert %s: %w", opts.File, err)
		}
		c := readChunk(from)
		for i := range c.lines {
			if err := done.take(to, &c.lines[i], format == "jsonl", opts); err != nil {
				return done, err
			}
		}
		switch {
		case errors.Is(c.err, io.EOF):
			return done, nil
		case c.err != nil:
			return done, readError(opts.File, c.err)
		}
	}
}

// take writes the rows of one record; a line of our own format is its row.
func (d *Converted) take(to io.Writer, l *line, ours bool, opts Options) error {
	d.Read += int64(l.counted())
	d.Notes.take(l)
	switch {
	case l.err != nil:
		bad := &RowError{File: opts.File, Line: l.number, Reason: l.err.Error()}
		if opts.Rejects == nil {
			return bad
		}
		d.Rejected++
		return reject(opts.Rejects, bad, l.text)
	case ours:
		d.Rows++
		return writeLine(to, l.text)
	}
	for _, row := range l.rows {
		text, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("convert %s:%d: %w", opts.File, l.number, err)
		}
		d.Rows++
		if err := writeLine(to, text); err != nil {
			return err
		}
	}
	return nil
}

func writeLine(to io.Writer, text []byte) error {
	if _, err := to.Write(append(text[:len(text):len(text)], '\n')); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}
