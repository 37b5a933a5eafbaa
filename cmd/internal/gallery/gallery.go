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
	"path/filepath"
	"slices"
	"strings"

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

// Write lays out the messages in dir/mail and writes dir/index.html.
func Write(dir string, p store.Period, messages []sink.Message) error {
	var pages []mailPage
	for _, m := range messages {
		page, err := writeMail(dir, m)
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
	return os.WriteFile(filepath.Join(dir, "index.html"), page.Bytes(), 0o600)
}

func writeMail(dir string, m sink.Message) (page mailPage, err error) {
	parsed, err := parse(m.Data)
	if err != nil {
		return page, err
	}
	name := fileName(parsed, m)
	page = mailPage{
		Name: name, Subject: parsed.subject, To: parsed.to, Bytes: len(m.Data),
		HTMLPath: "mail/" + name + ".html", TextPath: "mail/" + name + ".txt", MessagePath: "mail/" + name + ".eml",
	}
	mailDir := filepath.Join(dir, "mail")
	if err := os.MkdirAll(mailDir, 0o750); err != nil {
		return page, err
	}
	html := string(parsed.html)
	files := map[string][]byte{name + ".eml": m.Data, name + ".txt": parsed.text}
	for _, image := range parsed.images {
		file := name + "_" + image.name
		files[file] = image.data
		html = strings.ReplaceAll(html, "cid:"+image.cid, file)
	}
	files[name+".html"] = []byte(html)
	for _, attachment := range parsed.attachments {
		file := name + "_" + attachment.name
		files[file] = attachment.data
		page.PDFs = append(page.PDFs, "mail/"+file)
	}
	for file, data := range files {
		if err := os.WriteFile(filepath.Join(mailDir, file), data, 0o600); err != nil {
			return page, err
		}
	}
	return page, nil
}
