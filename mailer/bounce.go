package mailer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounce is a delivery status notification (RFC 3464, with RFC 6533's types): what another server says became of a message it had
// accepted. Anyone can write one, so it proves nothing by itself: the caller acts on it only if it knows a name of a message that
// was sent, which is kept from being guessed (see IDs), and marks only the address that message was sent to.
//
// What is complete is read. Servers cut what they return, and gateways untidy it; a status that stands whole in front of that is
// no worse for it. What was cut off within is not guessed at: "5.1.1" may have been 5.1.10.
type Bounce struct {
	// Names that the message may have been given, best first; at least one of them is not empty. The report returns the message's
	// header, or is sent in reply to it; see RelayID for servers that put an id of their own in the place of ours, and
	// ReturnAddress for tokens.
	MessageIDs []string
	RelayIDs   []string
	Tokens     []string
	Recipients []BouncedRecipient // at least one
}

// BouncedRecipient is what is said of one address. All texts are printable, on one line.
type BouncedRecipient struct {
	Address    string // as the reporting server knew it in the end, after forwarding
	Original   string // as the message was sent to it; empty if the report does not say
	Action     string // failed, delayed, delivered, relayed or expanded
	Status     string // "5.1.1" (RFC 3463), the refusing server's own where the report's is general; "5.0.0" if there is none
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

// Worst is what is said of the first address that failed, else of the first of all.
func (b Bounce) Worst() BouncedRecipient {
	i := slices.IndexFunc(b.Recipients, func(r BouncedRecipient) bool { return r.Action == "failed" })
	return b.Recipients[max(i, 0)]
}

// ErrNoBounce says that a mail is one that comes to a bounce address all the time and is none: nothing is to be done
// about it, and least of all may it be returned to its writer.
var ErrNoBounce = errors.New("no bounce")

// MaxBounce is how many bytes of a notification are read: the status stands before the message it is about.
const MaxBounce = 1 << 20

// Bounds for what strangers send.
const (
	maxDepth      = 4  // multiparts within each other
	maxParts      = 32 // in all of them
	maxRecipients = 100
	maxFields     = 1000 // of one header
	maxNames      = 16   // that a report may give the message
)

// ReadBounce reads one mail, no more than its first MaxBounce bytes. ErrNoBounce is an absence note, an abuse report, a read
// receipt or somebody's mail. Any other error says what is missing for a report to be acted on.
func ReadBounce(mail []byte) (Bounce, error) {
	b, err := readBounce(mail[:min(len(mail), MaxBounce)])
	if err != nil {
		return Bounce{}, fmt.Errorf("read bounce: %w", err)
	}
	return b, nil
}

func readBounce(raw []byte) (b Bounce, err error) {
	header, body, _ := splitHeader(raw)
	if header.get("from") == "" && header.get("return-path") == "" && header.get("content-type") == "" {
		return Bounce{}, errors.New("not a mail")
	}
	var report report
	if err := report.walk(reportPart{header: header, body: body}, maxDepth); err != nil {
		return Bounce{}, err
	}
	if report.status == nil {
		return Bounce{}, without(header, report)
	}
	about := report.status.blocks(maxRecipients + 2)
	if b.Recipients, err = recipients(about); err != nil {
		return Bounce{}, err
	}
	b.name(header, report.original, about)
	if len(b.MessageIDs)+len(b.RelayIDs)+len(b.Tokens) == 0 {
		return Bounce{}, errors.New("the report does not tell the Message-ID of the mail it is about")
	}
	return b, nil
}

// without says what a mail without a status is.
func without(header fields, r report) error {
	sender, _, _ := strings.Cut(strings.ToLower(strings.Trim(header.get("from"), `"<> `)), "@")
	_, kind, _ := strings.Cut(sender, "<") // of "Name <mailer-daemon@…"
	daemon := slices.Contains([]string{"mailer-daemon", "postmaster"}, cmp.Or(kind, sender))
	switch {
	case r.kind == "feedback-report":
		return fmt.Errorf("%w but an abuse report (ARF): somebody took a report for spam", ErrNoBounce)
	case r.kind == "disposition-notification":
		return fmt.Errorf("%w but a read receipt", ErrNoBounce)
	case r.kind == "delivery-status":
		return errors.New("a delivery status notification that was cut off before its status: read it yourself")
	case daemon, header.get("x-failed-recipients") != "":
		return fmt.Errorf("no delivery status notification (multipart/report with message/delivery-status) but a server's own words in %q: read it yourself",
			printable(mediaType(header.get("content-type")), 80))
	case header.get("auto-submitted") != "" && !strings.HasPrefix(strings.ToLower(header.get("auto-submitted")), "no"):
		return fmt.Errorf("%w but an automatic reply, such as an absence note", ErrNoBounce)
	}
	return fmt.Errorf("%w but a mail that somebody wrote, or an absence note", ErrNoBounce)
}

// name collects what may name the message. Of the fields that hold Message-IDs the original's own is the best; a report in
// reply to the message, as Exchange's, may return nothing of it. A return address may stand anywhere.
func (b *Bounce) name(header, original fields, about []fields) {
	whole := slices.Concat(original, header)
	if len(about) > 0 {
		whole = slices.Concat(original, about[0], header)
	}
	own := header.get("message-id") // the report's
	for _, f := range whole {
		if strings.Contains(f.name, "message-id") || strings.Contains(f.name, "envelope-id") || f.name == "in-reply-to" || f.name == "references" {
			for word := range strings.FieldsSeq(f.value) {
				id := strings.Trim(word, "<>,;")
				if word == own || id == "" {
					continue
				}
				if checkID("Message-ID", id, true) == nil {
					b.MessageIDs = withName(b.MessageIDs, id)
				}
				if relay := RelayID(id); relay != "" && !strings.HasPrefix(id, idPrefix) {
					b.RelayIDs = withName(b.RelayIDs, relay)
				}
			}
		}
		for _, found := range verp.FindAllStringSubmatch(f.value, maxNames) {
			b.Tokens = withName(b.Tokens, strings.ToLower(found[1]))
		}
	}
}

func withName(names []string, name string) []string {
	if len(names) >= maxNames || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
