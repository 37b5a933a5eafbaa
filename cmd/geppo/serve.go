package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
	geppod "geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

func (a *app) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: plan by the schedule, send, answer health and metrics",
		Long: `Plans the previous month when the schedule fires, sends what is due, and tells systemd and HTTP how it is. Stops cleanly
on SIGTERM: what is being handed over is finished first; a second SIGTERM ends it at once. SIGHUP reads configuration
and templates anew, and keeps the old ones if the new are faulty.`,
		Example: "  geppo serve\n  geppo -c /etc/geppo/geppo.toml serve",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.withDatabases(sqlstore.Upgrade, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		return a.serve(ctx, c, db)
	})
	return cmd
}

// service is a running daemon with what a reload builds anew.
type service struct {
	app     *app
	db      *databases
	post    *geppod.Post
	daemon  *geppod.Daemon
	metrics *geppod.Metrics
	log     *slog.Logger
	console *console.Pages
	started config.Config // what cannot be reloaded is in force as it was then

	certificate atomic.Pointer[tls.Certificate] // of the console, where it has one
}

func (a *app) serve(ctx context.Context, c config.Config, db *databases) (err error) {
	// From here on: before this a SIGHUP would end the process.
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	log := a.logger(c.Log)
	post, err := geppod.TakePost(ctx, db.ledger, a.worker(c), log)
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w; stop it, or give this one a ledger of its own with --db", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, post.Leave(ctx)) }()
	s := &service{app: a, db: db, post: post, log: log, started: c}
	s.daemon = &geppod.Daemon{Ledger: db.ledger, Log: s.log, Now: time.Now}
	s.metrics = geppod.NewMetrics(s.daemon, version, commit())
	settings, err := s.settings(c)
	if err != nil {
		return err
	}
	s.daemon.Relay = geppod.NewRelay(s.log, time.Now, s.login(settings.Dispatcher.Client))
	http, listener, err := s.http(ctx, c, settings)
	if err != nil {
		return err
	}
	if err := settings.Dispatcher.Recover(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	reload := make(chan geppod.Settings)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return http.Serve(ctx, listener) })
	group.Go(func() error { return s.daemon.Serve(ctx, settings, reload) })
	group.Go(func() error {
		s.onHangUp(ctx, hangUps, reload)
		return nil
	})
	group.Go(func() error { return s.feedWatchdog(ctx) })
	group.Go(func() error {
		s.lastFollowUps(ctx, settings.Dispatcher.Composer)
		return nil
	})
	s.log.Info("geppo serves", "version", version, "ledger", sqlstore.Shown(c.Ledger()), "http", listener.Addr().String(), "next_fire", settings.Scheduler.Next())
	s.notify(daemon.SdNotifyReady)
	group.Go(func() error {
		<-ctx.Done()
		s.log.Info("geppo stops: what is being handed over is finished first", "within", finishWithin.String())
		s.notify(daemon.SdNotifyStopping)
		return nil
	})
	err = group.Wait()
	s.log.Info("geppo stopped")
	return err
}

// settings builds everything that depends on the configuration.
func (s *service) settings(c config.Config) (geppod.Settings, error) {
	if err := c.Sending(); err != nil {
		return geppod.Settings{}, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return geppod.Settings{}, err
	}
	schedule, err := geppod.NewSchedule(c.Schedule.Monthly, zone, c.Schedule.ClosedDays()...)
	if err != nil {
		return geppod.Settings{}, err
	}
	sender, err := s.app.newSender(c, s.db)
	if err != nil {
		return geppod.Settings{}, err
	}
	s.post.Man(sender)
	sender.Watch, sender.Composer.Watch = s.metrics.Watch(), s.metrics.Watch()
	operators, err := s.app.operators(c, sender)
	if err != nil {
		return geppod.Settings{}, err
	}
	return geppod.Settings{
		Dispatcher: sender,
		Scheduler: &geppod.Scheduler{
			Schedule: schedule, Zone: zone, Planner: newPlanner(c, s.db), CatchUp: c.Schedule.CatchUp.Duration,
			Clock: newClock(c, s.db, s.log), Spread: c.Schedule.Spread.Duration,
			Operators: &operators, Log: s.log,
		},
		Summary:   s.summary(operators),
		Operators: &operators,
		Maildir:   s.maildir(c),
		Inbox:     s.inbox(c, &operators, zone),
		Probe:     c.Retry.Max.Duration,
		Patience:  c.SMTP.DotTimeout.Duration + 2*c.SMTP.Timeout.Duration + 5*time.Minute,
	}, nil
}

// inbox is the folder whose files are imported, if any.
func (s *service) inbox(c config.Config, operators *geppod.Operators, zone *time.Location) *geppod.Inbox {
	if c.Inbox.Dir == "" {
		return nil
	}
	return &geppod.Inbox{
		Dir: c.Inbox.Dir, Settle: c.Inbox.Settle.Duration, Detections: s.db.detections, Reading: configuredReading(c), Zone: zone,
		Log: s.log, Now: time.Now, Crash: s.app.crash,
		Silence: func(ctx context.Context, feeds []geppod.Silent) error {
			return operators.AlertSilence(ctx, feeds, zone)
		},
	}
}

// maildir is where notifications are delivered to, if anywhere.
func (s *service) maildir(c config.Config) *geppod.Maildir {
	if c.Bounce.Maildir == "" {
		return nil
	}
	return &geppod.Maildir{Dir: c.Bounce.Maildir, Bounces: geppod.Bounces{Ledger: s.db.ledger, Log: s.log, Now: time.Now}}
}

// feedWatchdog tells systemd that the daemon lives, as long as its loops show progress.
func (s *service) feedWatchdog(ctx context.Context) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return err
	}
	ticker := time.NewTicker(interval / 3)
	defer ticker.Stop()
	for {
		if s.daemon.Alive() {
			s.notify(daemon.SdNotifyWatchdog)
		} else {
			s.log.Error("no progress: the watchdog is not fed")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// notify tells systemd; without it there is nobody to tell.
func (s *service) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd could not be told", "error", err)
	}
}
