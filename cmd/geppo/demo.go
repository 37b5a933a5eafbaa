package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/files"
	"geppo/cmd/internal/gallery"
	"geppo/cmd/internal/sink"
	"geppo/store"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

// The demo's sample: every kind of contract among few.
const (
	demoContracts = 14
	demoSeed      = 20260401
)

var demoMix = sample.Mix{None: 4, Few: 5, Many: 4, Heavy: 1}

// demoMark tells a directory that the demo may begin anew in from one it must not touch.
const demoMark = ".geppo-demo"

func (a *app) demoCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo [--dir DIR]",
		Short: "Run last month's reports on sample data, with nothing set up",
		Long: `Makes a sample database in DIR, imports sample data through DIR/inbox (most of it in our own format, the detections of
two contracts as a vendor's programs write them: see DIR/inbox/done), starts an SMTP sink on loopback and runs last month's reports
through the same code as the daemon. The mails that arrived are laid out in DIR/mail, and DIR/index.html shows them.`,
		Example: "  geppo demo --dir /tmp/geppo-demo",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), dir)
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "geppo-demo", "`DIR` to work in")
	return cmd
}

func (a *app) demo(ctx context.Context, dir string) (err error) {
	started := time.Now()
	out, err := clearDemo(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	c := config.Default()
	c.Store.DSN = "sqlite:" + filepath.Join(dir, "geppo.db")
	c.Log.Level = "warn"
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return err
	}
	p := store.PeriodOf(started, zone).Previous()
	db, err := openDatabases(ctx, c, sqlstore.Migrate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := importSample(ctx, out, db, zone, p); err != nil {
		return err
	}
	arrived, err := a.demoRun(ctx, c, db, p)
	if err != nil {
		return err
	}
	if err := gallery.Write(out, p, arrived); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, `%[1]d mails for %[2]s were sent to a sink on this machine and written to %[3]s in %.1[4]f s.

Open %[7]s
Then try:
  %[5]s --db %[6]s status
  %[5]s --db %[6]s preview --period %[2]s --out preview
`, len(arrived), p, filepath.Join(dir, "mail"), time.Since(started).Seconds(), invocation(), c.Store.DSN,
		filepath.Join(dir, "index.html"))
	return err
}

// invocation is how this program is called: whoever tries it by go run has no geppo to call.
func invocation() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/geppo"
	}
	return "geppo"
}

// clearDemo makes dir ready and opens it: an earlier demo's files go, anybody else's are not touched.
func clearDemo(dir string) (*os.Root, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out, err := files.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := out.Lstat(demoMark); err != nil && len(entries) > 0 {
		return nil, errors.Join(exitWith(exitUsage, "%s is not empty and not a demo's; name another directory with --dir", dir), out.Close())
	}
	// Only what the demo makes is removed, whatever else has been put beside it.
	for _, name := range []string{
		demoMark, "mail", "inbox", "index.html", "geppo.db", "geppo.db-wal", "geppo.db-shm",
		"geppo-detections.db", "geppo-detections.db-wal", "geppo-detections.db-shm",
	} {
		if err := out.RemoveAll(name); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	return out, files.Create(out, demoMark, []byte("geppo demo may remove what it made here\n"))
}

// demoVendors are the contracts, by their place, whose detections come in a vendor's file.
var demoVendors = []struct {
	contract     int
	format, file string
}{
	{0, "cef", "inbox/C000001/apexcentral.log"},
	{6, "feeder", "inbox/C000007/worryfree.log"},
}

// importSample feeds the sample through an inbox, as it would come: the contracts and most detections in
// our own format, those of two contracts as a vendor's programs write them.
func importSample(ctx context.Context, out *os.Root, db *databases, zone *time.Location, p store.Period) error {
	inbox := &daemon.Inbox{
		Dir: filepath.Join(out.Name(), "inbox"), Detections: db.detections, Zone: zone, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	options := sample.Options{Contracts: demoContracts, Seed: demoSeed, Period: p, Mix: demoMix}
	var rows, others bytes.Buffer
	if err := sample.Write(&rows, options); err != nil {
		return err
	}
	for line := range bytes.Lines(rows.Bytes()) {
		if !byVendor(line) {
			others.Write(line)
		}
	}
	if err := deliver(ctx, out, inbox, "inbox/sample.jsonl", others.Bytes()); err != nil {
		return err
	}
	for _, v := range demoVendors {
		options.From, options.Contracts = v.contract, v.contract+1
		rows.Reset()
		if err := sample.WriteAs(&rows, options, v.format); err != nil {
			return err
		}
		if err := deliver(ctx, out, inbox, v.file, rows.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// byVendor tells the detections that come in another file.
func byVendor(line []byte) bool {
	for _, v := range demoVendors {
		if bytes.HasPrefix(line, fmt.Appendf(nil, `{"type":"detection","contract":"C%06d"`, v.contract+1)) {
			return true
		}
	}
	return false
}

// deliver puts a file into the inbox and lets it be imported.
func deliver(ctx context.Context, out *os.Root, inbox *daemon.Inbox, name string, text []byte) error {
	if err := out.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	if err := files.Create(out, name, text); err != nil {
		return err
	}
	if _, err := inbox.Look(ctx); err != nil {
		return err
	}
	if _, err := out.Lstat("inbox/failed"); err == nil {
		return fmt.Errorf("%s could not be imported; see the reasons in %s", name, filepath.Join(out.Name(), "inbox", "failed"))
	}
	return nil
}

// demoRun sends the period to a sink, and gives what arrived there.
func (a *app) demoRun(ctx context.Context, c config.Config, db *databases, p store.Period) (arrived []sink.Message, err error) {
	received := make(chan sink.Message)
	server, err := sink.Start(ctx, func(m sink.Message) error {
		received <- m
		return nil
	})
	if err != nil {
		return nil, err
	}
	collected := make(chan []sink.Message)
	go func() {
		var all []sink.Message
		for m := range received {
			all = append(all, m)
		}
		collected <- all
	}()
	c.SMTP.Port = server.Port()
	err = a.demoSend(ctx, c, db, p)
	err = errors.Join(err, server.Close())
	close(received)
	return <-collected, err
}

func (a *app) demoSend(ctx context.Context, c config.Config, db *databases, p store.Period) error {
	sender, err := a.newSender(c, db)
	if err != nil {
		return err
	}
	run, err := newPlanner(c, db).Plan(ctx, daemon.Request{Kind: "run", Period: p, By: desk.Operator(), Force: true})
	if err != nil {
		return err
	}
	filter := store.Filter{Period: p}
	if err := a.dispatch(ctx, sender, filter.Period, filter); err != nil {
		return err
	}
	if _, err := db.ledger.FinishRun(ctx, run.ID, time.Now()); err != nil {
		return err
	}
	if err := db.ledger.SummariseRun(ctx, run.ID, time.Now()); err != nil { // nobody is to be told of a demo
		return err
	}
	counts, err := db.ledger.CountStates(ctx, filter)
	if err != nil {
		return err
	}
	return outcome{Run: run.ID, Period: p, Planned: run.Planned, States: counts}.verdict(nil)
}
