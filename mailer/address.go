package mailer

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// EnvelopeAddress returns addr (local@domain) in the one form that envelope and header share: printable ASCII, the
// local part quoted where RFC 5321 wants it, the domain in A-labels. Old carrier addresses such as abc.@docomo.ne.jp
// or a..b@ezweb.ne.jp are no dot-atoms and come out quoted. A local part beyond ASCII is refused: it would need SMTPUTF8
// from every server on the way, and no mailbox that this program serves has one.
func EnvelopeAddress(addr string) (string, error) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "", fmt.Errorf("%q is no mail address: it has no @", printable(addr, 80))
	}
	local, err := wireLocal(addr[:at])
	if err != nil {
		return "", fmt.Errorf("%q is no mail address we can send to: %w", printable(addr, 80), err)
	}
	domain, err := wireDomain(addr[at+1:])
	if err != nil {
		return "", fmt.Errorf("%q is no mail address: %w", printable(addr, 80), err)
	}
	if len(local)+1+len(domain) > 254 { // RFC 5321 4.5.3.1.3, less the angle brackets
		return "", fmt.Errorf("%q is no mail address: longer than 254 characters", printable(addr, 80))
	}
	return local + "@" + domain, nil
}

// wireLocal checks a local part, quoted or not, and quotes it if it must be.
func wireLocal(local string) (string, error) {
	quoted := len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"'
	plain := local
	if quoted {
		var err error
		if plain, err = unquote(local[1 : len(local)-1]); err != nil {
			return "", err
		}
	}
	if plain == "" || len(plain) > 64 {
		return "", errors.New("the part before the @ must have 1 to 64 characters")
	}
	dotAtom := plain[0] != '.' && plain[len(plain)-1] != '.' && !strings.Contains(plain, "..")
	for i := range len(plain) {
		switch c := plain[i]; {
		case c >= 0x80:
			return "", errors.New("the part before the @ is not ASCII, which needs SMTPUTF8; give an ASCII address")
		case c < ' ' || c == 0x7f:
			return "", errors.New("control character before the @")
		case c == '.' || isAtext(c):
		case !quoted:
			return "", fmt.Errorf("%q before the @", c)
		default:
			dotAtom = false
		}
	}
	if dotAtom {
		return plain, nil
	}
	return quote(plain), nil
}

// wireDomain checks a domain name or an address literal; names beyond ASCII become A-labels.
func wireDomain(domain string) (string, error) {
	if inner, ok := strings.CutPrefix(domain, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimPrefix(strings.TrimSuffix(inner, "]"), "IPv6:"))
		if err != nil || ip.Zone() != "" || !strings.HasSuffix(domain, "]") {
			return "", errors.New("wrong address literal after the @")
		}
		return domain, nil
	}
	if strings.IndexFunc(domain, func(r rune) bool { return r >= 0x80 }) >= 0 {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", fmt.Errorf("wrong domain: %w", err)
		}
		domain = ascii
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return "", errors.New("wrong domain")
		}
		for i := range len(label) {
			if c := label[i]; !isAlnum(c) && c != '-' && c != '_' {
				return "", fmt.Errorf("%q in the domain", c)
			}
		}
	}
	return domain, nil
}

// unquote resolves the backslashes within a quoted local part.
func unquote(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", errors.New("a quotation mark within the quoted part before the @")
		case '\\':
			if i++; i == len(s) {
				return "", errors.New("a backslash before the closing quotation mark")
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote makes a quoted-string of printable ASCII.
func quote(s string) string { return `"` + quoter.Replace(s) + `"` }

// isAtext: RFC 5322 3.2.3.
func isAtext(c byte) bool { return isAlnum(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0 }

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
