package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/sink"
)

// What check passes must start and send, and what cannot is told before a month begins: whatever the configuration says,
// check and run agree.
func TestWhatCheckPassesSends(t *testing.T) {
	files := t.TempDir()
	key, cert, others := filepath.Join(files, "key.pem"), filepath.Join(files, "cert.pem"), filepath.Join(files, "others.pem")
	mailCertificate(t, key, map[string]string{"a@example.jp": cert, "somebody@example.org": others})
	from := template(t, 1)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"nothing":                        {"", true},
		"a sender with a name":           {"[mail]\nfrom = '月報 <report@example.jp>'\n", true},
		"a sender's domain beyond ASCII": {"[mail]\nfrom = '月報 <report@月報.example.jp>'\n", true},
		"an address literal":             {"[mail]\nfrom = 'geppo@[127.0.0.1]'\n", false},
		"a sender beyond ASCII":          {"[mail]\nfrom = 'ジッポ@example.jp'\n", false},
		"a bounce address":               {"[mail]\nbounce = 'bounce@example.jp'\n", true},
		"a bounce address with a name":   {"[mail]\nbounce = 'Bounces <bounce@example.jp>'\n", false},
		"verp":                           {"[mail]\nverp = true\n", true},
		"verp too long":                  {"[mail]\nverp = true\nbounce = 'bounces-of-the-monthly-report.of-us@example.jp'\n", false},
		"an operator":                    {"[mail]\noperators = ['Op <op@example.jp>']\n", true},
		"an operator beyond ASCII":       {"[mail]\noperators = ['オペ@example.jp']\n", false},
		"a certificate":                  {"[mail]\nfrom = 'a@example.jp'\nsmime_cert_file = '" + cert + "'\nsmime_key_file = '" + key + "'\n", true},
		"another's certificate":          {"[mail]\nfrom = 'a@example.jp'\nsmime_cert_file = '" + others + "'\nsmime_key_file = '" + key + "'\n", false},
		"no key file":                    {"[mail]\ndkim_domain = 'example.jp'\ndkim_selector = 's'\ndkim_key_file = '/none'\n", false},
		"a DKIM key that is none":        {"[mail]\ndkim_domain = 'example.jp'\ndkim_selector = 's'\ndkim_key_file = '" + cert + "'\n", false},
		"a login without a password":     {"[smtp]\nusername = 'u'\n", false},
		"a login without a name":         {"[smtp]\nauth = 'plain'\n", false},
		"no login with a name":           {"[smtp]\nusername = 'u'\nauth = 'none'\n", true},
		"a greeting":                     {"[smtp]\nhelo = 'mail.example.jp'\n", true},
		"a greeting with a space":        {"[smtp]\nhelo = 'my host'\n", false},
		"certificates that are none":     {"[smtp]\nca_file = '" + key + "'\n", false},
		"templates that are not there":   {"[report]\ntemplates_dir = '/none/of/these'\n", false},
		"an approval that is none":       {"[schedule]\napproval = 'twice'\n", false},
		"a schedule that never fires":    {"[schedule]\nmonthly = '@every 1h'\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyDatabases(t, dir, from)
			arrived := make(chan sink.Message, 10)
			relay, err := sink.Start(t.Context(), func(m sink.Message) error { arrived <- m; return nil })
			if err != nil {
				t.Fatal(err)
			}
			defer relay.Close()
			t.Setenv("GEPPO_SMTP_PORT", strconv.Itoa(relay.Port()))
			t.Setenv("GEPPO_LOG_LEVEL", "error")
			if err := writeFile(dir, "geppo.toml", []byte(c.text)); err != nil {
				t.Fatal(err)
			}
			args := []string{"-c", filepath.Join(dir, "geppo.toml"), "--db", "sqlite:" + filepath.Join(dir, "geppo.db")}
			want, mails := exitUsage, 0
			if c.ok {
				want, mails = exitDone, 1+strings.Count(c.text, "operators")
			}
			if code, stdout, _ := runGeppo(t, append(args, "check", "--quick")...); code != want {
				t.Errorf("check: exit %d, want %d\n%s", code, want, stdout)
			}
			if code, _, stderr := runGeppo(t, append(args, "run", "--period", "2026-09", "--force")...); code != want {
				t.Errorf("run: exit %d, want %d\n%s", code, want, stderr)
			}
			if len(arrived) != mails {
				t.Errorf("%d mails, want %d", len(arrived), mails)
			}
		})
	}
}

// mailCertificate writes a key, and for each address a certificate of it.
func mailCertificate(t *testing.T, keyFile string, files map[string]string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, keyFile, "PRIVATE KEY", private)
	for address, file := range files {
		certificate := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: address}, EmailAddresses: []string{address},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		}
		der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, file, "CERTIFICATE", der)
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
