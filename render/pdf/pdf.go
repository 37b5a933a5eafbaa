// Package pdf prints an edition as A4 documents, one for each of its reports. It owns the pages: line
// breaking, columns, footnotes, what stays together, and which element of the structure each piece is,
// for those who listen to a report. It chooses no words, knows no mail, and is pure: equal editions give
// equal bytes.
package pdf

import (
	"fmt"
	"time"

	"geppo/render/chart"
	"geppo/render/deflate"
	"geppo/render/edition"
	"geppo/render/font"
	"geppo/render/pdf/file"
)

// Maker makes PDFs. It is made once, holds the fonts, and is safe for use by several goroutines.
type Maker struct {
	family  font.Family
	fonts   []*file.Font // of the family
	draw    *chart.Drawer
	deflate *deflate.Pool
	logo    *file.Picture // nil: none
}

// Doc is one finished PDF.
type Doc struct {
	Data  []byte
	Pages int
	// Replaced counts characters that are spelled as U+XXXX.
	Replaced int
}

// New makes a Maker. The drawer must have been made with the same family.
func New(family font.Family, d *chart.Drawer) (*Maker, error) {
	m := &Maker{family: family, draw: d, deflate: deflate.New(3)}
	for i, f := range family.Fonts() {
		m.fonts = append(m.fonts, file.NewFont(f))
		if i < 2 { // the two weights are used by every document
			if err := m.fonts[i].Load(); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// SetLogo packs the picture that stands in the head of every document; nil is none.
func (m *Maker) SetLogo(logo *edition.Logo) (err error) {
	if logo != nil {
		m.logo, err = file.NewPicture(logo.Image, m.deflate)
	}
	return err
}

// Meta is what a document says of itself besides its title.
type Meta struct {
	Author, Subject string
	Date            time.Time // equal reports must give equal bytes, so it is no clock's
	Accent          chart.Color
}

// Make prints one document of an edition.
func (m *Maker) Make(e edition.Edition, d edition.Document, meta Meta) (Doc, error) {
	s := m.sheet(e, d, meta)
	s.front()
	for _, p := range d.Parts {
		s.part(p)
	}
	s.appendix()
	s.closing()
	return s.finish()
}

// sheet begins a document on its first page.
func (m *Maker) sheet(e edition.Edition, d edition.Document, meta Meta) *sheet {
	s := &sheet{m: m, e: e, d: d, accent: meta.Accent, noted: map[string]int{}}
	s.company = s.clean(e.Company.Text)
	s.doc = file.New(file.Info{
		Title: s.clean(d.Title + " " + e.Company.Text), Author: s.clean(meta.Author), Subject: meta.Subject, Lang: e.Lang, Date: meta.Date,
	}, m.fonts...)
	s.sect = s.doc.Root().Child("Sect")
	s.newPage()
	return s
}

// finish sets headers and footers, which need the number of pages, and writes the file.
func (s *sheet) finish() (Doc, error) {
	s.flushNotes()
	pages := s.doc.Pages()
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
