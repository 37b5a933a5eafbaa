// Package edition words a Report once: which part a reader gets in which order, under which number and
// with which words. An Edition is a tree of sections and blocks; the mail's HTML and text, the PDFs and
// the console print it, so that they say the same. It counts nothing and knows no layout. It is pure.
package edition

import (
	"image"
	"strings"

	"geppo/render/words"
)

// Edition is what a report says.
type Edition struct {
	Lang                string // BCP 47: "ja"
	Brand               Brand
	Subject, Preheader  string // Preheader is what a list of mails shows behind the subject
	Title, Month        string // 月次レポート, 2026年10月分
	Company             Name
	Addressee, Greeting string
	Facts               []Fact // what identifies the report
	Front               Front
	Documents           []Document
	Glossary            []words.Term
	Closing             Closing
	Words               Words
}

// Brand is under whose name a report goes out, as far as blocks do not say it.
type Brand struct {
	Company string // "" for none
	Logo    *Logo  // nil for none
}

// Logo is a picture in the head of mail and PDF. Its alternative text is the brand's company.
type Logo struct {
	PNG           []byte
	Image         image.Image
	Width, Height int // as shown, in CSS pixels
}

// Fact is a label and what it is for this report.
type Fact struct{ Label, Value string }

// Front is the first page, and the mail's first screen (総評).
type Front struct {
	Key              string // of the judgement: action_required …
	Mark, Word, Lead string
	Tone             Tone
	Heading          string   // 総評
	Sentences        []string // two or three, computed
	Funnel           []Stage
	Restricted       *Stage // the URL filter's, which stand apart; nil without any
	Asks             Asks
	Remarks          []string // revision, late data, days that are missing
	Summary          Summary
	Threats          Section // what the month's threats are; without blocks if nothing is known of them
}

// Stage is one number of the funnel.
type Stage struct {
	Label, Value string
	Tone         Tone
}

// Asks is what the reader is asked, by endpoint.
type Asks struct {
	Heading string
	None    string // said where Items is empty
	Contact string // whom to ask; "" without a telephone
	Items   []Ask
}

// Ask is one item: one machine, or several of which the same is asked, with all its marks.
type Ask struct {
	Tone      Tone
	Sign      string   // says the tone without colour
	Endpoints []Name   // none: of the contract as a whole
	Several   string   // how many they are, behind their names; "" for one
	Marks     []string // 「要確認1件 TROJ_GEN(10/18)」
	Steps     []string // what to do, one after the other
}

// Summary is the table of features with last month and a line of months.
type Summary struct {
	Heading string
	Heads   []string // feature, this month, last month, change, months
	Rows    []SummaryRow
	Remark  string // below it; "" for nothing
	Points  []string
}

// SummaryRow is a feature's.
type SummaryRow struct {
	Label, Current, Previous, Change string
	Found                            bool
	Off                              string  // in place of figures: 設定されていません
	Months                           []int64 // up to six, -1 where a month is not known
	ID, Alt                          string  // of their line as an image: "virus-months", and what it shows; "" for none
}

// Document is one PDF, and its part of the mail.
type Document struct {
	Kind    string // of the file name: "av" or "edr"
	Product string
	Title   string // 「おまかせアンチウイルス 月次レポート 2026年10月分」
	Parts   []Part
	// QuietHeading introduces the parts in which nothing was found, in the mail.
	QuietHeading string
}

// QuietParts are the headings of the parts in which nothing was found, joined; "" without any.
func (e Edition) QuietParts(d Document) string {
	var quiet []string
	for _, p := range d.Parts {
		if p.Quiet && !p.InMail {
			quiet = append(quiet, p.Heading)
		}
	}
	return strings.Join(quiet, e.Words.Join)
}

// Terms are the terms of the glossary that the edition uses, in the order of the glossary.
func (e Edition) Terms() []words.Term {
	var text strings.Builder
	for _, d := range e.Documents {
		for _, p := range d.Parts {
			text.WriteString(p.Heading + " " + p.About + " ")
			for _, s := range p.Sections {
				text.WriteString(s.Heading + " " + s.Lead + " ")
			}
		}
	}
	var used []words.Term
	for _, t := range e.Glossary {
		if strings.Contains(text.String(), t.Term) {
			used = append(used, t)
		}
	}
	return used
}

// Part is a numbered part: 2 ウイルス/不正プログラム.
type Part struct {
	No, Heading, About string
	Sections           []Section
	// Quiet: nothing was found; every section is one line, and the mail names the part only.
	Quiet bool
	// InMail: the mail prints it. What it leaves out stands in the PDF.
	InMail bool
}

// Section is a numbered section: 2-1 検出総数.
type Section struct {
	No, Heading, Lead string // No "": not numbered
	Blocks            []Block
	Half              bool // two of these stand side by side where there is room
	OnFront           bool // its figures stand on the first page: the mail does not say it again
}

// Closing is the end of mail and PDF.
type Closing struct {
	Heading               string
	Company               string // whose desk it is; "" for none
	Desk                  string
	Phone, Hours          Fact // Value "" : not printed
	Contract              Fact
	Replies               string // what becomes of a reply
	Attached, NotAttached string
	Glossary              string       // heading of the glossary in the mail
	Shortened, Spelled    string       // remarks that a printer adds where they hold
	FullNames             string       // the mail\'s Shortened
	Brief, BriefText      string       // in place of the parts, with and without PDFs
	Page                  words.Phrase // 「1 / 7」
	Honorific             words.Phrase // 「… 様」
	Appendix              string       // heading of the list of endpoints that have no room elsewhere
	PDFPages              words.Phrase
}
