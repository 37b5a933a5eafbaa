package edition

import (
	"net/url"
	"slices"
	"strings"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
)

// Builder words reports. It is read-only and may be shared.
type Builder struct {
	W            *words.Words
	Brand        Brand
	Phone, Hours string // of the desk; "": not printed
	ThreatURL    string // an escaped threat name is appended
	Replies      bool   // somebody reads what is sent in reply
}

// Build words a report.
func (b Builder) Build(r aggregate.Report) Edition {
	w := b.W
	u := &build{b: b, w: w, r: r}
	company := u.name(r.Contract.Name)
	e := Edition{
		Lang: w.Lang, Brand: b.Brand, Subject: u.subject(), Title: w.Mail.Title, Month: w.Edition.Issued.Say(words.Values{Month: w.Month(r.Period)}),
		Company: company, Addressee: w.Mail.Addressee.Say(words.Values{Names: words.Cut(company.Text, companyWidth)}),
		Greeting: w.Mail.Greeting.Say(words.Values{Product: r.Overview.Product, Month: w.Month(r.Period)}),
		Facts:    u.facts(), Front: u.front(), Glossary: w.Terms(), Closing: u.closing(),
		Words: Words{
			Point: w.Points.Heading, Action: w.Mail.Action, Mark: w.Mail.Mark, MoreNames: w.Format.MoreEndpoints, MoreRows: w.Format.MoreRows, MoreAsks: w.State.MoreAsks,
			MoreAsksPDF: w.State.MoreAsksPDF, Join: w.Format.Join, Title: w.Format.Title, Between: w.Format.Between, Note: w.Format.Note,
		},
		Documents: []Document{u.antivirus()},
	}
	if r.EDR != nil {
		e.Documents = append(e.Documents, u.edr())
	}
	e.Preheader = e.Front.Word + ": " + strings.TrimSpace(strings.Join(e.Front.Sentences, ""))
	return e
}

// companyWidth is the room for the customer's name where it is addressed, in half-width columns.
const companyWidth = 60

// build is the work on one report.
type build struct {
	b Builder
	w *words.Words
	r aggregate.Report
}

// subject is 【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分).
func (u *build) subject() string {
	v := words.Values{Product: u.r.Overview.Product, Month: u.w.Month(u.r.Period)}
	if u.r.Revision > 1 {
		v.Revision = u.w.Revision
	}
	return u.w.Subject.Say(v)
}

// name is a name of the data, or what stands for none.
func (u *build) name(raw string) Name {
	text := words.Shown(raw)
	if strings.TrimSpace(text) == "" {
		text = u.w.Format.NoName
	}
	return Name{Text: text}
}

// threat is a name that the vendor's database knows.
func (u *build) threat(raw string) Name {
	n := u.name(raw)
	if n.Text != u.w.Format.NoName {
		n.URL = u.b.ThreatURL + url.PathEscape(words.Clean(raw))
	}
	return n
}

func (u *build) names(list []string) []Name {
	out := make([]Name, 0, len(list))
	for _, n := range list {
		out = append(out, u.name(n))
	}
	return out
}

// optional is a word of the vendor that may be absent.
func (u *build) optional(raw string) string {
	if raw = words.Cut(raw, termWidth); strings.TrimSpace(raw) == "" {
		return u.w.Overview.NoRate
	}
	return raw
}

// termWidth is the room for one of the vendor's terms, which is no name: a kind, a result, a state.
const termWidth = 40

// facts identify the report.
func (u *build) facts() []Fact {
	o, w := u.w.Overview, u.w
	products := []string{u.r.Overview.Product}
	if u.r.EDR != nil && u.r.Overview.EDRProduct != u.r.Overview.Product {
		products = append(products, u.r.Overview.EDRProduct)
	}
	facts := []Fact{
		{o.Product, strings.Join(products, w.Format.Join)},
		{o.Period, w.Format.Aside.Say(words.Values{From: w.Period(u.r.Period), To: words.Clean(w.Timezone(u.r.Timezone))})},
		{o.Contract, u.r.Contract.ID},
	}
	if u.r.Revision > 1 {
		facts = append(facts, Fact{o.Revision, w.Edition.Revision.Say(words.Values{Count: w.Number(int64(u.r.Revision))})})
	}
	return facts
}

// closing is the end of mail and PDF.
func (u *build) closing() Closing {
	m, x := u.w.Mail, u.w.Edition
	return Closing{
		Heading: m.Contact, Company: u.b.Brand.Company, Desk: u.w.Desk, Phone: Fact{m.Phone, u.b.Phone}, Hours: Fact{m.Hours, u.b.Hours},
		Contract: Fact{u.w.Overview.Contract, u.r.Contract.ID}, Replies: u.replies(), Attached: m.Attached, NotAttached: m.NotAttached,
		Glossary: m.Glossary, Shortened: x.Shortened, Spelled: x.Spelled, FullNames: m.FullNames, Brief: m.BriefPDF, BriefText: m.BriefText,
		Page: x.Page, Honorific: x.Honorific, Appendix: x.Appendix, PDFPages: m.PDFPages,
	}
}

// replies says what becomes of a reply to the mail.
func (u *build) replies() string {
	if u.b.Replies {
		return u.w.Mail.Replies
	}
	return u.w.Mail.SendingOnly
}

// points are the POINT sentences of some kinds, about one feature or, with "", about any.
func (u *build) points(feature store.Feature, kinds ...aggregate.PointKind) []Block {
	var sentences []string
	for _, p := range u.r.Points {
		if slices.Contains(kinds, p.Kind) && (feature == "" || p.Feature == feature) {
			sentences = append(sentences, u.w.Point(p, u.r.Period))
		}
	}
	return u.pointsOf(sentences)
}

func (u *build) pointsOf(sentences []string) []Block {
	if len(sentences) == 0 {
		return nil
	}
	return []Block{Points{sentences}}
}

// none says that a list is empty.
func (u *build) none() Block { return Text{Text: u.w.Lists.None, Muted: true} }
