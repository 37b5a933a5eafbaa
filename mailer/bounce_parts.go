package mailer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"
)

// Reading a mail as it comes. The library's readers (net/mail, mime/multipart) refuse a mail for one garbled header line, one
// parameter that should have been quoted, or a missing last boundary; who sends a bounce is not asked twice, so this one takes
// what it finds. It fails only where a mail is made to exhaust us.

// field is a header field with its folding undone.
type field struct{ name, value string }

// fields are a header; names are in small letters.
type fields []field

// get is the first of that name.
func (h fields) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// splitHeader reads fields up to a blank line, blank ones before them left out; whole says that there was one behind them. What
// is no field is passed over.
func splitHeader(b []byte) (h fields, rest []byte, whole bool) {
	folded := false
	for len(b) > 0 {
		line, after, ended := bytes.Cut(b, []byte("\n"))
		text := strings.TrimSpace(string(line))
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		switch {
		case text == "" && len(h) > 0 && ended:
			return h, after, true
		case text == "":
		case line[0] == ' ' || line[0] == '\t':
			if folded && len(h[len(h)-1].value) < 2*maxText {
				h[len(h)-1].value = strings.TrimSpace(h[len(h)-1].value + " " + text)
			}
		case ok && isFieldName(name) && len(h) < maxFields:
			h = append(h, field{name, strings.TrimSpace(value)})
			folded = true
		default:
			folded = false
		}
		b = after
	}
	return h, nil, false
}

func isFieldName(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' || name[i] == '"' {
			return false
		}
	}
	return name != ""
}

// reportPart is one of a mail's, or the mail itself.
type reportPart struct {
	header fields
	body   []byte
	ended  bool // by a boundary: nothing is missing
}

// blocks are the fields between blank lines, at most limit blocks. One that was cut off is left out.
func (p *reportPart) blocks(limit int) (blocks []fields) {
	for rest := p.body; len(rest) > 0 && len(blocks) < limit; {
		block, after, whole := splitHeader(rest)
		if len(block) > 0 && (whole || p.ended) {
			blocks = append(blocks, block)
		}
		rest = after
	}
	return blocks
}

// report is the parts of a notification that matter.
type report struct {
	kind     string      // what a multipart/report says that it is
	status   *reportPart // the machine-readable part, decoded; nil: none
	original fields      // the header of the mail that is reported on
	parts    int
}

// walk looks for the parts in p, going down into multiparts, but never into other mails.
func (r *report) walk(p reportPart, depth int) error {
	contentType := p.header.get("content-type")
	switch kind := mediaType(contentType); {
	case kind == "message/delivery-status", kind == "message/global-delivery-status":
		if r.status != nil {
			return errors.New("two delivery reports in one mail")
		}
		p.decode()
		r.status = &p
		return nil
	case kind == "message/rfc822", kind == "text/rfc822-headers", kind == "message/global", kind == "message/global-headers":
		if r.original == nil {
			p.decode()
			r.original, _, _ = splitHeader(p.body)
		}
		return nil
	case kind == "multipart/report" && r.kind == "":
		r.kind = strings.ToLower(parameter(contentType, "report-type"))
	case !strings.HasPrefix(kind, "multipart/"):
		return nil
	}
	if depth == 0 {
		return fmt.Errorf("more than %d multiparts within each other", maxDepth)
	}
	for _, inner := range splitParts(p.body, parameter(contentType, "boundary")) {
		if r.parts++; r.parts > maxParts {
			return fmt.Errorf("more than %d parts", maxParts)
		}
		if err := r.walk(inner, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// mediaType is the type without its parameters, in small letters.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// parameter is one of a Content-Type's, also where it should have been quoted and is not, as in boundary=----=_Part_1.
func parameter(contentType, name string) string {
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		return params[name]
	}
	for p := range strings.SplitSeq(contentType, ";") {
		if key, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// splitParts cuts a multipart at its boundaries. Each fills a line but for white space around it.
func splitParts(body []byte, boundary string) (parts []reportPart) {
	boundary = strings.TrimSpace(boundary)
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
		if boundary = guessBoundary(body); boundary == "" {
			return nil
		}
	}
	start := -1
	for offset := 0; offset < len(body) && len(parts) <= maxParts; {
		end := len(body)
		if i := bytes.IndexByte(body[offset:], '\n'); i >= 0 {
			end = offset + i + 1
		}
		rest, found := bytes.CutPrefix(bytes.TrimSpace(body[offset:end]), []byte("--"+boundary))
		if found && (len(rest) == 0 || string(rest) == "--") {
			if start >= 0 {
				parts = append(parts, newPart(body[start:offset], true))
			}
			if start = end; len(rest) > 0 {
				return parts
			}
		}
		offset = end
	}
	if start >= 0 {
		parts = append(parts, newPart(body[start:], false))
	}
	return parts
}

// firstBoundary is a line that begins with two hyphens and has a part's header below it.
var firstBoundary = regexp.MustCompile(`(?i)(?:^|\n)--([^\r\n]{1,200}?)[ \t]*\r?\ncontent-`)

// guessBoundary finds the boundary of a mail that does not tell it, or another one than it has.
func guessBoundary(body []byte) string {
	if found := firstBoundary.FindSubmatch(body); found != nil {
		return string(found[1])
	}
	return ""
}

func newPart(b []byte, ended bool) reportPart {
	header, body, _ := splitHeader(b)
	for _, f := range header {
		if strings.HasPrefix(f.name, "content-") {
			return reportPart{header, body, ended}
		}
	}
	return reportPart{nil, b, ended} // no header: plain text
}

// decode undoes the part's encoding, as far as it can be: what is garbled cuts it off.
func (p *reportPart) decode() {
	var r io.Reader
	switch strings.ToLower(p.header.get("content-transfer-encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(p.body))
	case "quoted-printable":
		r = quotedprintable.NewReader(bytes.NewReader(p.body))
	default:
		return
	}
	plain, err := io.ReadAll(r)
	p.body, p.ended = plain, p.ended && err == nil
}
