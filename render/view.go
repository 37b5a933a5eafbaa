package render

import (
	"net/url"
	"slices"
	"strings"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
)

// view is what mail.html and mail.txt lay out: the report with every figure and name already
// written as its reader sees it, so that both bodies say the same in the same order and the
// templates only place it. Names are cleaned and cut, not escaped: escaping is the templates' work.
type view struct {
	W *words.Words

	Subject, Company, Addressee, Greeting, Contract string
	Title, Period, Timezone                         string
	Products                                        []string // as printed: antivirus, and EDR with the option
	Revision, Late                                  string   // sentences; "" if there is nothing to say

	Judgement                       judgementView
	State                           []string // what the month was like, in sentences
	Asks                            []askView
	MoreAsks                        string // how many there are besides, and where
	AsksContact                     string
	Licences                        string
	Usage                           string   // "" without licences
	Over                            bool     // usage above 100 %
	Points                          []string // of the overview
	NoInventory                     string   // instead of Installed, if none was ever given
	Installed                       []pair
	Summary                         []summaryView
	Month, MonthBefore, NoLastMonth string
	NewContract                     bool          // no month before: the two columns would say nothing
	Features                        []featureView // those with detections
	Quiet                           string        // the other features' headings, joined
	EDR                             *edrView      // nil without the option
	Shortened                       bool          // some name was cut
	HasGaps                         bool
	Brief                           bool // no Features, Quiet and EDR: there is too much in them

	Database                string // address of the threat database
	Desk, Phone, Hours      string
	PDFs                    []pdfView
	PDFsLeftOut, ThreatInfo bool
}

// companyWidth is the room for the customer's name.
const companyWidth = 60

type judgementView struct {
	Word, Mark, Lead string
	Kind             string // the key of the judgement: picks the colour
}

type pair struct{ Label, Value string }

type summaryView struct {
	Heading, Current, Previous, Change string
	NotConfigured, Found               bool
}

type featureView struct {
	Number                          int // of the part, 2 to 7
	Heading, About, Total, Compared string
	Points                          []string
	Trend                           trendView
	Lists                           []listView
	ResultsHeading                  string
	Results                         []resultView
	Doughnut                        *Image
}

type trendView struct {
	Heading string
	Image   *Image
	Days    string // the days with detections
}

// listView is one ranking.
type listView struct {
	Heading, Column string
	Rows            []rowView
	More            string // how many rows are left out; "" if none
}

type rowView struct {
	Name, Count string
	URL         string // "" if it links nowhere
	Bar         int    // percent of the longest
}

type resultView struct {
	Label, Means, Count string
	Zero, Alert         bool
}

type pdfView struct{ Title, Name, Pages string }

// body is the work on one report's bodies.
type body struct {
	r      *Renderer
	w      *words.Words
	report aggregate.Report
	room   room
	images []Image // drawn so far
}

// view builds the view and draws the images it needs, which it returns.
func (b *body) view(subject string, pdfs []PDF) (view, []Image, error) {
	w, report, o := b.w, b.report, b.report.Overview
	company := w.Name(report.Contract.Name, companyWidth)
	v := view{
		W: w, Subject: subject, Company: company,
		Addressee: w.Mail.Addressee.Say(words.Values{Names: company}),
		Greeting:  w.Mail.Greeting.Say(words.Values{Product: o.Product, Month: w.Month(report.Period)}),
		Contract:  report.Contract.ID, Products: []string{o.Product},
		Title: w.Mail.Heading.Say(words.Values{Month: w.Month(report.Period)}), Period: w.Period(report.Period), Timezone: w.Timezone(report.Timezone),
		Judgement: b.judgement(), State: w.Sentences(report), AsksContact: b.contact(),
		Summary: b.summary(), Installed: b.installed(o.Installed),
		Month: w.ShortMonth(report.Period), MonthBefore: w.MonthBefore(report.Period),
		NoLastMonth: w.Overview.NoLastMonth.Say(words.Values{Month: w.ShortMonth(report.Period.Previous())}),
		Licences:    w.Number(int64(o.Licences)), HasGaps: len(report.Gaps) > 0,
		Database: strings.TrimSuffix(b.r.opts.ThreatURL, "search/"),
		Desk:     w.Desk, Phone: b.r.opts.SupportPhone, Hours: b.r.opts.SupportHours,
		PDFs: b.describe(pdfs), PDFsLeftOut: len(pdfs) == 0,
	}
	v.Asks, v.MoreAsks = b.asks()
	if !o.Inventory {
		v.NoInventory = w.Overview.NoInventory
	}
	if report.EDR != nil && o.EDRProduct != o.Product {
		v.Products = append(v.Products, o.EDRProduct)
	}
	if o.UsagePercent != nil {
		v.Usage = w.Format.Percent.Say(words.Values{Percent: w.Percent(*o.UsagePercent)})
		v.Over = *o.UsagePercent > 100
	}
	if report.Revision > 1 {
		v.Revision = w.State.Revision.Say(words.Values{Count: w.Number(int64(report.Revision))})
	}
	if report.Late > 0 {
		v.Late = b.late()
	}
	v.NewContract = !slices.ContainsFunc(o.Summary, func(s aggregate.SummaryLine) bool { return s.Previous != nil })
	v.Points = b.pointTexts("", aggregate.PointRansomware, aggregate.PointUsage)
	if report.EDR == nil {
		v.Points = append(v.Points, b.pointTexts("", agentPoints...)...)
	}
	v.Shortened = b.anyShortened()
	if b.room.brief {
		v.Brief = true
		return v, nil, nil
	}
	err := b.addSections(&v)
	return v, b.images, err
}

