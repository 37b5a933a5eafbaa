// Package text prints an edition as the text body of a mail: complete in itself, for a terminal, an old
// phone or a reader that speaks. Lines are set for 76 half-width columns. It chooses no words. It is pure.
package text

import (
	"fmt"
	"strings"

	"geppo/render/edition"
	"geppo/render/words"
)

// width is how wide lines are, in half-width columns: what a terminal and RFC 5322's 78 characters leave.
const width = 76

// Most of a list's lines that are printed.
const (
	mostRows  = 10
	mostNames = 10
)

// Attachment is a file that the mail carries.
type Attachment struct{ Title, Name, Pages string }

// Print makes the body. LF ends the lines.
func Print(e edition.Edition, attachments []Attachment) []byte {
	p := &printer{e: e}
	p.front()
	for _, d := range e.Documents {
		p.document(d)
	}
	p.closing(attachments)
	return []byte(strings.TrimRight(p.b.String(), "\n") + "\n")
}

type printer struct {
	b   strings.Builder
	e   edition.Edition
	cut bool
}

// line writes one line, without blanks at its end, and so that no mail program makes a link of what stands in it.
func (p *printer) line(parts ...string) {
	p.b.WriteString(words.Unlink(strings.TrimRight(strings.Join(parts, ""), " ")) + "\n")
}

// gap leaves one blank line.
func (p *printer) gap() {
	if s := p.b.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		p.b.WriteByte('\n')
	}
}

// wrapped writes text broken into lines, all behind the width of prefix, which stands before the first.
func (p *printer) wrapped(prefix, text string) {
	if text == "" {
		return
	}
	for i, l := range wrap(text, width-words.Width(prefix)) {
		if i > 0 {
			prefix = strings.Repeat(" ", words.Width(prefix))
		}
		p.line(prefix, l)
	}
}

func (p *printer) title(text string) { p.line(p.e.Words.Title.Say(words.Values{Names: text})) }

func (p *printer) rule(sign string) { p.line(strings.Repeat(sign, width)) }

func (p *printer) front() {
	e, f := p.e, p.e.Front
	p.line(e.Addressee)
	p.gap()
	p.wrapped("", e.Greeting)
	for _, remark := range f.Remarks {
		p.gap()
		p.wrapped("", remark)
	}
	p.gap()
	p.rule("=")
	p.wrapped(" "+f.Mark+" "+f.Word+"  ", f.Lead)
	p.rule("=")
	p.wrapped("", strings.Join(f.Sentences, ""))
	p.gap()
	for _, s := range f.Funnel {
		p.line("  ", left(s.Label, 42), right(s.Value, 12))
	}
	if f.Restricted != nil {
		p.line("  ", left("("+f.Restricted.Label+")", 42), right(f.Restricted.Value, 12))
	}
	p.gap()
	for _, fact := range e.Facts {
		p.line(left(fact.Label, 16), fact.Value)
	}
	p.asks(f.Asks)
	p.summary(f.Summary)
	if len(f.Threats.Blocks) > 0 {
		p.gap()
		p.title(f.Threats.Heading)
		p.gap()
		for _, b := range f.Threats.Blocks {
			p.block(b)
		}
	}
}

func (p *printer) asks(a edition.Asks) {
	p.gap()
	p.title(a.Heading)
	p.gap()
	if len(a.Items) == 0 {
		p.wrapped("", a.None)
	}
	for i, ask := range a.Items {
		if i == mostRows {
			p.wrapped("", p.e.Words.MoreAsks.Say(words.Values{Count: fmt.Sprint(len(a.Items) - i)}))
			break
		}
		sign := ask.Sign + " "
		if len(ask.Endpoints) > 0 {
			p.wrapped(sign, p.names(ask.Endpoints, 0)+ask.Several)
			sign = "   "
		}
		for _, m := range ask.Marks {
			if len(ask.Marks) > 1 {
				sign += p.e.Words.Mark
			}
			p.wrapped(sign, m)
			sign = "   "
		}
		for _, step := range ask.Steps {
			p.wrapped("   "+p.e.Words.Action, step)
		}
		p.gap()
	}
	p.wrapped("", a.Contact)
}

func (p *printer) summary(s edition.Summary) {
	p.gap()
	p.title(s.Heading)
	p.gap()
	if len(s.Heads) >= 4 {
		p.line("  ", left(s.Heads[0], 28), right(s.Heads[1], 10), right(s.Heads[2], 12), "  ", s.Heads[3])
	}
	for _, r := range s.Rows {
		if r.Off != "" {
			p.line("  ", left(r.Label, 28), "  ", r.Off)
			continue
		}
		p.line("  ", left(r.Label, 28), right(r.Current, 10), right(r.Previous, 12), "  ", r.Change)
	}
	p.wrapped("  ", s.Remark)
	if len(s.Points) > 0 {
		p.gap()
		p.block(edition.Points{Sentences: s.Points})
	}
}

func (p *printer) document(d edition.Document) {
	p.gap()
	p.rule("=")
	p.line(d.Product)
	p.rule("=")
	for _, part := range d.Parts {
		if part.Quiet && !part.InMail {
			continue
		}
		p.gap()
		p.rule("-")
		p.line(part.No, " ", part.Heading)
		p.rule("-")
		p.wrapped("", part.About)
		for _, s := range part.Sections {
			if !s.OnFront {
				p.section(s)
			}
		}
	}
	if quiet := p.e.QuietParts(d); quiet != "" {
		p.gap()
		p.rule("-")
		p.line(d.QuietHeading)
		p.rule("-")
		p.wrapped("", quiet)
	}
}

