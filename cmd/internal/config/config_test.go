package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/config"
)

const example = "../../geppo/dist/geppo.example.toml"

func TestExampleHoldsTheDefaults(t *testing.T) {
	got, err := config.Load(config.Source{File: example})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	got.Contracts.Alias = nil
	if got.Mail.Operators != nil && len(got.Mail.Operators) == 0 {
		got.Mail.Operators = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the example differs from the defaults (-default +example):\n%s", diff)
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range config.Keys() {
		name := key[strings.LastIndex(key, ".")+1:]
		if !strings.Contains(string(text), "\n"+name+" = ") && key != "contracts.alias" {
			t.Errorf("the example does not name %s", key)
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

func TestFlagBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	path := write(t, "timezone = \"UTC\"\n[store]\ndsn = \"sqlite:file.db\"\n[smtp]\nport = 2525\nhost = \"file.example\"\n")
	c, err := config.Load(config.Source{
		File: path, DSN: "sqlite:flag.db",
		Environ: []string{
			"GEPPO_SMTP_HOST=env.example", "GEPPO_STORE_DSN=sqlite:env.db", "GEPPO_MAIL_OPERATORS=a@example.jp,b@example.jp",
			"GEPPO_SMTP_MESSAGES_PER_CONNECTION=7", "GEPPO_ARCHIVE_KEEP=10d", "GEPPO_SCHEDULE_REQUIRE_IMPORT=false", "HOME=/x", "GEPPO_BIN=/usr/bin/geppo",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Ledger() != "flag.db" || c.Detections() != "flag-detections.db" {
		t.Errorf("databases %s and %s, want the flag's", c.Ledger(), c.Detections())
	}
	if c.SMTP.Host != "env.example" || c.SMTP.Port != 2525 || c.SMTP.MessagesPerConnection != 7 || c.SMTP.Connections != 4 {
		t.Errorf("smtp %+v", c.SMTP)
	}
	if c.Timezone != "UTC" || c.Schedule.RequireImport || time.Duration(c.Archive.Keep) != 240*time.Hour {
		t.Errorf("config %+v", c)
	}
	if diff := cmp.Diff([]string{"a@example.jp", "b@example.jp"}, c.Mail.Operators); diff != "" {
		t.Error(diff)
	}
}

func TestAllFaultsAtOnceEachNamingItsKey(t *testing.T) {
	path := write(t, "[smtp]\nport = 0\ntls = \"ssl\"\nhots = \"x\"\n[schedule]\nmonthly = \"CRON_TZ=UTC\"\n[mail]\nfrom = \"nobody\"\ndkim_domain = \"x\"\n")
	_, err := config.Load(config.Source{File: path, Environ: []string{"GEPPO_SMTP_HOTS=x"}})
	var faulty *config.Error
	if !errors.As(err, &faulty) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"smtp.hots", "GEPPO_SMTP_HOTS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	path = write(t, "[smtp]\nport = 0\ntls = \"ssl\"\nmax_size = \"1KB\"\n[schedule]\nmonthly = \"CRON_TZ=UTC\"\n[mail]\nfrom = \"nobody\"\ndkim_domain = \"x\"\n[retry]\nfirst = \"5h\"\n")
	_, err = config.Load(config.Source{File: path})
	if !errors.As(err, &faulty) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"smtp.port", "smtp.tls", "smtp.max_size", "schedule.monthly", "mail.from", "mail.dkim_domain", "retry.max"} {
		if !strings.Contains(err.Error(), want+":") {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if len(faulty.Faults) != 7 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d faults: %q", len(faulty.Faults), err)
	}
}

func TestValuesOfTheWrongKindAreRefused(t *testing.T) {
	for text, key := range map[string]string{
		"[smtp]\nport = \"many\"\n":       "smtp.port",
		"[retry]\nfirst = \"soon\"\n":     "retry.first",
		"[smtp]\nmax_size = \"big\"\n":    "smtp.max_size",
		"[smtp]\nmax_size = \"-1MB\"\n":   "smtp.max_size",
		"[archive]\nkeep = \"xd\"\n":      "archive.keep",
		"[store]\ndsn = \"postgres:x\"\n": "store.dsn",
		"timezone = \"Mars/Olympus\"\n":   "timezone",
		"[smtp\n":                         "geppo.toml",
	} {
		_, err := config.Load(config.Source{File: write(t, text)})
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line that names %s", text, err, key)
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
