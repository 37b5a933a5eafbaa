package render_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"geppo/aggregate"
	"geppo/render"
	"geppo/render/words"
	"geppo/templates"
)

// read has a PDF read by one of the tools that read it as strangers would; FILE in args names it.
func read(t *testing.T, pdf []byte, tool string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed (apt-get install poppler-utils qpdf)", tool)
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", file)
	}
	cmd := exec.CommandContext(t.Context(), tool, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", tool, err, out, stderr.String())
	}
	return string(out)
}

// squeeze is text without white space and what cannot be seen: lines break anywhere.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

// printed is everything that the PDFs must print of a report, in the order of the PDFs.
func printed(t *testing.T, r aggregate.Report) [][]string {
	t.Helper()
	w, err := words.Load(templates.FS, "ja")
	if err != nil {
		t.Fatal(err)
	}
	ranked := func(list []aggregate.Ranked) (out []string) {
		for _, n := range list {
			out = append(out, words.Shown(n.Name), w.Number(n.Count))
		}
		return out
	}
	av := []string{words.Shown(r.Contract.Name), r.Contract.ID, r.Overview.Product, w.Judgements[r.Judgement].Word, w.Period(r.Period)}
	for _, line := range r.Overview.Summary {
		av = append(av, w.Features[line.Feature].Heading)
		if r.Overview.URLFiltering || line.Feature != "url_filtering" {
			av = append(av, w.Detections(line.Current))
		}
	}
	for _, f := range r.Antivirus {
		head := w.Features[f.Feature]
		if f.Feature == "url_filtering" && !r.Overview.URLFiltering {
			av = append(av, w.Overview.NotConfigured)
			continue
		}
		av = append(av, head.Total, head.Endpoints, head.Trend)
		av = append(append(append(av, ranked(f.Endpoints)...), ranked(f.Servers)...), ranked(f.Names)...)
		for _, c := range f.Results {
			av = append(av, w.Results[f.Feature][c.Result].Label)
		}
	}
	for _, ask := range r.Asks {
		av = append(av, words.Shown(ask.Endpoint))
	}
	if r.EDR == nil {
		return [][]string{av}
	}
	edr := append(append([]string{w.EDR.Activity, w.EDR.NotProvided, w.EDR.Offline}, ranked(r.EDR.ObjectsTop)...), ranked(r.EDR.EndpointsTop)...)
	for _, o := range r.EDR.Objects[:min(len(r.EDR.Objects), 50)] {
		edr = append(edr, words.Shown(o.Name), w.ObjectType(o.Type), w.ObjectResult(o.Result))
	}
	return [][]string{av, append(edr, r.EDR.Offline.Endpoints[:min(len(r.EDR.Offline.Endpoints), 100)]...)}
}

func TestEveryNameAndNumberComesBackFromThePDFs(t *testing.T) {
	for _, c := range cases {
		if c.name == "hostile" {
			continue // what no font has is spelled
		}
		report, parts := rendered(t, c.month(), c.revision)
		for i, want := range printed(t, report) {
			text := squeeze(read(t, parts.PDFs[i].Data, "pdftotext", "FILE", "-"))
			for _, s := range want {
				if s = squeeze(s); !strings.Contains(text, s) {
					t.Errorf("%s: %s does not give back %.80q", c.name, parts.PDFs[i].Name, s)
				}
			}
		}
	}
}

func TestTermsAreExplainedWhereTheyFirstStand(t *testing.T) {
	w, err := words.Load(templates.FS, "ja")
	if err != nil {
		t.Fatal(err)
	}
	_, parts := rendered(t, averageMonth(), 1)
	text := read(t, parts.PDFs[0].Data, "pdftotext", "FILE", "-")
	for _, key := range []string{"spyware", "grayware", "phishing", "web_reputation", "behavior_monitoring", "network_virus"} {
		entry, explained := w.Glossary[key], false
		for page, text := range strings.Split(text, "\f") {
			sign := strings.Contains(squeeze(text), entry.Term+"※")
			note := strings.Contains(squeeze(text), squeeze(entry.Means))
			if sign != note {
				t.Errorf("page %d: the sign of %s stands: %v, its note: %v", page+1, entry.Term, sign, note)
			}
			explained = explained || note
		}
		if !explained {
			t.Errorf("%s is not explained", entry.Term)
		}
	}
}

func TestHeadingsAreBookmarks(t *testing.T) {
	report, parts := rendered(t, heavyMonth(), 1)
	outline := read(t, parts.PDFs[0].Data, "qpdf", "--json", "--json-key=outlines", "FILE")
	for _, d := range renderer(t).Edition(report).Documents[:1] {
		for _, p := range d.Parts {
			if title := `"` + p.No + " " + p.Heading + `"`; !strings.Contains(outline, title) {
				t.Errorf("no bookmark %s", title)
			}
			for _, s := range p.Sections {
				if title := `"` + strings.TrimLeft(s.No+" "+s.Heading, " ") + `"`; !strings.Contains(outline, title) {
					t.Errorf("no bookmark %s", title)
				}
			}
		}
	}
}

// TestPagesAreFew holds how many pages a report takes: one in which nothing was found two at the most, one with
// detections in every feature seven, asks that have no room on the first page apart.
func TestPagesAreFew(t *testing.T) {
	for name, c := range map[string]struct {
		parts render.Parts
		most  int
	}{
		"quiet":   {second(rendered(t, quietMonth(), 1)), 2},
		"average": {second(rendered(t, averageMonth(), 1)), 4},
		"heavy":   {second(rendered(t, heavyMonth(), 1)), 8},
	} {
		if n := c.parts.PDFs[0].Pages; n > c.most {
			t.Errorf("%s takes %d pages, at most %d", name, n, c.most)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestAnEmptyMonthStillSaysEveryHeading: whatever was found, the same sections stand under the same numbers.
func TestAnEmptyMonthStillSaysEveryHeading(t *testing.T) {
	numbers := func(r aggregate.Report) (list []string) {
		for _, p := range renderer(t).Edition(r).Documents[0].Parts {
			for _, s := range p.Sections {
				if s.No != "" {
					list = append(list, s.No+" "+s.Heading)
				}
			}
		}
		return list
	}
	quiet, _ := rendered(t, quietMonth(), 1)
	heavy, _ := rendered(t, heavyMonth(), 1)
	if a, b := numbers(quiet), numbers(heavy); !slices.Equal(a, b) {
		t.Errorf("a quiet month has the sections %v, a heavy one %v", a, b)
	}
}
