package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
	geppod "geppo/cmd/internal/daemon"
	"geppo/cmd/internal/files"
)

// pages is the console for people; it is closed where nobody could say who he is.
func (s *service) pages(c config.Config, first geppod.Settings) (*console.Pages, error) {
	door, err := doorOf(c.HTTP, s.app.environ)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, err
	}
	return console.NewPages(console.Backing{
		Ledger: s.db.ledger, Detections: s.db.detections, Office: func() console.Office { return s.desk(first) }, Zone: zone, Now: time.Now, Log: s.log,
	}, door)
}

// doorOf reads who may use the console, and how it is reached.
func doorOf(c config.HTTP, environ []string) (door console.Door, err error) {
	access := &console.Access{ProxyUser: c.ProxyUser}
	if c.TokenFile != "" {
		text, err := files.Read(c.TokenFile, config.MostBytes)
		if err != nil {
			return door, config.Faulty("http.token_file", "%v; make it readable for the user that runs geppo", err)
		}
		if access.Tokens, err = console.ReadTokens(string(text)); err != nil {
			return door, config.Faulty("http.token_file", "%s: %v", c.TokenFile, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		user := c.Users[name]
		access.Users = append(access.Users, console.User{Name: name, Role: console.Role(user.Role), Password: string(user.Password)})
	}
	access.OIDC, err = oidcOf(c.OIDC, environ)
	return console.Door{Access: access, URL: c.URL, TLS: c.TLSCertFile != ""}, err
}

// oidcOf is the provider of logins, nil where there is none.
func oidcOf(c config.OIDC, environ []string) (*console.OIDC, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	secret, err := c.ClientSecret(environ)
	o := &console.OIDC{
		Issuer: c.Issuer, ClientID: c.ClientID, Secret: string(secret), Scopes: c.Scopes,
		NameClaim: c.NameClaim, RoleClaim: c.RoleClaim, Roles: map[string]console.Role{},
	}
	for value, role := range c.Roles {
		o.Roles[value] = console.Role(role)
	}
	return o, err
}

// hashesOf refuses passwords that nobody could log in with: a password in the clear, or a hash that was cut off.
func hashesOf(c config.Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Users)) {
		if hash := string(c.HTTP.Users[name].Password); hash != "" {
			if err := console.CheckHash(hash); err != nil {
				return fmt.Errorf("the password of %s %w", name, err)
			}
		}
	}
	return nil
}

// certificateOf is that of the console, nil where it speaks in the clear.
func certificateOf(c config.HTTP) (*tls.Certificate, error) {
	if c.TLSCertFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, config.Faulty("http.tls_cert_file", "%v", err)
	}
	return &pair, nil
}

// http is the daemon's own server, and what it listens on.
func (s *service) http(ctx context.Context, c config.Config, settings geppod.Settings) (server *console.Console, listener net.Listener, err error) {
	server = &console.Console{Alive: s.daemon.Alive, Checks: s.checks(), Gatherer: s.metrics.Registry, Log: s.log}
	if server.Pages, err = s.pages(c, settings); err != nil {
		return nil, nil, err
	}
	s.console = server.Pages
	certificate, err := certificateOf(c.HTTP)
	if err != nil {
		return nil, nil, err
	}
	if certificate != nil {
		s.certificate.Store(certificate)
		server.TLS = &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil },
			MinVersion:     tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		}
	}
	if listener, err = console.Listen(ctx, c.HTTP.Listen, c.HTTP.Guarded() && certificate != nil); err != nil {
		return nil, nil, fmt.Errorf("http.listen: %w; free it, or name another", err)
	}
	return server, listener, nil
}

// reception is what can change of http while it is served: who may come in, and the certificate.
type reception struct {
	door        console.Door
	certificate *tls.Certificate
}

func (s *service) reception(c config.HTTP) (r reception, err error) {
	if r.door, err = doorOf(c, s.app.environ); err != nil {
		return r, err
	}
	r.door.TLS = s.started.HTTP.TLSCertFile != ""
	r.certificate, err = certificateOf(c)
	return r, err
}

func (s *service) receive(r reception) error {
	if r.certificate != nil {
		s.certificate.Store(r.certificate)
	}
	return s.console.Change(r.door)
}
