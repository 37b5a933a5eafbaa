package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"geppo/cmd/internal/config"
)

const example = "../../geppo/dist/geppo.example.toml"

func TestExampleHoldsTheDefaults(t *testing.T) {
	got, err := config.Load(config.Source{File: example})
	if err != nil {
		t.Fatal(err)
	}
	got.Origin, got.File = nil, ""
	if diff := cmp.Diff(config.Default(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the example differs from the defaults (-default +example):\n%s", diff)
	}
}

// What cannot have a default is shown as a comment.
func TestExampleShowsEveryKey(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	shown, section := map[string]bool{}, ""
	for line := range strings.Lines(string(data)) {
		text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "# "))
		if name, ok := strings.CutPrefix(text, "["); ok {
			section = strings.TrimSuffix(name, "]") + "."
			shown[strings.TrimSuffix(section, ".")] = true
		} else if name, _, ok := strings.Cut(text, " = "); ok {
			shown[section+name] = true
		}
	}
	for _, key := range config.Keys() {
		if !shown[key] {
			t.Errorf("the example does not show %s", key)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "geppo.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) (config.Config, error) {
	t.Helper()
	return config.Load(config.Source{File: write(t, text), Environ: environ})
}

func TestFlagBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	path := write(t, "timezone = \"UTC\"\n[store]\ndsn = \"sqlite:file.db\"\n[smtp]\nport = 2525\nhost = \"file.example\"\n")
	c, err := config.Load(config.Source{
		File: path, DSN: "sqlite:flag.db",
		Environ: []string{
			"GEPPO_SMTP_HOST=env.example", "GEPPO_STORE_DSN=sqlite:env.db", "GEPPO_MAIL_OPERATORS=a@example.jp, b@example.jp",
			"GEPPO_SMTP_MESSAGES_PER_CONNECTION=7", "GEPPO_ARCHIVE_KEEP=10d", "GEPPO_SCHEDULE_REQUIRE_DATA=off", "HOME=/x",
			"GEPPO_SMTP_RATE=0.5", "GEPPO_MAIL_VERP=true", `GEPPO_CONTRACTS_ALIAS="株式会社, A" = "C1"`,
			`GEPPO_NOTIFY_WEBHOOKS={kind = "json", url = "https://hooks.example/x"}`, config.PasswordVariable + "=x",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Timezone, want.Store.DSN, want.SMTP.Host, want.SMTP.Port, want.SMTP.MessagesPerConnection = "UTC", "sqlite:flag.db", "env.example", 2525, 7
	want.Mail.Operators, want.Archive.Keep = []string{"a@example.jp", "b@example.jp"}, config.Duration{Duration: 240 * time.Hour}
	want.Schedule.RequireData, want.SMTP.Rate, want.Mail.VERP = "off", 0.5, true
	want.Contracts.Alias = map[string]string{"株式会社, A": "C1"}
	want.Notify.Webhooks = []config.Webhook{{Kind: "json", URL: "https://hooks.example/x"}}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(c, "Origin", "Overridden", "File")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c.Ledger() != "flag.db" || c.Detections() != "flag-detections.db" {
		t.Errorf("databases %s and %s, want the flag's", c.Ledger(), c.Detections())
	}
	overridden := []string{
		"GEPPO_SMTP_HOST overrides smtp.host (" + path + " line 6)", "GEPPO_STORE_DSN overrides store.dsn (" + path + " line 3)",
	}
	if diff := cmp.Diff(overridden, c.Overridden); diff != "" {
		t.Error(diff)
	}
}

// Each value is one that the key's type has not; key and line are named, and no other fault is told.
func TestValuesAreOfTheirType(t *testing.T) {
	wrong := map[string][]string{
		"duration": {"400", "0", "60.5", "-1", `"400"`, `"0"`, `""`, `"soon"`, `"5"`, `" 5m"`, `"xd"`, `"d"`, `"99999999d"`, `"36500d2500000h"`, "true", "[1]", "1979-05-27", `{a = 1}`},
		"whole":    {"25.9", "25.0", `"25"`, `""`, "true", "[25]", "1e3", "inf", "99999999999999999999", "1979-05-27"},
		"number":   {`"1"`, `""`, "true", "[1.5]", "nan", "inf", "-inf", "1979-05-27"},
		"truth":    {`"true"`, `"no"`, `"0"`, `""`, "0", "1", "[true]"},
		"text":     {"9", "true", "1.5", `["a"]`, "1979-05-27", `{a = "b"}`},
		"list":     {`"a@example.jp"`, "1", "[1]", `{a = "b"}`},
		"size":     {`"big"`, `"-1MB"`, `""`, `"20 XB"`, "true", "1.5", "-1", `["1MB"]`, `"99999999999999GB"`},
		"table":    {`"x"`, "1", `["x"]`, `{a = 1}`},
	}
	kinds := map[string]string{
		"retry.first": "duration", "archive.keep": "duration", "smtp.dot_timeout": "duration", "schedule.leap": "duration",
		"smtp.port": "whole", "smtp.connections": "whole", "retry.sweep": "whole",
		"smtp.rate": "number", "retry.factor": "number", "mail.verp": "truth",
		"timezone": "text", "smtp.host": "text", "smtp.username": "text", "schedule.require_data": "text", "smtp.tls": "text",
		"mail.operators": "list", "schedule.holidays": "list", "smtp.max_size": "size", "contracts.alias": "table", "import.results": "table",
	}
	for key, kind := range kinds {
		for _, value := range wrong[kind] {
			_, err := load(t, "# a comment\n"+key+" = "+value+"\n")
			expectFault(t, key+" = "+value, err, key, "geppo.toml line 2")
		}
	}
}

func expectFault(t *testing.T, what string, err error, key, where string) {
	t.Helper()
	var faulty *config.Error
	if !errors.As(err, &faulty) {
		t.Errorf("%s: error %v, want a fault", what, err)
		return
	}
	if len(faulty.Faults) != 1 || !faulty.Concerns(key) || !strings.HasSuffix(faulty.Faults[0].Where, where) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %q, want one fault of %s at %s", what, err, key, where)
	}
}

func TestVariablesAreOfTheirType(t *testing.T) {
	for variable, key := range map[string]string{
		"GEPPO_ARCHIVE_KEEP=400": "archive.keep", "GEPPO_ARCHIVE_KEEP=": "archive.keep", "GEPPO_SMTP_PORT=": "smtp.port", "GEPPO_SMTP_PORT=25.0": "smtp.port",
		"GEPPO_SMTP_PORT=25\nhost = 'x'": "smtp.port", "GEPPO_MAIL_VERP=": "mail.verp", "GEPPO_MAIL_VERP=no": "mail.verp", "GEPPO_MAIL_VERP=1": "mail.verp",
		"GEPPO_SMTP_RATE=": "smtp.rate", "GEPPO_SMTP_RATE=inf": "smtp.rate", "GEPPO_SCHEDULE_REQUIRE_DATA=": "schedule.require_data",
		"GEPPO_SMTP_HOST=": "smtp.host", "GEPPO_CONTRACTS_ALIAS=C1": "contracts.alias", "GEPPO_SMTP_HOST=\xff": "smtp.host",
		"GEPPO_NOTIFY_WEBHOOKS=https://hooks.example/x": "notify.webhooks",
	} {
		name, _, _ := strings.Cut(variable, "=")
		_, err := load(t, "", variable)
		expectFault(t, variable, err, key, name)
	}
}

func TestABareNumberSaysWhatToWrite(t *testing.T) {
	_, err := load(t, "[smtp]\ndot_timeout = 600\n")
	if err == nil || !strings.Contains(err.Error(), `smtp.dot_timeout: 600 has no unit; write "600s"`) {
		t.Errorf("error %v", err)
	}
}

func TestAllFaultsAtOnceEachNamingItsKey(t *testing.T) {
	_, err := load(t, `[smtp]
prot = 25
port = 0
tls = "ssl"
max_size = "1KB"
timeout = 60
[stmp]
host = "x"
[schedule]
require_data = ""
[mail]
from = "nobody"
bounce = "Bounces <bounce@example.jp>"
dkim_domain = "x"
host = "x"
[retry]
first = "5h"
[[notify.webhooks]]
kind = "fax"
[brand.a.b]
`, "GEPPO_SMTP_HOTS=x", "GEPPO_SMTP_CONNECTIONS=four")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"smtp.prot: unknown key; did you mean smtp.port? (", "smtp.port: 0 is not", "smtp.tls: ", "smtp.max_size: ", "smtp.timeout: 60 has no unit",
		"stmp: unknown key; did you mean smtp?", "schedule.require_data: ", "mail.from: ", `mail.bounce: an envelope has no display name; write "bounce@example.jp"`,
		"mail.dkim_domain: ", "mail.host: unknown key; did you mean smtp.host?", "retry.max: ", "notify.webhooks: ", "brand.a.b: unknown key",
		"GEPPO_SMTP_HOTS: this environment variable sets no key; did you mean GEPPO_SMTP_HOST?", "smtp.connections: wants a whole number, not \"four\" (GEPPO_SMTP_CONNECTIONS)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
	var faulty *config.Error
	if errors.As(err, &faulty) && len(faulty.Faults) != 16 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d faults: %q", len(faulty.Faults), err)
	}
}

func TestUnknownNamesSayWhichIsNear(t *testing.T) {
	for text, near := range map[string]string{
		"tiemzone = 'UTC'\n": "timezone", "[SMTP]\nhost = 'x'\n": "smtp", "[smtp]\nHost = 'x'\n": "smtp.host", "[smtp]\npassword = 'x'\n": "smtp.password_file",
		"[archive]\nkep = '4d'\n": "archive.keep", "[store]\ntimezone = 'x'\n": "timezone", "[zzz]\n": "", "smtp.connection = 3\n": "smtp.connections",
		"smtp = {hots = 'x'}\n": "smtp.host", "notify.webhooks = [{knd = 'json', url = 'https://x/'}]\n": "notify.webhooks.kind",
	} {
		_, err := load(t, text)
		if err == nil || !strings.Contains(err.Error(), "unknown key") || near != "" && !strings.Contains(err.Error(), "did you mean "+near+"?") ||
			near == "" && !strings.Contains(err.Error(), "geppo.example.toml") {
			t.Errorf("%q: %v, want %q", text, err, near)
		}
	}
	for name, near := range map[string]string{
		"GEPPO_SMTP_PROT": "GEPPO_SMTP_PORT", "GEPPO_SMPT_HOST": "GEPPO_SMTP_HOST", "GEPPO_TIME_ZONE": "GEPPO_TIMEZONE",
		"GEPPO_SMTP_PASWORD": "GEPPO_SMTP_PASSWORD", "GEPPO_BIN": "", "GEPPO_": "", "GEPPO_SMTP": "",
	} {
		_, err := load(t, "", name+"=x")
		if err == nil || !strings.Contains(err.Error(), name+": this environment variable sets no key") ||
			near != "" && !strings.Contains(err.Error(), "did you mean "+near+"?") {
			t.Errorf("%s: %v, want %q", name, err, near)
		}
	}
}

// What no reader can see must be named; a mark that editors set is no fault.
func TestOddCharacters(t *testing.T) {
	if c, err := load(t, "\ufeff[smtp]\r\nhost = \"marked.example\"\r\n"); err != nil || c.SMTP.Host != "marked.example" {
		t.Errorf("a byte order mark: %s, %v", c.SMTP.Host, err)
	}
	for text, want := range map[string][]string{
		"[smtp]\n\u3000host = \"x\"\n":        {"line 2", "U+3000", "「\u3000」"},
		"[smtp]\nhost =\u3000\"x\"\n":         {"line 2", "U+3000"},
		"[smtp]\nhost = \"x\"\u00a0\n":        {"line 2", "U+00A0"},
		"[smtp]\n\u200bhost = \"x\"\n":        {"line 2", "U+200B", `\u200b`},
		"[smtp]\nhost = “x”\n":                {"line 2", "U+201C", "「“」"},
		"[smtp]\n# 注釈\nhost = \"\x83\x65\"\n": {"line 3", "UTF-8"},
		"[smtp\n":                        {"line 1"},
		"[smtp]\nport = 25\nport = 26\n": {"line 3", "port"},
		"[mail]\n[smtp]\n[mail]\n":       {"line 3", "mail"},
	} {
		_, err := load(t, text)
		for _, want := range append(want, "geppo.toml") {
			if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\u200b") {
				t.Errorf("%q: %v, want one line that names %q", text, err, want)
			}
		}
	}
}

