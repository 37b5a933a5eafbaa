package harmless_test

import (
	"bytes"
	"html/template"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"geppo/cmd/internal/harmless"
)

// Whatever a name is, it does nothing where it is read, and a form sends it back as it is.
func TestAPageShowsAndKeepsNames(t *testing.T) {
	page := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><input value="{{.}}">`))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("<>\"'&=-!/ a\u202e\u200b\u2066\u2060\U000e0041\x1b株\n")))).Draw(t, "name")
		name = strings.NewReplacer("\x00", "", "\r", "").Replace(name) // no HTML can hold them as they are
		var made bytes.Buffer
		if err := page.Execute(&made, name); err != nil {
			t.Fatal(err)
		}
		tokens := html.NewTokenizer(bytes.NewReader(harmless.Page(made.Bytes())))
		for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
			token := tokens.Token()
			if kind == html.TextToken && strings.ContainsFunc(strings.NewReplacer("\u2060", "", "\ufffd", "").Replace(token.Data), harmless.Commands) {
				t.Errorf("%q is shown as %q", name, token.Data)
			}
			for _, attribute := range token.Attr {
				if attribute.Val != name {
					t.Errorf("%q is kept as %q", name, attribute.Val)
				}
			}
		}
	})
}
