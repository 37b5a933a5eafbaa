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
	fonts   *file.Fonts // the family's
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
	var fonts []*file.Font
	for i, f := range family.Fonts() {
		fonts = append(fonts, file.NewFont(f))
		if i < 2 { // the two weights are used by every document
			if err := fonts[i].Load(); err != nil {
				return nil, err
			}
		}
	}
	return &Maker{family: family, fonts: file.NewFonts(fonts...), draw: d, deflate: deflate.New(3)}, nil
}

// Learn finds out which characters every document uses by setting those of the given editions, so that they are packed
// only once. It is called before the first Make.
func (m *Maker) Learn(editions ...edition.Edition) error {
	var docs []*file.Doc
	for _, e := range editions {
		for _, d := range e.Documents {
			docs = append(docs, m.set(e, d, Meta{}).doc)
		}
	}
	return m.fonts.Learn(docs...)
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
	s := m.set(e, d, meta)
	pages := s.doc.Pages()
	data, err := s.doc.Write(m.deflate)
	if err != nil {
		return Doc{}, fmt.Errorf("write pdf: %w", err)
	}
	return Doc{Data: data, Pages: pages, Replaced: s.replaced}, nil
}

// set sets the pages of a document.
func (m *Maker) set(e edition.Edition, d edition.Document, meta Meta) *sheet {
	s := m.sheet(e, d, meta, roomy)
	if s.wasteful() {
		if closer := m.sheet(e, d, meta, dense); closer.doc.Pages() < s.doc.Pages() {
			s = closer
		}
	}
	w, pages := s.white, s.doc.Pages()
	for w.shortPage = pages - 1; w.shortPage > 0 && s.y < top+emptyEnd && w.short < (bottom-top)/3; {
		w.short += emptyEnd / 3 // the last page takes something of the one before
		if fuller := m.sheet(e, d, meta, w); fuller.doc.Pages() == pages {
			s = fuller
		}
	}
	s.finish()
	return s
}

// emptyEnd is how much of a document's last page is used at least.
const emptyEnd = 0.22 * (bottom - top)

// A page that is less full than leastEnd is worth to be saved by less white between the lines, and so is one of a document of more
// pages than mostPages.
const (
	leastEnd  = 0.4
	mostPages = 7
)

// wasteful tells whether a document would better be set closer.
func (s *sheet) wasteful() bool {
	pages := s.doc.Pages()
	return pages > 1 && s.y < top+(bottom-top)*leastEnd || pages > mostPages && pages <= mostPages+2
}

// sheet sets a document.
func (m *Maker) sheet(e edition.Edition, d edition.Document, meta Meta, w white) *sheet {
	s := &sheet{m: m, e: e, d: d, accent: meta.Accent, noted: map[string]int{}, white: w}
	s.company = s.clean(e.Company.Text)
	s.doc = file.New(file.Info{
		Title: s.clean(d.Title + " " + e.Company.Text), Author: s.clean(meta.Author), Subject: meta.Subject, Lang: e.Lang, Date: meta.Date,
	}, m.fonts)
	s.sect = s.doc.Root().Child("Sect")
	s.newPage()
	s.front()
	s.parts(d.Parts)
	s.appendix()
	s.closing()
	return s
}

// finish sets headers and footers, which need the number of pages.
func (s *sheet) finish() {
	s.flushNotes()
	pages := s.doc.Pages()
	for n := 1; n <= pages; n++ {
		s.page = s.doc.Page(n)
		s.furniture(n, pages)
	}
}
