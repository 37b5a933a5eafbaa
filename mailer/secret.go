package mailer

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// Secret is a password or token. Whichever way it is printed, logged or marshalled, only *** comes out;
// string(s) is the one way to its value.
type Secret string

const hidden = "***"

// Format covers every verb of fmt, also those that fit no string.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is ***.
func (Secret) String() string { return hidden }

// GoString is ***.
func (Secret) GoString() string { return hidden }

// LogValue is ***, also where a handler does not print but marshal.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is ***, which covers JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// hide takes the password out of what a relay says: some repeat the command that they refuse, and their replies go
// into the ledger, the log and mails. Base64 is looked into, as a login is sent in it, alone or beside the user name;
// and as the command may be cut off or printed in capitals, what begins like it is enough.
func (c *Client) hide(text string) string {
	password := string(c.Password)
	if password == "" {
		return text
	}
	text = strings.ReplaceAll(text, password, hidden)
	text = strings.ReplaceAll(text, strings.ToUpper(password), hidden)
	return base64Words.ReplaceAllStringFunc(text, func(word string) string {
		if c.betrays(word) {
			return hidden
		}
		return word
	})
}

var base64Words = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}={0,2}`)

// betrays tells whether a word is the login, or a part of it.
func (c *Client) betrays(word string) bool {
	user, password := c.Username, string(c.Password)
	bare := strings.TrimRight(word, "=")
	for _, sent := range []string{password, "\x00" + user + "\x00" + password, user + "\x00" + user + "\x00" + password, "user=" + user + "\x01auth=Bearer " + password + "\x01\x01"} {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(sent))
		n := min(len(bare), len(encoded))
		if strings.EqualFold(bare[:n], encoded[:n]) {
			return true
		}
	}
	decoded, err := base64.RawStdEncoding.DecodeString(bare[:len(bare)/4*4])
	return err == nil && strings.Contains(string(decoded), password[:min(len(password), 8)])
}
