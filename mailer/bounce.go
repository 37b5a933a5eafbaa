package mailer

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// Bounce is a delivery status notification (RFC 3464, with RFC 6533's types): what another server says became of a message it had
// accepted. Anyone can write one, so it proves nothing: the caller acts on it only if MessageID is one of a message it sent, and
// only for the address it sent that to.
type Bounce struct {
	MessageID  string // of the message that is reported on, without angle brackets; never empty
	Recipients []BouncedRecipient
}

// BouncedRecipient is what is said of one address. All texts are printable, on one line.
type BouncedRecipient struct {
	Address    string // as the reporting server knew it in the end, after forwarding
	Original   string // as the message was sent to it; empty if the report does not say
	Action     string // failed, delayed, delivered, relayed or expanded
	Status     string // "5.1.1" (RFC 3463); "5.0.0" if the report has no code
	Diagnostic string // the refusing server's reply, at most 1 KB
	RemoteMTA  string // the refusing server
	// Hard says that the address itself is wrong or gone, so that nothing should be sent there before somebody looked at it.
	Hard bool
}

// Of finds what is said of the address that a message was sent to. A report of another one – a reader forwards his mail, a
// member of a list is gone – is no reason to mark it.
func (b Bounce) Of(address string) (BouncedRecipient, bool) {
	same := func(reported string) bool {
		wire, err := EnvelopeAddress(reported)
		ours, err2 := EnvelopeAddress(address)
		return err == nil && err2 == nil && strings.EqualFold(wire, ours)
	}
	i := slices.IndexFunc(b.Recipients, func(r BouncedRecipient) bool { return same(r.Original) || same(r.Address) })
	if i < 0 {
		return BouncedRecipient{}, false
	}
	return b.Recipients[i], true
}

// What makes a failure hard is a code that speaks of this one address: there is no such mailbox (5.1.1), no such domain (5.1.2, 5.1.10),
// it cannot be one (5.1.3), it has moved (5.1.6), it is disabled (5.2.1). A full mailbox (5.2.2), a message too large (5.2.3, 5.3.4),
// policy and spam (5.7.x) and trouble on the way (5.4.x) pass or are about us; 5.1.7 and 5.1.8 blame the sender's address;
// 5.1.0 may be either. The reply's words are not consulted: carriers answer "550 Unknown user" also where a reader's own
// filter refuses the sender.
var hardStatus = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}

var actions = []string{"failed", "delayed", "delivered", "relayed", "expanded"}

// Bounds for what strangers send.
const (
	maxBounce     = 1 << 20 // bytes of the whole mail
	maxDepth      = 4       // multiparts within each other
	maxParts      = 32      // in all of them
	maxRecipients = 100
)

// ReadBounce reads one mail of at most 1 MB. Its error says what is missing for a report to be acted on; what is no report of
// this kind, such as a reply, an absence note or a carrier's plain text, is named so.
func ReadBounce(r io.Reader) (Bounce, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBounce+1))
	if err != nil {
		return Bounce{}, fmt.Errorf("read bounce: %w", err)
	}
	if len(raw) > maxBounce {
		return Bounce{}, fmt.Errorf("read bounce: the mail is larger than %d bytes", maxBounce)
	}
	b, err := readBounce(raw)
	if err != nil {
		return Bounce{}, fmt.Errorf("read bounce: %w", err)
	}
	return b, nil
}

func readBounce(raw []byte) (Bounce, error) {
	if bytes.HasPrefix(raw, []byte("From ")) { // as mbox and some pipes put before a mail
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Bounce{}, fmt.Errorf("not a mail: %s", printable(err.Error(), 200))
	}
	var report report
	if err := report.walk(m.Header.Get("Content-Type"), "", m.Body, maxDepth); err != nil {
		return Bounce{}, err
	}
	if report.status == nil {
		kind, _, _ := strings.Cut(m.Header.Get("Content-Type"), ";")
		return Bounce{}, fmt.Errorf("no delivery status notification (multipart/report with message/delivery-status) but %q: read it yourself", printable(kind, 80))
	}
	b := Bounce{MessageID: report.messageID(m.Header)}
	if b.MessageID == "" {
		return Bounce{}, errors.New("the report does not tell the Message-ID of the mail it is about")
	}
	b.Recipients, err = recipients(report.status)
	return b, err
}

// report is the parts of a notification that matter.
type report struct {
	status   []byte // the machine-readable part; nil: none
	original []byte // the header, or all, of the mail that is reported on
	parts    int
}

// walk looks for the parts in a body of that type, going down into multiparts, but never into other mails.
func (p *report) walk(contentType, encoding string, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil //nolint:nilerr // a part of an unreadable type is none that we look for
	}
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		if p.status != nil {
			return errors.New("two delivery reports in one mail")
		}
		p.status, err = decoded(encoding, body)
		return err
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
		if p.original == nil {
			p.original, err = decoded(encoding, body)
		}
		return err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return nil
	}
	if depth == 0 {
		return fmt.Errorf("more than %d multiparts within each other", maxDepth)
	}
	for parts := multipart.NewReader(body, params["boundary"]); ; p.parts++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a part is cut off or garbled: %s", printable(err.Error(), 200))
		}
		if p.parts == maxParts {
			return fmt.Errorf("more than %d parts", maxParts)
		}
		if err := p.walk(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, depth-1); err != nil {
			return err
		}
	}
}

