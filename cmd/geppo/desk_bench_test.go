package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"geppo/aggregate"
	"geppo/cmd/internal/config"
	"geppo/store"
	"geppo/store/sqlstore"
	"geppo/store/sqlstore/provider"
)

// peakVariable names the file that a geppo of the tests writes its peak of memory to. The kernel's own answer to who
// waits for a process is never below what its parent had.
const peakVariable = "PEAK_TO"

// benchToken is an operator's.
const benchToken = "0123456789abcdef0123456789abcdef"

// deskBench is a provider's databases, and the directory where they are.
type deskBench struct {
	dir      string
	size     provider.Size
	contract string // one in the middle
	period   string // the newest
	peak     string // file
}

// BenchmarkDesk runs the commands of an operator, each as a process of its own, on 13 months of a provider's databases,
// and asks for the pages of the console. What is measured is the time, the processor time and the peak of memory. The
// databases of the requirement are those of
//
//	GEPPO_BENCH_CONTRACTS=100000 GEPPO_BENCH_DIR=/var/tmp/desk go test -run '^$' -bench Desk -benchtime 3x ./cmd/geppo
//
// and are kept for the next time, if the directory has a name; what actions add to them is little.
func BenchmarkDesk(b *testing.B) {
	d := newDeskBench(b)
	next := d.size.Newest
	next = store.PeriodOf(time.Date(next.Year, next.Month+1, 15, 0, 0, 0, 0, time.UTC), time.UTC)
	for _, c := range []struct {
		name   string
		args   []string
		undone []string // by this, which is not measured
	}{
		{"status", []string{"status"}, nil},
		{"status-month", []string{"status", "--period", d.period}, nil},
		{"status-json", []string{"status", "--period", d.period, "--json"}, nil},
		{"status-all-json", []string{"status", "--json"}, nil},
		{"status-search", []string{"status", "--search", "kanri50@"}, nil},
		{"followups", []string{"followups", "--period", d.period}, nil},
		{"followups-json", []string{"followups", "--period", d.period, "--json"}, nil},
		{"contracts", []string{"contracts"}, nil},
		{"contracts-json", []string{"contracts", "--json"}, nil},
		{"contracts-no-address", []string{"contracts", "--no-address"}, nil},
		{"contracts-search-company", []string{"contracts", "--search", "サンプル77"}, nil},
		{"contracts-search-address", []string{"contracts", "--search", "kanri77@"}, nil},
		{"stale", []string{"stale", "--period", d.period}, nil},
		{"check", []string{"check", "--no-smtp"}, nil},
		{"check-integrity", []string{"check", "--no-smtp", "--integrity"}, nil},
		{"resend-one", []string{"resend", "--period", d.period, "--contract", d.contract, "--queue"}, nil},
		{"show", []string{"show", "17"}, nil},
		{"log", []string{"log"}, nil},
		{"cancel", []string{"cancel", "--period", d.period, "--yes"}, []string{"release", "--period", d.period, "--yes"}},
		{"dry-run", []string{"run", "--period", next.String(), "--force", "--dry-run"}, nil},
	} {
		b.Run(c.name, func(b *testing.B) { d.measure(b, c.args, c.undone) })
	}
	b.Run("release", func(b *testing.B) {
		d.run(b, "cancel", "--period", d.period, "--yes")
		d.measure(b, []string{"release", "--period", d.period, "--yes"}, []string{"cancel", "--period", d.period, "--yes"})
		d.run(b, "release", "--period", d.period, "--yes")
	})
	b.Run("plan", d.plan)
	b.Run("console", d.console)
}

// measure runs a command again and again.
func (d *deskBench) measure(b *testing.B, args, undo []string) {
	var took, peak float64
	for b.Loop() {
		cpu, mb := d.run(b, args...)
		took, peak = took+cpu, max(peak, mb)
		if undo != nil {
			b.StopTimer()
			d.run(b, undo...)
			b.StartTimer()
		}
	}
	b.ReportMetric(took/float64(b.N), "cpu-ms/op")
	b.ReportMetric(peak, "peak-MB")
}

// plan plans a month of all contracts in a ledger of its own, which is paused.
func (d *deskBench) plan(b *testing.B) {
	var took, peak float64
	for b.Loop() {
		b.StopTimer()
		ledger := filepath.Join(b.TempDir(), "plan.db")
		env := []string{"GEPPO_STORE_DSN=sqlite:" + ledger, "GEPPO_STORE_DETECTIONS=sqlite:" + filepath.Join(d.dir, "geppo-detections.db")}
		d.runWith(b, env, "init")
		d.runWith(b, env, "pause")
		b.StartTimer()
		cpu, mb := d.runWith(b, env, "run", "--period", d.period)
		took, peak = took+cpu, max(peak, mb)
	}
	b.ReportMetric(took/float64(b.N), "cpu-ms/op")
	b.ReportMetric(peak, "peak-MB")
}

func (d *deskBench) run(b *testing.B, args ...string) (cpuMS, peakMB float64) {
	b.Helper()
	return d.runWith(b, nil, args...)
}