// addSections adds the features and the EDR report, with their images.
func (b *body) addSections(v *view) error {
	var quiet []string
	for i, f := range b.report.Antivirus {
		if f.Feature == store.URLFiltering && !b.report.Overview.URLFiltering {
			continue // the summary says 設定されていません
		}
		if f.Total == 0 {
			quiet = append(quiet, b.w.Features[f.Feature].Heading)
			continue
		}
		section, err := b.feature(f)
		if err != nil {
			return err
		}
		section.Number = i + 2 // part 1 is the overview
		v.Features = append(v.Features, section)
		v.ThreatInfo = v.ThreatInfo || hasThreatNames(f.Feature)
	}
	v.Quiet = strings.Join(quiet, b.w.Format.Join)
	if b.report.EDR == nil {
		return nil
	}
	edr, err := b.edr()
	v.EDR = &edr
	return err
}

func (b *body) judgement() judgementView {
	j := b.w.Judgements[b.report.Judgement]
	return judgementView{Word: j.Word, Mark: j.Mark, Lead: j.Lead, Kind: string(b.report.Judgement)}
}

func (b *body) late() string {
	return b.w.State.Late.Say(words.Values{Month: b.w.ShortMonth(b.report.Period.Previous()), Count: b.w.Number(b.report.Late)})
}

// agentPoints are those of the endpoints' agents, which stand in the EDR report if there is one.
var agentPoints = []aggregate.PointKind{
	aggregate.PointUnprotected, aggregate.PointOffline, aggregate.PointOutdated, aggregate.PointUnsupported,
}

func (b *body) installed(i aggregate.Installed) []pair {
	w := b.w
	pairs := []pair{
		{w.Classes[store.ClassDesktop], w.Endpoints(i.Desktop)},
		{w.Classes[store.ClassServer], w.Endpoints(i.Server)},
		{w.Classes[store.ClassMobile], w.Endpoints(i.Mobile)},
	}
	if i.Unknown > 0 {
		pairs = append(pairs, pair{w.Classes[store.ClassUnknown], w.Endpoints(i.Unknown)})
	}
	return pairs
}

func (b *body) summary() []summaryView {
	w := b.w
	var rows []summaryView
	for _, line := range b.report.Overview.Summary {
		row := summaryView{
			Heading: w.Features[line.Feature].Heading,
			Current: w.Number(line.Current), Previous: w.Overview.NoRate,
			Change: w.Change(line, b.report.Period), Found: line.Current > 0,
		}
		if line.Previous != nil {
			row.Previous = w.Number(*line.Previous)
		}
		row.NotConfigured = line.Feature == store.URLFiltering && !b.report.Overview.URLFiltering
		rows = append(rows, row)
	}
	return rows
}

// pointTexts are the sentences of a feature ("" for the report's own), of the given kinds.
func (b *body) pointTexts(feature store.Feature, kinds ...aggregate.PointKind) []string {
	var texts []string
	for _, p := range b.report.Points {
		for _, k := range kinds {
			if p.Feature == feature && p.Kind == k {
				texts = append(texts, words.Unlink(p.Text)) // may name endpoints
			}
		}
	}
	return texts
}

// hasThreatNames tells the features whose names stand in the vendor's threat database.
func hasThreatNames(f store.Feature) bool {
	return f == store.Virus || f == store.Spyware || f == store.NetworkVirus
}

// threatURL is the database's page on a name. Of names far longer than any threat's the beginning is
// looked up, so that no address outgrows the mail.
func (r *Renderer) threatURL(name string) string {
	const most = 150 // bytes, escaped
	query := ""
	for _, c := range words.Clean(name) {
		e := url.PathEscape(string(c))
		if len(query)+len(e) > most {
			break
		}
		query += e
	}
	return r.opts.ThreatURL + query
}
