package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/sink"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

// benchPeriod is fixed, as the seed is, so that the same sample is measured today and next year.
var benchPeriod = store.Period{Year: 2026, Month: time.October}

type benchOptions struct {
	contracts   int
	seed        uint64
	renderers   int
	connections int
	profile     string
	stages      bool
}

func (a *app) benchCommand() *cobra.Command {
	o := benchOptions{contracts: 1000, seed: 1, renderers: runtime.GOMAXPROCS(0), connections: 8, stages: true}
	cmd := &cobra.Command{
		Use: "bench [--contracts N]", Short: "Measure the whole path on sample data", Hidden: true,
		Long: `Imports sample data into a temporary directory, plans its month and sends it to an SMTP sink of its own through
the same code as run, then makes each mail once more, one after the other, to tell what each stage takes. Prints lines
for benchstat. A report is one contract's month; a mail is one address's copy of it.

run's processor time and peak memory include the sink, which takes the mails in the same process. connect, send and
record are times of waiting during the run, per connection and mail. The other stages are processor time per report,
garbage collection included; what a run takes beyond them is sending, the ledger and the sink.`,
		Example: "  geppo bench --contracts 1000 | tee new.txt && benchstat old.txt new.txt",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if min(o.contracts, o.renderers, o.connections) < 1 {
				return exitWith(exitUsage, "--contracts, --renderers and --connections must be at least 1")
			}
			return a.bench(cmd.Context(), o)
		}),
	}
	cmd.Flags().IntVar(&o.contracts, "contracts", o.contracts, "number `N` of contracts")
	cmd.Flags().Uint64Var(&o.seed, "seed", o.seed, "other seeds give other data")
	cmd.Flags().IntVar(&o.renderers, "renderers", o.renderers, "number `N` of reports made at a time")
	cmd.Flags().IntVar(&o.connections, "connections", o.connections, "number `N` of connections to the sink")
	cmd.Flags().StringVar(&o.profile, "cpuprofile", "", "write a processor profile of the run to `FILE`")
	cmd.Flags().BoolVar(&o.stages, "stages", o.stages, "measure the stages one by one")
	return cmd
}

// bench is one measurement: a directory, the sample in it, and where the figures go.
type bench struct {
	*app
	o   benchOptions
	dir string
	c   config.Config
	db  *databases
}

func (a *app) bench(ctx context.Context, o benchOptions) (err error) {
	dir, err := os.MkdirTemp("", "geppo-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := bench{app: a, o: o, dir: dir, c: config.Default()}
	b.c.SMTP.Connections = o.connections
	b.c.Log.Level = "warn"
	if b.db, err = b.open(ctx, "run.db"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.close()) }()
	if _, err := fmt.Fprintf(a.stdout, "goos: %s\ngoarch: %s\npkg: geppo/cmd/geppo\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, processor()); err != nil {
		return err
	}
	if err := b.importing(ctx); err != nil {
		return err
	}
	if err := b.running(ctx); err != nil || !o.stages {
		return err
	}
	return b.inStages(ctx)
}

// open opens a ledger of the bench's own; all share one file of detections.
func (b *bench) open(ctx context.Context, ledger string) (*databases, error) {
	b.c.Store.DSN = "sqlite:" + filepath.Join(b.dir, ledger)
	b.c.Store.Detections = "sqlite:" + filepath.Join(b.dir, "detections.db")
	return openDatabases(ctx, b.c, sqlstore.Migrate)
}

