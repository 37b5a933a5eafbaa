package config

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"geppo/mailer"
)

// Password reads the relay's password: from password_file, else from the environment, else from
// the systemd credential smtp_password, else none.
func (c Config) Password(environ []string) (mailer.Secret, error) {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	path := c.SMTP.PasswordFile
	if path == "" {
		if password, ok := values[PasswordVariable]; ok {
			return mailer.Secret(password), nil
		}
		dir, ok := values["CREDENTIALS_DIRECTORY"]
		if !ok {
			return "", nil
		}
		path = filepath.Join(dir, "smtp_password")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return "", Faulty("smtp.password_file", "%v; make it readable for the user that runs geppo", err)
	}
	return mailer.Secret(strings.TrimRight(string(secret), "\r\n")), nil
}

// Address is the URL that a webhook is posted to: url, or what url_file holds.
func (w Webhook) Address() (mailer.Secret, error) {
	if w.URLFile == "" {
		return w.URL, nil
	}
	const key = "notify.webhooks"
	held, err := os.ReadFile(w.URLFile)
	if err != nil {
		return "", Faulty(key, "%v; make it readable for the user that runs geppo", err)
	}
	address := strings.TrimSpace(string(held))
	if !postable(address) {
		return "", Faulty(key, "%s does not hold an http(s) URL", w.URLFile)
	}
	return mailer.Secret(address), nil
}

// RootCAs are the certificates of ca_file, or nil for the system's.
func (s SMTP) RootCAs() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, Faulty("smtp.ca_file", "%v; set it to a file of certificates (PEM)", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, Faulty("smtp.ca_file", "%s holds no certificate; set it to a file of certificates (PEM)", s.CAFile)
	}
	return pool, nil
}
