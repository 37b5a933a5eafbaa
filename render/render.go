package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/font"
	"geppo/render/html"
	"geppo/render/pdf"
	"geppo/render/text"
	"geppo/render/words"
	"geppo/store"
)

// DefaultThreatURL is the vendor's threat database; an escaped name is appended to it.
const DefaultThreatURL = "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/search/"

// Options are what an operator sets in [report], and in [brand.NAME] of a brand. Zero values give the defaults.
type Options struct {
	Language     string // of words.Languages; the first of them if empty
	SupportDesk  string // name of the support desk; the wording's own if empty
	SupportPhone string // not printed if empty
	SupportHours string // not printed if empty
	ThreatURL    string // an escaped threat name is appended; DefaultThreatURL if empty
	Replies      bool   // a reply to the mail reaches somebody
	FilePrefix   string // of the PDFs' names, ASCII; "geppo" if empty

	// The names of products; the wording's own if empty.
	Antivirus, EDR, SecurityPackage string

	Company string        // in whose name the reports go out; not printed if empty
	Colours []string      // "#rrggbb", of headings and of bars; our own if empty
	Logo    *edition.Logo // nil: none
}

// Renderer makes Parts. It is made once, holds the parsed templates and fonts, and is safe for use
// by several goroutines.
type Renderer struct {
	// Watch is told when a part (pdf or charts) begins, and calls what it returns at its end; nil:
	// nobody is. It is set before the first use.
	Watch func(part string) (end func())

	opts    Options
	words   *words.Words
	edition edition.Builder
	html    *html.Printer
	chart   *chart.Drawer
	pdf     *pdf.Maker
	colors  html.Colors
	accent  chart.Color
}

// New parses the wording, families.toml, mail.html and the fonts. Its errors name the file and, for the
// wording, the key.
func New(fsys fs.FS, opts Options) (*Renderer, error) {
	w, err := worded(fsys, opts)
	if err != nil {
		return nil, err
	}
	opts.ThreatURL, opts.FilePrefix = cmp.Or(opts.ThreatURL, DefaultThreatURL), cmp.Or(opts.FilePrefix, "geppo")
	r := &Renderer{opts: opts, words: w, edition: edition.Builder{
		W: w, Brand: edition.Brand{Company: words.Clean(opts.Company), Logo: opts.Logo},
		Phone: words.Clean(opts.SupportPhone), Hours: words.Clean(opts.SupportHours), ThreatURL: opts.ThreatURL, Replies: opts.Replies,
	}}
	if r.html, err = html.New(fsys); err != nil {
		return nil, err
	}
	family, err := font.Load(fsys)
	if err != nil {
		return nil, err
	}
	r.chart = chart.New(family)
	if err := r.colour(opts.Colours); err != nil {
		return nil, err
	}
	if r.pdf, err = pdf.New(family, r.chart); err != nil {
		return nil, fmt.Errorf("set up the PDFs: %w", err)
	}
	if err := r.pdf.SetLogo(opts.Logo); err != nil {
		return nil, fmt.Errorf("set up the PDFs: %w", err)
	}
	return r, r.learn()
}

// learn shows the PDFs what every month says: one without anything, and a quiet one, of nobody.
func (r *Renderer) learn() error {
	var editions []edition.Edition
	for _, m := range []store.Month{emptyMonth(), newMonth()} {
		m.Contract.Name = ""
		report, err := aggregate.Compute(m.Rows(), aggregate.Options{Revision: 1})
		if err != nil {
			return fmt.Errorf("compute a sample report: %w", err)
		}
		editions = append(editions, r.Edition(r.Word(report)))
	}
	if err := r.pdf.Learn(editions...); err != nil {
		return fmt.Errorf("set up the PDFs: %w", err)
	}
	return nil
}

// worded is the wording with the names that the options give.
func worded(fsys fs.FS, opts Options) (*words.Words, error) {
	w, err := words.Load(fsys, cmp.Or(opts.Language, words.Languages[0]))
	if err != nil {
		return nil, err
	}
	w.NameProduct(string(store.ProductAntivirus), words.Clean(opts.Antivirus), words.Clean(opts.EDR))
	w.NameProduct(string(store.ProductSecurityPackage), words.Clean(opts.SecurityPackage), words.Clean(opts.SecurityPackage))
	if opts.SupportDesk != "" {
		w.NameDesk(words.Clean(opts.SupportDesk))
	}
	return w, nil
}

