package gallery

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"strings"

	"geppo/cmd/internal/sink"
)

// parsedMail is a message taken apart by the standard library, not by what built it.
type parsedMail struct {
	subject, to string
	html, text  []byte
	images      []parsedPart
	attachments []parsedPart
}

type parsedPart struct {
	cid, name string
	data      []byte
}

func parse(data []byte) (p parsedMail, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return p, err
	}
	decoder := mime.WordDecoder{}
	if p.subject, err = decoder.DecodeHeader(m.Header.Get("Subject")); err != nil {
		return p, fmt.Errorf("subject: %w", err)
	}
	if p.to, err = decoder.DecodeHeader(m.Header.Get("To")); err != nil {
		return p, fmt.Errorf("to: %w", err)
	}
	return p, p.walk(map[string][]string(m.Header), m.Body)
}

// header is what mail.Header and textproto.MIMEHeader have in common.
type header map[string][]string

func (h header) get(key string) string {
	if len(h[key]) == 0 {
		return ""
	}
	return h[key][0]
}

func (p *parsedMail) walk(h header, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(h.get("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := p.walk(header(part.Header), part); err != nil {
				return err
			}
		}
	}
	data, err := decode(h.get("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	switch {
	case kind == "text/html":
		p.html = data
	case kind == "text/plain":
		p.text = data
	case strings.HasPrefix(kind, "image/"):
		p.images = append(p.images, parsedPart{strings.Trim(h.get("Content-Id"), "<>"), nameOf(h, params), data})
	default:
		p.attachments = append(p.attachments, parsedPart{"", nameOf(h, params), data})
	}
	return nil
}

func decode(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "base64":
		return io.ReadAll(base64.NewDecoder(base64.StdEncoding, body))
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(body))
	default:
		return io.ReadAll(body)
	}
}

// nameOf is the part's file name, without any directory.
func nameOf(h header, params map[string]string) string {
	name := params["name"]
	if _, disposition, err := mime.ParseMediaType(h.get("Content-Disposition")); err == nil && disposition["filename"] != "" {
		name = disposition["filename"]
	}
	return filepath.Base(filepath.Clean("/" + name))
}

// fileName names a mail's files after its contract and recipient: C000001_kanri@example.jp.
func fileName(p parsedMail, m sink.Message) string {
	contract := "mail"
	for _, attachment := range p.attachments {
		if _, rest, ok := strings.Cut(attachment.name, "_"); ok {
			contract, _, _ = strings.Cut(rest, "_")
		}
	}
	safe := func(r rune) rune {
		if strings.ContainsRune("@.-+", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}
	return strings.Map(safe, contract) + "_" + strings.Map(safe, strings.Join(m.To, "_"))
}
