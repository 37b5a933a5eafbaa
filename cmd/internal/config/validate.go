package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

// checker takes a fault of key unless ok.
type checker func(ok bool, key, format string, args ...any)

// validate checks every value and adds a fault for each that cannot be used, but for keys told before.
func (c Config) validate(faulty *Error) {
	check := func(ok bool, key, format string, args ...any) {
		if !ok && !faulty.Concerns(key) {
			faulty.Faults = append(faulty.Faults, Fault{key, fmt.Sprintf(format, args...), c.Where(key)})
		}
	}
	_, err := time.LoadLocation(c.Timezone)
	check(err == nil && c.Timezone != "" && c.Timezone != "Local", "timezone", "%q is not an IANA time zone such as Asia/Tokyo", c.Timezone)
	_, err = sqlstore.ParseDSN(c.Store.DSN)
	check(err == nil, "store.dsn", "%v", err)
	if c.Store.Detections != "" {
		_, err = sqlstore.ParseDSN(c.Store.Detections)
		check(err == nil, "store.detections", "%v", err)
	}
	c.Schedule.validate(check)
	c.SMTP.validate(check)
	c.Mail.validate(check)
	c.Retry.validate(check)
	c.Notify.validate(check)
	c.Contracts.validate(check)
	c.HTTP.validate(check)
	isURL(check, "report.threat_url", c.Report.ThreatURL)
	check(c.Archive.Keep.Duration > 0, "archive.keep", "must be positive")
	check(c.Inbox.Settle.Duration > 0, "inbox.settle", "must be positive")
	isOneOf(check, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	isOneOf(check, "log.format", c.Log.Format, "text", "json")
	for name, brand := range c.Brand {
		brand.validate("brand."+name, check)
	}
}

func isOneOf[S ~string](check checker, key string, value S, values ...S) {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	choice := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	check(slices.Contains(values, value), key, "%q is not %s", string(value), choice)
}

func isURL(check checker, key, value string) {
	check(postable(value), key, "is not an http(s) URL")
}

func postable(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func isRate(check checker, key string, rate float64) {
	check(rate >= 0 && !math.IsInf(rate, 0), key, "must be a number of messages per second, 0 for no limit")
}

// isSender takes an address that can stand in an envelope too.
func isSender(check checker, key, value string) {
	address, err := mail.ParseAddress(value)
	check(err == nil, key, "%q is not an address such as geppo <geppo@example.jp>", value)
	if err == nil {
		_, err = mailer.EnvelopeAddress(address.Address)
		check(err == nil, key, "%v", err)
	}
}

func (s Schedule) validate(check checker) {
	check(s.CatchUp.Duration >= 0, "schedule.catch_up", "must not be negative")
	check(s.Spread.Duration >= 0, "schedule.spread", "must not be negative")
	isOneOf(check, "schedule.require_data", s.RequireData, "contract", "off")
	isOneOf(check, "schedule.approval", s.Approval, "none", "canary", "full")
	check(s.Canary >= 1, "schedule.canary", "must be at least 1")
	check(s.CanaryWait.Duration >= 0, "schedule.canary_wait", "must not be negative")
	check(s.Leap.Duration > 0, "schedule.leap", "must be positive")
	for _, day := range s.Holidays {
		_, err := store.ParseDay(day)
		check(err == nil, "schedule.holidays", "%q is not a day such as 2026-12-30", day)
	}
}

func (s SMTP) validate(check checker) {
	check(s.Host != "" && !strings.ContainsFunc(s.Host, unusable), "smtp.host", "must name the relay")
	check(s.Port >= 1 && s.Port <= 65535, "smtp.port", "%d is not a port (1 to 65535)", s.Port)
	isOneOf(check, "smtp.tls", s.TLSMode(), mailer.TLSStart, mailer.TLSImplicit, mailer.TLSOpportunistic, mailer.TLSNone)
	isOneOf(check, "smtp.auth", s.Auth, mailer.AuthAuto, mailer.AuthPlain, mailer.AuthLogin, mailer.AuthSCRAM, mailer.AuthXOAUTH2, mailer.AuthNone)
	login := s.Auth != mailer.AuthAuto && s.Auth != mailer.AuthNone
	check(s.Username != "" || !login, "smtp.username", "is empty, but smtp.auth wants a login; set it, or auth = \"none\"")
	check(s.Username != "" || s.PasswordFile == "", "smtp.username", "is empty, but smtp.password_file is set; set both, or neither")
	check(!strings.ContainsFunc(s.HELO, unusable), "smtp.helo", "%q is not the name of a machine in ASCII", s.HELO)
	check(s.Connections >= 1 && s.Connections <= 1000, "smtp.connections", "%d is not between 1 and 1000", s.Connections)
	check(s.MessagesPerConnection >= 1, "smtp.messages_per_connection", "must be at least 1")
	isRate(check, "smtp.rate", s.Rate)
	isRate(check, "smtp.per_domain_rate", s.PerDomainRate)
	check(s.Timeout.Duration > 0, "smtp.timeout", "must be positive")
	check(s.DotTimeout.Duration > 0, "smtp.dot_timeout", "must be positive")
	check(s.MaxSize >= 100_000, "smtp.max_size", "must be at least 100KB")
}

// unusable is what no name of a machine has.
func unusable(r rune) bool { return r <= ' ' || r > '~' }

func (m Mail) validate(check checker) {
	isSender(check, "mail.from", m.From)
	check(!strings.HasPrefix(m.Domain(), "["), "mail.from", "%q has no domain, which Message-IDs want; name one", m.From)
	if m.ReplyTo != "" {
		isSender(check, "mail.reply_to", m.ReplyTo)
	}
	if m.Bounce != "" {
		isSender(check, "mail.bounce", m.Bounce)
		address, err := mail.ParseAddress(m.Bounce)
		check(err != nil || address.Name == "" && !strings.Contains(m.Bounce, "<"), "mail.bounce",
			"an envelope has no display name; write %q", parsed(m.Bounce).Address)
	}
	if m.VERP {
		_, err := mailer.ReturnAddress(cmp.Or(m.Bounce, m.FromAddress().Address), mailer.IDs{}.MessageID())
		check(err == nil, "mail.verp", "%v", err)
	}
	for _, operator := range m.Operators {
		isSender(check, "mail.operators", operator)
	}
	dkim := m.DKIMDomain != "" || m.DKIMSelector != "" || m.DKIMKeyFile != ""
	check(!dkim || m.DKIMDomain != "" && m.DKIMSelector != "" && m.DKIMKeyFile != "", "mail.dkim_domain",
		"set dkim_domain, dkim_selector and dkim_key_file together, or none of them")
	check((m.SMIMECertFile == "") == (m.SMIMEKeyFile == ""), "mail.smime_cert_file",
		"set smime_cert_file and smime_key_file together, or neither")
}

func (r Retry) validate(check checker) {
	check(r.First.Duration > 0, "retry.first", "must be positive")
	check(r.Factor >= 1 && r.Factor <= 100, "retry.factor", "must be between 1 and 100")
	check(r.Max.Duration >= r.First.Duration, "retry.max", "must not be shorter than retry.first")
	check(r.GiveUp.Duration > 0, "retry.give_up", "must be positive")
	isOneOf(check, "retry.on_ambiguous", r.OnAmbiguous, "resend", "hold")
	check(r.AmbiguousMax >= 1, "retry.ambiguous_max", "must be at least 1")
	check(r.Sweep >= 1, "retry.sweep", "must be at least 1")
}

func (n Notify) validate(check checker) {
	const key = "notify.webhooks"
	for _, hook := range n.Webhooks {
		isOneOf(check, key, hook.Kind, "slack", "teams", "json")
		check((hook.URL == "") != (hook.URLFile == ""), key, "each wants url or url_file, and not both")
		if hook.URL != "" {
			isURL(check, key, string(hook.URL))
		}
	}
}

func (h HTTP) validate(check checker) {
	if h.URL != "" {
		isURL(check, "http.url", h.URL)
	}
	check((h.TLSCertFile == "") == (h.TLSKeyFile == ""), "http.tls_cert_file", "set tls_cert_file and tls_key_file together, or neither")
	check(strings.Trim(h.ProxyUser, headerLetters) == "", "http.proxy_user", "%q is not the name of a header such as X-Remote-User", h.ProxyUser)
	for name, user := range h.Users {
		key := "http.users." + name
		check(name != "" && len(name) <= 100 && !strings.ContainsFunc(name, unicode.IsControl), key, "is no name of a user")
		isOneOf(check, key+".role", user.Role, "viewer", "desk", "operator")
		check(user.Password != "" || h.ProxyUser != "" || h.OIDC.Issuer != "", key+".password", "is empty; set what geppo user add prints, or http.proxy_user, or http.oidc")
	}
	h.OIDC.validate(check, h)
}

func (o OIDC) validate(check checker, h HTTP) {
	if o.Issuer == "" {
		check(o.ClientID == "" && o.ClientSecretFile == "" && len(o.Roles) == 0, "http.oidc.issuer", "is empty, but other keys of [http.oidc] are set; set it, or none of them")
		return
	}
	issuer, err := url.Parse(o.Issuer)
	loopback := err == nil && SMTP{Host: issuer.Hostname()}.Loopback()
	check(err == nil && issuer.Host != "" && (issuer.Scheme == "https" || issuer.Scheme == "http" && loopback), "http.oidc.issuer", "is not an https URL")
	check(o.ClientID != "", "http.oidc.client_id", "is empty; the provider gives one for geppo")
	check(h.URL != "", "http.url", "is empty; the provider sends browsers back to it, so set what they reach the console by, and register URL/login/oidc/callback there")
	check(slices.Contains(o.Scopes, "openid"), "http.oidc.scopes", "lacks openid")
	check(o.NameClaim != "", "http.oidc.name_claim", "is empty; name the claim by which somebody is called, such as email")
	nameless := func(u User) bool { return u.Password == "" }
	check(len(o.Roles) > 0 || slices.ContainsFunc(slices.Collect(maps.Values(h.Users)), nameless), "http.oidc.roles", "is empty, and no user in [http.users] is without a password, so that nobody could log in; set one of the two")
	for value, role := range o.Roles {
		isOneOf(check, "http.oidc.roles."+value, role, "viewer", "desk", "operator")
	}
}

const headerLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

func (c Contracts) validate(check checker) {
	for name, contract := range c.Alias {
		err := store.CheckContractID(contract)
		check(err == nil, "contracts.alias."+name, "%v", err)
	}
}

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (b Brand) validate(key string, check checker) {
	for name, address := range map[string]string{"from": b.From, "reply_to": b.ReplyTo} {
		if address != "" {
			isSender(check, key+"."+name, address)
		}
	}
	if b.From != "" {
		check(!strings.HasPrefix(domainOf(parsed(b.From).Address), "["), key+".from", "%q has no domain, which Message-IDs want; name one", b.From)
	}
	check(len(b.Colours) <= 2, key+".colours", "name at most two: of headings, and of the bars of charts")
	for _, c := range b.Colours {
		check(colour.MatchString(c), key+".colours", "%q is not a colour such as #1a73e8", c)
	}
	if b.Language != "" {
		isOneOf(check, key+".language", b.Language, "ja", "en")
	}
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	check(strings.Trim(b.FilePrefix, allowed) == "", key+".file_prefix", "%q has others than letters, digits, - and _", b.FilePrefix)
}

// Sending checks what must be set before anything goes to a relay beyond this machine.
func (c Config) Sending() error {
	if c.Mail.From == Default().Mail.From && !c.SMTP.Loopback() {
		return Faulty("mail.from", "must be set before mail is sent to a relay that is not on this machine")
	}
	return nil
}

// Ledger is the DSN of the ledger; Load has checked it. Of a file it is the path alone; another may have a password, see
// sqlstore.Shown.
func (c Config) Ledger() string { return strings.TrimPrefix(c.Store.DSN, "sqlite:") }

// Detections is the DSN of the detections, by default beside the ledger.
func (c Config) Detections() string {
	if c.Store.Detections == "" {
		return sqlstore.DetectionsBeside(c.Ledger())
	}
	return strings.TrimPrefix(c.Store.Detections, "sqlite:")
}
