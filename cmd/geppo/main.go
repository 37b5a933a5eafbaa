// Command geppo sends every contract its monthly security report by mail.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/notify"
	"geppo/store/ingest"
)

// softMemory is the heap above which the garbage collector works harder, instead of letting it grow to
// twice of what is in use: a report of 200,000 endpoints stays within 250 MB of the whole process. An
// ordinary month never reaches it.
const softMemory = 160 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, stop := context.WithCancel(context.Background())
	signalled, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	// The first signal asks geppo to stop; before anything does, a second one would end it at once.
	context.AfterFunc(signalled, func() {
		restore()
		stop()
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes, as geppo help operating tells them.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitData        = 65
	exitUnavailable = 69
	exitPending     = 75
	exitIncomplete  = 76
)

// codedError is a failure with an exit code of its own.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func exitWith(code int, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

// run is the whole program: main calls it, and so do the tests.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
	return a.execute(ctx, args)
}

func (a *app) execute(ctx context.Context, args []string) int {
	stdout, stderr := &clean{w: a.stdout}, &clean{w: a.stderr}
	a.stdout, a.stderr = stdout, stderr
	code := a.obey(ctx, args)
	a.closePost()
	if err := errors.Join(stdout.Flush(), stderr.Flush()); err != nil && code == exitDone {
		return exitError
	}
	return code
}

func (a *app) obey(ctx context.Context, args []string) int {
	root := a.command()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var coded *codedError
	if ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.As(err, &coded) {
		err = exitWith(a.exitCode(err), "stopped before it was done; start it again")
	}
	if toJournal(a.stderr, a.environ) {
		fmt.Fprint(a.stderr, "<3>")
	}
	fmt.Fprintf(a.stderr, "geppo: %s\n", printable(strings.ReplaceAll(err.Error(), "\n", "; ")))
	return a.exitCode(err)
}

func (a *app) exitCode(err error) int {
	var coded *codedError
	var configuration *config.Error
	var refusal *daemon.Refusal
	var row *ingest.RowError
	var bad desk.BadRows
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &configuration), errors.As(err, &refusal) && refusal.Misuse, !a.started:
		return exitUsage
	case errors.As(err, &row), errors.As(err, &bad):
		return exitData
	}
	return exitError
}

// app is what the commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	configFile     string
	dsn            string
	crash          daemon.Crash  // set by tests only
	grace          time.Duration // likewise; 0: what the relay may take
	started        bool          // past the parsing of flags and arguments
	log            *slog.Logger  // nil: not made yet
	post           *notify.Post  // nil: nothing is posted yet
	logLevel       slog.LevelVar
	quiet          bool                  // on a terminal that a bar is drawn on, only what goes wrong is logged
	bar            atomic.Pointer[meter] // that lines of the log are written above
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "geppo",
		Short: "Monthly security reports by mail",
		Long: `geppo reads the detections of an endpoint antivirus service, computes each contract's report of a
month, and sends it as a mail with charts and PDFs; every try is recorded in a ledger.

Start with "geppo demo".`,
		SilenceErrors: true, SilenceUsage: true,
		Version: version,
	}
	root.SetVersionTemplate("geppo {{.Version}}\n")
	root.PersistentFlags().StringVarP(&a.configFile, "config", "c", "", "configuration `FILE` (default geppo.toml, then /etc/geppo/geppo.toml)")
	root.PersistentFlags().StringVar(&a.dsn, "db", "", "ledger as sqlite:`PATH`, the detections beside it, or both as postgres://USER@HOST/DATABASE")
	root.AddCommand(a.demoCommand(), a.initCommand(), a.userCommand(), a.serveCommand(), a.importCommand(), a.convertCommand(), a.sampleCommand(), a.runCommand(), a.previewCommand(),
		a.testSendCommand(), a.resendCommand(), a.statusCommand(), a.showCommand(), a.cancelCommand(), a.releaseCommand(),
		a.approveCommand(), a.retryCommand(), a.ackCommand(), a.staleCommand(), a.logCommand(), a.workersCommand(), a.forgetCommand(), a.moveCommand(),
		a.pauseCommand(), a.resumeCommand(), a.bounceCommand(), a.followupsCommand(), a.contractsCommand(), a.recipientsCommand(), a.versionCommand(),
		a.checkCommand(), a.healthcheckCommand(), a.backupCommand(), a.pruneCommand(), a.benchCommand())
	a.addHelp(root)
	for _, cmd := range append(root.Commands(), root) {
		if !cmd.HasSubCommands() {
			continue
		}
		cmd.Args = commandIsNamed
		if !cmd.Runnable() {
			cmd.RunE = a.commandIsMissing
		}
	}
	a.addCompletion(root)
	advise(root)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) { fitHelp(cmd, func() { help(cmd, args) }) })
	return root
}

// commandIsNamed tells which command was probably meant: what cobra says of it has several lines.
func commandIsNamed(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	advice := fmt.Sprintf("see %s --help", cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		advice = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q for %s; %s", args[0], cmd.CommandPath(), advice)
}

// commandIsMissing helps, and is no success: a script that forgot its command has done nothing.
func (a *app) commandIsMissing(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(a.stderr)
	return errors.Join(cmd.Help(), exitWith(exitUsage, "no command is named"))
}

// do marks the end of flag parsing: an error before it is wrong usage.
func (a *app) do(action func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return action(cmd, args)
	}
}

// config loads the configuration named by flags and environment.
func (a *app) config() (config.Config, error) {
	also := []config.Check{
		{Key: "schedule.monthly", Check: func(c config.Config) error {
			_, err := daemon.NewSchedule(c.Schedule.Monthly, time.UTC, c.Schedule.ClosedDays()...)
			return err
		}},
		{Key: "http.listen", Check: func(c config.Config) error {
			_, _, err := console.Parse(c.HTTP.Listen, c.HTTP.Guarded() && c.HTTP.TLSCertFile != "")
			return err
		}},
		{Key: "http.users", Check: hashesOf},
	}
	return config.Load(config.Source{File: a.configFile, Environ: a.environ, DSN: a.dsn, Also: also})
}
