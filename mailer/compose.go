package mailer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"geppo/render"

	"github.com/cespare/xxhash/v2"
	gomail "github.com/wneessen/go-mail"
)

// Body is all that a message holds below its header, and the subject. It is the same for every address of a contract, so
// it is encoded once and may be used by many goroutines:
//
//	multipart/mixed                    only with PDFs
//	  multipart/alternative
//	    text/plain
//	    multipart/related              only with images
//	      text/html
//	      image/png, inline, by cid
//	  application/pdf …
//
// Equal input gives equal bytes, which is what a repeat is known by; so boundaries are made of the content's hash.
//
// go-mail writes the structure, but two things of its own would break the promise: it nests related outside
// alternative, and it has one boundary for all levels or random ones. So each level is a go-mail message of its own
// with its own boundary, and goes as a ready part into the next. All bodies are base64: no line can be taken
// for a boundary, and Japanese takes half the room of quoted-printable.
type Body struct {
	subject     string
	lang        string // BCP 47
	contentType string // of the outermost part
	content     []byte
	hash        func() [sha256.Size]byte // for DKIM; computed when it is first asked for

	signing sync.Mutex // guards what S/MIME made of it last
	signer  *SMIME
	signed  *Body
}

// NewBody encodes p. Its error is an *Error of StageCompose, Permanent.
func NewBody(p render.Parts) (*Body, error) {
	if len(p.HTML) == 0 || len(p.Text) == 0 || strings.TrimSpace(p.Subject) == "" {
		return nil, composeError(Permanent, errors.New("subject, HTML or text is empty"))
	}
	top, err := tree(p)
	if err != nil {
		return nil, composeError(Permanent, err)
	}
	var content bytes.Buffer
	content.Grow(top.size)
	if err := top.write(&content); err != nil {
		return nil, composeError(Permanent, err)
	}
	return newBody(p.Subject, cmp.Or(p.Lang, "ja"), top.contentType(top.kind), content.Bytes()), nil
}

func newBody(subject, lang, contentType string, content []byte) *Body {
	return &Body{
		subject: subject, lang: lang, contentType: contentType, content: content,
		hash: sync.OnceValue(func() [sha256.Size]byte { return relaxedHash(content) }),
	}
}

// Message puts a header before the body. Date is written in Japan's zone whatever zone it comes in, because a stored
// time comes back in another one than it went in.
//
// The error is an *Error of StageCompose: Setup if sender, reply or bounce address, Message-ID, date, or what
// is needed to sign are wrong, else Permanent.
func (b *Body) Message(h Header) (Message, error) {
	wire, err := resolve(h)
	if err != nil {
		return Message{}, err
	}
	if h.SMIME != nil {
		if b, err = h.SMIME.sign(b, h.Date); err != nil {
			return Message{}, composeError(Setup, err)
		}
	}
	var header bytes.Buffer
	if err := writeHeader(&header, h, wire, b.subject, b.lang); err != nil {
		return Message{}, composeError(Permanent, err)
	}
	header.WriteString("Content-Type: " + b.contentType + "\r\n")
	var signature string
	if h.DKIM != nil {
		if signature, err = h.DKIM.field(header.Bytes(), b.hash(), h.Date); err != nil {
			return Message{}, composeError(Setup, err)
		}
	}
	all := slices.Concat([]byte(signature), header.Bytes(), []byte("\r\n"), b.content)
	return Message{ID: h.MessageID, From: wire.bounce, To: wire.to}.WithBytes(all), nil
}

// Compose makes the message to one recipient: NewBody and its Message.
func Compose(h Header, p render.Parts) (Message, error) {
	b, err := NewBody(p)
	if err != nil {
		return Message{}, err
	}
	return b.Message(h)
}

func composeError(v Verdict, err error) error {
	return &Error{Stage: StageCompose, Verdict: v, Err: err}
}

// addresses are a Header's in wire form.
type addresses struct{ from, replyTo, to, bounce string }

// resolve checks all of the header but its names and brings its addresses into wire form.
func resolve(h Header) (a addresses, err error) {
	setup := func(what string, err error) (addresses, error) {
		return addresses{}, composeError(Setup, fmt.Errorf("%s: %w", what, err))
	}
	if a.from, err = EnvelopeAddress(h.From.Address); err != nil {
		return setup("sender", err)
	}
	if err := checkID("Message-ID", h.MessageID, true); err != nil {
		return setup("message", err)
	}
	if a.bounce, err = returnPath(h, a.from); err != nil {
		return setup("bounce address", err)
	}
	if h.ReplyTo.Address != "" {
		if a.replyTo, err = EnvelopeAddress(h.ReplyTo.Address); err != nil {
			return setup("reply address", err)
		}
	}
	if y := h.Date.In(japan()).Year(); y < 1970 || y > 9999 {
		return setup("message", errors.New("the date is not set"))
	}
	if a.to, err = EnvelopeAddress(h.To.Address); err != nil {
		return addresses{}, composeError(Permanent, fmt.Errorf("recipient: %w", err))
	}
	return a, nil
}

// returnPath is the envelope sender.
func returnPath(h Header, from string) (address string, err error) {
	if h.Bounce != "" {
		if from, err = EnvelopeAddress(h.Bounce); err != nil {
			return "", err
		}
	}
	if !h.VERP {
		return from, nil
	}
	if from, err = ReturnAddress(from, h.MessageID); err != nil {
		return "", err
	}
	return EnvelopeAddress(from)
}

// tree builds the levels from the inside out and returns the outermost.
func tree(p render.Parts) (*level, error) {
	seed := contentHash(p)
	alternative := newLevel(seed, "alternative")
	alternative.addText(gomail.TypeTextPlain, p.Text)
	if len(p.Images) == 0 {
		alternative.addText(gomail.TypeTextHTML, p.HTML)
	} else {
		related := newLevel(seed, "related")
		related.addText(gomail.TypeTextHTML, p.HTML)
		if err := related.embed(p.Images); err != nil {
			return nil, err
		}
		alternative.addLevel(related, `related; type="text/html"`)
	}
	if len(p.PDFs) == 0 && len(p.Attachments) == 0 {
		return alternative, nil
	}
	mixed := newLevel(seed, "mixed")
	mixed.addLevel(alternative, alternative.kind)
	return mixed, mixed.attach(p.PDFs, p.Attachments)
}

// contentHash covers all that a Body is made of but the subject. It need not withstand anyone, since no boundary can occur in
// base64, so it is a fast one: SHA-256 would take longer than the rest of NewBody on a processor without instructions for it.
func contentHash(p render.Parts) uint64 {
	h := xxhash.New()
	write := func(name string, data []byte) {
		_, _ = fmt.Fprintf(h, "%d %d %s", len(name), len(data), name) // a hash takes everything
		_, _ = h.Write(data)
	}
	write("html", p.HTML)
	write("text", p.Text)
	for _, image := range p.Images {
		write(image.CID+" "+image.Name, image.Data)
	}
	for _, pdf := range p.PDFs {
		write(pdf.Name, pdf.Data)
	}
	for _, attachment := range p.Attachments {
		write(attachment.Name, attachment.Data)
	}
	return h.Sum64()
}

// japan has no summer time and no tzdata to look for.
func japan() *time.Location { return time.FixedZone("JST", 9*60*60) }
