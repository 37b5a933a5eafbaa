// Package pdf sets a Report as a printable A4 document: the antivirus report and the EDR report. It
// owns the pages: Japanese line breaking, tables, footnotes, contents and bookmarks, and tells package
// file what each piece of them is, for those who listen to a report. It counts nothing, knows no mail,
// and is pure: equal reports give equal bytes.
package pdf

import (
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/deflate"
	"geppo/render/font"
	"geppo/render/pdf/file"
	"geppo/render/words"
)

// Options are what an operator sets in [report].
type Options struct {
	ThreatURL    string // an escaped threat name is appended
	SupportPhone string // not printed if empty
	SupportHours string // not printed if empty
}

// Maker makes PDFs. It is made once, holds the fonts and the wording, and is safe for use by
// several goroutines.
type Maker struct {
	family  font.Family
	fonts   []*file.Font // of the family
	draw    *chart.Drawer
	words   *words.Words
	own     wording
	opts    Options
	deflate *deflate.Pool
}

// Doc is one finished PDF.
type Doc struct {
	Data  []byte
	Pages int
	// Replaced counts characters that are spelled as U+XXXX.
	Replaced int
}

// New reads pdf.toml from fsys. The drawer must have been made with the same family.
func New(fsys fs.FS, w *words.Words, family font.Family, d *chart.Drawer, opts Options) (*Maker, error) {
	m := &Maker{family: family, draw: d, words: w, opts: opts, deflate: deflate.New(3)}
	for i, f := range family.Fonts() {
		m.fonts = append(m.fonts, file.NewFont(f))
		if i < 2 { // the two weights are used by every document
			if err := m.fonts[i].Load(); err != nil {
				return nil, err
			}
		}
	}
	var err error
	m.own, err = loadWording(fsys)
	return m, err
}

// Ask is one item of ご確認いただきたい事項, worded as in the mail.
type Ask struct {
	Title string // the endpoint; "" for the contract as a whole
	Marks []words.Marked
}

// Antivirus sets the antivirus report of a worded report, with what the reader is asked.
func (m *Maker) Antivirus(r aggregate.Report, asks []Ask) (Doc, error) {
	return m.set(r, r.Overview.Product, asks, (*sheet).antivirus)
}

// EDR sets the EDR report of a worded report that has one.
func (m *Maker) EDR(r aggregate.Report, asks []Ask) (Doc, error) {
	if r.EDR == nil {
		return Doc{}, fmt.Errorf("contract %s has no EDR report", r.Contract.ID)
	}
	return m.set(r, r.Overview.EDRProduct, asks, (*sheet).edr)
}

// set makes a document.
func (m *Maker) set(r aggregate.Report, product string, asks []Ask, body func(*sheet) error) (Doc, error) {
	s := m.sheet(r, product, asks)
	if err := body(s); err != nil {
		return Doc{}, err
	}
	return s.finish()
}

// sheet begins a document with an empty first page, which the cover takes in finish, and a second.
func (m *Maker) sheet(r aggregate.Report, product string, asks []Ask) *sheet {
	s := &sheet{m: m, w: m.words, r: r, asks: asks, noted: map[string]int{}}
	s.product = s.clean(product)
	s.company = words.Disarm(s.clean(r.Contract.Name))
	s.doc = file.New(s.info(), m.fonts...)
	s.front = s.doc.Root().Child("Sect")
	s.sect = s.doc.Root().Child("Sect")
	s.newPage()
	s.newPage()
	s.requests()
	return s
}

// info is what a viewer shows as the document's properties. Its date is the period's end: equal reports
// must give equal bytes, and the clock is not ours.
func (s *sheet) info() file.Info {
	title := s.m.own.Title.Say(words.Values{Product: s.product, Month: s.w.Month(s.r.Period)})
	_, end := s.r.Period.Bounds(time.UTC)
	return file.Info{
		Title: title + " " + s.company, Author: s.clean(s.w.Desk), Subject: s.r.Contract.ID + " " + s.r.Period.String(),
		Lang: "ja-JP", Date: end,
	}
}

// finish sets cover, contents, headers and footers, which need the page numbers, and writes the file.
func (s *sheet) finish() (Doc, error) {
	s.flushNotes()
	pages := s.doc.Pages()
	s.page, s.sect = s.doc.Page(1), s.front
	s.cover()
	for n := 1; n <= pages; n++ {
		s.page = s.doc.Page(n)
		s.furniture(n, pages)
	}
	data, err := s.doc.Write(s.m.deflate)
	if err != nil {
		return Doc{}, fmt.Errorf("write pdf: %w", err)
	}
	return Doc{Data: data, Pages: pages, Replaced: s.replaced}, nil
}

// threatURL is where the vendor describes a threat.
func (m *Maker) threatURL(name string) string { return m.opts.ThreatURL + url.PathEscape(name) }

// database is the address of the threat database itself.
func (m *Maker) database() string { return strings.TrimSuffix(m.opts.ThreatURL, "search/") }