func (p *printer) section(s edition.Section) {
	p.gap()
	p.wrapped("■ ", strings.TrimLeft(s.No+" "+s.Heading, " "))
	p.wrapped("  ", s.Lead)
	for _, b := range s.Blocks {
		p.block(b)
	}
}

// block prints one block.
func (p *printer) block(b edition.Block) {
	switch b := b.(type) {
	case edition.Text:
		p.wrapped("  ", b.Text)
	case edition.Figure:
		if b.Compare != "" {
			b.Value += " (" + b.Compare + ")"
		}
		p.wrapped("  ", b.Value)
	case edition.Table:
		p.table(b)
	case edition.Ranking:
		p.ranking(b)
	case edition.Trend:
		p.wrapped("  ", b.Days)
	case edition.Shares:
		p.shares(b)
	case edition.Names:
		p.wrapped("  ", b.Count+"  "+p.names(b.List, b.Rest))
	case edition.Points:
		for _, s := range b.Sentences {
			p.wrapped("  "+p.e.Words.Point+": ", s)
		}
	case edition.Cases:
		p.cases(b)
	case edition.Link:
		p.wrapped("  ", b.Text)
		p.b.WriteString("  " + b.URL + "\n") // this one shall be a link
	}
}

// table prints two columns side by side, and more of them one row a line, joined.
func (p *printer) table(t edition.Table) {
	for i, row := range t.Rows {
		if i == mostRows {
			t.Rest += len(t.Rows) - i
			break
		}
		if len(row) == 2 {
			p.pair(p.name(row[0].Name, 54), row[1].Text, t.Columns[1].Right)
			continue
		}
		var cells []string
		for _, c := range row {
			if c.Text != "" {
				cells = append(cells, p.name(c.Name, 60))
			}
		}
		p.wrapped("  - ", strings.Join(cells, " / "))
	}
	p.rest(t.Rest)
}

// pair prints a label and a figure in columns, anything longer behind its label, or below it where that is long.
func (p *printer) pair(label, value string, figure bool) {
	if figure {
		p.line("  ", left(label, 58), right(value, 14))
		return
	}
	if words.Width(label) > 24 {
		p.line("  ", label)
		p.wrapped("      ", value)
		return
	}
	p.wrapped("  "+left(label, 24)+" ", value)
}

func (p *printer) rest(n int) {
	if n > 0 {
		p.line("      ", p.e.Words.MoreRows.Say(words.Values{Count: fmt.Sprint(n)}))
	}
}

func (p *printer) ranking(r edition.Ranking) {
	for i, row := range r.Rows {
		if i == mostRows {
			p.rest(len(r.Rows) - i)
			break
		}
		p.line(right(fmt.Sprint(i+1), 4), "  ", left(p.name(row.Name, 56), 56), right(row.Count, 12))
	}
}

func (p *printer) shares(s edition.Shares) {
	for _, r := range s.Rows {
		sign := ""
		if r.Tone == edition.Alarm {
			sign = "  ■"
		}
		p.line("  ", left(r.Label, 22), right(r.Count, 10), sign)
		if !r.Zero {
			p.wrapped("      ", r.Means)
		}
	}
}

func (p *printer) cases(c edition.Cases) {
	for i, k := range c.Rows {
		if i == mostRows {
			c.Rest += len(c.Rows) - i
			break
		}
		p.wrapped("  - ", k.Date+" "+p.names(k.Endpoints, 0)+" "+k.Status)
		p.wrapped("    ", k.What)
		p.wrapped("    ", k.Acts)
	}
	p.rest(c.Rest)
}

func (p *printer) closing(attachments []Attachment) {
	c := p.e.Closing
	p.gap()
	p.rule("-")
	if len(attachments) == 0 {
		p.wrapped("", c.NotAttached)
	} else {
		p.line(c.Attached)
	}
	for _, a := range attachments {
		p.line("  ", a.Title, a.Pages)
		p.line("    ", a.Name)
	}
	if p.cut {
		p.gap()
		p.wrapped("", c.FullNames)
	}
	if terms := p.e.Terms(); len(terms) > 0 {
		p.gap()
		p.line(c.Glossary)
		for _, t := range terms {
			p.wrapped("  ", t.Term+": "+t.Means)
		}
	}
	p.gap()
	p.line(c.Heading)
	if c.Company != "" {
		p.line("  ", c.Company)
	}
	p.line("  ", c.Desk)
	for _, f := range []edition.Fact{c.Phone, c.Hours, c.Contract} {
		if f.Value != "" {
			p.line("  ", f.Label, ": ", f.Value)
		}
	}
	p.gap()
	p.wrapped("", c.Replies)
}

// name is a name of the data in at most so many columns.
func (p *printer) name(n edition.Name, columns int) string {
	shown := words.Cut(n.Text, columns)
	p.cut = p.cut || shown != n.Text
	return shown
}

// names are the first of a list, joined, and the number of the others.
func (p *printer) names(list []edition.Name, rest int) string {
	var shown []string
	for i, n := range list {
		if i == mostNames {
			rest += len(list) - i
			break
		}
		shown = append(shown, p.name(n, 44))
	}
	s := strings.Join(shown, p.e.Words.Join)
	if rest > 0 {
		s += " " + p.e.Words.MoreNames.Say(words.Values{Count: fmt.Sprint(rest)})
	}
	return s
}

// left sets s in a column, its left end first.
func left(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-words.Width(s), 0))
}

// right sets s at the right end of a column.
func right(s string, columns int) string {
	return strings.Repeat(" ", max(columns-words.Width(s), 0)) + s
}

// wrap breaks text into lines of so many columns, by the rules that all printers share.
func wrap(text string, columns int) []string {
	return words.Wrap(text, float64(columns), func(r rune) float64 { return float64(words.RuneWidth(r)) })
}
