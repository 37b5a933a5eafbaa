package config

import (
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"geppo/cmd/internal/console"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store/sqlite"
)

// faults checks every value and names the key of each that cannot be used, but for those told before.
func (c Config) faults(told *Error) (faults []string) {
	check := func(ok bool, format string, args ...any) {
		fault := fmt.Sprintf(format, args...)
		if key, _, _ := strings.Cut(fault, ":"); !ok && !told.Concerns(key) {
			faults = append(faults, fault)
		}
	}
	_, err := time.LoadLocation(c.Timezone)
	check(err == nil && c.Timezone != "", "timezone: %q is not an IANA time zone such as Asia/Tokyo", c.Timezone)
	_, err = sqlite.ParseDSN(c.Store.DSN)
	check(err == nil, "store.dsn: %v", err)
	if c.Store.Detections != "" {
		_, err = sqlite.ParseDSN(c.Store.Detections)
		check(err == nil, "store.detections: %v", err)
	}
	_, err = daemon.NewSchedule(c.Schedule.Monthly, time.UTC)
	check(err == nil, "schedule.monthly: %v", err)
	check(c.Schedule.CatchUp >= 0, "schedule.catch_up: must not be negative")
	check(c.Schedule.Spread >= 0, "schedule.spread: must not be negative")
	c.SMTP.check(check)
	c.Mail.check(check)
	c.Retry.check(check)
	threats, err := url.Parse(c.Report.ThreatURL)
	check(err == nil && (threats.Scheme == "https" || threats.Scheme == "http") && threats.Host != "",
		"report.threat_url: %q is not an http(s) URL", c.Report.ThreatURL)
	_, _, err = console.Parse(c.HTTP.Listen)
	check(err == nil, "http.listen: %v", err)
	check(c.Archive.Keep > 0, "archive.keep: must be positive")
	var level slog.Level
	check(level.UnmarshalText([]byte(c.Log.Level)) == nil, "log.level: %q is not debug, info, warn or error", c.Log.Level)
	check(c.Log.Format == "text" || c.Log.Format == "json", "log.format: %q is not text or json", c.Log.Format)
	return faults
}

type checker = func(ok bool, format string, args ...any)

func (s SMTP) check(check checker) {
	check(s.Host != "", "smtp.host: must name the relay")
	check(s.Port >= 1 && s.Port <= 65535, "smtp.port: %d is not a port (1 to 65535)", s.Port)
	modes := []mailer.TLSMode{"", mailer.TLSStart, mailer.TLSImplicit, mailer.TLSOpportunistic, mailer.TLSNone}
	check(slices.Contains(modes, s.TLS), "smtp.tls: %q is not starttls, implicit, opportunistic or none", s.TLS)
	auths := []mailer.AuthMode{mailer.AuthAuto, mailer.AuthPlain, mailer.AuthLogin, mailer.AuthSCRAM, mailer.AuthXOAUTH2, mailer.AuthNone}
	check(slices.Contains(auths, s.Auth), "smtp.auth: %q is not auto, plain, login, scram-sha-256, xoauth2 or none", s.Auth)
	check(s.Connections >= 1 && s.Connections <= 1000, "smtp.connections: %d is not between 1 and 1000", s.Connections)
	check(s.MessagesPerConnection >= 1, "smtp.messages_per_connection: must be at least 1")
	check(s.Rate >= 0, "smtp.rate: must not be negative (0 is unlimited)")
	check(s.PerDomainRate >= 0, "smtp.per_domain_rate: must not be negative (0 is unlimited)")
	check(s.Timeout > 0, "smtp.timeout: must be positive")
	check(s.DotTimeout > 0, "smtp.dot_timeout: must be positive")
	check(s.MaxSize >= 100_000, "smtp.max_size: must be at least 100KB")
}

func (m Mail) check(check checker) {
	address := func(key, value string) {
		_, err := mail.ParseAddress(value)
		check(err == nil, "%s: %q is not an address such as geppo <geppo@example.jp>", key, value)
	}
	address("mail.from", m.From)
	if m.ReplyTo != "" {
		address("mail.reply_to", m.ReplyTo)
	}
	if m.Bounce != "" {
		address("mail.bounce", m.Bounce)
	}
	for _, operator := range m.Operators {
		address("mail.operators", operator)
	}
	dkim := m.DKIMDomain != "" || m.DKIMSelector != "" || m.DKIMKeyFile != ""
	check(!dkim || m.DKIMDomain != "" && m.DKIMSelector != "" && m.DKIMKeyFile != "",
		"mail.dkim_domain: set dkim_domain, dkim_selector and dkim_key_file together, or none of them")
	check((m.SMIMECertFile == "") == (m.SMIMEKeyFile == ""),
		"mail.smime_cert_file: set smime_cert_file and smime_key_file together, or neither")
}

func (r Retry) check(check checker) {
	check(r.First > 0, "retry.first: must be positive")
	check(r.Factor >= 1, "retry.factor: must be at least 1")
	check(r.Max >= r.First, "retry.max: must not be shorter than retry.first")
	check(r.GiveUp > 0, "retry.give_up: must be positive")
	check(r.OnAmbiguous == "resend" || r.OnAmbiguous == "hold", "retry.on_ambiguous: %q is not resend or hold", r.OnAmbiguous)
	check(r.AmbiguousMax >= 1, "retry.ambiguous_max: must be at least 1")
}

// Sending checks what must be set before anything goes to a relay beyond this machine.
func (c Config) Sending() error {
	if c.Mail.From == Default().Mail.From && !c.SMTP.Loopback() {
		return &Error{Faults: []string{"mail.from: must be set before mail is sent to a relay that is not on this machine"}}
	}
	return nil
}

// Ledger and Detections are the paths of the database files; Load has checked both.
func (c Config) Ledger() string {
	path, err := sqlite.ParseDSN(c.Store.DSN)
	if err != nil {
		return ""
	}
	return path
}

// Detections is the path of the detections' file, by default beside the ledger.
func (c Config) Detections() string {
	if c.Store.Detections == "" {
		return sqlite.DetectionsBeside(c.Ledger())
	}
	path, err := sqlite.ParseDSN(c.Store.Detections)
	if err != nil {
		return ""
	}
	return path
}
