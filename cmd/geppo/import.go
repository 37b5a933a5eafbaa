package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/files"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
)

type importOptions struct {
	readingFlags
	json  bool
	owner files.Owner // of the files of rejected rows
}

// importedJSON is what --json prints of one file.
type importedJSON struct {
	File        string           `json:"file"`
	Format      string           `json:"format"`
	Read        int64            `json:"read"`
	New         int64            `json:"new"`
	Changed     int64            `json:"changed"`
	Duplicate   int64            `json:"duplicate"`
	NotReported map[string]int64 `json:"not_reported"`
	Rejected    int64            `json:"rejected"`
	RejectsFile string           `json:"rejects_file,omitempty"`
	Warnings    map[string]int64 `json:"warnings"`
}

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Accumulate data from files, or from standard input (-)",
		Long: `Imports each file in one transaction: a bad row stops it with FILE:LINE: reason (exit code 65), and nothing of
that file is kept. Importing again adds nothing twice. A row that tells of something known is a duplicate, or has
changed it: a detection by a more final outcome or a corrected time, an event unless it is the older one, a machine or a
contract by what it says. Rows of a class that no report holds are counted as not reported.

With --skip-bad the good rows are kept, and the others are written to FILE.rejected with their reasons; mended, that
file can be imported as it is. One that is there already stays; the new one is FILE.rejected.2 then. The exit code is 65
then as well.

Besides our own JSON Lines the files of vendors are read: geppo help formats. Look at what becomes of one by geppo
convert before its rows are kept.`,
		Example: "  geppo import october.jsonl\n  geppo import --contract C000001 apexcentral.log\n  geppo sample --contracts 100 --seed 1 --period 2026-10 | geppo import -",
		Args:    cobra.MinimumNArgs(1),
	}
	o.bind(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Migrate, func(ctx context.Context, c config.Config, db *databases, names []string) error {
		reading, err := o.reading(c)
		if err != nil {
			return err
		}
		o.owner = ownerOf(c)
		return a.importFiles(ctx, db, names, o, reading)
	})
	return cmd
}

func (a *app) importFiles(ctx context.Context, db *databases, names []string, o importOptions, reading ingest.Reading) error {
	done := []importedJSON{}
	var rejected int64
	for _, file := range names {
		imported, err := a.importFile(ctx, db, file, o, reading)
		if err != nil {
			// What was imported before a failure is kept, so it is told in any case.
			return errors.Join(err, a.writeImported(done, o))
		}
		done = append(done, imported)
		rejected += imported.Rejected
	}
	if err := a.writeImported(done, o); err != nil {
		return err
	}
	if rejected > 0 {
		return exitWith(exitData, "%s rejected; mend them in %s and import that", desk.Count(int(rejected), "row was", "rows were"), rejectsFiles(done))
	}
	return nil
}

func rejectsFiles(done []importedJSON) string {
	var names []string
	for _, d := range done {
		if d.RejectsFile != "" {
			names = append(names, printable(d.RejectsFile))
		}
	}
	return strings.Join(names, ", ")
}

func (a *app) writeImported(done []importedJSON, o importOptions) error {
	if o.json {
		return writeJSON(a.stdout, done)
	}
	if len(done) == 0 {
		return nil
	}
	rows := make([][]any, len(done))
	for i, d := range done {
		var unreported int64
		for _, n := range d.NotReported {
			unreported += n
		}
		rows[i] = []any{d.Read, d.New, d.Changed, d.Duplicate, unreported, d.Rejected, d.File}
	}
	err := writeTable(a.stdout, columnsAbove("read", "new", "changed", "duplicate", "not reported", "rejected", "file"), rows)
	for _, d := range done {
		err = errors.Join(err, writeNotes(a.stdout, d.File, ingest.Notes{NotReported: d.NotReported, Warnings: d.Warnings}))
	}
	return err
}

func (a *app) importFile(ctx context.Context, db *databases, name string, o importOptions, reading ingest.Reading) (done importedJSON, err error) {
	in, err := a.openInput(name)
	if err != nil {
		return done, fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	bar := newMeter(a.stderr, in.size, "importing "+printable(in.label), true)
	defer bar.end()
	options := in.options(o.readingFlags, reading)
	options.Progress = bar.add
	rejects := &rejectsFile{path: in.label + ".rejected", owner: o.owner}
	if o.skipBad {
		defer func() { err = errors.Join(err, rejects.close()) }()
		options.Rejects = rejects
	}
	r, err := ingest.Import(ctx, db.detections, in, options)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = exitWith(exitError, "stopped: nothing of %s was kept; import it again", in.label)
	}
	return importedJSON{
		in.label, r.Format, r.Read, r.New, r.Changed, r.Duplicate, r.NotReported, r.Rejected, rejects.name(), r.Warnings,
	}, err
}

// rejectsFile comes into being with the first rejected row. It takes the place of no other file: an
// earlier one may hold rows that are still to be mended.
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

// name is that of the file, empty if there is none.
func (r *rejectsFile) name() string {
	if r.file == nil {
		return ""
	}
	return r.file.Name()
}

func (r *rejectsFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