// runWith runs one command to its end. That something is left to do, or is warned of, is no failure.
func (d *deskBench) runWith(b *testing.B, env []string, args ...string) (cpuMS, peakMB float64) {
	b.Helper()
	cmd := d.command(b.Context(), env, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() == exitUsage || exit.ExitCode() == exitUnavailable || exit.ExitCode() == -1) {
		b.Fatalf("%v: %v: %s", args, err, stderr.String())
	}
	peak, err := os.ReadFile(d.peak)
	if err != nil {
		b.Fatal(err)
	}
	peakMB, err = strconv.ParseFloat(string(peak), 64)
	if err != nil {
		b.Fatal(err)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return float64(used.Microseconds()) / 1000, peakMB
}

func (d *deskBench) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "geppo", args...)
	cmd.Dir = d.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "GEPPO_LOG_LEVEL=error", "GEPPO_HTTP_LISTEN=unix:" + filepath.Join(d.dir, "http"), "GEPPO_HTTP_TOKEN_FILE=token", peakVariable + "=" + d.peak,
	}, env...)
	return cmd
}

// console asks for each page of the daemon's.
func (d *deskBench) console(b *testing.B) {
	serve := d.command(b.Context(), nil, "serve")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(b.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		b.Fatal(err)
	}
	serve.Env = append(serve.Env, "NOTIFY_SOCKET="+notify.LocalAddr().String())
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := errors.Join(serve.Process.Signal(syscall.SIGTERM), serve.Wait(), notify.Close()); err != nil {
			b.Error(err)
		}
	}()
	if _, err := notify.Read(make([]byte, 4096)); err != nil { // the first that it says is that it is ready
		b.Fatal(err)
	}
	var dialer net.Dialer
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", filepath.Join(d.dir, "http"))
		}},
	}
	mail := fmt.Sprint("/deliveries/", (d.size.Months-1)*d.size.Deliveries()+17)
	for _, path := range []string{
		"/", "/search?q=kanri77%40", "/search?q=サンプル77", "/search?q=nobody", "/search?q=eigyo000077", "/contracts/" + d.contract,
		"/contracts/" + d.contract + "/preview?period=" + d.period,
		"/deliveries?state=queued&period=" + d.period, "/deliveries?state=sent&period=" + d.period, "/deliveries?state=held&period=" + d.period,
		mail, mail + "/mail/html", "/followups?period=" + d.period, "/followups?all=1&period=" + d.period, "/followups.csv?period=" + d.period,
		"/imports", "/stale?period=" + d.period, "/log",
		"/act?action=cancel&period=" + d.period, "/act?action=resend&failed=1&period=" + d.period, "/act?action=release&period=" + d.period,
		"/act?action=retry&period=" + d.period, "/act?action=approve&period=" + d.period, "/act?action=ack&failed=1&period=" + d.period,
		"/act?action=resend&contract=" + d.contract + "&period=" + d.period, "/metrics", "/readyz",
	} {
		b.Run(strings.ReplaceAll(path, "/", "|"), func(b *testing.B) {
			for b.Loop() {
				d.get(b, client, path)
			}
		})
	}
	b.ReportMetric(0, "ns/op")
}

func (d *deskBench) get(b *testing.B, client *http.Client, path string) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+benchToken)
	answer, err := client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		b.Fatal(err)
	}
	if answer.StatusCode >= http.StatusBadRequest && answer.StatusCode != http.StatusServiceUnavailable {
		b.Fatalf("%s: %s", path, answer.Status)
	}
}

// newDeskBench makes the databases, unless they are there.
func newDeskBench(b *testing.B) *deskBench {
	b.Helper()
	d := &deskBench{dir: os.Getenv("GEPPO_BENCH_DIR"), size: provider.Size{Contracts: 200, Newest: benchPeriod, Months: 13}}
	if d.dir == "" {
		d.dir = b.TempDir()
	}
	if s := os.Getenv("GEPPO_BENCH_CONTRACTS"); s != "" {
		var err error
		if d.size.Contracts, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	d.contract, d.period, d.peak = provider.Contract(d.size.Contracts/2), d.size.Newest.String(), filepath.Join(b.TempDir(), "peak")
	if err := errors.Join(writeFile(d.dir, "geppo.toml", nil), writeFile(d.dir, "token", []byte(benchToken))); err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "geppo.db")); err == nil {
		return d
	}
	if err := d.fill(b); err != nil {
		b.Fatal(err)
	}
	return d
}

// fill makes the databases. The reports are those that the composer makes of one contract, with the names of the others:
// to compute them all would take an hour.
func (d *deskBench) fill(b *testing.B) (err error) {
	ctx, c := b.Context(), config.Default()
	c.Store.DSN, c.Store.Detections = "sqlite:"+filepath.Join(d.dir, "geppo.db"), "sqlite:"+filepath.Join(d.dir, "geppo-detections.db")
	db, err := openDatabases(ctx, c, sqlstore.Migrate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := d.size.Detections(ctx, c.Detections()); err != nil {
		return err
	}
	composer, err := newComposer(c, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	known := map[store.Period][]byte{}
	var history []aggregate.MonthTotals
	return d.size.Ledger(ctx, c.Ledger(), func(contract string, p store.Period) ([]byte, error) {
		if known[p] == nil {
			report, err := composer.Fresh(ctx, provider.Contract(0), p, 1)
			if err != nil {
				return nil, err
			}
			history = append(history[max(0, len(history)-aggregate.HistoryMonths+1):], report.Totals())
			report.History = history
			if known[p], err = json.Marshal(report); err != nil {
				return nil, err
			}
		}
		return bytes.ReplaceAll(known[p], []byte(provider.Contract(0)[1:]), []byte(contract[1:])), nil
	})
}
