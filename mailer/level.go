package mailer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/textproto"
	"slices"

	"geppo/render"

	gomail "github.com/wneessen/go-mail"
)

// level is one multipart of a Body, whose structure a go-mail message of its own writes. See Body for the reason.
//
// Contents do not take go-mail's way: when it asks for a part's content it has just written the part's header to
// out, so the content goes straight behind it. go-mail's encoder would copy each part twice through growing buffers.
type level struct {
	msg      *gomail.Msg
	kind     string // what follows "multipart/"
	boundary string
	size     int           // about how many bytes it will be
	out      *bytes.Buffer // while it is written
}

// newLevel starts a multipart of that kind. Its boundary belongs to the content's hash and the kind alone.
func newLevel(hash uint64, kind string) *level {
	boundary := fmt.Sprintf("part-%s-%016x", kind, hash)
	msg := gomail.NewMsg(gomail.WithBoundary(boundary), gomail.WithEncoding(gomail.EncodingB64), gomail.WithNoDefaultUserAgent())
	for _, name := range []gomail.Header{gomail.HeaderDate, gomail.HeaderMessageID} {
		msg.SetGenHeader(name, "") // else go-mail asks the clock and the machine's name; a level's header is cut off
	}
	return &level{msg: msg, kind: kind, boundary: boundary, size: 4 << 10}
}

// contentType is the level's own, with kind as what follows "multipart/".
func (l *level) contentType(kind string) string {
	return "multipart/" + kind + ";\r\n boundary=" + l.boundary
}

// addText adds a part of UTF-8 text. Base64 carries bytes, so line ends are made CRLF here (RFC 2045 6.8).
func (l *level) addText(kind gomail.ContentType, text []byte) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	l.msg.AddAlternativeWriter(kind, l.base64(text))
	l.size += encodedSize(text)
}

// addLevel adds another level; kind is what follows "multipart/" in its header. go-mail takes it for 8-bit text and says so
// there; that is mended here, and it is an error if it cannot be found.
func (l *level) addLevel(inner *level, kind string) {
	l.size += inner.size
	contentType := inner.contentType(kind)
	l.msg.AddAlternativeWriter(gomail.ContentType(contentType), func(io.Writer) (int64, error) {
		wrong := "Content-Transfer-Encoding: 8bit\r\nContent-Type: " + contentType + "; charset=UTF-8\r\n\r\n"
		if !bytes.HasSuffix(l.out.Bytes(), []byte(wrong)) {
			return 0, errors.New("go-mail wrote a nested multipart in an unknown way")
		}
		l.out.Truncate(l.out.Len() - len(wrong))
		l.out.WriteString("Content-Type: " + contentType + "\r\n\r\n")
		return 0, inner.write(l.out)
	}, gomail.WithPartEncoding(gomail.NoEncoding))
}

// embed adds the images that the HTML refers to.
func (l *level) embed(images []render.Image) error {
	var files []*gomail.File
	seen := map[string]bool{}
	for _, img := range images {
		if err := checkID("cid", img.CID, false); err != nil {
			return err
		}
		if seen[img.CID] || len(img.Data) == 0 {
			return fmt.Errorf("image %s is empty or there are two of it", img.CID)
		}
		seen[img.CID] = true
		file, err := l.file("inline", "image/png", img.Name, img.Data)
		if err != nil {
			return err
		}
		file.Header.Set("Content-ID", "<"+img.CID+">")
		files = append(files, file)
	}
	l.msg.SetEmbeds(files)
	return nil
}

// attach adds the PDFs and the other files.
func (l *level) attach(pdfs []render.PDF, others []render.Attachment) error {
	var files []*gomail.File
	for _, pdf := range pdfs {
		if len(pdf.Data) == 0 {
			return fmt.Errorf("PDF %s is empty", printable(pdf.Name, 80))
		}
		file, err := l.file("attachment", "application/pdf", pdf.Name, pdf.Data)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	for _, other := range others {
		file, err := l.file("attachment", other.Type, other.Name, other.Data)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	l.msg.SetAttachments(files)
	return nil
}

// file is a part with a name.
func (l *level) file(kind, contentType, name string, data []byte) (*gomail.File, error) {
	header := textproto.MIMEHeader{}
	header.Set("Content-Type", mime.FormatMediaType(contentType, map[string]string{"name": name}))
	shown, err := disposition(kind, name)
	header.Set("Content-Disposition", shown)
	l.size += encodedSize(data)
	return &gomail.File{Name: name, Header: header, Writer: l.base64(data)}, err
}

// write lets go-mail write the level to out, less the header, which is the caller's.
func (l *level) write(out *bytes.Buffer) error {
	start := out.Len()
	l.out = out
	if _, err := l.msg.WriteTo(out); err != nil {
		return err
	}
	written := out.Bytes()[start:]
	_, content, ok := bytes.Cut(written, []byte("\r\n\r\n"))
	if !ok {
		return errors.New("go-mail wrote no header")
	}
	out.Truncate(start + copy(written, content))
	return nil
}

// base64 is a go-mail content writer that puts b into out, in lines of 76 characters (RFC 2045 6.8). go-mail's own encoder
// is given nothing, and adds nothing.
func (l *level) base64(b []byte) func(io.Writer) (int64, error) {
	return func(io.Writer) (int64, error) {
		writeBase64(l.out, b)
		return 0, nil
	}
}

func writeBase64(out *bytes.Buffer, b []byte) {
	for line := range slices.Chunk(b, 57) {
		out.Write(append(base64.StdEncoding.AppendEncode(out.AvailableBuffer(), line), "\r\n"...))
	}
}

// encodedSize is that of b in base64, with line ends and a part's header.
func encodedSize(b []byte) int { return len(b)*78/57 + 512 }
