package main

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/files"
	"geppo/store"
	"geppo/store/ingest"
)

// readingFlags say how a vendor's file is read, for every command that reads one.
type readingFlags struct {
	format, contract, endpoint, class, zone, time, date, feature, day string
	aliases                                                           []string
	complete, skipBad                                                 bool
	local                                                             *time.Location // the configuration's
}

func (f *readingFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "format of the files: "+strings.Join(ingest.Formats(), ", ")+" (default: told by the content)")
	flags.StringVar(&f.contract, "contract", "", "contract `ID` of the rows, for vendors' formats that name none")
	flags.StringArrayVar(&f.aliases, "alias", nil, "`CUSTOMER=ID`: contract of a customer's name or id, beside [contracts.alias]; repeatable")
	flags.StringVar(&f.endpoint, "endpoint", "", "machine of a log that `NAME`s none (pccnt, ofcurlf)")
	flags.StringVar(&f.class, "class", "", "desktop, server or mobile: of machines whose file does not tell")
	flags.StringVar(&f.zone, "zone", "", "`ZONE` of times without one (default: the contract's)")
	flags.StringVar(&f.time, "time", "", "generated or received: what the only time of a table is (default generated)")
	flags.StringVar(&f.date, "date", "", "mdy or dmy: order of dates like 10/05/2026")
	flags.StringVar(&f.feature, "feature", "", "`FEATURE` of a table whose columns do not tell it")
	flags.StringVar(&f.day, "day", "", "day of a snapshot, `YYYY-MM-DD` (default: the file's date)")
	flags.BoolVar(&f.complete, "complete", false, "the file lists all endpoints of its contracts: others were removed (smpi)")
	flags.BoolVar(&f.skipBad, "skip-bad", false, "keep the good rows, write the bad ones to FILE.rejected")
}

// configuredReading is what the configuration says.
func configuredReading(c config.Config) ingest.Reading {
	return ingest.Reading{
		Aliases: maps.Clone(c.Contracts.Alias), Results: c.Import.Results, Features: c.Import.Features, Columns: c.CSV.Columns,
	}
}

// reading is what flags and configuration say together.
func (f *readingFlags) reading(c config.Config) (ingest.Reading, error) {
	r := configuredReading(c)
	r.Contract, r.Endpoint, r.Time, r.Date, r.Complete = f.contract, f.endpoint, f.time, f.date, f.complete
	r.Class, r.Feature = store.Class(f.class), store.Feature(f.feature)
	if err := f.check(); err != nil {
		return r, err
	}
	if err := ingest.CheckMappings(r.Features, r.Columns); err != nil {
		return r, &codedError{exitUsage, err}
	}
	local, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return r, err
	}
	f.local = local
	if r.Aliases == nil {
		r.Aliases = map[string]string{}
	}
	for _, alias := range f.aliases {
		at := strings.LastIndexByte(alias, '=') // a customer's name may hold one, a contract's id cannot
		if at < 1 || store.CheckContractID(alias[at+1:]) != nil {
			return r, exitWith(exitUsage, "--alias %q is not CUSTOMER=CONTRACT", alias)
		}
		r.Aliases[alias[:at]] = alias[at+1:]
	}
	if f.zone != "" {
		zone, err := time.LoadLocation(f.zone)
		if err != nil || f.zone == "Local" {
			return r, exitWith(exitUsage, "--zone %q is no time zone; use an IANA name like Asia/Tokyo", f.zone)
		}
		r.Zone = zone
	}
	if f.day != "" {
		day, err := store.ParseDay(f.day)
		if err != nil {
			return r, exitWith(exitUsage, "--day: %w", err)
		}
		r.Day = day
	}
	return r, nil
}

// check refuses flags whose value is none of theirs.
func (f *readingFlags) check() error {
	for _, flag := range []struct {
		name, value string
		known       []string
	}{
		{"format", f.format, ingest.Formats()},
		{"class", f.class, []string{"desktop", "server", "mobile", "unknown"}},
		{"time", f.time, []string{"generated", "received"}},
		{"date", f.date, []string{"mdy", "dmy"}},
		{"feature", f.feature, ingest.Features()},
	} {
		if flag.value != "" && !slices.Contains(flag.known, flag.value) {
			return exitWith(exitUsage, "--%s %q is unknown; use one of %s", flag.name, flag.value, strings.Join(flag.known, ", "))
		}
	}
	if f.contract != "" {
		if f.format == "jsonl" {
			return exitWith(exitUsage, "--contract is for formats whose rows name no contract; each row of jsonl does")
		}
		if err := store.CheckContractID(f.contract); err != nil {
			return exitWith(exitUsage, "--contract: %w", err)
		}
	}
	return nil
}

// input is a file to be read, or standard input.
type input struct {
	io.ReadCloser
	label string
	size  int64 // -1: not known
	date  time.Time
}

// openInput opens what a command line names. A file that cannot be opened is wrong usage, whichever command it is given to.
func (a *app) openInput(name string) (input, error) {
	if name == "-" {
		return input{io.NopCloser(a.stdin), "stdin", -1, time.Now()}, nil
	}
	file, err := files.Open(name)
	if err != nil {
		return input{}, &codedError{exitUsage, err}
	}
	info, err := file.Stat()
	if err != nil {
		return input{}, errors.Join(err, file.Close())
	}
	in := input{file, name, -1, info.ModTime()}
	if info.Mode().IsRegular() {
		in.size = info.Size()
	}
	return in, nil
}

// options are how this input is read: a snapshot without a day is of the file's.
func (in input) options(f readingFlags, r ingest.Reading) ingest.Options {
	if r.Day == "" {
		r.Day = store.DayOf(in.date, cmp.Or(r.Zone, f.local))
	}
	return ingest.Options{File: in.label, Format: f.format, Reading: r, Now: time.Now}
}

// writeNotes tells people what was not reported, and the warnings.
func writeNotes(w io.Writer, file string, notes ingest.Notes) error {
	if len(notes.NotReported) > 0 {
		if err := say(w, "%s: not reported: %s", printable(file), printable(counted(notes.NotReported, " ", ", "))); err != nil {
			return err
		}
	}
	for _, what := range slices.Sorted(maps.Keys(notes.Warnings)) {
		if err := say(w, "%s: warning: %s: %d", printable(file), printable(what), notes.Warnings[what]); err != nil {
			return err
		}
	}
	return nil
}
