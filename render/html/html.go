// Package html prints an edition as the HTML body of a mail: table layout, styles in the elements, images
// by cid, legible in dark mode and on a phone. It chooses no words. It is pure.
package html

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/words"
)

// Max is what a body may take, in bytes: Gmail clips one of 102 KB.
const Max = 80_000

// File is the name of the template in the template file system.
const File = "mail.html"

// Printer holds the parsed template. It is safe for use by several goroutines.
type Printer struct{ t *template.Template }

// Image is an inline picture that stands for a chart.
type Image struct {
	CID           string
	Width, Height int
	Alt           string
}

// Attachment is a file that the mail carries.
type Attachment struct{ Title, Name, Pages string }

// Mail is what a body shows beside the edition.
type Mail struct {
	Edition     edition.Edition
	Images      map[string]*Image // by the block's ID
	Logo        *Image            // nil: none
	Attachments []Attachment      // none: the mail says so
	Colors      Colors
}

// Colors are a brand's, as CSS writes them: of headings, and of the bars of rankings.
type Colors struct{ Accent, Bar string }

// room is how much of an edition a body shows.
type room struct {
	name  int  // half-width columns at which the middle is cut out of names
	rows  int  // of a list; the rest is counted
	names int  // of a list of machines
	brief bool // no parts, only where to read them
}

// rooms are tried from the widest on until the body is within Max. The first is enough unless nearly
// every list is full of long names; the last is within it whatever a report holds. No report is too large
// to be sent.
var rooms = []room{
	{name: 44, rows: 10, names: 10},
	{name: 32, rows: 10, names: 10},
	{name: 24, rows: 5, names: 10},
	{name: 18, rows: 3, names: 5},
	{name: 12, rows: 3, names: 3, brief: true},
}

// New parses the template.
func New(fsys fs.FS) (*Printer, error) {
	text, err := fs.ReadFile(fsys, File)
	if err != nil {
		return nil, fmt.Errorf("read the HTML body: %w", err)
	}
	t, err := template.New(File).Option("missingkey=error").Funcs(funcs).Parse(inlined(string(text)))
	if err != nil {
		return nil, fmt.Errorf("parse the HTML body: %w", err)
	}
	return &Printer{t}, nil
}

// style is a definition that holds text alone.
var style = regexp.MustCompile(`\{\{define "(s-[a-z0-9-]+)"\}\}([^{}]*)\{\{end\}\}`)

// inlined puts the styles that are text alone where they are used. As templates of their own they are executed and
// escaped anew for each cell of each table, which is a third of the time that a body takes.
func inlined(text string) string {
	for _, s := range style.FindAllStringSubmatch(text, -1) {
		text = strings.ReplaceAll(text, `{{template "`+s[1]+`"}}`, s[2])
	}
	return text
}

// Print makes the body, and tells which images it shows, by their CIDs.
func (p *Printer) Print(m Mail) (body []byte, shown map[string]bool, err error) {
	var b bytes.Buffer
	b.Grow(Max)
	for _, room := range rooms {
		if body, shown, err = p.print(&b, m, room); err != nil || len(body) <= Max {
			return body, shown, err
		}
	}
	return nil, nil, fmt.Errorf("the HTML body takes %d bytes without the report's details, more than %d; shorten %s", len(body), Max, File)
}

func (p *Printer) print(b *bytes.Buffer, m Mail, room room) ([]byte, map[string]bool, error) {
	b.Reset()
	v := &view{Mail: m, E: &m.Edition, room: room, shown: map[string]bool{}}
	if err := p.t.Execute(b, v); err != nil {
		return nil, nil, fmt.Errorf("print the HTML body: %w", err)
	}
	return unlinked(tidy(b.Bytes())), v.shown, nil
}

// unlinked keeps mail programs from making links of what stands in the text of a body, whatever field it came from;
// what is a link stays one. (html/template has escaped every "<" that is no tag's.)
func unlinked(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/16)
	linked, style := false, false
	for len(body) > 0 {
		end := bytes.IndexByte(body, '<')
		if end < 0 {
			end = len(body)
		}
		if text := body[:end]; linked || style {
			out = append(out, text...)
		} else {
			out = append(out, words.Unlink(string(text))...)
		}
		tag := body[end:]
		if close := bytes.IndexByte(tag, '>'); close >= 0 {
			tag = tag[:close+1]
		}
		switch {
		case bytes.HasPrefix(tag, []byte("<a ")):
			linked = true
		case bytes.HasPrefix(tag, []byte("</a>")):
			linked = false
		case bytes.HasPrefix(tag, []byte("<style")):
			style = true
		case bytes.HasPrefix(tag, []byte("</style")):
			style = false
		}
		out = append(out, tag...)
		body = body[end+len(tag):]
	}
	return out
}

