package render_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"mvdan.cc/xurls/v2"
)

// linkable are names that mail programs make links of.
var linkable = []string{
	"setup.mov", "invoice.zip", "host.corp.example.com", "payload.com", "update.sh", "readme.md", "a.py", "www.example.net",
	"https://bad.example.com/x", "http://c2.example.com/payload.exe", "mailto:a@b.example.jp", "a@b.example.jp", "192.0.2.1", `\\server.example.jp\share`,
}

// Wherever a name stands in a mail, no program makes a link of it but the one that the template wrote.
func TestNoNameInAMailBecomesALink(t *testing.T) {
	_, parts := rendered(t, monthOfNames(linkable), 1)
	doc, err := html.Parse(bytes.NewReader(parts.HTML))
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(parts.Text), parts.Subject}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "a" && n.Parent.Data != "style" {
			texts = append(texts, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "alt" || a.Key == "title" {
				texts = append(texts, a.Val)
			}
		}
	}
	// Our own address, and schemes that no program follows.
	ours := strings.NewReplacer("https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/", "", "hxxps://", " ", "hxxp://", " ")
	for _, text := range texts {
		for _, found := range xurls.Relaxed().FindAllString(ours.Replace(text), -1) {
			t.Errorf("%q is a link in %.200q", found, text)
		}
	}
	read := strings.ReplaceAll(string(parts.Text), "\u2060", "")
	for _, name := range []string{"invoice.zip", "host.corp.example.com", "hxxps://bad[.]example[.]com/x", "www[.]example[.]net"} {
		if !strings.Contains(read, name) {
			t.Errorf("%s cannot be read", name)
		}
	}
}
