// Package config reads geppo's configuration: defaults, then a TOML file, then the environment,
// then flags, and says everything that is wrong with it at once. Only cmd reads it; it refuses to
// know what the values are for.
package config

import (
	"net"
	"net/mail"
	"strings"
	"time"

	"geppo/mailer"
	"geppo/store"
)

// Config is the whole configuration; geppo.example.toml documents every key.
type Config struct {
	Timezone  string    `toml:"timezone"`
	Store     Store     `toml:"store"`
	Schedule  Schedule  `toml:"schedule"`
	SMTP      SMTP      `toml:"smtp"`
	Mail      Mail      `toml:"mail"`
	Retry     Retry     `toml:"retry"`
	Report    Report    `toml:"report"`
	Archive   Archive   `toml:"archive"`
	HTTP      HTTP      `toml:"http"`
	Log       Log       `toml:"log"`
	Notify    Notify    `toml:"notify"`
	Bounce    Bounce    `toml:"bounce"`
	Inbox     Inbox     `toml:"inbox"`
	Contracts Contracts `toml:"contracts"`
	Import    Import    `toml:"import"`
	CSV       CSV       `toml:"csv"`

	Brand map[string]Brand `toml:"brand"` // by the name that contracts give

	// File is the one that was read, empty if there was none.
	File string `toml:"-"`
	// Origin says of each key that is no default what has set it: "geppo.toml line 7", a variable or --db.
	Origin map[string]string `toml:"-"`
	// Overridden has a line for each key of the file that the environment sets otherwise.
	Overridden []string `toml:"-"`
}

// Store names the databases.
type Store struct {
	DSN        string `toml:"dsn"`        // of the ledger, "sqlite:PATH" or "postgres://…"
	Detections string `toml:"detections"` // likewise; empty: beside the ledger
	Worker     string `toml:"worker"`     // by what name this process is one of several that send; empty: the machine's
}

// Schedule says when the previous month is planned.
type Schedule struct {
	Monthly     string   `toml:"monthly"` // cron line in Timezone, or "workday 3 09:00"
	CatchUp     Duration `toml:"catch_up"`
	Spread      Duration `toml:"spread"`
	RequireData string   `toml:"require_data"` // contract, or off: all contracts without asking whether their data came
	Approval    string   `toml:"approval"`     // none, canary or full
	Canary      int      `toml:"canary"`       // deliveries that go before the others
	CanaryWait  Duration `toml:"canary_wait"`  // without an objection the others follow
	Holidays    []string `toml:"holidays"`     // closed days beside Japan's, YYYY-MM-DD
	Leap        Duration `toml:"leap"`         // a clock this far ahead of what was last seen is not believed
}

// ClosedDays are the days of Holidays.
func (s Schedule) ClosedDays() (days []store.Day) {
	for _, day := range s.Holidays {
		days = append(days, store.Day(day))
	}
	return days
}

// SMTP is the relay and how to speak to it.
type SMTP struct {
	Host                  string          `toml:"host"`
	Port                  int             `toml:"port"`
	TLS                   mailer.TLSMode  `toml:"tls"` // empty: starttls, opportunistic on loopback
	Auth                  mailer.AuthMode `toml:"auth"`
	Username              string          `toml:"username"`
	PasswordFile          string          `toml:"password_file"`
	CAFile                string          `toml:"ca_file"`
	HELO                  string          `toml:"helo"`
	Connections           int             `toml:"connections"`
	MessagesPerConnection int             `toml:"messages_per_connection"`
	Rate                  float64         `toml:"rate"`            // messages per second, 0: unlimited
	PerDomainRate         float64         `toml:"per_domain_rate"` // messages per second and domain, 0: unlimited
	Timeout               Duration        `toml:"timeout"`
	DotTimeout            Duration        `toml:"dot_timeout"`
	MaxSize               Size            `toml:"max_size"`
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
	From          string   `toml:"from"`
	ReplyTo       string   `toml:"reply_to"`
	Bounce        string   `toml:"bounce"`
	Operators     []string `toml:"operators"`
	DKIMDomain    string   `toml:"dkim_domain"`
	DKIMSelector  string   `toml:"dkim_selector"`
	DKIMKeyFile   string   `toml:"dkim_key_file"`
	SMIMECertFile string   `toml:"smime_cert_file"`
	SMIMEKeyFile  string   `toml:"smime_key_file"`
	VERP          bool     `toml:"verp"` // the envelope sender carries a token of the delivery
}

