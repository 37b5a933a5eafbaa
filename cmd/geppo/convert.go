package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store/ingest"
)

func (a *app) convertCommand() *cobra.Command {
	var f readingFlags
	cmd := &cobra.Command{
		Use:   "convert FILE…",
		Short: "Print the rows that import would take, as JSON Lines",
		Long: `Reads files of any format as import does, and prints their rows on standard output instead of keeping them: to look
at a mapping before trusting it. What was not reported and the warnings go to standard error. No database is opened, so
whether a contract exists is not looked at; times without a zone are in the configuration's unless --zone says another.

A bad row stops the file (exit code 65); with --skip-bad the good rows are printed, and the bad ones go to standard
error with their reasons. What becomes of each field and class: geppo help formats.`,
		Example: `  geppo convert --contract C000001 apexcentral.log | less
  geppo convert --format csv --date mdy --contract C000001 spyware.csv
  geppo convert --alias "Sample Trading=C000001" worryfree.log`,
		Args: cobra.MinimumNArgs(1),
	}
	f.bind(cmd)
	cmd.Flags().Lookup("skip-bad").Usage = "print the good rows, and the bad ones on standard error"
	cmd.RunE = a.do(func(cmd *cobra.Command, files []string) error {
		c, err := a.config()
		if err != nil {
			return err
		}
		return a.convert(cmd.Context(), c, f, files)
	})
	return cmd
}

func (a *app) convert(ctx context.Context, c config.Config, f readingFlags, files []string) error {
	reading, err := f.reading(c)
	if err != nil {
		return err
	}
	if reading.Zone == nil {
		reading.Zone = f.local
	}
	out := bufio.NewWriterSize(a.stdout, 1<<20)
	rejected := int64(0)
	for _, file := range files {
		done, err := a.convertFile(ctx, out, file, f, reading)
		rejected += done.Rejected
		if err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if rejected > 0 {
		return exitWith(exitData, "%s rejected; mend them at their source", desk.Count(int(rejected), "row was", "rows were"))
	}
	return nil
}

func (a *app) convertFile(ctx context.Context, out io.Writer, name string, f readingFlags, reading ingest.Reading) (done ingest.Converted, err error) {
	in, err := a.openInput(name)
	if err != nil {
		return done, fmt.Errorf("convert: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	opts := in.options(f, reading)
	if f.skipBad {
		opts.Rejects = a.stderr
	}
	done, err = ingest.Convert(ctx, out, in, opts)
	if err != nil {
		return done, err
	}
	if _, err := fmt.Fprintf(a.stderr, "%s: %s: %d read, %d rows, %d rejected\n", printable(in.label), done.Format, done.Read, done.Rows, done.Rejected); err != nil {
		return done, err
	}
	return done, writeNotes(a.stderr, in.label, done.Notes)
}
