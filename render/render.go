package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"slices"
	texttemplate "text/template"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/font"
	"geppo/render/pdf"
	"geppo/render/words"
)

// DefaultThreatURL is the vendor's threat database; an escaped name is appended to it.
const DefaultThreatURL = "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/search/"

// Options are what an operator sets in [report]. Zero values give the defaults.
type Options struct {
	SupportDesk  string // name of the support desk; words.toml's own if empty
	SupportPhone string // not printed if empty
	SupportHours string // not printed if empty
	ThreatURL    string // an escaped threat name is appended; DefaultThreatURL if empty
}

// Renderer makes Parts. It is made once, holds the parsed templates and fonts, and is safe for use
// by several goroutines.
type Renderer struct {
	// Watch is told when a part (pdf or charts) begins, and calls what it returns at its end; nil:
	// nobody is. It is set before the first use.
	Watch func(part string) (end func())

	words *words.Words
	opts  Options
	html  *htmltemplate.Template
	text  *texttemplate.Template
	chart *chart.Drawer
	pdf   *pdf.Maker
}

// New parses words.toml, mail.html, mail.txt and the fonts. Its errors name the file and, for the
// wording, the key.
func New(fsys fs.FS, opts Options) (*Renderer, error) {
	w, err := words.Load(fsys)
	if err != nil {
		return nil, err
	}
	if opts.SupportDesk != "" {
		w.NameDesk(words.Clean(opts.SupportDesk))
	}
	if opts.ThreatURL == "" {
		opts.ThreatURL = DefaultThreatURL
	}
	opts.SupportPhone, opts.SupportHours = words.Clean(opts.SupportPhone), words.Clean(opts.SupportHours)
	r := &Renderer{words: w, opts: opts}
	if r.html, err = parseHTML(fsys); err != nil {
		return nil, err
	}
	if r.text, err = parseText(fsys); err != nil {
		return nil, err
	}
	family, err := font.Load(fsys)
	if err != nil {
		return nil, err
	}
	r.chart = chart.New(family)
	r.pdf, err = pdf.New(fsys, w, family, r.chart, pdf.Options{
		ThreatURL: opts.ThreatURL, SupportPhone: opts.SupportPhone, SupportHours: opts.SupportHours,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the PDFs: %w", err)
	}
	return r, nil
}

func parseHTML(fsys fs.FS) (*htmltemplate.Template, error) {
	t, err := htmltemplate.New("mail.html").Option("missingkey=error").Funcs(htmlFuncs).ParseFS(fsys, "mail.html")
	if err != nil {
		return nil, fmt.Errorf("parse the HTML body: %w", err)
	}
	return t, nil
}

func parseText(fsys fs.FS) (*texttemplate.Template, error) {
	t, err := texttemplate.New("mail.txt").Option("missingkey=error").Funcs(textFuncs).ParseFS(fsys, "mail.txt")
	if err != nil {
		return nil, fmt.Errorf("parse the text body: %w", err)
	}
	return t, nil
}

// Families are the prefixes of names that say ransomware, for aggregate.Options.
func (r *Renderer) Families() []string { return r.words.Families.Ransomware }

// Word returns the report with its points worded. What is frozen and mailed is the worded report.
func (r *Renderer) Word(report aggregate.Report) aggregate.Report {
	report.Points = slices.Clone(report.Points)
	for i, p := range report.Points {
		report.Points[i].Text = r.words.Point(p, report.Period)
	}
	return report
}

// Parts renders a worded report: bodies, images and one PDF for each report.
func (r *Renderer) Parts(report aggregate.Report) (Parts, error) {
	return r.parts(report, true)
}

// PartsWithoutPDFs renders a worded report for a message that would be too large with its PDFs; the
// bodies say that they are not attached.
func (r *Renderer) PartsWithoutPDFs(report aggregate.Report) (Parts, error) {
	return r.parts(report, false)
}

func (r *Renderer) parts(report aggregate.Report, withPDFs bool) (Parts, error) {
	fail := func(err error) (Parts, error) {
		return Parts{}, fmt.Errorf("render contract %s, period %s: %w", report.Contract.ID, report.Period, err)
	}
	for _, p := range report.Points {
		if p.Text == "" {
			return fail(fmt.Errorf("point %q has no words; pass the report through Word first", p.Kind))
		}
	}
	parts := Parts{Subject: r.subject(report)}
	if withPDFs {
		if err := r.addPDFs(report, &parts); err != nil {
			return fail(err)
		}
	}
	if err := r.addBodies(&body{r: r, w: r.words.ForMail(), report: report}, &parts); err != nil {
		return fail(err)
	}
	return parts, nil
}

func (r *Renderer) watch(part string) (end func()) {
	if r.Watch == nil {
		return func() {}
	}
	return r.Watch(part)
}

// subject is 【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分).
func (r *Renderer) subject(report aggregate.Report) string {
	v := words.Values{Product: report.Overview.Product, Month: r.words.Month(report.Period)}
	if report.Revision > 1 {
		v.Revision = r.words.Revision
	}
	return r.words.Subject.Say(v)
}

// JSON is report.json: indented, without HTML escapes, with a final newline.
func JSON(report aggregate.Report) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(report); err != nil {
		return nil, fmt.Errorf("encode report of contract %s: %w", report.Contract.ID, err)
	}
	return b.Bytes(), nil
}