// FromAddress is the parsed From; Validate has checked it.
func (m Mail) FromAddress() mail.Address { return parsed(m.From) }

// ReplyToAddress is the parsed Reply-To, zero if there is none.
func (m Mail) ReplyToAddress() mail.Address { return parsed(m.ReplyTo) }

// Domain is that of From, as it stands in a message's header.
func (m Mail) Domain() string { return domainOf(m.FromAddress().Address) }

func domainOf(address string) string {
	wire, err := mailer.EnvelopeAddress(address)
	if err != nil {
		return "" // Validate has told it
	}
	return wire[strings.LastIndexByte(wire, '@')+1:]
}

func parsed(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return mail.Address{}
	}
	return *a
}

// Retry is the back-off and what to do about lost replies.
type Retry struct {
	First        Duration `toml:"first"`
	Factor       float64  `toml:"factor"`
	Max          Duration `toml:"max"`
	GiveUp       Duration `toml:"give_up"`
	OnAmbiguous  string   `toml:"on_ambiguous"` // resend or hold
	AmbiguousMax int      `toml:"ambiguous_max"`
	Sweep        int      `toml:"sweep"` // so many equal refusals in a row are meant for all
}

// Report is what the reports say of the service.
type Report struct {
	SupportDesk  string `toml:"support_desk"`
	SupportPhone string `toml:"support_phone"`
	SupportHours string `toml:"support_hours"`
	ThreatURL    string `toml:"threat_url"`
	TemplatesDir string `toml:"templates_dir"`
}

// Archive is where exact copies of what was sent are kept; no directory, no archive.
type Archive struct {
	Dir  string   `toml:"dir"`
	Keep Duration `toml:"keep"`
}

// HTTP is the daemon's own server. Without a token, a user or a provider there is no console, and nobody beyond this machine is
// listened to.
type HTTP struct {
	Listen      string          `toml:"listen"`
	TokenFile   string          `toml:"token_file"`    // a line for each: TOKEN [ROLE [NAME]]
	URL         string          `toml:"url"`           // under which browsers reach it, where a proxy stands before it
	TLSCertFile string          `toml:"tls_cert_file"` // for listening beyond this machine
	TLSKeyFile  string          `toml:"tls_key_file"`
	ProxyUser   string          `toml:"proxy_user"` // the header in which a proxy on this machine names who asks
	Users       map[string]User `toml:"users"`      // by name
	OIDC        OIDC            `toml:"oidc"`
}

// OIDC is a provider of OpenID Connect that says who somebody is; without an issuer there is none.
type OIDC struct {
	Issuer           string            `toml:"issuer"`
	ClientID         string            `toml:"client_id"`
	ClientSecretFile string            `toml:"client_secret_file"`
	Scopes           []string          `toml:"scopes"`
	NameClaim        string            `toml:"name_claim"`
	RoleClaim        string            `toml:"role_claim"`
	Roles            map[string]string `toml:"roles"` // by what the role's claim may have
}

// User may use the console.
type User struct {
	Role     string        `toml:"role"`     // viewer, desk or operator
	Password mailer.Secret `toml:"password"` // argon2id, as geppo user add prints it; empty: a proxy or a provider vouches for the name
}

// Guarded tells whether somebody must say who he is, so that there is a console.
func (h HTTP) Guarded() bool {
	return h.TokenFile != "" || len(h.Users) > 0 || h.OIDC.Issuer != ""
}

// Log chooses what is logged and how.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Notify names who hears of runs, pauses and faults beside the operators' addresses.
type Notify struct {
	Webhooks []Webhook `toml:"webhooks"`
}

// Webhook is one address that is posted to. Whoever knows it may post there too, so that it is a secret.
type Webhook struct {
	URL     mailer.Secret `toml:"url"`
	URLFile string        `toml:"url_file"` // holds the URL; one of the two is set
	Kind    string        `toml:"kind"`     // slack, teams or json
}

// Bounce is where notifications of non-delivery are found.
type Bounce struct {
	Maildir string `toml:"maildir"`
}

