package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

type checkOptions struct {
	noSMTP, quick, integrity, json bool
}

// The levels of a finding. A warning is worth a look and no reason to stop.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelFault   = "fault"
)

// finding is one line of geppo check.
type finding struct {
	Check   string `json:"check"`
	Level   string `json:"level"`
	Message string `json:"message"`
	code    int    // the exit code that a fault asks for
}

type checkedJSON struct {
	OK       bool        `json:"ok"`
	Findings []finding   `json:"findings"`
	Fires    []time.Time `json:"fires"`
}

// checker collects findings; no fault keeps it from looking for the next.
type checker struct {
	app      *app
	options  checkOptions
	findings []finding
	fires    []time.Time
	told     map[string]bool // what is said once for both databases
}

func (a *app) checkCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for faults before they cost a month",
		Long: `Looks at the configuration and every file that it names, the databases, the templates, the schedule with its next five
fires, contracts that nobody can be written to, and logs in to the relay. It sends nothing and changes nothing. Each fault
is one line that says what to do. Databases of more than 128 MB are read through with --integrity only, which takes a
second for each 100 MB.

Exit codes: 0 all well; 2 faults of the configuration; 69 a database or the relay cannot be reached; 1 other faults.`,
		Example: "  geppo check\n  geppo check --no-smtp --json",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.check(cmd.Context(), o)
		}),
	}
	cmd.Flags().BoolVar(&o.noSMTP, "no-smtp", false, "do not log in to the relay, nor ask the provider of [http.oidc]")
	cmd.Flags().BoolVar(&o.integrity, "integrity", false, "read the databases through, however large they are")
	cmd.Flags().BoolVar(&o.quick, "quick", false, "leave out whether the databases' indexes agree with their tables")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (a *app) check(ctx context.Context, o checkOptions) error {
	check := &checker{app: a, options: o, findings: []finding{}, fires: []time.Time{}, told: map[string]bool{}}
	c, err := a.config()
	faulty := new(config.Error)
	if errors.As(err, &faulty) {
		check.misconfigured("configuration", err)
	}
	if !faulty.Unreadable {
		check.configured(ctx, c, faulty)
	}
	return check.conclude()
}

// configured looks at what the configuration names, but for what a faulty key already told stands for.
func (k *checker) configured(ctx context.Context, c config.Config, faulty *config.Error) {
	if len(faulty.Faults) == 0 {
		k.ok("configuration", "every key can be used (%s)", cmp.Or(c.File, "no file: defaults"))
	}
	for _, overridden := range c.Overridden {
		k.warn("environment", "%s; unset it, or leave the key out of the file", overridden)
	}
	k.brands(c)
	client := k.sending(c, faulty)
	k.files(ctx, c)
	var next store.Period
	if !faulty.Concerns("timezone", "schedule.monthly") {
		next = k.schedule(c)
	}
	if !faulty.Concerns("store") {
		k.databases(ctx, c, next)
	}
	if !k.options.noSMTP && !faulty.Concerns("smtp") && client != nil {
		k.relay(ctx, c, client)
	}
}

func (k *checker) ok(check, format string, args ...any) {
	k.findings = append(k.findings, finding{check, levelOK, fmt.Sprintf(format, args...), exitDone})
}

func (k *checker) warn(check, format string, args ...any) {
	k.findings = append(k.findings, finding{check, levelWarning, fmt.Sprintf(format, args...), exitDone})
}

func (k *checker) fault(check string, code int, format string, args ...any) {
	k.findings = append(k.findings, finding{check, levelFault, fmt.Sprintf(format, args...), code})
}

// tell is fault, but for what was told before.
func (k *checker) tell(check string, code int, format string, args ...any) {
	if message := fmt.Sprintf(format, args...); !k.told[message] {
		k.told[message] = true
		k.fault(check, code, "%s", message)
	}
}

// misconfigured tells each fault of the configuration on its own line.
func (k *checker) misconfigured(check string, err error) {
	var faulty *config.Error
	if !errors.As(err, &faulty) {
		faulty = config.Faulty("", "%v", err)
	}
	for _, fault := range faulty.Faults {
		k.fault(check, exitUsage, "%s", fault)
	}
}

