package words

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Names of the data are what attackers chose: a file called invoice.zip, an address that serves malware. A reader must never be one
// tap away from it, and a filter in front of him must not take the report for the attack. So names are disarmed in two steps.
//
// Disarm is for every reader, on paper too: addresses become hxxp://evil[.]example/x, as the trade writes them, and nobody can mistake
// one for a working link. Unlink is for mail programs, which make a link of whatever looks like a host or an address: it puts a word
// joiner, which is not seen, before the dots, so that the name still reads as it is. (A zero width space would let lines
// end there; an element in the HTML would not stop the programs that look at the text alone, and the text part has none.)

// joiner is U+2060, word joiner.
const joiner = "\u2060"

var (
	anyScheme = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://`)
	hosts     = regexp.MustCompile(`://[^/?#\s"'<>]*|\[:\]//[^/?#\s"'<>]*`)
	// opaque are schemes without slashes that programs follow.
	opaque = regexp.MustCompile(`(?i)(mailto|tel|sms|sip|xmpp|callto|javascript|vbscript|file|cid|mid|magnet|bitcoin):`)
	www    = regexp.MustCompile(`(?i)(www\d*)\.([^/?#\s"'<>]*)`)
	// written are the schemes with a disarmed form of their own.
	written = map[string]string{"http": "hxxp", "https": "hxxps", "ftp": "fxp", "ftps": "fxps", "hxxp": "hxxp", "hxxps": "hxxps", "fxp": "fxp"}
)

// Disarm writes what is an address of the web so that it is none. It leaves what it has written alone.
func Disarm(s string) string {
	if !strings.ContainsAny(s, ":.") {
		return s
	}
	s = anyScheme.ReplaceAllStringFunc(s, func(scheme string) string {
		scheme = strings.TrimSuffix(scheme, "://")
		if safe, ok := written[strings.ToLower(scheme)]; ok {
			return safe + "://"
		}
		return scheme + "[:]//"
	})
	s = hosts.ReplaceAllStringFunc(s, bracketed)
	s = opaque.ReplaceAllString(s, "$1[:]")
	return www.ReplaceAllStringFunc(s, bracketed)
}

var brackets = strings.NewReplacer("[.]", "[.]", ".", "[.]")

func bracketed(host string) string { return brackets.Replace(host) }

// Shown is a name of the data as every reader sees it: clean, and disarmed.
func Shown(s string) string { return Disarm(Clean(s)) }

// Unlink keeps mail programs from making links of names.
func Unlink(s string) string {
	if !strings.ContainsAny(s, `.@\`) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexFunc(s, func(r rune) bool { return !inLink(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(unlinkRun(s[:n]))
		s = s[n:]
		n = strings.IndexFunc(s, inLink)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(strings.ReplaceAll(s[:n], `\\`, `\`+joiner+`\`)) // \\server\share
		s = s[n:]
	}
	return b.String()
}

// inLink tells the characters that hosts and mail addresses consist of, in any script.
func inLink(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune(".@-_+", r)
}

// unlinkRun breaks a run of such characters, if a program could take it for a host. Those know the world's top-level domains, or
// every svchost.exe would be a link to them; so must we, or every threat's name would be harder to look up.
func unlinkRun(run string) string {
	if !hostLike(run) {
		return run
	}
	var b strings.Builder
	for i, r := range run {
		if i > 0 && (r == '.' || r == '@') {
			b.WriteString(joiner)
		}
		b.WriteRune(r)
	}
	return b.String()
}

var fourNumbers = regexp.MustCompile(`\d\.\d+\.\d+\.\d`)

func hostLike(run string) bool {
	_, rest, found := strings.Cut(run, ".")
	for found {
		var label string
		label, rest, found = strings.Cut(rest, ".")
		if isTopLevel(label) {
			return true
		}
	}
	return fourNumbers.MatchString(run)
}

// leading is the ASCII word that a label begins with, as programs see where one ends. Encoded ones (xn--) are all the same to them.
var leading = regexp.MustCompile(`(?i)^(?:(xn--[a-z0-9])|([a-z]+)(?:[^a-z0-9]|$))`)

// isTopLevel tells a label that begins with a top-level domain which a program would see end there: behind Latin letters nothing of
// their kind may follow, behind others anything.
func isTopLevel(label string) bool {
	if word := leading.FindStringSubmatch(label); word != nil {
		return word[1] != "" || known(strings.ToLower(word[2]))
	}
	runes := []rune(label)
	for n := 1; n <= len(runes) && n <= 24 && runes[0] >= 0x80; n++ {
		if ascii, err := idna.ToASCII(string(runes[:n])); err == nil && known(ascii) {
			return true
		}
	}
	return false
}

func known(topLevel string) bool {
	_, icann := publicsuffix.PublicSuffix("x." + topLevel)
	return icann
}
