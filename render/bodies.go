package render

import (
	"bytes"
	"fmt"

	"geppo/render/words"
)

// maxHTML is what the HTML may take, in bytes: Gmail clips a body of 102 KB.
const maxHTML = 80_000

// room is how much of a report the HTML shows.
type room struct {
	name  int  // half-width columns at which the middle is cut out of names
	rows  int  // of a list; the rest is counted
	brief bool // no features and no EDR report, only where to read them
}

// rooms are tried from the widest on until the HTML is within maxHTML. The first is enough unless nearly
// every list is full of long names; the last is within it whatever a report holds, unless a template
// of the operator is too long by itself. No report is too large to be sent.
var rooms = []room{
	{name: 48, rows: words.NamesShown},
	{name: 40, rows: words.NamesShown},
	{name: 32, rows: words.NamesShown},
	{name: 24, rows: words.NamesShown},
	{name: 24, rows: 5},
	{name: 16, rows: 5},
	{name: 12, rows: 3},
	{name: 12, rows: 3, brief: true},
}

// addBodies adds HTML, text and images. The text has no limit and always shows what the widest room does.
func (r *Renderer) addBodies(b *body, parts *Parts) error {
	for i, room := range rooms {
		b.room = room
		v, shown, err := b.view(parts.Subject, parts.PDFs)
		if err != nil {
			return err
		}
		if i == 0 {
			var text bytes.Buffer
			if err := r.text.Execute(&text, v); err != nil {
				return err
			}
			parts.Text = tidy(text.Bytes())
		}
		var html bytes.Buffer
		if err := r.html.Execute(&html, v); err != nil {
			return err
		}
		parts.HTML, parts.Images = tidy(html.Bytes()), shown
		if len(parts.HTML) <= maxHTML {
			return nil
		}
	}
	return fmt.Errorf("the HTML body takes %d bytes without the report's details, more than %d; shorten mail.html", len(parts.HTML), maxHTML)
}