// schedule lists the next five fires, and gives the period that the first of them plans.
func (k *checker) schedule(c config.Config) (next store.Period) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		k.fault("schedule", exitUsage, "timezone: %v; set an IANA name such as Asia/Tokyo", err)
		return next
	}
	at := time.Now().In(zone)
	next = store.PeriodOf(at, zone).Previous()
	schedule, err := daemon.NewSchedule(c.Schedule.Monthly, zone, c.Schedule.ClosedDays()...)
	if err != nil {
		k.fault("schedule", exitUsage, "schedule.monthly: %v", err)
		return next
	}
	var told []string
	for range 5 {
		if at = schedule.Next(at); at.IsZero() {
			break
		}
		k.fires = append(k.fires, at)
		told = append(told, at.Format("Mon 2006-01-02 15:04 MST"))
	}
	next = store.PeriodOf(k.fires[0], zone).Previous() // NewSchedule refuses lines that never fire
	k.ok("schedule", "fires on %s", strings.Join(told, ", "))
	return next
}

func (k *checker) databases(ctx context.Context, c config.Config, next store.Period) {
	ledger := k.ledger(ctx, c)
	if ledger != nil {
		defer k.closed("ledger", ledger.Close)
	}
	if !sqlstore.OnPostgres(c.Detections()) && !k.writable(c.Detections()) {
		return
	}
	detections, err := sqlstore.OpenDetections(ctx, c.Detections(), sqlstore.Existing)
	if err != nil {
		k.fault("database", exitUnavailable, "%v", err)
		return
	}
	defer k.closed("detections", detections.Close)
	if !sqlstore.OnPostgres(c.Detections()) {
		k.sound(ctx, "detections", c.Detections(), detections.Faults)
	}
	k.results(ctx, detections)
	k.imports(ctx, detections, time.Now())
	if ledger != nil {
		k.clock(ctx, newClock(c, &databases{ledger, detections}, slog.New(slog.DiscardHandler)))
	}
	if ledger != nil && next != (store.Period{}) {
		k.addresses(ctx, newPlanner(c, &databases{ledger, detections}), next)
	}
}

// ledger gives the open ledger, nil if it cannot be opened.
func (k *checker) ledger(ctx context.Context, c config.Config) *sqlstore.Ledger {
	if !sqlstore.OnPostgres(c.Ledger()) && !k.writable(c.Ledger()) {
		return nil
	}
	ledger, err := sqlstore.OpenLedger(ctx, c.Ledger(), sqlstore.Existing)
	if err != nil {
		k.fault("database", exitUnavailable, "%v", err)
		return nil
	}
	if sqlstore.OnPostgres(c.Ledger()) {
		k.server(ctx, ledger)
	} else {
		k.sound(ctx, "ledger", c.Ledger(), ledger.Faults)
	}
	k.paused(ctx, ledger)
	k.openFires(ctx, ledger)
	return ledger
}

func (k *checker) closed(name string, closing func() error) {
	if err := closing(); err != nil {
		k.fault("database", exitError, "close the %s: %v; see whether the disk is full", name, err)
	}
}

// readThrough is up to what size a database is read through without being asked for.
const readThrough = 128 << 20

func (k *checker) sound(ctx context.Context, kind, path string, look func(context.Context, bool) ([]string, error)) {
	name := kind + " " + path
	if info, err := os.Stat(path); err == nil && info.Size() > readThrough && !k.options.integrity {
		k.ok("database", "%s opens; its %d MB were not read through, geppo check --integrity does that", name, info.Size()>>20)
		return
	}
	faults, err := look(ctx, k.options.quick)
	if err != nil {
		k.fault("database", exitError, "%s: %v; restore a backup (geppo help restoring)", name, err)
		return
	}
	for _, fault := range faults {
		k.fault("database", exitError, "%s: %s; restore a backup (geppo help restoring)", name, fault)
	}
	if len(faults) == 0 {
		k.ok("database", "%s is sound", name)
	}
}

// server finds what PostgreSQL does wrong quietly. Whether its files are sound its own tool tells.
func (k *checker) server(ctx context.Context, ledger *sqlstore.Ledger) {
	server, err := ledger.Server(ctx)
	if err != nil {
		k.fault("database", exitError, "%v; see its log", err)
		return
	}
	for _, fault := range server.Faults {
		k.fault("database", exitError, "%s", fault)
	}
	for _, warning := range server.Warnings {
		k.warn("database", "%s", warning)
	}
	if k.options.integrity {
		k.fault("database", exitUsage, "--integrity reads SQLite's files; PostgreSQL's are read through by pg_amcheck --install-missing --heapallindexed, by its superuser")
	}
	if len(server.Faults) == 0 {
		k.ok("database", "PostgreSQL %s keeps what it is told; pg_amcheck tells whether its files are sound", server.Version)
	}
}