// Inbox is a folder whose files the daemon imports.
type Inbox struct {
	Dir    string   `toml:"dir"`
	Settle Duration `toml:"settle"` // a file is taken once its size has rested for this long
}

// Import maps the words of vendors' files to ours.
type Import struct {
	Results  map[string]string `toml:"results"`
	Features map[string]string `toml:"features"`
}

// CSV names the columns that are in no table of ours.
type CSV struct {
	Columns map[string]string `toml:"columns"`
}

// Brand is under whose name, and looks, a contract's reports go out. What is empty is as without a brand.
type Brand struct {
	Antivirus       string   `toml:"antivirus"` // names of products
	EDR             string   `toml:"edr"`
	SecurityPackage string   `toml:"security_package"`
	Company         string   `toml:"company"`
	Colours         []string `toml:"colours"` // "#rrggbb"
	Logo            string   `toml:"logo"`    // a PNG
	From            string   `toml:"from"`
	ReplyTo         string   `toml:"reply_to"`
	SupportDesk     string   `toml:"support_desk"`
	SupportPhone    string   `toml:"support_phone"`
	SupportHours    string   `toml:"support_hours"`
	FilePrefix      string   `toml:"file_prefix"`
	Language        string   `toml:"language"` // ja or en
	TemplatesDir    string   `toml:"templates_dir"`
}

// Sender is whom a brand's mails come from and whom answers go to. A brand without a sender of its own has the address of
// mail.from under its company's name.
func (c Config) Sender(brand string) (from, replyTo mail.Address) {
	b, named := c.Brand[brand]
	from, replyTo = c.Mail.FromAddress(), c.Mail.ReplyToAddress()
	if b.From != "" {
		from, replyTo = parsed(b.From), mail.Address{}
	} else if named {
		from.Name = b.Company
	}
	if b.ReplyTo != "" {
		replyTo = parsed(b.ReplyTo)
	}
	return from, replyTo
}

// SenderDomain is that of a brand's sender, which its Message-IDs have.
func (c Config) SenderDomain(brand string) string {
	from, _ := c.Sender(brand)
	return domainOf(from.Address)
}

// Signs tells whether the DKIM key may sign a brand's mails: one of another domain would prove nothing of their sender,
// and name whose it is. The default's are always signed.
func (c Config) Signs(brand string) bool {
	domain, signer := strings.ToLower(c.SenderDomain(brand)), strings.ToLower(c.Mail.DKIMDomain)
	return brand == "" || domain == signer || strings.HasSuffix(domain, "."+signer)
}

// Contracts maps the vendors' customer names or ids to contracts.
type Contracts struct {
	Alias map[string]string `toml:"alias"`
}

// Default is the configuration of an empty file.
func Default() Config {
	day := 24 * time.Hour
	return Config{
		Timezone: "Asia/Tokyo",
		Store:    Store{DSN: "sqlite:geppo.db"},
		Schedule: Schedule{
			Monthly: "0 9 1 * *", CatchUp: Duration{7 * day}, RequireData: "contract", Approval: "none",
			Canary: 20, CanaryWait: Duration{2 * time.Hour}, Leap: Duration{45 * day},
		},
		SMTP: SMTP{
			Host: "127.0.0.1", Port: 25, Auth: mailer.AuthAuto, Connections: 4, MessagesPerConnection: 100,
			Timeout: Duration{time.Minute}, DotTimeout: Duration{10 * time.Minute}, MaxSize: 20_000_000,
		},
		Mail: Mail{From: "geppo <geppo@localhost>"},
		Retry: Retry{
			First: Duration{5 * time.Minute}, Factor: 2, Max: Duration{4 * time.Hour}, GiveUp: Duration{3 * day},
			OnAmbiguous: "resend", AmbiguousMax: 2, Sweep: 5,
		},
		Report: Report{
			SupportDesk: "セキュリティサポートデスク",
			ThreatURL:   "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/search/",
		},
		Archive: Archive{Keep: Duration{400 * day}},
		HTTP: HTTP{Listen: "127.0.0.1:8025", OIDC: OIDC{
			Scopes: []string{"openid", "profile", "email"}, NameClaim: "email", RoleClaim: "groups",
		}},
		Log:   Log{Level: "info", Format: "text"},
		Inbox: Inbox{Settle: Duration{10 * time.Second}},
	}
}