// TryOut prints the body in every room, for who checks a template; its error is the first fault.
func (p *Printer) TryOut(m Mail) error {
	var b bytes.Buffer
	for i, room := range rooms {
		body, _, err := p.print(&b, m, room)
		if err != nil {
			return err
		}
		if i == len(rooms)-1 && len(body) > Max {
			return fmt.Errorf("%s: the body of an ordinary report takes %d bytes, at most %d are allowed; shorten the template", File, len(body), Max)
		}
	}
	return nil
}

// view is what the template sees.
type view struct {
	Mail
	E     *edition.Edition
	room  room
	cut   bool
	shown map[string]bool
}

// Brief tells that there is no room for the parts.
func (v *view) Brief() bool { return v.room.brief }

// Name is a name of the data as it is shown.
func (v *view) Name(n edition.Name) string {
	shown := words.Cut(n.Text, v.room.name)
	v.cut = v.cut || shown != n.Text
	return shown
}

// Shortened tells whether a name was cut so far.
func (v *view) Shortened() bool { return v.cut }

// Names are the first of a list, joined.
func (v *view) Names(list []edition.Name) string {
	var shown []string
	for _, n := range list[:min(len(list), v.room.names)] {
		shown = append(shown, v.Name(n))
	}
	return strings.Join(shown, v.E.Words.Join)
}

// MoreNames counts the names that Names left out, and rest; "" for none.
func (v *view) MoreNames(list []edition.Name, rest int) string {
	return more(v.E.Words.MoreNames, len(list)-min(len(list), v.room.names)+rest)
}

// Limit is how many of n rows are shown.
func (v *view) Limit(n int) int { return min(n, v.room.rows) }

// MoreRows counts the rows that were left out, and rest; "" for none.
func (v *view) MoreRows(n, rest int) string {
	return more(v.E.Words.MoreRows, n-v.Limit(n)+rest)
}

func more(p words.Phrase, n int) string {
	if n <= 0 {
		return ""
	}
	return p.Say(words.Values{Count: fmt.Sprint(n)})
}

// MoreAsks counts the asks that were left out; "" for none.
func (v *view) MoreAsks(n int) string { return more(v.E.Words.MoreAsks, n-v.Limit(n)) }

// Glossary are the terms that the mail uses.
func (v *view) Glossary() []words.Term { return v.E.Terms() }

// Head is the brand's logo, nil if there is none.
func (v *view) Head() *Image {
	if v.Logo != nil {
		v.shown[v.Logo.CID] = true
	}
	return v.Logo
}

// Image is the picture of a block, nil if there is none.
func (v *view) Image(id string) *Image {
	i := v.Images[id]
	if i != nil {
		v.shown[i.CID] = true
	}
	return i
}

// funcs are what the template needs beyond the language.
var funcs = template.FuncMap{
	"kind": kind,
	"in":   func(v *view, b any) in { return in{v, b} },
	// cid makes the address of an image in the same message; html/template knows only web addresses.
	"cid": func(i *Image) template.URL { return template.URL("cid:" + i.CID) }, //nolint:gosec // made of names and ids of ours
	// mso writes a conditional comment for Outlook's Word engine, which knows no max-width; comments
	// of a template are dropped otherwise. It takes literals of the template only.
	"mso": func(markup string) template.HTML {
		return template.HTML("<!--[if mso]>" + markup + "<![endif]-->") //nolint:gosec // literals, see above
	},
	"tel":     func(phone string) template.URL { return template.URL("tel:" + digits(phone)) }, //nolint:gosec // digits alone
	"css":     chart.CSS,
	"add":     func(a, b int) int { return a + b },
	"percent": func(part float64) int { return int(part*100 + 0.5) },
	"tone":    func(t edition.Tone) string { return [...]string{"plain", "calm", "warn", "alarm"}[t] },
}

// in hands the view and a block to a sub-template.
type in struct {
	V *view
	B any
}

// kind names a block's type, and so its template.
func kind(b edition.Block) string {
	switch b.(type) {
	case edition.Text:
		return "Text"
	case edition.Figure:
		return "Figure"
	case edition.Table:
		return "Table"
	case edition.Ranking:
		return "Ranking"
	case edition.Trend:
		return "Trend"
	case edition.Shares:
		return "Shares"
	case edition.Names:
		return "Names"
	case edition.Points:
		return "Points"
	case edition.Cases:
		return "Cases"
	case edition.Link:
		return "Link"
	}
	return ""
}

// digits leaves what a telephone dials.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// tidy drops blank lines and the blanks at the beginning and the end of lines, which a template leaves.
func tidy(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(append(out, line...), '\n')
		}
	}
	return out
}
