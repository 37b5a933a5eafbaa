package mailer

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
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

// login authenticates, but never where somebody could listen: the peer must be verified or on this machine. go-mail
// would send an XOAUTH2 token over any connection.
func (c *Conn) login() error {
	if c.client.Auth == AuthNone || c.client.Username == "" {
		return nil
	}
	if !c.session.verified && !isLoopback(c.client.Host, c.raw) {
		return fmt.Errorf("%w: a login to %s would go over a connection that is not both encrypted and verified; require TLS, or no login", errSetup, c.client.Host)
	}
	method, err := c.client.method(c.mechanisms())
	if err != nil {
		return err
	}
	mechanism, answer, err := method.Start(c.server())
	if err != nil {
		return err
	}
	line := strings.TrimSpace("AUTH " + mechanism + " " + base64.StdEncoding.EncodeToString(answer))
	for {
		reply, lines, err := c.ask(line)
		if err != nil {
			return err
		}
		more := reply.Code == 334
		if !more && reply.Code/100 != 2 {
			return accepted(reply, nil)
		}
		answer, err := method.Next(challenge(lines), more)
		if err != nil || !more {
			return err
		}
		line = base64.StdEncoding.EncodeToString(answer)
	}
}

// challenge decodes a 334 reply. Some relays ask for user name and password in plain words.
func challenge(lines []string) []byte {
	text := strings.TrimSpace(lines[len(lines)-1])
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		return decoded
	}
	return []byte(text)
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
