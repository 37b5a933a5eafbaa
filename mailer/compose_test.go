package mailer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"geppo/render"

	"github.com/google/go-cmp/cmp"
)

func sampleHeader() Header {
	return Header{
		From:      mail.Address{Name: "おまかせアンチウイルス", Address: "report@example.jp"},
		ReplyTo:   mail.Address{Address: "desk@example.jp"},
		To:        mail.Address{Name: "情報システム ご担当者", Address: "kanri@example.jp"},
		Bounce:    "bounce@example.jp",
		MessageID: IDs{Domain: "example.jp"}.MessageID("C000001", "2026-10", "1", "kanri@example.jp", "0"),
		Date:      time.Date(2026, 11, 1, 0, 0, 5, 999, time.UTC),
	}
}

func sampleParts() render.Parts {
	return render.Parts{
		Subject: "【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分)",
		HTML:    []byte("<html lang=\"ja\"><body><p>検出 12件</p>\n<img src=\"cid:virus-trend\">\n</body></html>\n"),
		Text:    []byte("検出 12件\n.\n--geppo-\nFrom here\n"),
		Images: []render.Image{
			{CID: "virus-trend", Name: "virus-trend.png", Data: []byte("\x89PNG\r\n\x1a\n one")},
			{CID: "summary@geppo", Name: "summary.png", Data: bytes.Repeat([]byte{0, 255, 13, 10}, 999)},
		},
		PDFs: []render.PDF{
			{Name: "geppo-av_C000001_2026-10.pdf", Data: []byte("%PDF-1.7\n.\n\r\n.\r\n")},
			{Name: "月次レポート.pdf", Data: bytes.Repeat([]byte("%PDF"), 5000)},
		},
	}
}

// part is what a reader gets out of a message: a tree of types with decoded leaves.
type part struct {
	Type, CID, Disposition, Name string
	Body                         string
	Parts                        []part
}

// readMessage takes a message apart by the standard library alone.
func readMessage(t testing.TB, b []byte) (mail.Header, part) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("not a message: %v", err)
	}
	return m.Header, readPart(t, map[string][]string(m.Header), m.Body)
}

func readPart(t testing.TB, header map[string][]string, body io.Reader) part {
	t.Helper()
	get := func(key string) string { return mail.Header(header).Get(key) }
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		t.Fatalf("Content-Type %q: %v", get("Content-Type"), err)
	}
	p := part{Type: kind, CID: get("Content-Id")}
	if d := get("Content-Disposition"); d != "" {
		disposition, dparams, err := mime.ParseMediaType(d)
		if err != nil {
			t.Fatalf("Content-Disposition %q: %v", d, err)
		}
		p.Disposition, p.Name = disposition, dparams["filename"]
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if enc := get("Content-Transfer-Encoding"); enc != "base64" {
			t.Fatalf("%s has encoding %q", kind, enc)
		}
		b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, body))
		if err != nil {
			t.Fatal(err)
		}
		p.Body = string(b)
		return p
	}
	if enc := get("Content-Transfer-Encoding"); enc != "" {
		t.Errorf("%s has encoding %q", kind, enc)
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		sub, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("in %s: %v", kind, err)
		}
		p.Parts = append(p.Parts, readPart(t, map[string][]string(sub.Header), sub))
	}
}

// wantTree is how these parts must stand in a message.
func wantTree(p render.Parts) part {
	crlf := func(b []byte) string { return strings.NewReplacer("\r\n", "\r\n", "\n", "\r\n").Replace(string(b)) }
	html := part{Type: "text/html", Body: crlf(p.HTML)}
	if len(p.Images) > 0 {
		html = part{Type: "multipart/related", Parts: []part{html}}
		for _, i := range p.Images {
			html.Parts = append(html.Parts, part{Type: "image/png", CID: "<" + i.CID + ">", Disposition: "inline", Name: i.Name, Body: string(i.Data)})
		}
	}
	tree := part{Type: "multipart/alternative", Parts: []part{{Type: "text/plain", Body: crlf(p.Text)}, html}}
	if len(p.PDFs) > 0 {
		tree = part{Type: "multipart/mixed", Parts: []part{tree}}
		for _, f := range p.PDFs {
			tree.Parts = append(tree.Parts, part{Type: "application/pdf", Disposition: "attachment", Name: f.Name, Body: string(f.Data)})
		}
	}
	return tree
}

