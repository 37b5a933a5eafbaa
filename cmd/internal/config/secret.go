package config

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"geppo/cmd/internal/files"
	"geppo/mailer"
)

// Password reads the relay's password: from password_file, else from the environment, else from
// the systemd credential smtp_password, else none.
func (c Config) Password(environ []string) (mailer.Secret, error) {
	return secret(c.SMTP.PasswordFile, PasswordVariable, "smtp_password", "smtp.password_file", environ)
}

// ClientSecret reads the secret of [http.oidc] likewise: client_secret_file, environment, credential oidc_client_secret.
func (o OIDC) ClientSecret(environ []string) (mailer.Secret, error) {
	return secret(o.ClientSecretFile, ClientSecretVariable, "oidc_client_secret", "http.oidc.client_secret_file", environ)
}

// secret is what a file holds, else a variable, else a credential of systemd, else none.
func secret(path, variable, credential, key string, environ []string) (mailer.Secret, error) {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	if path == "" {
		if password, ok := values[variable]; ok {
			return mailer.Secret(password), nil
		}
		dir, ok := values["CREDENTIALS_DIRECTORY"]
		if !ok {
			return "", nil
		}
		path = filepath.Join(dir, credential)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
	}
	text, err := files.Read(path, MostBytes)
	if err != nil {
		return "", Faulty(key, "%v; make it readable for the user that runs geppo", err)
	}
	return mailer.Secret(strings.TrimRight(string(text), "\r\n")), nil
}

// Address is the URL that a webhook is posted to: url, or what url_file holds.
func (w Webhook) Address() (mailer.Secret, error) {
	if w.URLFile == "" {
		return w.URL, nil
	}
	const key = "notify.webhooks"
	held, err := files.Read(w.URLFile, MostBytes)
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
	pem, err := files.Read(s.CAFile, MostBytes)
	if err != nil {
		return nil, Faulty("smtp.ca_file", "%v; set it to a file of certificates (PEM)", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, Faulty("smtp.ca_file", "%s holds no certificate; set it to a file of certificates (PEM)", s.CAFile)
	}
	return pool, nil
}
