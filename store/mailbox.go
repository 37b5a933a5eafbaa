package store

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// Mailbox is the form by which addresses are compared: two spellings that reach one mailbox fold to the same string.
// Domains are compared without case and as A-labels (RFC 5890), local parts without case and without needless quotes.
// RFC 5321 would let a server tell A@ from a@; none that this program writes to does, and people who type a list do
// not. It is for comparing and never for writing to: that is the address as it was given. What is no address folds to
// itself in small letters, so that a line of a log can be looked up as well.
func Mailbox(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return strings.ToLower(address)
	}
	domain, err := asciiDomain(address[at+1:])
	if err != nil {
		domain = address[at+1:]
	}
	return strings.ToLower(unquoted(address[:at]) + "@" + domain)
}

// asciiDomain gives a domain with A-labels in place of what is beyond ASCII.
func asciiDomain(domain string) (string, error) {
	if isASCII(domain) {
		return domain, nil
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("%.80q is not a domain: %w", domain, err)
	}
	return ascii, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// unquoted takes off the quotes of a local part that is one without them too, and needless backslashes.
func unquoted(local string) string {
	if checkQuoted(local) != nil {
		return local
	}
	var plain strings.Builder
	for inner := local[1 : len(local)-1]; inner != ""; inner = inner[1:] {
		if inner[0] == '\\' {
			inner = inner[1:]
		}
		plain.WriteByte(inner[0])
	}
	if checkLocal(plain.String()) == nil {
		return plain.String()
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain.String()) + `"`
}

// CheckAddress tells whether s is one mail address (RFC 5321 Mailbox, without address literals) and
// nothing else: no display name, no comment, no second address, no line break. It also accepts
// dots where RFC 5321 wants quotes around them, as in abc..d@docomo.ne.jp and abc.@docomo.ne.jp:
// Japanese carriers gave out such addresses, and they are quoted when they are written to.
// An international domain may be given in letters or in its xn-- form; a local part beyond ASCII would
// need SMTPUTF8 from every server on the way, and is refused.
func CheckAddress(s string) error {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return fmt.Errorf("address %.80q has no @", s)
	}
	domain, err := asciiDomain(s[at+1:])
	if err == nil {
		err = checkDomain(domain)
	}
	if err == nil {
		err = checkLocal(s[:at])
	}
	if err == nil && wireLength(s[:at], domain) > 254 { // RFC 5321 section 4.5.3.1.3, less the angle brackets
		err = errors.New("it is longer than 254 bytes")
	}
	if err != nil {
		return fmt.Errorf("address %.80q: %w", s, err)
	}
	return nil
}

// wireLength is that of the address as it is written to: quoted where RFC 5321 wants it.
func wireLength(local, domain string) int {
	n := len(unquoted(local)) + len("@") + len(domain)
	if local[0] != '"' && (strings.HasSuffix(local, ".") || strings.Contains(local, "..")) {
		n += len(`""`)
	}
	return n
}

func checkLocal(local string) error {
	switch {
	case local == "":
		return errors.New("nothing stands before the @")
	case local[0] == '"':
		return checkQuoted(local)
	case len(local) > 64: // RFC 5321 section 4.5.3.1.1
		return errors.New("the part before the @ is longer than 64 bytes")
	case local[0] == '.':
		return errors.New("it begins with a dot")
	}
	for _, c := range local {
		// atext of RFC 5322, and dots anywhere but first
		if c < 0x80 && isAlphanumeric(byte(c)) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", c) {
			continue
		}
		return fmt.Errorf("the part before the @ must not hold %q", c)
	}
	return nil
}

// checkQuoted checks a Quoted-string of RFC 5321: printable ASCII, with \ before " and \.
func checkQuoted(local string) error {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return errors.New("the quotes before the @ are not closed")
	}
	plain := 0
	for inner := local[1 : len(local)-1]; inner != ""; inner = inner[1:] {
		switch inner[0] {
		case '\\':
			if inner = inner[1:]; inner == "" {
				return errors.New("the quotes before the @ are not closed")
			}
		case '"':
			return errors.New(`a " within the quotes before the @ needs a backslash`)
		}
		if inner[0] < ' ' || inner[0] > '~' {
			return fmt.Errorf("the part before the @ must not hold %q", firstRune(inner))
		}
		plain++
	}
	if plain == 0 || plain > 64 {
		return errors.New("the part between the quotes is not 1 to 64 bytes")
	}
	return nil
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// checkDomain checks the letters, digits and hyphens of RFC 1123 host names.
func checkDomain(domain string) error {
	if len(domain) > 253 {
		return errors.New("the domain is longer than 253 bytes")
	}
	for label := range strings.SplitSeq(domain, ".") {
		ok := len(label) >= 1 && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
		for i := range len(label) {
			ok = ok && (isAlphanumeric(label[i]) || label[i] == '-')
		}
		if !ok {
			return fmt.Errorf("%.80q is not a domain", domain)
		}
	}
	return nil
}
