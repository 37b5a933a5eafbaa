package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/files"
	"geppo/store/ingest"
	"geppo/store/sqlite"
)

type importOptions struct {
	readingFlags
	json  bool
	owner files.Owner // of the files of rejected rows
}

// importedJSON is what --json prints of one file.
type importedJSON struct {
	File      string `json:"file"`
	Read      int64  `json:"read"`
	New       int64  `json:"new"`
	Duplicate int64  `json:"duplicate"`
	Rejected  int64  `json:"rejected"`
}

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Accumulate data from files, or from standard input (-)",
		Long: `Imports each file in one transaction: a bad row stops it with FILE:LINE: reason (exit code 65), and nothing of
that file is kept. Importing again adds nothing twice.

With --skip-bad the good rows are kept, and the others are written to FILE.rejected with their reasons; mended, that
file can be imported as it is. One that is there already stays; the new one is FILE.rejected.2 then.

Besides our own JSON Lines the files of vendors are read: geppo help formats. Look at what becomes of one by geppo
convert before its rows are kept.`,
		Example: "  geppo import october.jsonl\n  geppo import --contract C000001 apexcentral.log\n  geppo sample --contracts 100 --seed 1 --period 2026-10 | geppo import -",
		Args:    cobra.MinimumNArgs(1),
	}
	o.bind(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlite.Migrate, func(ctx context.Context, c config.Config, db *databases, names []string) error {
		reading, err := o.reading(c)
		if err != nil {
			return err
		}
		o.owner = files.OwnerOf(c.Ledger())
		return a.importFiles(ctx, db, names, o, reading)
	})
	return cmd
}

func (a *app) importFiles(ctx context.Context, db *databases, names []string, o importOptions, reading ingest.Reading) (err error) {
	done := []importedJSON{}
	for _, file := range names {
		var result ingest.Result
		if result, err = a.importFile(ctx, db, file, o, reading); err != nil {
			break
		}
		done = append(done, importedJSON{file, result.Read, result.New, result.Duplicate, result.Rejected})
	}
	// What was imported before a failure is kept, so it is told in any case.
	if o.json {
		return errors.Join(err, writeJSON(a.stdout, done))
	}
	rows := make([][]string, len(done))
	for i, d := range done {
		rows[i] = []string{d.File, decimal(d.Read), decimal(d.New), decimal(d.Duplicate), decimal(d.Rejected)}
	}
	if len(rows) == 0 {
		return err
	}
	return errors.Join(err, writeTable(a.stdout, []string{"file", "read", "new", "duplicate", "rejected"}, rows))
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func (a *app) importFile(ctx context.Context, db *databases, name string, o importOptions, reading ingest.Reading) (result ingest.Result, err error) {
	in, err := a.openInput(name)
	if err != nil {
		return result, fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	bar := newMeter(a.stderr, in.size, "importing "+printable(in.label), true)
	options := in.options(o.readingFlags, reading)
	options.Progress = bar.add
	if o.skipBad {
		rejects := &rejectsFile{path: in.label + ".rejected", owner: o.owner}
		defer func() { err = errors.Join(err, rejects.close()) }()
		options.Rejects = rejects
	}
	result, err = ingest.Import(ctx, db.detections, in, options)
	bar.end()
	return result, errors.Join(err, writeNotes(a.stderr, in.label, *options.Notes))
}

// rejectsFile comes into being with the first rejected row.
type rejectsFile struct {
	path  string
	owner files.Owner
	file  *os.File
}

var _ io.Writer = (*rejectsFile)(nil)

func (r *rejectsFile) Write(p []byte) (int, error) {
	if r.file == nil {
		file, err := files.CreateNew(r.path, r.owner)
		if err != nil {
			return 0, err
		}
		r.file = file
	}
	return r.file.Write(p)
}

func (r *rejectsFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
