package render

import (
	"cmp"
	"errors"
	"image"
	"io/fs"
	"slices"
	"strings"

	"geppo/aggregate"
	"geppo/render/edition"
	"geppo/render/html"
	"geppo/render/words"
)

// Check reads and tries out the templates and the wording of an operator, for geppo check: fsys is their
// directory over the embedded files. Each line of its error is one fault and names the file, and the line or key within
// it. It renders reports in which every branch of our own templates is taken, since a template's
// unknown field shows only where it is reached.
func Check(fsys fs.FS, opts Options) error {
	var faults []string
	add := func(err error) {
		for _, line := range lines(err) {
			if !slices.Contains(faults, line) {
				faults = append(faults, line)
			}
		}
	}
	_, err := worded(fsys, opts)
	add(err)
	_, err = html.New(fsys)
	add(err)
	for _, s := range sampleSummaries() {
		_, err := SummaryParts(fsys, s)
		add(err)
	}
	for _, a := range sampleAlerts() {
		_, err := AlertParts(fsys, a)
		add(err)
	}
	for _, n := range sampleNotices() {
		_, err := NoticeParts(fsys, n)
		add(err)
	}
	_, err = SilenceParts(fsys, Silence{Feeds: []SilentFeed{{"cef", "2026-11-01 09:00", 24}}})
	add(err)
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	if opts.SupportPhone == "" { // else what the templates say about it would not be reached
		opts.SupportPhone, opts.SupportHours = "0120-000-000", "9:00"
	}
	opts.Company = cmp.Or(opts.Company, "Company")
	if opts.Logo == nil {
		opts.Logo = &edition.Logo{Image: image.NewGray(image.Rect(0, 0, 1, 1)), Width: 1, Height: 1}
	}
	r, err := New(fsys, opts)
	if err != nil {
		return err
	}
	reports, err := sampleReports()
	if err != nil {
		return err
	}
	for _, report := range reports {
		add(r.tryOut(r.Word(report)))
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	return nil
}

// lines are the faults of an error, one line each.
func lines(err error) []string {
	var w *words.Faults
	switch {
	case err == nil:
		return nil
	case errors.As(err, &w):
		out := make([]string, 0, len(w.List))
		for _, f := range w.List {
			out = append(out, w.File+": "+f)
		}
		return out
	}
	return []string{strings.ReplaceAll(err.Error(), "\n", " ")}
}

// tryOut prints a report's body as wide as it comes, with few rows and brief, with and without PDFs, each of
// which reaches other branches. Text and PDFs have no templates.
func (r *Renderer) tryOut(report aggregate.Report) error {
	var parts Parts
	e := r.Edition(report)
	images, err := r.addImages(&parts, e, report)
	if err != nil {
		return err
	}
	mail := html.Mail{Edition: e, Images: images, Logo: parts.addLogo(e.Brand), Colors: r.colors}
	for _, mail.Attachments = range [][]html.Attachment{{{Title: "AV", Name: "av.pdf", Pages: "9"}}, nil} {
		if err := r.html.TryOut(mail); err != nil {
			return err
		}
	}
	return nil
}
