package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding/japanese"

	"geppo/render/chart"
	"geppo/render/words"
)

// fontSet is the two weights in the form that fpdf reads, with the runes that may be printed with
// them; nil is all that the fonts hold.
type fontSet struct {
	regular, bold []byte
	runes         *[1 << 16]bool
}

// errRare says that a document needs a rune that the common fonts have not.
var errRare = errors.New("rune outside the common set")

// loadFonts reads the fonts and cuts the common set out of them.
//
// fpdf reads its fonts anew for each document, and the time grows with their glyphs: with the whole
// fonts it is two thirds of a document's. So a document is first set with JIS level 1 and what the
// wording uses, and once more with everything if a name needs it, which happens with about one
// company in twenty. Looking through the report's names first would be as fast and one forgotten
// field away from a hole in the print.
func loadFonts(fsys fs.FS, d *chart.Drawer) (common, full fontSet, err error) {
	if full.regular, err = fs.ReadFile(fsys, fontRegular); err != nil {
		return common, full, fmt.Errorf("read font: %w", err)
	}
	if full.bold, err = fs.ReadFile(fsys, fontBold); err != nil {
		return common, full, fmt.Errorf("read font: %w", err)
	}
	runes, err := commonRunes(fsys, d)
	if err != nil {
		return common, full, err
	}
	common.runes = runes
	if common.regular, err = cut(full.regular, runes); err != nil {
		return common, full, fmt.Errorf("%s: %w", fontRegular, err)
	}
	if common.bold, err = cut(full.bold, runes); err != nil {
		return common, full, fmt.Errorf("%s: %w", fontBold, err)
	}
	return common, full, nil
}

// commonRunes are ASCII, JIS X 0208 up to the end of level 1, and the wording's, as far as the font
// has them.
func commonRunes(fsys fs.FS, d *chart.Drawer) (*[1 << 16]bool, error) {
	runes := new([1 << 16]bool)
	encoder := japanese.EUCJP.NewEncoder()
	for r := ' '; r < 1<<16; r++ {
		b, err := encoder.Bytes([]byte(string(r)))
		const level1 = 0xA0 + 47 // the last row of level 1
		if err == nil && (len(b) == 1 || len(b) == 2 && b[0] > 0xA0 && b[0] <= level1) {
			runes[r] = d.Regular().Has(r) && d.Bold().Has(r)
		}
	}
	for _, file := range []string{words.File, wordingFile} {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read the wording: %w", err)
		}
		for _, r := range string(text) {
			if d.Regular().Has(r) && d.Bold().Has(r) {
				runes[r] = true
			}
		}
	}
	return runes, nil
}

// cut makes a font with some runes only. fpdf embeds just the glyphs that a document prints, so a
// document that prints them all holds the font that is wanted.
func cut(ttf []byte, runes *[1 << 16]bool) ([]byte, error) {
	f := fpdf.New("P", "pt", "A4", "")
	f.AddUTF8FontFromBytes("f", "", ttf)
	f.AddPage()
	f.SetFont("f", "", 9)
	var all []rune
	for r, in := range runes {
		if in {
			all = append(all, rune(r))
		}
	}
	f.Text(0, 0, string(all))
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		return nil, fmt.Errorf("cut font: %w", err)
	}
	_, font, found := bytes.Cut(out.Bytes(), []byte("/Length1 ")) // the font file's dictionary alone has it
	if found {
		_, font, found = bytes.Cut(font, []byte("stream\n"))
	}
	if !found {
		return nil, errors.New("cut font: fpdf has embedded no font file")
	}
	inflate, err := zlib.NewReader(bytes.NewReader(font))
	if err != nil {
		return nil, fmt.Errorf("cut font: %w", err)
	}
	small, err := io.ReadAll(inflate)
	if err != nil {
		return nil, fmt.Errorf("cut font: %w", err)
	}
	return small, nil
}

// has tells whether every rune of text can be printed with the set.
func (f *fontSet) has(text string) bool {
	if f.runes == nil {
		return true
	}
	for _, r := range text {
		if r >= 1<<16 || !f.runes[r] {
			return false
		}
	}
	return true
}