// importing writes the sample to a file first, so that only the import is measured.
func (b *bench) importing(ctx context.Context) (err error) {
	file, err := os.Create(filepath.Join(b.dir, "sample.jsonl"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if err := sample.Write(file, sample.Options{Contracts: b.o.contracts, Seed: b.o.seed, Period: benchPeriod}); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	used := startUsage()
	counts, err := ingest.JSONLines(ctx, b.db.detections, file, ingest.Options{File: "sample", Now: time.Now})
	if err != nil {
		return err
	}
	took := used.end()
	rows := float64(counts.Read)
	return b.print("import", int(counts.Read), took, []metric{
		{rows / took.wall.Seconds(), "rows/s"}, {float64(size) / 1e6 / took.wall.Seconds(), "MB/s"}, {took.peakMB, "peak-MB"},
	})
}

// running plans the month and sends it, as geppo run does.
func (b *bench) running(ctx context.Context) (err error) {
	var bytes, mails atomic.Int64
	server, err := sink.Start(ctx, func(m sink.Message) error {
		bytes.Add(int64(len(m.Data)))
		mails.Add(1)
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	b.c.SMTP.Port = server.Port()
	sender, err := b.newSender(b.c, b.db)
	if err != nil {
		return err
	}
	sender.Renderers = b.o.renderers
	waits := waits{}
	sender.Watch = daemon.Watch{Now: time.Now, Stage: waits.add}

	used := startUsage()
	if err := b.planning(ctx); err != nil {
		return err
	}
	stop, err := b.profiled()
	if err != nil {
		return err
	}
	sending := used.lap()
	err = b.dispatch(ctx, sender, benchPeriod, store.Filter{Period: benchPeriod})
	took := sending.end()
	if err := errors.Join(err, stop(), b.allSent(ctx, int(mails.Load()))); err != nil {
		return err
	}
	reports, sent, seconds := float64(b.o.contracts), float64(mails.Load()), took.wall.Seconds()
	err = b.print("run", b.o.contracts, took, []metric{
		{reports / seconds, "reports/s"},
		{sent / seconds, "mails/s"},
		{took.cpuMS() / reports, "cpu-ms/report"},
		{took.cpuMS() / sent, "cpu-ms/mail"},
		{float64(bytes.Load()) / sent, "B/mail"},
		{sent, "mails"},
		{took.peakMB, "peak-MB"},
	})
	return errors.Join(err, waits.print(b))
}

// planning plans the month, and once more when there is nothing left to plan.
func (b *bench) planning(ctx context.Context) error {
	for _, name := range []string{"plan", "plan-again"} {
		used := startUsage()
		if err := b.plan(ctx, b.db); err != nil {
			return err
		}
		if err := b.print(name, b.o.contracts, used.end(), nil); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) plan(ctx context.Context, db *databases) error {
	_, err := newPlanner(b.c, db).Plan(ctx, daemon.Request{Kind: "run", Period: benchPeriod, By: desk.Operator(), Force: true})
	return err
}

// profiled starts the profile that was asked for, and gives what ends it.
func (b *bench) profiled() (stop func() error, err error) {
	if b.o.profile == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(b.o.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// allSent makes sure that what is measured is the work.
func (b *bench) allSent(ctx context.Context, arrived int) error {
	counts, err := b.db.ledger.CountStates(ctx, store.Filter{Period: benchPeriod})
	if err != nil {
		return err
	}
	if len(counts) != 1 || counts[store.Sent] != arrived {
		return fmt.Errorf("%d mails arrived, but the ledger counts %v; nothing can be said of such a run", arrived, counts)
	}
	return nil
}

// benchStages in the order of the work. html is the bodies without their charts.
var benchStages = []string{"compute", "freeze", "render-pdf", "render-charts", "render-html", "compose"}

// inStages makes each mail of the month one after the other, in processor time.
func (b *bench) inStages(ctx context.Context) (err error) {
	db, err := b.open(ctx, "stages.db")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	composer, err := newComposer(b.c, db, b.logger(b.c.Log))
	if err != nil {
		return err
	}
	spent := map[string]time.Duration{}
	composer.Watch = daemon.Watch{Now: processorClock, Stage: func(name string, took time.Duration) { spent[name] += took }}
	composer.Brands[""].Renderer.Watch = func(part string) func() {
		began := processorClock()
		return func() { spent["render-"+part] += processorClock().Sub(began) }
	}
	if err := b.plan(ctx, db); err != nil {
		return err
	}
	deliveries, err := db.ledger.Deliveries(ctx, store.Filter{Period: benchPeriod})
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		d.DatedAt = time.Now()
		if _, err := composer.Compose(ctx, d); err != nil {
			return err
		}
	}
	spent["render-html"] = spent["render"] - spent["render-pdf"] - spent["render-charts"]
	for _, name := range benchStages {
		took := usage{wall: spent[name], cpu: spent[name]}
		if err := b.print("stage="+name, b.o.contracts, took, []metric{{took.cpuMS() / float64(b.o.contracts), "cpu-ms/report"}}); err != nil {
			return err
		}
	}
	return nil
}

// print writes one line as benchstat reads it: name-GOMAXPROCS, count, then values with their units.
func (b *bench) print(name string, n int, took usage, metrics []metric) error {
	line := fmt.Sprintf("BenchmarkGeppo/%s-%d\t%8d\t%12.0f ns/op", name, runtime.GOMAXPROCS(0), n, float64(took.wall.Nanoseconds())/float64(n))
	for _, m := range metrics {
		line += fmt.Sprintf("\t%10.4g %s", m.value, m.unit)
	}
	_, err := fmt.Fprintln(b.stdout, line)
	return err
}
