package mailer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"

	"geppo/render"

	gomail "github.com/wneessen/go-mail"
)

// level is one multipart of a message, written by a go-mail message of its own. See Compose for the reason.
type level struct {
	msg      *gomail.Msg
	boundary string
	inner    string // Content-Type of the one part that is a finished level; empty if there is none
	size     int    // about how many bytes it will be
}

// newLevel starts a multipart of that kind. Its boundary belongs to the Message-ID and the kind alone.
func newLevel(id, kind string) *level {
	sum := sha256.Sum256([]byte(kind + " " + id))
	boundary := "geppo-" + hex.EncodeToString(sum[:16])
	msg := gomail.NewMsg(gomail.WithBoundary(boundary), gomail.WithEncoding(gomail.EncodingB64), gomail.WithNoDefaultUserAgent())
	for _, name := range []gomail.Header{gomail.HeaderDate, gomail.HeaderMessageID} {
		msg.SetGenHeader(name, "") // else go-mail asks the clock and the machine's name; an inner level's header is cut off
	}
	return &level{msg: msg, boundary: boundary, size: 4 << 10}
}

// addText adds a part of UTF-8 text. Base64 carries bytes, so line ends are made CRLF here (RFC 2045 6.8).
func (l *level) addText(kind gomail.ContentType, text []byte) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	l.msg.AddAlternativeWriter(kind, writes(text))
	l.size += encodedSize(text)
}

// addLevel adds a finished level; kind is what follows "multipart/" before its boundary.
func (l *level) addLevel(inner *level, kind string) error {
	all, err := inner.write()
	if err != nil {
		return err
	}
	_, body, ok := bytes.Cut(all, []byte("\r\n\r\n"))
	if !ok {
		return errors.New("go-mail wrote no header")
	}
	l.inner = fmt.Sprintf("multipart/%s;\r\n boundary=%s", kind, inner.boundary)
	l.msg.AddAlternativeWriter(gomail.ContentType(l.inner), writes(body), gomail.WithPartEncoding(gomail.NoEncoding))
	l.size += len(body)
	return nil
}

// embed adds the images that the HTML refers to.
func (l *level) embed(images []render.Image) error {
	seen := map[string]bool{}
	for _, img := range images {
		if err := checkID("cid", img.CID, false); err != nil {
			return err
		}
		if seen[img.CID] || len(img.Data) == 0 {
			return fmt.Errorf("image %s is empty or there are two of it", img.CID)
		}
		seen[img.CID] = true
		inline, err := disposition("inline", img.Name)
		if err != nil {
			return err
		}
		l.size += encodedSize(img.Data)
		l.msg.EmbedReadSeeker(img.Name, bytes.NewReader(img.Data), func(f *gomail.File) {
			f.Header.Set("Content-Type", mime.FormatMediaType("image/png", map[string]string{"name": img.Name}))
			f.Header.Set("Content-Disposition", inline)
			f.Header.Set("Content-ID", "<"+img.CID+">")
		})
	}
	return nil
}

// attach adds the PDFs.
func (l *level) attach(pdfs []render.PDF) error {
	for _, pdf := range pdfs {
		if len(pdf.Data) == 0 {
			return fmt.Errorf("PDF %s is empty", printable(pdf.Name, 80))
		}
		attachment, err := disposition("attachment", pdf.Name)
		if err != nil {
			return err
		}
		l.size += encodedSize(pdf.Data)
		l.msg.AttachReadSeeker(pdf.Name, bytes.NewReader(pdf.Data), func(f *gomail.File) {
			f.Header.Set("Content-Type", mime.FormatMediaType("application/pdf", map[string]string{"name": pdf.Name}))
			f.Header.Set("Content-Disposition", attachment)
		})
	}
	return nil
}

// write lets go-mail write the level with its header. go-mail takes a finished level for 8-bit text and says so
// in its part's header; that is mended here, and it is an error if it cannot be found.
func (l *level) write() ([]byte, error) {
	var out bytes.Buffer
	out.Grow(l.size)
	if _, err := l.msg.WriteTo(&out); err != nil {
		return nil, err
	}
	if l.inner == "" {
		return out.Bytes(), nil
	}
	before, after, ok := bytes.Cut(out.Bytes(), []byte("Content-Transfer-Encoding: 8bit\r\nContent-Type: "+l.inner+"; charset=UTF-8\r\n"))
	if !ok {
		return nil, errors.New("go-mail wrote a nested multipart in an unknown way")
	}
	return slices.Concat(before, []byte("Content-Type: "+l.inner+"\r\n"), after), nil
}

// writes is a go-mail content writer.
func writes(b []byte) func(io.Writer) (int64, error) {
	return func(w io.Writer) (int64, error) {
		n, err := w.Write(b)
		return int64(n), err
	}
}

// encodedSize is that of b in base64, with line ends and a part's header.
func encodedSize(b []byte) int { return len(b)*78/57 + 512 }
