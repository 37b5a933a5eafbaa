// Package config reads geppo's configuration: defaults, then a TOML file, then the environment,
// then flags, and says everything that is wrong with it at once. Only cmd reads it; it refuses to
// know what the values are for.
package config

import (
	"net"
	"net/mail"
	"time"

	"geppo/mailer"
)

// Config is the whole configuration; interface.md and geppo.example.toml document every key.
type Config struct {
	Timezone  string    `koanf:"timezone"`
	Store     Store     `koanf:"store"`
	Schedule  Schedule  `koanf:"schedule"`
	SMTP      SMTP      `koanf:"smtp"`
	Mail      Mail      `koanf:"mail"`
	Retry     Retry     `koanf:"retry"`
	Report    Report    `koanf:"report"`
	Archive   Archive   `koanf:"archive"`
	HTTP      HTTP      `koanf:"http"`
	Log       Log       `koanf:"log"`
	Contracts Contracts `koanf:"contracts"`
}

// Store names the two database files.
type Store struct {
	DSN        string `koanf:"dsn"`        // of the ledger, "sqlite:PATH"
	Detections string `koanf:"detections"` // "sqlite:PATH"; empty: beside the ledger
}

// Schedule says when the previous month is planned.
type Schedule struct {
	Monthly       string   `koanf:"monthly"` // cron line in Timezone
	CatchUp       Duration `koanf:"catch_up"`
	Spread        Duration `koanf:"spread"`
	RequireImport bool     `koanf:"require_import"`
}

// SMTP is the relay and how to speak to it.
type SMTP struct {
	Host                  string          `koanf:"host"`
	Port                  int             `koanf:"port"`
	TLS                   mailer.TLSMode  `koanf:"tls"` // empty: starttls, opportunistic on loopback
	Auth                  mailer.AuthMode `koanf:"auth"`
	Username              string          `koanf:"username"`
	PasswordFile          string          `koanf:"password_file"`
	CAFile                string          `koanf:"ca_file"`
	HELO                  string          `koanf:"helo"`
	Connections           int             `koanf:"connections"`
	MessagesPerConnection int             `koanf:"messages_per_connection"`
	Rate                  float64         `koanf:"rate"`            // messages per second, 0: unlimited
	PerDomainRate         float64         `koanf:"per_domain_rate"` // messages per second and domain, 0: unlimited
	Timeout               Duration        `koanf:"timeout"`
	DotTimeout            Duration        `koanf:"dot_timeout"`
	MaxSize               Size            `koanf:"max_size"`
}

// Loopback tells whether the relay is on this machine.
func (s SMTP) Loopback() bool {
	if s.Host == "localhost" {
		return true
	}
	ip := net.ParseIP(s.Host)
	return ip != nil && ip.IsLoopback()
}

// TLSMode is the TLS mode in force: the relay on the same machine rarely has a certificate.
func (s SMTP) TLSMode() mailer.TLSMode {
	switch {
	case s.TLS != "":
		return s.TLS
	case s.Loopback():
		return mailer.TLSOpportunistic
	default:
		return mailer.TLSStart
	}
}

// Mail is what a message says of its sender.
type Mail struct {
	From          string   `koanf:"from"`
	ReplyTo       string   `koanf:"reply_to"`
	Bounce        string   `koanf:"bounce"`
	Operators     []string `koanf:"operators"`
	DKIMDomain    string   `koanf:"dkim_domain"`
	DKIMSelector  string   `koanf:"dkim_selector"`
	DKIMKeyFile   string   `koanf:"dkim_key_file"`
	SMIMECertFile string   `koanf:"smime_cert_file"`
	SMIMEKeyFile  string   `koanf:"smime_key_file"`
}

// FromAddress is the parsed From; Validate has checked it.
func (m Mail) FromAddress() mail.Address { return parsed(m.From) }

// ReplyToAddress is the parsed Reply-To, zero if there is none.
func (m Mail) ReplyToAddress() mail.Address { return parsed(m.ReplyTo) }

func parsed(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return mail.Address{}
	}
	return *a
}

// Retry is the back-off and what to do about lost replies.
type Retry struct {
	First        Duration `koanf:"first"`
	Factor       float64  `koanf:"factor"`
	Max          Duration `koanf:"max"`
	GiveUp       Duration `koanf:"give_up"`
	OnAmbiguous  string   `koanf:"on_ambiguous"` // resend or hold
	AmbiguousMax int      `koanf:"ambiguous_max"`
}

// Report is what the reports say of the service.
type Report struct {
	SupportDesk  string `koanf:"support_desk"`
	SupportPhone string `koanf:"support_phone"`
	SupportHours string `koanf:"support_hours"`
	ThreatURL    string `koanf:"threat_url"`
	TemplatesDir string `koanf:"templates_dir"`
}

// Archive is where exact copies of what was sent are kept; no directory, no archive.
type Archive struct {
	Dir  string   `koanf:"dir"`
	Keep Duration `koanf:"keep"`
}

// HTTP is the daemon's own server.
type HTTP struct {
	Listen    string `koanf:"listen"`
	TokenFile string `koanf:"token_file"`
}

// Log chooses what is logged and how.
type Log struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Contracts maps the vendors' customer names or ids to contracts.
type Contracts struct {
	Alias map[string]string `koanf:"alias"`
}

// Default is the configuration of an empty file.
func Default() Config {
	day := 24 * time.Hour
	return Config{
		Timezone: "Asia/Tokyo",
		Store:    Store{DSN: "sqlite:geppo.db"},
		Schedule: Schedule{Monthly: "0 9 1 * *", CatchUp: Duration(7 * day), RequireImport: true},
		SMTP: SMTP{
			Host: "127.0.0.1", Port: 25, Auth: mailer.AuthAuto, Connections: 4, MessagesPerConnection: 100,
			Timeout: Duration(time.Minute), DotTimeout: Duration(10 * time.Minute), MaxSize: 20_000_000,
		},
		Mail: Mail{From: "geppo <geppo@localhost>"},
		Retry: Retry{
			First: Duration(5 * time.Minute), Factor: 2, Max: Duration(4 * time.Hour), GiveUp: Duration(3 * day),
			OnAmbiguous: "resend", AmbiguousMax: 2,
		},
		Report: Report{
			SupportDesk: "セキュリティサポートデスク",
			ThreatURL:   "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/search/",
		},
		Archive: Archive{Keep: Duration(400 * day)},
		HTTP:    HTTP{Listen: "127.0.0.1:8025"},
		Log:     Log{Level: "info", Format: "text"},
	}
}