func TestComposeTree(t *testing.T) {
	for name, change := range map[string]func(*render.Parts){
		"all":       func(*render.Parts) {},
		"no images": func(p *render.Parts) { p.Images = nil },
		"no PDFs":   func(p *render.Parts) { p.PDFs = nil },
		"texts":     func(p *render.Parts) { p.Images, p.PDFs = nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := sampleParts()
			change(&p)
			m, err := Compose(sampleHeader(), p)
			if err != nil {
				t.Fatal(err)
			}
			_, got := readMessage(t, m.Bytes)
			if diff := cmp.Diff(wantTree(p), got); diff != "" {
				t.Error(diff)
			}
			checkWire(t, m.Bytes)
		})
	}
}

// checkWire holds what every message must: CRLF pairs only, 7 bits, short lines.
func checkWire(t testing.TB, b []byte) {
	t.Helper()
	if err := checkLines(b); err != nil {
		t.Error(err)
	}
	for line := range strings.SplitSeq(string(b), "\r\n") {
		if len(line) > 998 {
			t.Errorf("line of %d characters: %.60q", len(line), line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }); i >= 0 {
			t.Errorf("not printable ASCII: %q", line)
		}
	}
}

func TestComposeHeader(t *testing.T) {
	h := sampleHeader()
	m, err := Compose(h, sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	if m.From != "bounce@example.jp" || m.To != "kanri@example.jp" || m.ID != h.MessageID {
		t.Errorf("envelope %q %q %q", m.From, m.To, m.ID)
	}
	header, _ := readMessage(t, m.Bytes)
	got := map[string]string{}
	for name := range header {
		text, err := new(mime.WordDecoder).DecodeHeader(header.Get(name))
		if err != nil || len(header[name]) != 1 {
			t.Errorf("%s: %q %v", name, header[name], err)
		}
		got[name] = text
	}
	delete(got, "Content-Type")
	want := map[string]string{
		"From":                     "おまかせアンチウイルス <report@example.jp>",
		"To":                       "情報システム ご担当者 <kanri@example.jp>",
		"Reply-To":                 "<desk@example.jp>",
		"Subject":                  "【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分)",
		"Date":                     "Sun, 01 Nov 2026 09:00:05 +0900",
		"Message-Id":               "<" + h.MessageID + ">",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"Content-Language":         "ja",
		"Mime-Version":             "1.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for line := range strings.SplitSeq(string(m.Bytes), "\r\n") {
		if line == "" {
			break
		}
		if len(line) > 78 {
			t.Errorf("header line of %d characters: %s", len(line), line)
		}
	}
}

func TestComposeIsDeterministic(t *testing.T) {
	a, err := Compose(sampleHeader(), sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	h := sampleHeader()
	h.Date = h.Date.In(time.FixedZone("", -7*3600)).Truncate(time.Second)
	b, err := Compose(h, sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes, b.Bytes) || a.SHA256() != b.SHA256() {
		t.Error("equal input, other bytes")
	}
	if found := slices.Compact(slices.Sorted(slices.Values(boundaries(a.Bytes)))); len(found) != 3 {
		t.Errorf("boundaries %q, want one for each of three levels", found)
	}
	p := sampleParts()
	p.Text = append(p.Text, '.')
	c, err := Compose(sampleHeader(), p)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(c.Bytes, []byte(boundaries(a.Bytes)[0])) {
		t.Error("two bodies share a boundary")
	}
}

// TestBodyIsShared: a contract's addresses get one body, also at the same time, each with its own header.
func TestBodyIsShared(t *testing.T) {
	body, err := NewBody(sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	messages := make([]Message, 4)
	var composing sync.WaitGroup
	for i := range messages {
		composing.Go(func() {
			h := sampleHeader()
			h.To.Address = fmt.Sprintf("office%d@example.jp", i)
			h.MessageID = IDs{Domain: "example.jp"}.MessageID(h.To.Address)
			m, err := body.Message(h)
			if err != nil {
				t.Error(err)
			}
			messages[i] = m
		})
	}
	composing.Wait()
	_, first, _ := bytes.Cut(messages[0].Bytes, []byte("\r\n\r\n"))
	for i, m := range messages {
		head, content, _ := bytes.Cut(m.Bytes, []byte("\r\n\r\n"))
		if !bytes.Equal(content, first) || !bytes.Contains(head, fmt.Appendf(nil, "<office%d@example.jp>", i)) || !bytes.Contains(head, []byte(m.ID)) {
			t.Errorf("message %d: header %q", i, head)
		}
	}
	clear(messages[0].Bytes) // its own, not the body's
	if again, err := body.Message(sampleHeader()); err != nil || checkLines(again.Bytes) != nil {
		t.Error("messages share their bytes", err)
	}
}

func boundaries(b []byte) (found []string) {
	for line := range strings.SplitSeq(string(b), "\r\n") {
		if rest, ok := strings.CutPrefix(line, " boundary="); ok {
			found = append(found, rest)
		}
	}
	return found
}

// hostile is what names and subjects may hold in the worst case.
var hostile = []string{
	"\"a\r\nBcc: x@y",
	"a\nBcc: x@y\n\nbody",
	"a\rBcc: x@y",
	"\x00\x01\x1b[31mred\x7f",
	"=?UTF-8?B?DQpCY2M6IHhAeQ==?=",
	"株式会社" + strings.Repeat("𠮷野家", 300),
	strings.Repeat("x", 1000),
	strings.Repeat(" ", 500) + "x" + strings.Repeat(" ", 500) + "y",
	strings.Repeat("word ", 200),
	"bad \xff\xfe UTF-8 \xe3\x81",
	"rtl \u202e\u2028 zwj \u200d 👨‍👩‍👧",
	`back\slash "quoted" <a@b>, c@d;`,
	"multipart/mixed; boundary=geppo-x\r\n\r\n--geppo-x\r\n",
	"",
}

func TestComposeHostileNames(t *testing.T) {
	for _, s := range hostile {
		h, p := sampleHeader(), sampleParts()
		h.From.Name, h.To.Name, h.ReplyTo.Name, p.Subject = s, s, s, s+"x"
		m, err := Compose(h, p)
		if err != nil {
			t.Errorf("%.40q: %v", s, err)
			continue
		}
		checkHostile(t, m, h, p)
	}
	if got := mailbox("To", "\"a\r\nBcc: x@y", "k@example.jp"); strings.Count(got, "=?") != 1 || strings.ContainsAny(got, "\r\n") {
		t.Errorf("want one encoded word: %q", got)
	}
}

// checkHostile: whatever the names, the message has our header fields once each, its names read back, and its tree.
func checkHostile(t testing.TB, m Message, h Header, p render.Parts) {
	t.Helper()
	checkWire(t, m.Bytes)
	header, tree := readMessage(t, m.Bytes)
	if diff := cmp.Diff(wantTree(p), tree); diff != "" {
		t.Error(diff)
	}
	known := []string{"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress"}
	for name, values := range header {
		if !slices.Contains(known, name) || len(values) != 1 {
			t.Errorf("header %s: %q", name, values)
		}
	}
	to, err := header.AddressList("To")
	if err != nil || len(to) != 1 || envelope(to[0].Address) != envelope(h.To.Address) || m.To != envelope(h.To.Address) || squeeze(to[0].Name) != squeeze(oneLine(h.To.Name)) {
		t.Errorf("To %q reads %v %v", header.Get("To"), to, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || squeeze(subject) != squeeze(oneLine(p.Subject)) {
		t.Errorf("subject %q reads %q %v", p.Subject, subject, err)
	}
	if i := bytes.Index(m.Bytes, []byte("\r\n \r\n")); i >= 0 {
		t.Error("a blank folded line")
	}
}

// envelope is an address in the one form that all its spellings have.
func envelope(address string) string {
	wire, err := EnvelopeAddress(address)
	if err != nil {
		return err.Error()
	}
	return wire
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// FuzzCompose: whatever the names, the recipient and the contents, a message is refused with a clean line, or it is read
// back by net/mail and mime/multipart with the same parts, and no header that is not ours.
func FuzzCompose(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "件名"+s, "report.pdf", "trend", "kanri@example.jp", []byte(s))
	}
	f.Add("名前", "x", "月次.pdf", "a@b", "abc.@docomo.ne.jp", []byte("x\r\n.\r\n"))
	f.Add("", "--", "a\"\r\n.pdf", "x>\r\nBcc: y", "a@日本語.jp", []byte("--a--\n"))
	f.Fuzz(func(t *testing.T, name, subject, file, cid, address string, content []byte) {
		h, p := sampleHeader(), sampleParts()
		h.To.Name, h.From.Name, h.ReplyTo.Name, h.To.Address, p.Subject = name, file, subject, address, subject
		p.PDFs[0].Name, p.Images[0].CID = file, cid
		p.Text, p.HTML, p.Images[0].Data, p.PDFs[0].Data = content, content, content, content
		m, err := Compose(h, p)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Stage != StageCompose || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("%#v", err)
			}
			return
		}
		checkHostile(t, m, h, p)
		if again, err := Compose(h, p); err != nil || !bytes.Equal(again.Bytes, m.Bytes) {
			t.Errorf("other bytes the second time (%v)", err)
		}
		if strings.ContainsFunc(m.To, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }) && !strings.HasPrefix(m.To, `"`) {
			t.Errorf("envelope recipient %q", m.To)
		}
	})
}

func TestComposeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		verdict Verdict
		change  func(*Header, *render.Parts)
		says    string
	}{
		"no text":        {Permanent, func(_ *Header, p *render.Parts) { p.Text = nil }, "empty"},
		"no HTML":        {Permanent, func(_ *Header, p *render.Parts) { p.HTML = nil }, "empty"},
		"no subject":     {Permanent, func(_ *Header, p *render.Parts) { p.Subject = " " }, "empty"},
		"no date":        {Setup, func(h *Header, _ *render.Parts) { h.Date = time.Time{} }, "date"},
		"no id":          {Setup, func(h *Header, _ *render.Parts) { h.MessageID = "" }, "Message-ID"},
		"id injects":     {Setup, func(h *Header, _ *render.Parts) { h.MessageID = "a@b>\r\nBcc: x" }, "Message-ID"},
		"no sender":      {Setup, func(h *Header, _ *render.Parts) { h.From.Address = "" }, "sender"},
		"wrong bounce":   {Setup, func(h *Header, _ *render.Parts) { h.Bounce = "x" }, "bounce"},
		"wrong reply-to": {Setup, func(h *Header, _ *render.Parts) { h.ReplyTo.Address = "x@" }, "reply"},
		"to injects":     {Permanent, func(h *Header, _ *render.Parts) { h.To.Address = "a@b.jp>\r\nRCPT TO:<x@y" }, "recipient"},
		"to not ASCII":   {Permanent, func(h *Header, _ *render.Parts) { h.To.Address = "管理@example.jp" }, "SMTPUTF8"},
		"file name":      {Permanent, func(_ *Header, p *render.Parts) { p.PDFs[0].Name = "a\r\nb.pdf" }, "file name"},
		"empty PDF":      {Permanent, func(_ *Header, p *render.Parts) { p.PDFs[0].Data = nil }, "PDF"},
		"cid injects":    {Permanent, func(_ *Header, p *render.Parts) { p.Images[0].CID = "a>\r\nX: y" }, "cid"},
		"cid twice":      {Permanent, func(_ *Header, p *render.Parts) { p.Images[1].CID = p.Images[0].CID }, "two of it"},
	} {
		h, p := sampleHeader(), sampleParts()
		c.change(&h, &p)
		_, err := Compose(h, p)
		var e *Error
		if !errors.As(err, &e) || e.Stage != StageCompose || e.Verdict != c.verdict || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWireAddress(t *testing.T) {
	for in, want := range map[string]string{
		"kanri@example.jp":                      "kanri@example.jp",
		"abc.@docomo.ne.jp":                     `"abc."@docomo.ne.jp`,
		"a..b@ezweb.ne.jp":                      `"a..b"@ezweb.ne.jp`,
		".a@docomo.ne.jp":                       `".a"@docomo.ne.jp`,
		`"abc."@docomo.ne.jp`:                   `"abc."@docomo.ne.jp`,
		`"abc"@docomo.ne.jp`:                    "abc@docomo.ne.jp",
		`"a b\"@\\c"@example.jp`:                `"a b\"@\\c"@example.jp`,
		"o'hara+x/y=z@example.jp":               "o'hara+x/y=z@example.jp",
		"a@日本語.jp":                              "a@xn--wgv71a119e.jp",
		"a@[192.0.2.1]":                         "a@[192.0.2.1]",
		"a@[IPv6:2001:db8::1]":                  "a@[IPv6:2001:db8::1]",
		"geppo@localhost":                       "geppo@localhost",
		"管理@example.jp":                         "",
		"a b@example.jp":                        "",
		"a\r\nb@example.jp":                     "",
		"\"a\r\nb\"@example.jp":                 "",
		"\"a\x00b\"@example.jp":                 "",
		`"a"b"@example.jp`:                      "",
		`"a\"@example.jp`:                       "",
		"@example.jp":                           "",
		`""@example.jp`:                         "",
		"a@":                                    "",
		"a@b..jp":                               "",
		"a@-b.jp":                               "",
		"a@b.jp.":                               "",
		"a@b jp":                                "",
		"a@b>jp":                                "",
		"a@[1.2.3.4\r\n]":                       "",
		"a@[1.2.3.4":                            "",
		"plain":                                 "",
		"":                                      "",
		strings.Repeat("a", 65) + "@example.jp": "",
		"a@" + strings.Repeat(strings.Repeat("b", 60)+".", 5) + "jp": "",
	} {
		got, err := EnvelopeAddress(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}
