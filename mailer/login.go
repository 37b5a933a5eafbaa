package mailer

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// tlsSession is what came of encrypting a connection. The zero value: it is plain.
type tlsSession struct {
	version  uint16
	verified bool // the certificate is the host's, by a CA we trust
}

// String is "TLS 1.3", with "(unverified)" where the certificate was only taken because encryption is optional.
func (s *tlsSession) String() string {
	switch {
	case s.version == 0:
		return ""
	case !s.verified:
		return tls.VersionName(s.version) + " (unverified)"
	default:
		return tls.VersionName(s.version)
	}
}

// tlsConfig verifies by itself, so that opportunistic encryption can go on without a good certificate and yet
// know it. It notes the outcome in session.
func (c *Client) tlsConfig(session *tlsSession) *tls.Config {
	return &tls.Config{
		ServerName:         c.Host,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below does it
		VerifyConnection: func(state tls.ConnectionState) error {
			err := c.verify(state)
			session.version, session.verified = state.Version, err == nil
			if err != nil && c.TLS != TLSOpportunistic {
				return fmt.Errorf("the certificate of %s is not to be trusted: %w; give the CA that signed it, or the name it is for as host", c.Host, err)
			}
			return nil
		},
	}
}

// verify is what crypto/tls does by default.
func (c *Client) verify(state tls.ConnectionState) error {
	options := x509.VerifyOptions{DNSName: c.Host, Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
	for _, cert := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// startTLS encrypts where the mode wants it.
func (c *Client) startTLS(client *smtp.Client, session *tlsSession) error {
	if c.TLS == TLSImplicit || c.TLS == TLSNone {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		if c.TLS == TLSOpportunistic {
			return nil
		}
		return fmt.Errorf("the relay %s offers no STARTTLS, which is required; use its port for submission or implicit TLS, or allow plain connections", c.addr())
	}
	return client.StartTLS(c.tlsConfig(session))
}

// login authenticates, but never where somebody could listen: secure says that the peer is verified or on this
// machine. go-mail would send an XOAUTH2 token over any connection.
func (c *Client) login(client *smtp.Client, secure bool) error {
	if c.Auth == AuthNone || c.Username == "" {
		return nil
	}
	if !secure {
		return fmt.Errorf("%w: a login to %s would go over a connection that is not both encrypted and verified; require TLS, or no login", errSetup, c.Host)
	}
	_, offered := client.Extension("AUTH")
	method, err := c.method(strings.Fields(strings.ToUpper(offered)))
	if err != nil {
		return err
	}
	return client.Auth(method)
}

// method chooses by the mode and by what the relay offers.
func (c *Client) method(offered []string) (smtp.Auth, error) {
	password := string(c.Password)
	for _, m := range []struct {
		mode AuthMode
		name string
		auto bool
		auth smtp.Auth
	}{
		{AuthSCRAM, "SCRAM-SHA-256", true, boundedAuth{smtp.ScramSHA256Auth(c.Username, password)}},
		{AuthPlain, "PLAIN", true, smtp.PlainAuth("", c.Username, password, c.Host, true)},
		{AuthLogin, "LOGIN", true, smtp.LoginAuth(c.Username, password, c.Host, true)},
		{AuthXOAUTH2, "XOAUTH2", false, smtp.XOAuth2Auth(c.Username, password)},
	} {
		wanted := c.Auth == m.mode || m.auto && (c.Auth == "" || c.Auth == AuthAuto)
		if wanted && slices.Contains(offered, m.name) {
			return m.auth, nil
		}
	}
	return nil, fmt.Errorf("%w: the relay %s offers the logins %q, which do not fit; set another login or another port", errSetup, c.addr(),
		printable(strings.Join(offered, " "), 200))
}

// boundedAuth keeps a relay from asking for hours of SCRAM hashing, which no deadline would end.
type boundedAuth struct{ smtp.Auth }

const maxIterations = 1_000_000 // RFC 7677 asks for at least 4096; a million is under a second

func (a boundedAuth) Next(challenge []byte, more bool) ([]byte, error) {
	for field := range bytes.SplitSeq(challenge, []byte(",")) {
		if count, ok := bytes.CutPrefix(field, []byte("i=")); ok && more {
			if n, err := strconv.Atoi(string(count)); err != nil || n < 1 || n > maxIterations {
				return nil, errors.New("the relay asks for a wrong number of SCRAM iterations")
			}
		}
	}
	return a.Auth.Next(challenge, more)
}
