package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/files"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
	"geppo/templates"
)

// databases are the two that are open.
type databases struct {
	ledger     *sqlstore.Ledger
	detections *sqlstore.Detections
}

func openDatabases(ctx context.Context, c config.Config, mode sqlstore.Mode) (*databases, error) {
	if mode == sqlstore.Migrate && !sqlstore.OnPostgres(c.Ledger()) {
		// A ledger of root's own keeps the daemon's user from sending, and nobody would know why.
		for _, path := range []string{c.Ledger(), c.Detections()} {
			if err := ownerOf(c).Make(path); err != nil {
				return nil, &codedError{exitUnavailable, err}
			}
		}
	}
	ledger, err := sqlstore.OpenLedger(ctx, c.Ledger(), mode)
	if err != nil {
		return nil, &codedError{exitUnavailable, err}
	}
	detections, err := sqlstore.OpenDetections(ctx, c.Detections(), mode)
	if err != nil {
		return nil, &codedError{exitUnavailable, errors.Join(err, ledger.Close())}
	}
	return &databases{ledger, detections}, nil
}

// ownerOf is whom root's files are given to: who has the ledger, or the archive where the ledger is no file.
func ownerOf(c config.Config) files.Owner {
	switch {
	case !sqlstore.OnPostgres(c.Ledger()):
		return files.OwnerOf(c.Ledger())
	case c.Archive.Dir != "":
		return files.OwnerOf(c.Archive.Dir)
	}
	return files.Owner{}
}

func (d *databases) close() error { return errors.Join(d.ledger.Close(), d.detections.Close()) }

// withDatabases is the frame of every command that reads or writes them.
func (a *app) withDatabases(mode sqlstore.Mode, action func(ctx context.Context, c config.Config, db *databases, args []string) error) func(*cobra.Command, []string) error {
	return a.do(func(cmd *cobra.Command, args []string) (err error) {
		c, err := a.config()
		if err != nil {
			return err
		}
		db, err := openDatabases(cmd.Context(), c, mode)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.close()) }()
		return action(cmd.Context(), c, db, args)
	})
}

// templateFiles are the operator's where there is such a file, else our own: what operators are told by.
func templateFiles(c config.Config) fs.FS {
	if c.Report.TemplatesDir == "" {
		return templates.FS
	}
	return overlay{os.DirFS(c.Report.TemplatesDir), templates.FS}
}

// overlay looks for a file in top first.
type overlay struct{ top, base fs.FS }

func (o overlay) Open(name string) (fs.File, error) {
	file, err := o.top.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.base.Open(name)
	}
	return file, err
}

func newComposer(c config.Config, db *databases, log *slog.Logger) (*daemon.Composer, error) {
	dkim, smime, err := signers(c)
	if err != nil {
		return nil, err
	}
	brands, err := newBrands(c, dkim, smime)
	if err != nil {
		return nil, &codedError{exitUsage, err}
	}
	return &daemon.Composer{
		Detections: db.detections, Ledger: db.ledger, Brands: brands, Bounce: c.Mail.Bounce, VERP: c.Mail.VERP,
		MaxSize: int64(c.SMTP.MaxSize), Archive: daemon.Archive{Dir: c.Archive.Dir, Owner: ownerOf(c)}, Log: log, Now: time.Now,
	}, nil
}

// signers reads the keys that messages are signed with; nil where none is configured. Its error has every fault.
func signers(c config.Config) (dkim *mailer.DKIM, smime *mailer.SMIME, err error) {
	faulty := &config.Error{}
	if c.Mail.DKIMKeyFile != "" {
		key, err := files.Read(c.Mail.DKIMKeyFile, config.MostBytes)
		if err == nil {
			dkim, err = mailer.LoadDKIM(c.Mail.DKIMDomain, c.Mail.DKIMSelector, key)
		}
		faulty.Add("mail.dkim_key_file", err)
	}
	if c.Mail.SMIMECertFile != "" {
		certificates, err := files.Read(c.Mail.SMIMECertFile, config.MostBytes)
		faulty.Add("mail.smime_cert_file", err)
		key, keyErr := files.Read(c.Mail.SMIMEKeyFile, config.MostBytes)
		faulty.Add("mail.smime_key_file", keyErr)
		if err == nil && keyErr == nil {
			smime, err = mailer.LoadSMIME(c.Mail.FromAddress().Address, certificates, key)
			faulty.Add("mail.smime_cert_file", err)
		}
	}
	return dkim, smime, faulty.OrNil()
}

