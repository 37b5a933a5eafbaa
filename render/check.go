package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"geppo/aggregate"
	"geppo/render/pdf"
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
	_, err := words.Load(fsys)
	add(err)
	add(pdf.CheckWording(fsys))
	_, err = parseHTML(fsys)
	add(err)
	_, err = parseText(fsys)
	add(err)
	for _, s := range sampleSummaries() {
		_, err := SummaryParts(fsys, s)
		add(err)
	}
	for _, a := range sampleAlerts() {
		_, err := AlertParts(fsys, a)
		add(err)
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	if opts.SupportPhone == "" { // else what the templates say about it would not be reached
		opts.SupportPhone, opts.SupportHours = "0120-000-000", "9:00"
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
		for _, err := range r.tryOut(r.Word(report)) {
			add(err)
		}
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

// tryOut renders a report's bodies as wide as they come, with few rows and brief, with and without PDFs, each of
// which reaches other branches. The PDFs themselves have no templates, and their wording no gaps that
// could fail.
func (r *Renderer) tryOut(report aggregate.Report) (faults []error) {
	b := body{r: r, w: r.words.ForMail(), report: report}
	for _, pdfs := range [][]PDF{{{Name: "av.pdf", Pages: 9}, {Name: "edr.pdf", Pages: 9}}, nil} {
		for _, b.room = range []room{rooms[0], {name: 12, rows: 1}, {name: 12, rows: 1, brief: true}} {
			v, _, err := b.view(r.subject(report), pdfs)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			var html, text bytes.Buffer
			faults = append(faults, r.html.Execute(&html, v), r.text.Execute(&text, v))
			if n := len(tidy(html.Bytes())); n > maxHTML {
				faults = append(faults, fmt.Errorf("mail.html: the body of an ordinary report takes %d bytes, at most %d are allowed; shorten the template", n, maxHTML))
			}
		}
	}
	return faults
}
