package mailer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Header safety. What enters a header from outside – names, subjects, file names – is put into a form
// that cannot end a header line, can be folded below 78 characters, and cannot be taken for something else: plain text
// if it is harmless, else encoded words of RFC 2047, each of whole characters. Control characters become
// spaces first. go-mail's own encoder leaves ASCII as it is, however long, and believes a ready-made encoded word.

const (
	maxWord   = 60      // longest run without a space that is left plain
	maxID     = 200     // octets of a Message-ID or Content-ID
	maxName   = 120     // octets of a file name
	maxHeader = 8 << 10 // octets of a subject or display name; names of 1,000 characters are accepted data
)

// writeHeader writes all fields of the message but Content-Type. The order is go-mail's: by name.
func writeHeader(out io.Writer, h Header, wire addresses, subject, lang string) error {
	if max(len(subject), len(h.From.Name), len(h.To.Name), len(h.ReplyTo.Name)) > maxHeader {
		return errors.New("a subject or display name is longer than 8 KB")
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.SetGenHeader("From", mailbox("From", h.From.Name, wire.from))
	m.SetGenHeader("To", mailbox("To", h.To.Name, wire.to))
	if wire.replyTo != "" {
		m.SetGenHeader("Reply-To", mailbox("Reply-To", h.ReplyTo.Name, wire.replyTo))
	}
	m.SetGenHeader("Subject", unstructured("Subject", subject))
	m.SetGenHeader("Date", h.Date.In(japan()).Format(time.RFC1123Z))
	m.SetGenHeader("Message-ID", "<"+h.MessageID+">")
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", lang)
	_, err := m.WriteTo(out)
	return err
}

// mailbox is "name <address>" for the header field.
func mailbox(field, name, address string) string {
	name = oneLine(name)
	switch {
	case name == "":
		return "<" + address + ">"
	case isHarmless(name):
		return quote(name) + " <" + address + ">"
	default:
		return encodeWords(field, name) + " <" + address + ">"
	}
}

// unstructured is the text of a field such as Subject.
func unstructured(field, text string) string {
	text = oneLine(text)
	if isHarmless(text) {
		return text
	}
	return encodeWords(field, text)
}

// oneLine replaces control characters by spaces and broken UTF-8 by U+FFFD.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}

// isHarmless tells whether text may stand in a header as it is: printable ASCII, foldable at single spaces, and nothing that
// a reader would decode.
func isHarmless(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	for word := range strings.SplitSeq(s, " ") {
		if word == "" || len(word) > maxWord {
			return false // two spaces in a row can leave a folded line blank, which ends a header for some readers
		}
	}
	return !strings.Contains(s, "=?")
}

// encodeWords writes s as encoded words (RFC 2047, base64) of at most 75 characters, separated by spaces. No
// character is split. The first is shorter so that it stands on the line of its field's name.
func encodeWords(field, s string) string {
	const overhead = len("=?UTF-8?B??=")
	var words []string
	room := (70 - len(field) - overhead) / 4 * 3
	for len(s) > 0 {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > room {
				break
			}
			n += size
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s, room = s[n:], (72-overhead)/4*3
	}
	return strings.Join(words, " ")
}

// disposition is a Content-Disposition with its file name, by RFC 2231 if it is beyond ASCII.
func disposition(kind, name string) (string, error) {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return "", fmt.Errorf("file name %q must be valid UTF-8 of 1 to %d bytes", printable(name, 80), maxName)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(`/\:"<>|?*`, r) }) {
		return "", fmt.Errorf("file name %q has a control character or one of / \\ : \" < > | ? *", printable(name, 80))
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": name}), nil
}

// checkID refuses what cannot stand between the angle brackets of a Message-ID or Content-ID.
func checkID(what, id string, needAt bool) error {
	ok := id != "" && len(id) <= maxID && !strings.HasPrefix(id, "@") && !strings.HasSuffix(id, "@")
	for i := range len(id) {
		ok = ok && (isAtext(id[i]) || id[i] == '.' || id[i] == '@')
	}
	if at := strings.Count(id, "@"); !ok || at > 1 || needAt && at == 0 {
		return fmt.Errorf("%s %q is no %s", what, printable(id, 80), map[bool]string{true: "id@domain", false: "identifier"}[needAt])
	}
	return nil
}
