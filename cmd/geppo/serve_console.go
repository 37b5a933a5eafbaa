package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"time"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
	geppod "geppo/cmd/internal/daemon"
)

// pages is the console for people; nil where nobody could say who he is.
func (s *service) pages(c config.Config, first geppod.Settings) (*console.Pages, error) {
	if !c.HTTP.Guarded() {
		return nil, nil
	}
	access, err := accessOf(c.HTTP)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, err
	}
	return console.NewPages(console.Backing{
		Ledger: s.db.ledger, Detections: s.db.detections, Office: office{s, first}, Access: access, Zone: zone,
		URL: c.HTTP.URL, TLS: c.HTTP.TLSCertFile != "", Now: time.Now, Log: s.log,
	})
}

// accessOf reads who may use the console.
func accessOf(c config.HTTP) (*console.Access, error) {
	access := &console.Access{ProxyUser: c.ProxyUser}
	if c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, config.Faulty("http.token_file", "%v; make it readable for the user that runs geppo", err)
		}
		if access.Tokens, err = console.ReadTokens(string(text)); err != nil {
			return nil, config.Faulty("http.token_file", "%s: %v", c.TokenFile, err)
		}
	}
	for name, user := range c.Users {
		access.Users = append(access.Users, console.User{Name: name, Role: console.Role(user.Role), Password: string(user.Password)})
	}
	return access, nil
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

// httpTLS is the certificate of the console, nil where it speaks in the clear.
func httpTLS(c config.HTTP) (*tls.Config, error) {
	if c.TLSCertFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, config.Faulty("http.tls_cert_file", "%v", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// http is the daemon's own server, and what it listens on.
func (s *service) http(ctx context.Context, c config.Config, settings geppod.Settings) (server *console.Console, listener net.Listener, err error) {
	server = &console.Console{Alive: s.daemon.Alive, Checks: s.checks(), Gatherer: s.metrics.Registry, Log: s.log}
	if server.Pages, err = s.pages(c, settings); err != nil {
		return nil, nil, err
	}
	if server.TLS, err = httpTLS(c.HTTP); err != nil {
		return nil, nil, err
	}
	if listener, err = console.Listen(ctx, c.HTTP.Listen, server.Pages != nil && server.TLS != nil); err != nil {
		return nil, nil, fmt.Errorf("http.listen: %w; free it, or name another", err)
	}
	return server, listener, nil
}