// colour gives headings and bars a brand's colours, or keeps our own.
func (r *Renderer) colour(list []string) error {
	accent, bar, err := colours(list)
	if err != nil {
		return err
	}
	r.accent, r.colors = accent, html.Colors{Accent: "#1D5FB4", Bar: "#5B93D6"}
	if len(list) > 0 {
		r.colors.Accent = chart.CSS(accent)
	}
	if len(list) > 1 {
		r.colors.Bar = chart.CSS(bar)
		r.chart.BarColor, r.chart.PeakColor = bar, chart.Strong // a peak differs from any bar
	}
	return nil
}

// Word returns the report with its products and points worded. What is frozen and mailed is the worded report.
func (r *Renderer) Word(report aggregate.Report) aggregate.Report {
	report.Overview.Product, report.Overview.EDRProduct = r.words.Product(report.Overview.Kind)
	report.Points = slices.Clone(report.Points)
	for i, p := range report.Points {
		report.Points[i].Text = r.words.Point(p, report.Period)
	}
	return report
}

// Families are the prefixes by which names of threats tell their family.
func (r *Renderer) Families() []string { return r.words.Families.Ransomware }

// Edition words a report: what all of Parts print.
func (r *Renderer) Edition(report aggregate.Report) edition.Edition { return r.edition.Build(report) }

// Parts renders a worded report: bodies, images and one PDF for each report.
func (r *Renderer) Parts(report aggregate.Report) (Parts, error) { return r.parts(report, true) }

// PartsWithoutPDFs renders a worded report for a message that would be too large with its PDFs; the
// bodies say that they are not attached.
func (r *Renderer) PartsWithoutPDFs(report aggregate.Report) (Parts, error) {
	return r.parts(report, false)
}

func (r *Renderer) parts(report aggregate.Report, withPDFs bool) (Parts, error) {
	fail := func(err error) (Parts, error) {
		return Parts{}, fmt.Errorf("render contract %s, period %s: %w", report.Contract.ID, report.Period, err)
	}
	if report.Overview.Product == "" {
		return fail(errors.New("the product has no name; pass the report through Word first"))
	}
	for _, p := range report.Points {
		if p.Text == "" {
			return fail(fmt.Errorf("point %q has no words; pass the report through Word first", p.Kind))
		}
	}
	e := r.Edition(report)
	parts := Parts{Subject: e.Subject, Lang: e.Lang}
	if withPDFs {
		if err := r.addPDFs(&parts, e, report); err != nil {
			return fail(err)
		}
	}
	images, err := r.addImages(&parts, e, report)
	if err != nil {
		return fail(err)
	}
	if !withPDFs {
		e.Closing.Brief = e.Closing.BriefText
	}
	mail := html.Mail{Edition: e, Images: images, Logo: parts.addLogo(e.Brand), Colors: r.colors}
	var attached []text.Attachment
	for i, p := range parts.PDFs {
		a := html.Attachment{Title: e.Documents[i].Title, Name: p.Name, Pages: e.Closing.PDFPages.Say(words.Values{Count: fmt.Sprint(p.Pages)})}
		mail.Attachments, attached = append(mail.Attachments, a), append(attached, text.Attachment(a))
	}
	var shown map[string]bool
	if parts.HTML, shown, err = r.html.Print(mail); err != nil {
		return fail(err)
	}
	parts.Images = slices.DeleteFunc(parts.Images, func(i Image) bool { return !shown[i.CID] })
	parts.Text = text.Print(e, attached)
	return parts, nil
}

// addPDFs makes one PDF for each document: antivirus, and EDR with the option.
func (r *Renderer) addPDFs(parts *Parts, e edition.Edition, report aggregate.Report) error {
	defer r.watch("pdf")()
	_, end := report.Period.Bounds(time.UTC)
	for _, d := range e.Documents {
		doc, err := r.pdf.Make(e, d, pdf.Meta{
			Author: cmp.Or(e.Brand.Company, e.Closing.Desk), Subject: report.Contract.ID + " " + report.Period.String(), Date: end, Accent: r.accent,
		})
		if err != nil {
			return fmt.Errorf("%s PDF: %w", d.Kind, err)
		}
		parts.PDFs = append(parts.PDFs, PDF{Name: r.pdfName(d.Kind, report), Data: doc.Data, Pages: doc.Pages})
		parts.Replaced += doc.Replaced
	}
	return nil
}

// pdfName is ASCII, since contract ids are: geppo-av_C000001_2026-10.pdf, with _r2 for revision 2.
func (r *Renderer) pdfName(kind string, report aggregate.Report) string {
	name := fmt.Sprintf("%s-%s_%s_%s", r.opts.FilePrefix, kind, report.Contract.ID, report.Period)
	if report.Revision > 1 {
		name += fmt.Sprintf("_r%d", report.Revision)
	}
	return name + ".pdf"
}

func (r *Renderer) watch(part string) (end func()) {
	if r.Watch == nil {
		return func() {}
	}
	return r.Watch(part)
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