func (k *checker) paused(ctx context.Context, ledger *sqlstore.Ledger) {
	pauses, err := ledger.Pauses(ctx)
	if err != nil {
		k.fault("queue", exitError, "%v; restore a backup (geppo help restoring)", err)
	}
	for _, p := range pauses {
		k.warn("queue", "paused since %s by %s (%s): %s; geppo resume lets it go on", clockTime(p.StartedAt), p.By, p.Cause, p.Reason)
	}
}

// results lists what the feed calls by a name that no report knows.
func (k *checker) results(ctx context.Context, detections *sqlstore.Detections) {
	unknown, err := detections.UnknownResults(ctx)
	if err != nil {
		k.fault("results", exitError, "%v; restore a backup (geppo help restoring)", err)
		return
	}
	for _, u := range unknown {
		k.warn("results", "the result %q of %s is unknown and is counted as その他 (others); map it by [import.results], or in the rows of your own", u.Result, u.Feature)
	}
}

// addresses finds the contracts that the next run could not write to.
func (k *checker) addresses(ctx context.Context, planner daemon.Planner, next store.Period) {
	total := 0
	err := planner.Preview(ctx, daemon.Request{Kind: "run", Period: next, Force: true}, func(c store.Chosen) error {
		if c.Error != "" {
			k.fault("addresses", exitError, "contract %s: %s", c.Contract, c.Error)
		}
		total += len(c.Targets)
		return nil
	})
	if err != nil {
		k.fault("addresses", exitError, "%v", err)
		return
	}
	k.ok("addresses", "%s will be sent to %d addresses", next, total)
}

// relay logs in and out again.
func (k *checker) relay(ctx context.Context, c config.Config, client *mailer.Client) {
	conn, err := client.Connect(ctx)
	if err != nil {
		k.fault("relay", exitUnavailable, "%s port %d: %v; %s", c.SMTP.Host, c.SMTP.Port, err, relayAdvice(err))
		return
	}
	if err := conn.Close(); err != nil {
		k.warn("relay", "%s port %d took the login, but not the farewell: %v; see its log", c.SMTP.Host, c.SMTP.Port, err)
		return
	}
	k.ok("relay", "%s port %d takes our login", c.SMTP.Host, c.SMTP.Port)
}

// relayAdvice says where to look, by the stage that was reached.
func relayAdvice(err error) string {
	var failure *mailer.Error
	if !errors.As(err, &failure) {
		return "see smtp.host and smtp.port"
	}
	switch failure.Stage {
	case mailer.StageTLS:
		return "see smtp.tls, and smtp.ca_file for a certificate of your own"
	case mailer.StageAuth:
		return "see smtp.username, smtp.password_file and smtp.auth"
	default:
		return "see smtp.host and smtp.port, and whether a firewall lets geppo out"
	}
}

// conclude prints the findings; the worst fault gives the exit code.
func (k *checker) conclude() error {
	faults := slices.DeleteFunc(slices.Clone(k.findings), func(f finding) bool { return f.Level != levelFault })
	if err := k.print(len(faults) == 0); err != nil || len(faults) == 0 {
		return err
	}
	code := exitError
	for _, worse := range []int{exitUnavailable, exitUsage} {
		if slices.ContainsFunc(faults, func(f finding) bool { return f.code == worse }) {
			code = worse
		}
	}
	if len(faults) == 1 {
		return exitWith(code, "1 fault found; mend it and check again")
	}
	return exitWith(code, "%d faults found; mend them and check again", len(faults))
}

func (k *checker) print(ok bool) error {
	if k.options.json {
		return writeJSON(k.app.stdout, checkedJSON{ok, k.findings, k.fires})
	}
	out, width := bufio.NewWriter(k.app.stdout), terminalWidth(k.app.stdout)
	for _, f := range k.findings {
		if err := labelled(out, 23, fmt.Sprintf("%-8s %s", f.Level, f.Check), printable(f.Message), width); err != nil {
			return err
		}
	}
	return out.Flush()
}
