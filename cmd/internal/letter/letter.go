// Package letter takes a message apart by the standard library alone, and not by what built it: what it
// shows is what a reader gets. It knows neither who sent the message nor where it is shown.
package letter

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
)

// Letter is a message as its reader sees it.
type Letter struct {
	Subject, From, To string
	Date              string // as the header says it
	HTML, Text        []byte
	Images            []Part // that the HTML shows by cid:
	Attachments       []Part
}

// Part is a picture or an attachment. Its Name has no directory, and may be anything else.
type Part struct {
	CID, Name string
	Data      []byte
}

// deepest is how far parts may be nested: ours are four deep, five with a signature around.
const deepest = 16

// Open reads a message.
func Open(data []byte) (l Letter, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return l, err
	}
	decoder := mime.WordDecoder{}
	for _, field := range []struct {
		name string
		into *string
	}{{"Subject", &l.Subject}, {"From", &l.From}, {"To", &l.To}} {
		if *field.into, err = decoder.DecodeHeader(m.Header.Get(field.name)); err != nil {
			return l, fmt.Errorf("%s: %w", strings.ToLower(field.name), err)
		}
	}
	l.Date = m.Header.Get("Date")
	return l, l.walk(map[string][]string(m.Header), m.Body, deepest)
}

// header is what mail.Header and textproto.MIMEHeader have in common.
type header map[string][]string

func (h header) get(key string) string {
	if len(h[key]) == 0 {
		return ""
	}
	return h[key][0]
}

func (l *Letter) walk(h header, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(h.get("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		if depth == 0 {
			return errors.New("its parts are nested too deeply")
		}
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := l.walk(header(part.Header), part, depth-1); err != nil {
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
		l.HTML = data
	case kind == "text/plain":
		l.Text = data
	case strings.HasPrefix(kind, "image/"):
		l.Images = append(l.Images, Part{strings.Trim(h.get("Content-Id"), "<>"), nameOf(h, params), data})
	default:
		l.Attachments = append(l.Attachments, Part{"", nameOf(h, params), data})
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