// decoded is a part's content, never nil without an error. It is no longer than the mail.
func decoded(encoding string, r io.Reader) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("a part is cut off or garbled: %s", printable(err.Error(), 200))
	}
	return append([]byte{}, b...), nil
}

// messageID is the one of the original's header or, where servers do not return that, the one that the report answers.
func (p *report) messageID(header mail.Header) string {
	found := ""
	if original := fieldBlocks(p.original, 1); len(original) > 0 {
		found = original[0]["message-id"]
	}
	if found == "" {
		found = header.Get("In-Reply-To")
	}
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(found), "<"), ">")
	if checkID("Message-ID", id, true) != nil {
		return ""
	}
	return id
}

// recipients reads the blocks of a delivery-status part. The first is of the message as a whole, if it is not run into the one that
// follows. Blocks that say too little are passed over if there is a whole one.
func recipients(status []byte) (found []BouncedRecipient, err error) {
	blocks := fieldBlocks(status, maxRecipients+2)
	if len(blocks) > maxRecipients+1 {
		return nil, fmt.Errorf("the report has more than %d recipients", maxRecipients)
	}
	err = errors.New("the report has no recipient")
	for _, block := range blocks {
		if block["final-recipient"] == "" && block["original-recipient"] == "" && block["action"] == "" {
			continue
		}
		r, incomplete := recipient(block)
		if incomplete != nil {
			err = incomplete
			continue
		}
		found = append(found, r)
	}
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
}

func recipient(block map[string]string) (BouncedRecipient, error) {
	r := BouncedRecipient{
		Original:   reportedAddress(block["original-recipient"]),
		Action:     strings.ToLower(firstWord(block["action"])),
		Diagnostic: afterType(block["diagnostic-code"]),
		RemoteMTA:  afterType(block["remote-mta"]),
	}
	if r.Address = reportedAddress(block["final-recipient"]); r.Address == "" {
		r.Address = r.Original
	}
	if r.Address == "" {
		return r, errors.New("the report does not tell the recipient's address (Final-Recipient)")
	}
	if !slices.Contains(actions, r.Action) {
		return r, fmt.Errorf("the report of %s has the Action %q, none of %s", printable(r.Address, 80), printable(r.Action, 40), strings.Join(actions, ", "))
	}
	r.Status = status(firstWord(block["status"]), r.Diagnostic)
	r.Hard = r.Action == "failed" && slices.Contains(hardStatus, r.Status)
	return r, nil
}

// statusCode is a code of RFC 3463; in a diagnostic it stands behind a reply's code.
var (
	statusCode   = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}$`)
	inDiagnostic = regexp.MustCompile(`(?:^|\s)([245])\d\d[ -]([245]\.\d{1,3}\.\d{1,3})(?:[\s:;,]|$)`)
)

// status is the report's code, or the refusing server's own where the report has but a general one, as Exim's always do.
func status(said, diagnostic string) string {
	if !statusCode.MatchString(said) {
		said = "5.0.0"
	}
	own := inDiagnostic.FindStringSubmatch(diagnostic)
	if strings.HasSuffix(said, ".0.0") && own != nil && own[1] == said[:1] && own[2][:1] == said[:1] {
		return own[2]
	}
	return said
}

// reportedAddress takes "rfc822; a@b" apart; the type may be missing, and the address in angle brackets.
func reportedAddress(field string) string {
	address := strings.Trim(afterType(field), "<> ")
	if len(address) > 254 || !strings.Contains(address, "@") {
		return ""
	}
	return address
}

// afterType is what stands behind "rfc822;", "dns;" or "smtp;", made printable.
func afterType(field string) string {
	kind, rest, ok := strings.Cut(field, ";")
	if !ok || strings.ContainsAny(strings.TrimSpace(kind), " @") {
		rest = field
	}
	return printable(rest, maxText)
}

// firstWord is a field's value without a comment behind it.
func firstWord(field string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(field), " ")
	return printable(word, 40)
}

// fieldBlocks reads header fields, in limit blocks between blank lines, by their names in small letters. Of equal names the
// first counts. What is no field is passed over; servers write all sorts of things.
func fieldBlocks(b []byte, limit int) []map[string]string {
	var blocks []map[string]string
	var block map[string]string
	last := ""
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxBounce+1)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		name, value, ok := strings.Cut(line, ":")
		switch {
		case strings.TrimSpace(line) == "":
			block, last = nil, ""
		case line[0] == ' ' || line[0] == '\t':
			if last != "" && len(block[last]) < 2*maxText {
				block[last] += " " + strings.TrimSpace(line)
			}
		case ok:
			if block == nil {
				if len(blocks) == limit {
					return blocks
				}
				block = map[string]string{}
				blocks = append(blocks, block)
			}
			if last = strings.ToLower(strings.TrimSpace(name)); block[last] != "" {
				last = ""
				continue
			}
			block[last] = strings.TrimSpace(value)
		}
	}
	return blocks
}