// A sender's address is used in an envelope, where less can stand than in a header.
func TestAddressesCanStandInAnEnvelope(t *testing.T) {
	for _, key := range []string{"mail.from", "mail.reply_to", "mail.bounce", "brand.x.from"} {
		for address, good := range map[string]bool{
			"report@example.jp": true, "report@月報.example.jp": true, "geppo <geppo>": false, "ジッポ@example.jp": false, "a@b c": false, "a@-x.jp": false,
		} {
			_, err := load(t, key+" = \""+address+"\"\n")
			if (err == nil) != good || err != nil && !strings.Contains(err.Error(), key+": ") {
				t.Errorf("%s = %s: %v", key, address, err)
			}
		}
	}
}

func TestALoginIsWhole(t *testing.T) {
	for text, good := range map[string]bool{
		"auth = 'plain'": false, "auth = 'plain'\nusername = 'u'": true, "auth = 'auto'": true, "auth = 'none'": true,
		"password_file = 'x'": false, "username = 'u'\npassword_file = 'x'": true, "helo = 'my host'": false, "helo = 'mail.example.jp'": true,
		"host = 'relay example'": false, "host = '::1'": true,
	} {
		if _, err := load(t, "[smtp]\n"+text+"\n"); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSecretsAreNotInFaults(t *testing.T) {
	for _, hook := range []string{"{url = 'hunter2'}", "{kind = 'slack', url = 'ftp://hunter2/'}", "{kind = 'slack', url = 'https://x/', url_file = '/hunter2'}"} {
		if c, err := load(t, "notify.webhooks = ["+hook+"]\n"); err == nil || strings.Contains(fmt.Sprint(err, c), "hunter2/") {
			t.Errorf("%s: %v", hook, err)
		}
	}
}

func TestANamedFileMustExist(t *testing.T) {
	if _, err := config.Load(config.Source{File: filepath.Join(t.TempDir(), "none.toml")}); err == nil {
		t.Error("a missing file that was named is no error")
	}
}

// runuser keeps the working directory, and root's is closed to the service's user.
func TestAWorkingDirectoryOfAnotherUserHoldsNoConfiguration(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may search every directory; run it as another user")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("geppo.toml", []byte("[smtp]\nhost = \"elsewhere\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(config.Source{}); err != nil || c.SMTP.Host != "elsewhere" {
		t.Errorf("host %s, %v", c.SMTP.Host, err)
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Error(err)
		}
	}()
	if c, err := config.Load(config.Source{}); err != nil || c.SMTP.Host == "elsewhere" {
		t.Errorf("host %s, %v", c.SMTP.Host, err)
	}
}

