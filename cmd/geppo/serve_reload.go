package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
	geppod "geppo/cmd/internal/daemon"
)

// onHangUp reads the configuration anew at each SIGHUP; a faulty one changes nothing.
func (s *service) onHangUp(ctx context.Context, hangUps <-chan os.Signal, reload chan<- geppod.Settings) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUps:
		}
		s.notify(daemon.SdNotifyReloading + "\nMONOTONIC_USEC=" + monotonic())
		c, settings, reception, err := s.reloaded()
		if err == nil {
			err = s.receive(reception)
		}
		if err != nil {
			s.log.Error("the new configuration is faulty; the old one stays in force", "error", err)
		} else {
			select {
			case reload <- settings:
				s.inForce(c, settings)
			case <-ctx.Done():
				return
			}
		}
		s.notify(daemon.SdNotifyReady)
	}
}

func (s *service) reloaded() (c config.Config, settings geppod.Settings, r reception, err error) {
	if c, err = s.app.config(); err != nil {
		return c, settings, r, err
	}
	if err = sameFile(s.started, c); err != nil {
		return c, settings, r, err
	}
	if settings, err = s.settings(c); err != nil {
		return c, settings, r, err
	}
	r, err = s.reception(c.HTTP)
	return c, settings, r, err
}

// sameFile refuses what is found instead of the file that geppo was started with: while that is being saved or deployed
// anew it is not there for a moment, and the defaults would send the month by another relay, under another name.
func sameFile(started, now config.Config) error {
	if started.File == "" || now.File == started.File {
		return nil
	}
	return fmt.Errorf("configuration: %s, with which geppo was started, is not there; put it back, or restart geppo without it", started.File)
}

// inForce says what a reload has changed, and what it could not.
func (s *service) inForce(c config.Config, settings geppod.Settings) {
	level := &s.app.logLevel
	level.Set(min(level.Level(), logLevel(c.Log))) // neither level keeps this from being seen
	defer level.Set(logLevel(c.Log))
	s.log.Info("configuration and templates reloaded", "next_fire", settings.Scheduler.Next())
	for _, key := range needRestart(s.started, c) {
		s.log.Warn("a changed key takes effect only after a restart", "key", key)
	}
}

// needRestart lists the keys that are read once, at the start, and that differ by now.
func needRestart(started, now config.Config) (keys []string) {
	for _, k := range []struct{ key, started, now string }{
		{"store.dsn", started.Ledger(), now.Ledger()},
		{"store.detections", started.Detections(), now.Detections()},
		{"http.listen", started.HTTP.Listen, now.HTTP.Listen},
		{"http.tls_cert_file", isSet(started.HTTP.TLSCertFile), isSet(now.HTTP.TLSCertFile)}, // another one does not
		{"log.format", started.Log.Format, now.Log.Format},
	} {
		if k.started != k.now {
			keys = append(keys, k.key)
		}
	}
	return keys
}

func isSet(value string) string { return strconv.FormatBool(value != "") }

// monotonic is the time that systemd wants with RELOADING=1, in microseconds.
func monotonic() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "0"
	}
	return strconv.FormatInt(now.Nano()/1000, 10)
}
