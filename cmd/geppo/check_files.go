package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/files"
	"geppo/templates"
)

// files looks at every file and directory that the configuration names.
func (k *checker) files(ctx context.Context, c config.Config) {
	for _, file := range []struct{ key, path string }{
		{"smtp.password_file", c.SMTP.PasswordFile},
		{"mail.dkim_key_file", c.Mail.DKIMKeyFile},
		{"mail.smime_key_file", c.Mail.SMIMEKeyFile},
		{"http.token_file", c.HTTP.TokenFile},
		{"http.oidc.client_secret_file", c.HTTP.OIDC.ClientSecretFile},
	} {
		k.secret(file.key, file.path)
	}
	k.directory("archive", "archive.dir", c.Archive.Dir, "copies can be written to")
	if c.Bounce.Maildir != "" {
		k.directory("bounces", "bounce.maildir", filepath.Join(c.Bounce.Maildir, "new"), "notifications can be taken from")
		k.directory("bounces", "bounce.maildir", filepath.Join(c.Bounce.Maildir, "cur"), "and moved to")
	}
	if c.Inbox.Dir != "" {
		k.directory("inbox", "inbox.dir", c.Inbox.Dir, "files can be taken from")
		k.failedFiles(c.Inbox.Dir)
	}
	k.listen(ctx, c.HTTP.Listen)
	k.access(ctx, c.HTTP)
}

// access finds tokens, users and a certificate that serve could not use; a file that cannot be read was told.
func (k *checker) access(ctx context.Context, c config.HTTP) {
	door, err := doorOf(c, k.app.environ)
	if _, unread := files.Read(c.TokenFile, config.MostBytes); c.TokenFile != "" && unread != nil {
		err = nil
	}
	_, tlsErr := certificateOf(c)
	for _, err := range []error{err, tlsErr} {
		var faulty *config.Error
		if errors.As(err, &faulty) {
			for _, f := range faulty.Faults {
				k.fault("http", exitUsage, "%s: %s", f.Key, f.Text)
			}
		}
	}
	if err == nil && door.Access != nil && door.Access.OIDC != nil && !k.options.noSMTP {
		k.provider(ctx, *door.Access.OIDC)
	}
}

// provider asks who is to say who somebody is. While he is away nobody can log in by him; reports are sent all the same.
func (k *checker) provider(ctx context.Context, o console.OIDC) {
	if err := o.Check(ctx); err != nil {
		k.fault("http", exitUnavailable, "http.oidc.issuer: %v; see whether it is written as the provider writes it, and can be reached from here", err)
		return
	}
	k.ok("http", "%s says who somebody is", o.Issuer)
}

// failedFiles counts what the inbox could not import.
func (k *checker) failedFiles(inbox string) {
	files := 0
	err := filepath.WalkDir(filepath.Join(inbox, "failed"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasSuffix(path, daemon.ReasonsSuffix) {
			files++
		}
		return err
	})
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		k.fault("inbox", exitError, "%v; make it readable for the user that runs geppo", err)
	case files > 0:
		k.warn("inbox", "%d files could not be imported: see the reasons beside them in %s; mend them and put them back, or remove them",
			files, filepath.Join(inbox, "failed"))
	}
}

// secret finds a secret that everybody can read, or that nobody has looked for yet.
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
	case err != nil && key != "http.token_file": // who needs it has told it
	case err != nil:
		k.fault("secrets", exitUsage, "%s: %s: %v; make it readable for the user that runs geppo", key, path, err)
	case info.Mode().Perm()&0o007 != 0:
		k.warn("secrets", "%s: everybody on this machine can read %s; chmod o= it", key, path)
	}
}

// listen finds an address that serve could not open. One that is in use is the running daemon's, as far as can be told.
func (k *checker) listen(ctx context.Context, address string) {
	network, address, err := console.Parse(address, true)
	if err != nil {
		return // the configuration has told it
	}
	if network == "unix" {
		if err := unix.Access(filepath.Dir(address), unix.W_OK|unix.X_OK); err != nil {
			k.warn("http", "http.listen: %s: %v; it must be there when geppo serves (systemd makes RuntimeDirectory=)", filepath.Dir(address), err)
		}
		return
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err == nil {
		err = listener.Close()
	}
	if err != nil && !errors.Is(err, unix.EADDRINUSE) {
		k.fault("http", exitUsage, "http.listen: %v; name another address", err)
	}
}

// directory makes sure that files could be written to dir, without writing one: a directory that is not there yet is made when it
// is needed, below one that must let it.
func (k *checker) directory(area, key, dir, good string) {
	if dir == "" {
		return
	}
	for path := filepath.Clean(dir); ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
			continue
		}
		switch {
		case err != nil:
			k.fault(area, exitUsage, "%s: %v; name a directory that geppo may write to", key, err)
		case !info.IsDir():
			k.fault(area, exitUsage, "%s: %s is no directory; name one", key, path)
		case unix.Access(path, unix.W_OK|unix.X_OK) != nil:
			k.fault(area, exitUsage, "%s: %s is not writable for the user that runs geppo; give it to that user", key, path)
		default:
			k.ok(area, "%s %s", good, dir)
		}
		return
	}
}

// strayTemplates finds files in an operator's directory that replace nothing.
func (k *checker) strayTemplates(key, dir string) {
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if _, err := fs.Stat(templates.FS, name); err != nil {
			k.warn("templates", "%s in %s takes the place of no template; see whether its name is right", name, key)
		}
		return nil
	})
	if err != nil {
		k.fault("templates", exitUsage, "%s: %v; make it readable for the user that runs geppo", key, err)
	}
}