// What was found in a shared folder and was not named must be nobody's but ours: it would name a relay, and a file of
// ours as its password.
func TestAFileOfTheWorkingDirectoryMustBeOurs(t *testing.T) {
	const text = "[smtp]\nhost = \"elsewhere\"\n"
	for name, c := range map[string]struct {
		lay  func() error
		root bool // root alone can lay it out
		good bool
	}{
		"ours":                {func() error { return os.Chmod("geppo.toml", 0o644) }, false, true},
		"writable by others":  {func() error { return os.Chmod("geppo.toml", 0o646) }, false, false},
		"another's":           {func() error { return os.Chown("geppo.toml", 65534, 65534) }, true, false},
		"writable by a group": {func() error { return errors.Join(os.Chown("geppo.toml", 0, 65534), os.Chmod("geppo.toml", 0o664)) }, true, false},
		"our link":            {func() error { return errors.Join(os.Rename("geppo.toml", "x"), os.Symlink("x", "geppo.toml")) }, false, true},
		"another's link": {func() error {
			return errors.Join(os.Rename("geppo.toml", "x"), os.Symlink("x", "geppo.toml"), os.Lchown("geppo.toml", 65534, 65534))
		}, true, false},
		"our link to another's": {func() error {
			return errors.Join(os.Rename("geppo.toml", "x"), os.Symlink("x", "geppo.toml"), os.Chown("x", 65534, 65534))
		}, true, false},
		"a pipe that never ends": {func() error { return errors.Join(os.Remove("geppo.toml"), syscall.Mkfifo("geppo.toml", 0o600)) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away; run it as root")
			}
			t.Chdir(t.TempDir())
			if err := errors.Join(os.WriteFile("geppo.toml", []byte(text), 0o600), c.lay()); err != nil {
				t.Fatal(err)
			}
			loaded, err := config.Load(config.Source{})
			if c.good != (err == nil) || c.good != (loaded.SMTP.Host == "elsewhere") {
				t.Errorf("host %s, %v", loaded.SMTP.Host, err)
			}
			if !c.good && !strings.Contains(err.Error(), "-c") {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}

func TestPasswordSourcesAndSilence(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"pw": "from file\n", "smtp_password": "from credential\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{config.PasswordVariable + "=from environment", "CREDENTIALS_DIRECTORY=" + dir}
	c := config.Default()
	c.SMTP.PasswordFile = filepath.Join(dir, "pw")
	for _, step := range []struct {
		want    string
		environ []string
	}{{"from file", environ}, {"from environment", environ}, {"from credential", environ[1:]}, {"", nil}} {
		got, err := c.Password(step.environ)
		if err != nil || string(got) != step.want {
			t.Errorf("password %q, error %v, want %q", string(got), err, step.want)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", got)
		if step.want != "" && strings.Contains(log.String(), step.want) {
			t.Errorf("the log shows the password: %s", log.String())
		}
		c.SMTP.PasswordFile = ""
	}
	c.SMTP.PasswordFile = filepath.Join(dir, "none")
	if _, err := c.Password(nil); err == nil || !strings.Contains(err.Error(), "smtp.password_file") {
		t.Errorf("error %v", err)
	}
}

func TestSendingNeedsAFrom(t *testing.T) {
	c := config.Default()
	if err := c.Sending(); err != nil {
		t.Errorf("loopback: %v", err)
	}
	c.SMTP.Host = "relay.example.jp"
	if err := c.Sending(); err == nil || !strings.Contains(err.Error(), "mail.from") {
		t.Errorf("error %v", err)
	}
}
