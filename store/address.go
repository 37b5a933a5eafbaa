package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// CheckContractID tells whether id is of the form [A-Za-z0-9._-]{1,64} without a dot first, which
// makes it safe as a file name.
func CheckContractID(id string) error {
	ok := len(id) >= 1 && len(id) <= 64 && id[0] != '.'
	for i := range len(id) {
		c := id[i]
		ok = ok && (isAlphanumeric(c) || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return fmt.Errorf("contract id %.80q is not 1 to 64 of A-Z a-z 0-9 . _ - without a dot first", id)
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// CheckAddress tells whether s is one mail address (RFC 5321 Mailbox, without address literals) and
// nothing else: no display name, no comment, no second address, no line break. It also accepts
// dots where RFC 5321 wants quotes around them, as in abc..d@docomo.ne.jp and abc.@docomo.ne.jp:
// Japanese carriers gave out such addresses, and they are quoted when they are written to.
// An international domain must be given in its xn-- form.
func CheckAddress(s string) error {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return fmt.Errorf("address %.80q has no @", s)
	}
	if len(s) > 254 {
		return fmt.Errorf("address %.80q… is longer than 254 bytes", s)
	}
	err := checkDomain(s[at+1:])
	if err == nil {
		err = checkLocal(s[:at])
	}
	if err != nil {
		return fmt.Errorf("address %.80q: %w", s, err)
	}
	return nil
}

func checkLocal(local string) error {
	switch {
	case local == "" || len(local) > 64: // RFC 5321 section 4.5.3.1.1
		return errors.New("the part before the @ is not 1 to 64 bytes")
	case local[0] == '"':
		return checkQuoted(local)
	case local[0] == '.':
		return errors.New("it begins with a dot")
	}
	for i := range len(local) {
		// atext of RFC 5322, and dots anywhere but first
		if c := local[i]; !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(c)) {
			return fmt.Errorf("the part before the @ must not hold %q", c)
		}
	}
	return nil
}

// checkQuoted checks a Quoted-string of RFC 5321: printable ASCII, with \ before " and \.
func checkQuoted(local string) error {
	inner, ok := strings.CutSuffix(local[1:], `"`)
	for i := 0; ok && i < len(inner); i++ {
		if inner[i] == '\\' {
			i++
			ok = i < len(inner)
		} else {
			ok = inner[i] != '"'
		}
		ok = ok && inner[i] >= ' ' && inner[i] <= '~'
	}
	if !ok || inner == "" {
		return errors.New("the quotes before the @ are not closed, or hold what they must not")
	}
	return nil
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
			return fmt.Errorf("%.80q is not a domain (an international one must be in its xn-- form)", domain)
		}
	}
	return nil
}

// RecipientChange is what an operator did to a contract's list of addresses. It lives in the
// ledger, where no import can undo it.
type RecipientChange struct {
	Contract  string
	Recipient Recipient
	Removed   bool // otherwise added
	By        string
	At        time.Time
}
