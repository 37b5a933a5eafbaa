// Package gallery lays out received mails as files that a browser opens: the message as it came, its
// HTML with the charts beside it, its text, its PDFs, and a page that shows them all. It reads
// nothing but the messages themselves, so what it shows is what a reader gets.
package gallery

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"slices"
	"strings"

	"geppo/cmd/internal/files"
	"geppo/cmd/internal/letter"
	"geppo/cmd/internal/sink"
	"geppo/store"
)

//go:embed index.html
var indexHTML string

// mailPage is one mail of the index; paths are relative to the index.
type mailPage struct {
	Name        string // of its files, without extension
	Subject     string
	To          string
	Bytes       int
	HTMLPath    string
	TextPath    string
	MessagePath string
	PDFs        []string
}

// Write lays out the messages in dir/mail and writes dir/index.html, which is not there yet.
func Write(dir *os.Root, p store.Period, messages []sink.Message) error {
	var pages []mailPage
	mails := map[string][]byte{}
	for _, m := range messages {
		page, err := layOut(mails, m)
		if err != nil {
			return fmt.Errorf("lay out the mail to %s: %w", strings.Join(m.To, ", "), err)
		}
		pages = append(pages, page)
	}
	slices.SortFunc(pages, func(a, b mailPage) int { return strings.Compare(a.Name, b.Name) })
	index, err := template.New("index").Parse(indexHTML)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := index.Execute(&page, map[string]any{"Period": p.String(), "Mails": pages}); err != nil {
		return err
	}
	if err := files.Replace(dir, "mail", mails); err != nil {
		return err
	}
	return files.Create(dir, "index.html", page.Bytes())
}

// layOut adds a message's files to mails, which has those of dir/mail by name.
func layOut(mails map[string][]byte, m sink.Message) (page mailPage, err error) {
	parsed, err := letter.Open(m.Data)
	if err != nil {
		return page, err
	}
	name := fileName(parsed, m)
	page = mailPage{
		Name: name, Subject: parsed.Subject, To: parsed.To, Bytes: len(m.Data),
		HTMLPath: "mail/" + name + ".html", TextPath: "mail/" + name + ".txt", MessagePath: "mail/" + name + ".eml",
	}
	html := string(parsed.HTML)
	mails[name+".eml"], mails[name+".txt"] = m.Data, parsed.Text
	for _, image := range parsed.Images {
		file := name + "_" + image.Name
		mails[file] = image.Data
		html = strings.ReplaceAll(html, "cid:"+image.CID, file)
	}
	mails[name+".html"] = []byte(html)
	for _, attachment := range parsed.Attachments {
		file := name + "_" + attachment.Name
		mails[file] = attachment.Data
		page.PDFs = append(page.PDFs, "mail/"+file)
	}
	return page, nil
}

// fileName names a mail's files after its contract and recipient: C000001_kanri@example.jp.
func fileName(l letter.Letter, m sink.Message) string {
	contract := "mail"
	for _, attachment := range l.Attachments {
		if _, rest, ok := strings.Cut(attachment.Name, "_"); ok {
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
