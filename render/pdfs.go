package render

import (
	"fmt"

	"geppo/aggregate"
	"geppo/render/pdf"
	"geppo/render/words"
)

// addPDFs makes one PDF for each report: antivirus, and EDR with the option.
func (r *Renderer) addPDFs(report aggregate.Report, parts *Parts) error {
	defer r.watch("pdf")()
	asks := r.pdfAsks(report)
	av, err := r.pdf.Antivirus(report, asks)
	if err != nil {
		return fmt.Errorf("antivirus PDF: %w", err)
	}
	parts.PDFs = append(parts.PDFs, PDF{Name: pdfName("av", report), Data: av.Data, Pages: av.Pages})
	parts.Replaced += av.Replaced
	if report.EDR == nil {
		return nil
	}
	edr, err := r.pdf.EDR(report, asks)
	if err != nil {
		return fmt.Errorf("EDR PDF: %w", err)
	}
	parts.PDFs = append(parts.PDFs, PDF{Name: pdfName("edr", report), Data: edr.Data, Pages: edr.Pages})
	parts.Replaced += edr.Replaced
	return nil
}

// pdfAsks are the mail's ご確認いただきたい事項 for the PDFs' first pages.
func (r *Renderer) pdfAsks(report aggregate.Report) []pdf.Ask {
	b := body{r: r, w: r.words, report: report, room: rooms[0]}
	var asks []pdf.Ask
	for _, a := range report.Asks {
		v := b.ask(a)
		asks = append(asks, pdf.Ask{Title: v.Title, Marks: v.Marks})
	}
	return asks
}

// pdfName is ASCII, since contract ids are: geppo-av_C000001_2026-10.pdf, with _r2 for revision 2.
func pdfName(kind string, report aggregate.Report) string {
	name := fmt.Sprintf("geppo-%s_%s_%s", kind, report.Contract.ID, report.Period)
	if report.Revision > 1 {
		name += fmt.Sprintf("_r%d", report.Revision)
	}
	return name + ".pdf"
}

// describe lists the attachments for the mail's footer.
func (b *body) describe(pdfs []PDF) []pdfView {
	titles := []string{
		b.w.Mail.PDFTitle.Say(words.Values{Product: b.report.Overview.Product}),
		b.w.Mail.PDFTitleEDR.Say(words.Values{Product: b.report.Overview.EDRProduct}),
	}
	var views []pdfView
	for i, p := range pdfs {
		views = append(views, pdfView{
			Title: titles[i],
			Name:  p.Name,
			Pages: b.w.Mail.PDFPages.Say(words.Values{Count: b.w.Number(int64(p.Pages))}),
		})
	}
	return views
}