// newClient reads the secrets that reaching the relay takes. Its error has every fault.
func newClient(c config.Config, environ []string) (*mailer.Client, error) {
	faulty := &config.Error{}
	password, err := c.Password(environ)
	faulty.Add("smtp.password_file", err)
	if c.SMTP.Username != "" && c.SMTP.Auth != mailer.AuthNone && password == "" && err == nil {
		faulty.Add("smtp.username", errors.New("is set, but there is no password; set smtp.password_file"))
	}
	roots, err := c.SMTP.RootCAs()
	faulty.Add("smtp.ca_file", err)
	client := &mailer.Client{
		Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: c.SMTP.TLSMode(), Auth: c.SMTP.Auth,
		Username: c.SMTP.Username, Password: password, RootCAs: roots, HELO: c.SMTP.HELO,
		Timeout: c.SMTP.Timeout.Duration, DotTimeout: c.SMTP.DotTimeout.Duration,
	}
	if len(faulty.Faults) == 0 {
		faulty.Add("smtp", client.Check())
	}
	return client, faulty.OrNil()
}

// finishWithin bounds what is under way when geppo is told to stop.
const finishWithin = 30 * time.Second

func (a *app) newDispatcher(c config.Config, composer *daemon.Composer, client *mailer.Client, log *slog.Logger) *daemon.Dispatcher {
	return &daemon.Dispatcher{
		Ledger: composer.Ledger, Composer: composer, Client: client, Log: log, Now: time.Now, Worker: a.worker(c),
		Eligible:  daemon.Eligibility{Detections: composer.Detections, Ledger: composer.Ledger}.Reason,
		Renderers: max(2, runtime.GOMAXPROCS(0)), // a report of minutes must not keep the others waiting
		Policy: daemon.Policy{
			Connections: c.SMTP.Connections, MessagesPerConnection: c.SMTP.MessagesPerConnection,
			Backoff: mailer.Backoff{
				First: c.Retry.First.Duration, Factor: c.Retry.Factor,
				Max: c.Retry.Max.Duration, GiveUp: c.Retry.GiveUp.Duration,
			},
			HoldAmbiguous: c.Retry.OnAmbiguous == "hold", AmbiguousMax: c.Retry.AmbiguousMax, Sweep: c.Retry.Sweep,
			CanaryWait: c.Schedule.CanaryWait.Duration,
			Limits:     daemon.NewLimits(c.SMTP.Rate, c.SMTP.PerDomainRate), Finish: finishWithin,
		},
	}
}

// worker is who this process is among those that send from the same ledger.
func (a *app) worker(c config.Config) sqlstore.Worker {
	name := c.Store.Worker
	if name == "" {
		name, _ = os.Hostname() // a machine without a name is a worker without one
	}
	return sqlstore.Worker{
		Name: name, Build: strings.TrimSpace(version + " " + commit()),
		// The relay answers the dot by then, or the connection is given up.
		Grace: cmp.Or(a.grace, sqlstore.Lease+c.SMTP.DotTimeout.Duration+time.Minute),
	}
}

func newPlanner(c config.Config, db *databases) daemon.Planner {
	return daemon.Planner{
		Detections: db.detections, Ledger: db.ledger, IDs: messageIDs(c, db.ledger), Domains: domains(c),
		RequireData: c.Schedule.RequireData != "off", Approval: store.Approval(c.Schedule.Approval), Canary: c.Schedule.Canary, Now: time.Now,
	}
}

// newClock judges the machine's clock.
func newClock(c config.Config, db *databases, log *slog.Logger) daemon.Clock {
	return daemon.Clock{
		Ledger: db.ledger, Detections: db.detections, Leap: c.Schedule.Leap.Duration, Now: time.Now, Log: log,
		// A wait is jittered by a fifth, and planning may spread the first tries.
		Trust: c.Retry.Max.Duration*6/5 + c.Schedule.Spread.Duration + time.Minute,
	}
}

// messageIDs names the messages of a ledger, but for those of brands.
func messageIDs(c config.Config, ledger *sqlstore.Ledger) mailer.IDs {
	return mailer.IDs{Domain: c.Mail.Domain(), Key: mailer.Secret(ledger.Secret())}
}

// period reads --period; both forms of a missing one are wrong usage.
func period(s string) (store.Period, error) {
	if s == "" {
		return store.Period{}, exitWith(exitUsage, "--period is missing; name the month as YYYY-MM")
	}
	p, err := store.ParsePeriod(s)
	if err != nil {
		return store.Period{}, &codedError{exitUsage, err}
	}
	return p, nil
}
