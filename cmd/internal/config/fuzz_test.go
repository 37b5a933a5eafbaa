package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/config"
)

// FuzzConfig: whatever the file and the environment hold, a configuration is loaded or refused with a
// line for each fault, and loading it again says the same.
func FuzzConfig(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"timezone = \"Asia/Tokyo\"\n[smtp]\nhost = \"relay.example\"\nport = 587\ntls = \"starttls\"\nmax_size = \"20MB\"\n", "GEPPO_RETRY_FIRST=5m"},
		{"[schedule]\nmonthly = \"CRON_TZ=X\"\n", "GEPPO_SCHEDULE_MONTHLY=0 9 31 2 *"},
		{"[retry]\nfirst = \"1d12h\"\nfactor = nan\nmax = \"400d\"\n", "GEPPO_MAIL_OPERATORS=a@example.jp,b@example.jp"},
		{"[contracts.alias]\n\"社名\" = \"C1\"\n[mail]\nfrom = \"=?utf-8?q?a?= <a@example.jp>\"\n", "GEPPO_NO_SUCH=1"},
		{"smtp = 1\n", "GEPPO_SMTP=1"},
		{"[smtp]\nport = 99999999999999999999\n", "GEPPO_SMTP_PORT=x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, environ string) {
		path := filepath.Join(t.TempDir(), "geppo.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		hung := time.AfterFunc(5*time.Second, func() { panic("still loading after 5 s") })
		defer hung.Stop()
		source := config.Source{File: path, Environ: []string{environ}}
		first, err := config.Load(source)
		again, errAgain := config.Load(source)
		if (err == nil) != (errAgain == nil) {
			t.Fatalf("once %v, once %v", err, errAgain)
		}
		if err == nil {
			if !reflect.DeepEqual(first, again) {
				t.Errorf("loaded %+v and %+v", first, again)
			}
			if first.Ledger() == "" || first.Detections() == "" || first.Mail.FromAddress().Address == "" || first.SMTP.Port < 1 {
				t.Errorf("accepted %+v", first)
			}
			return
		}
		var faults *config.Error
		if !errors.As(err, &faults) || len(faults.Faults) == 0 {
			t.Fatalf("%T %v", err, err)
		}
		for _, fault := range faults.Faults {
			if strings.TrimSpace(fault.Text) == "" || strings.Contains(fault.String(), "\n") {
				t.Errorf("fault %q", fault.String())
			}
		}
	})
}
