package mailer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"geppo/render"

	gomail "github.com/wneessen/go-mail"
)

// Compose makes the message to one recipient:
//
//	multipart/mixed                    only with PDFs
//	  multipart/alternative
//	    text/plain
//	    multipart/related              only with images
//	      text/html
//	      image/png, inline, by cid
//	  application/pdf …
//
// Equal input gives equal bytes, which is what a repeat is known by. Date is written in Japan's zone whatever
// zone it comes in, because a stored time comes back in another one than it went in.
//
// go-mail writes every part, but two things of its own would break the promise: it nests related outside
// alternative, and it has one boundary for all levels or random ones. So each level is a go-mail message of its own
// with its own boundary, and goes as a ready part into the next. All bodies are base64: no line can be taken
// for a boundary, and Japanese takes half the room of quoted-printable.
//
// The error is an *Error of StageCompose: Setup if sender, reply or bounce address, Message-ID or date are
// wrong, else Permanent.
func Compose(h Header, p render.Parts) (Message, error) {
	wire, err := resolve(h)
	if err != nil {
		return Message{}, err
	}
	if len(p.HTML) == 0 || len(p.Text) == 0 || strings.TrimSpace(p.Subject) == "" {
		return Message{}, composeError(Permanent, errors.New("subject, HTML or text is empty"))
	}
	top, err := tree(h.MessageID, p)
	if err == nil {
		err = setHeader(top.msg, h, wire, p.Subject)
	}
	if err != nil {
		return Message{}, composeError(Permanent, err)
	}
	all, err := top.write()
	if err != nil {
		return Message{}, composeError(Permanent, err)
	}
	return Message{ID: h.MessageID, From: wire.bounce, To: wire.to, Bytes: all}, nil
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
	if a.bounce = a.from; h.Bounce != "" {
		if a.bounce, err = EnvelopeAddress(h.Bounce); err != nil {
			return setup("bounce address", err)
		}
	}
	if h.ReplyTo.Address != "" {
		if a.replyTo, err = EnvelopeAddress(h.ReplyTo.Address); err != nil {
			return setup("reply address", err)
		}
	}
	if err := checkID("Message-ID", h.MessageID, true); err != nil {
		return setup("message", err)
	}
	if y := h.Date.In(japan()).Year(); y < 1970 || y > 9999 {
		return setup("message", errors.New("the date is not set"))
	}
	if a.to, err = EnvelopeAddress(h.To.Address); err != nil {
		return addresses{}, composeError(Permanent, fmt.Errorf("recipient: %w", err))
	}
	return a, nil
}

// tree builds the levels from the inside out and returns the outermost, still without the message's header.
func tree(id string, p render.Parts) (*level, error) {
	alternative := newLevel(id, "alternative")
	alternative.addText(gomail.TypeTextPlain, p.Text)
	if len(p.Images) == 0 {
		alternative.addText(gomail.TypeTextHTML, p.HTML)
	} else {
		related := newLevel(id, "related")
		related.addText(gomail.TypeTextHTML, p.HTML)
		if err := related.embed(p.Images); err != nil {
			return nil, err
		}
		if err := alternative.addLevel(related, `related; type="text/html"`); err != nil {
			return nil, err
		}
	}
	if len(p.PDFs) == 0 {
		return alternative, nil
	}
	mixed := newLevel(id, "mixed")
	if err := mixed.addLevel(alternative, "alternative"); err != nil {
		return nil, err
	}
	return mixed, mixed.attach(p.PDFs)
}

// japan has no summer time and no tzdata to look for.
func japan() *time.Location { return time.FixedZone("JST", 9*60*60) }
