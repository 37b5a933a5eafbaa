package main

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
	"geppo/mailer"
	"geppo/render"
	"geppo/templates"
)

// files looks at every file and directory that the configuration names.
func (k *checker) files(c config.Config) {
	if password, err := c.Password(k.app.environ); err != nil {
		k.misconfigured("password", err)
	} else if c.SMTP.Username != "" && password == "" {
		k.fault("password", exitUsage, "smtp.username is set, but there is no password; set smtp.password_file")
	}
	if _, err := c.SMTP.RootCAs(); err != nil {
		k.misconfigured("relay", err)
	}
	for _, file := range []struct{ key, path string }{
		{"smtp.password_file", c.SMTP.PasswordFile},
		{"mail.dkim_key_file", c.Mail.DKIMKeyFile},
		{"mail.smime_key_file", c.Mail.SMIMEKeyFile},
		{"http.token_file", c.HTTP.TokenFile},
	} {
		k.secret(file.key, file.path)
	}
	if c.Mail.DKIMKeyFile != "" {
		k.dkim(c.Mail)
	}
	if c.Mail.SMIMECertFile != "" {
		if _, err := tls.LoadX509KeyPair(c.Mail.SMIMECertFile, c.Mail.SMIMEKeyFile); err != nil {
			k.fault("signing", exitUsage, "mail.smime_cert_file: %v; set it and mail.smime_key_file to a pair in PEM", err)
		}
	}
	if c.Archive.Dir != "" {
		k.archive(c.Archive.Dir)
	}
}

// secret finds a secret that cannot be read, or that everybody can.
func (k *checker) secret(key, path string) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err == nil {
		err = unix.Access(path, unix.R_OK)
	}
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		err = inPath.Err
	}
	switch {
	case err != nil && key == "smtp.password_file": // Password has told it
	case err != nil:
		k.fault("secrets", exitUsage, "%s: %s: %v; make it readable for the user that runs geppo", key, path, err)
	case info.Mode().Perm()&0o007 != 0:
		k.warn("secrets", "%s: everybody on this machine can read %s; chmod o= it", key, path)
	}
}

func (k *checker) dkim(m config.Mail) {
	key, err := os.ReadFile(m.DKIMKeyFile)
	if err != nil {
		return // secret has told it
	}
	if _, err := mailer.LoadDKIM(m.DKIMDomain, m.DKIMSelector, key); err != nil {
		k.fault("signing", exitUsage, "mail.dkim_key_file: %v", err)
	}
}

// archive makes sure that copies could be written, without writing one: a directory that is not there
// yet is made by the first copy, below one that must let it.
func (k *checker) archive(dir string) {
	for path := filepath.Clean(dir); ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
			continue
		}
		switch {
		case err != nil:
			k.fault("archive", exitUsage, "archive.dir: %v; name a directory that geppo may write to", err)
		case !info.IsDir():
			k.fault("archive", exitUsage, "archive.dir: %s is no directory; name one", path)
		case unix.Access(path, unix.W_OK|unix.X_OK) != nil:
			k.fault("archive", exitUsage, "archive.dir: %s is not writable for the user that runs geppo; give it to that user", path)
		default:
			k.ok("archive", "copies can be written to %s", dir)
		}
		return
	}
}

// templates parses what is in force, and finds files in the operator's directory that replace nothing.
func (k *checker) templates(c config.Config) {
	dir := c.Report.TemplatesDir
	if dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			k.fault("templates", exitUsage, "report.templates_dir: %s is no directory that can be read; name one, or leave it empty", dir)
			return
		}
		k.strayTemplates(dir)
	}
	err := render.Check(templateFiles(c), renderOptions(c))
	if err == nil {
		k.ok("templates", "every template can be used")
		return
	}
	for fault := range strings.Lines(err.Error()) {
		k.fault("templates", exitUsage, "%s; mend the file in report.templates_dir, or remove it", strings.TrimSpace(fault))
	}
}

func (k *checker) strayTemplates(dir string) {
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if _, err := fs.Stat(templates.FS, name); err != nil {
			k.warn("templates", "%s in report.templates_dir takes the place of no template; see whether its name is right", name)
		}
		return nil
	})
	if err != nil {
		k.fault("templates", exitUsage, "report.templates_dir: %v; make it readable for the user that runs geppo", err)
	}
}
