package pdf

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"geppo/aggregate"
	"geppo/store"
)

// kinds are the months that the tests set.
func kinds() map[string]month {
	return map[string]month{
		"nothing detected": {endpoints: 5},
		"one endpoint":     {endpoints: 1, detections: 3, events: 1},
		"no endpoint":      {},
		"average":          {endpoints: 18, detections: 140, events: 12},
		"20,000":           {endpoints: 200, detections: 20000, events: 300, problems: true, full: true},
		"hostile": {
			endpoints: len(hostile), detections: 300, events: 120, problems: true, full: true,
			names:   func(i int) string { return hostile[i%len(hostile)] },
			threats: func(i int) string { return hostile[i%len(hostile)] },
		},
	}
}

// run has a PDF read by one of the tools that read it as strangers would; FILE in args names it.
func run(t *testing.T, pdf []byte, tool string, args ...string) string {
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

func TestEveryNameAndNumberComesBack(t *testing.T) {
	m := maker(t)
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			r := o.report(t, m)
			av, err := m.Antivirus(r, someAsks)
			if err != nil {
				t.Fatal(err)
			}
			edr, err := m.EDR(r, someAsks)
			if err != nil {
				t.Fatal(err)
			}
			contains(t, "antivirus", av.Data, antivirusStrings(m, r))
			contains(t, "EDR", edr.Data, edrStrings(m, r.EDR))
		})
	}
}

func contains(t *testing.T, report string, pdf []byte, want []string) {
	t.Helper()
	text := squeeze(run(t, pdf, "pdftotext", "FILE", "-"))
	for _, s := range want {
		if s = squeeze(s); !strings.Contains(text, s) && !strings.Contains(text, backwards(s)) {
			t.Errorf("the %s PDF does not give back %.80q", report, s)
		}
	}
}

// backwards is a name written from right to left as poppler gives it back: it takes all text of a
// page to be in visual order.
func backwards(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Arabic, unicode.Hebrew) }) {
		return s
	}
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// antivirusStrings is everything that the antivirus PDF must print of a report.
func antivirusStrings(m *Maker, r aggregate.Report) []string {
	w := m.words
	want := []string{r.Contract.Name, r.Contract.ID, r.Overview.Product, string(r.Judgement), w.Period(r.Period)}
	for _, line := range r.Overview.Summary {
		want = append(want, w.Features[line.Feature].Heading, w.Detections(line.Current), w.Change(line))
		if line.Previous != nil {
			want = append(want, w.Detections(*line.Previous))
		}
	}
	for _, f := range r.Antivirus {
		head := w.Features[f.Feature]
		want = append(want, w.Detections(f.Total), head.Total, head.Endpoints, head.Trend)
		want = append(want, ranked(m, f.Endpoints)...)
		want = append(want, ranked(m, f.Servers)...)
		want = append(want, ranked(m, f.Names)...)
		for _, c := range f.Results {
			want = append(want, w.Results[f.Feature][c.Result].Label, w.Number(c.Count))
		}
	}
	for _, p := range r.Points {
		switch p.Kind {
		case aggregate.PointOffline, aggregate.PointOutdated, aggregate.PointUnprotected: // stand in the EDR report
		default:
			if !strings.ContainsFunc(p.Text, func(c rune) bool { return !m.draw.Regular().Has(c) }) {
				want = append(want, p.Text)
			}
		}
	}
	return want
}

func edrStrings(m *Maker, e *aggregate.EDR) []string {
	w := m.words
	want := []string{w.Detections(e.Total), w.EDR.NotProvided}
	want = append(want, w.EDR.MailSections...)
	want = append(want, ranked(m, e.ObjectsTop)...)
	want = append(want, ranked(m, e.EndpointsTop)...)
	for _, s := range e.Status {
		want = append(want, w.Status(s.Status), w.Number(s.Count))
	}
	for _, o := range e.Objects[:min(len(e.Objects), printedObjects)] {
		want = append(want, o.Name, o.Type, o.Endpoint, o.Result)
	}
	for _, list := range [][]string{
		e.Offline.Endpoints, e.Outdated.Endpoints, e.Off.RealtimeScan, e.Off.BehaviorMonitoring, e.Off.WebReputation,
	} {
		want = append(want, w.Endpoints(len(list)))
		want = append(want, list[:min(len(list), listNames)]...)
	}
	for _, u := range e.UnsupportedOS {
		want = append(want, u.OS, w.Endpoints(int(u.Count)))
	}
	return want
}

func ranked(m *Maker, list []aggregate.Ranked) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Name, m.words.Number(r.Count))
	}
	return out
}

func TestQpdfFindsNoFault(t *testing.T) {
	m := maker(t)
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			r := o.report(t, m)
			av, err := m.Antivirus(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out := run(t, av.Data, "qpdf", "--check", "FILE"); !strings.Contains(out, "No syntax or stream encoding errors found") {
				t.Error(out)
			}
		})
	}
}

func TestEqualReportsGiveEqualBytes(t *testing.T) {
	m := maker(t)
	r := kinds()["hostile"].report(t, m)
	var docs [4]Doc
	var group sync.WaitGroup
	for i := range docs {
		group.Go(func() {
			if d, err := m.EDR(r, someAsks); err == nil {
				docs[i] = d
			}
		})
	}
	group.Wait()
	for i := range docs {
		if len(docs[i].Data) == 0 || !bytes.Equal(docs[i].Data, docs[0].Data) {
			t.Errorf("document %d of the same report differs from document 0", i)
		}
	}
}

func TestTwoHundredEndpointsStaySmall(t *testing.T) {
	m := maker(t)
	r := kinds()["20,000"].report(t, m)
	for name, set := range map[string]func(aggregate.Report, []Ask) (Doc, error){"antivirus": m.Antivirus, "EDR": m.EDR} {
		d, err := set(r, someAsks)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d pages, %d KB", name, d.Pages, len(d.Data)/1024)
		if d.Pages > 14 || len(d.Data) > 250<<10 {
			t.Errorf("%s: %d pages and %d bytes, want at most 14 and 250 KB", name, d.Pages, len(d.Data))
		}
	}
}

func TestLongListIsCutAndCounted(t *testing.T) {
	m := maker(t)
	r := month{endpoints: 5000, problems: true}.report(t, m)
	if n := len(r.EDR.Offline.Endpoints); n != 1000 {
		t.Fatalf("the fixture has %d offline endpoints, want 1,000", n)
	}
	d, err := m.EDR(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := squeeze(run(t, d.Data, "pdftotext", "FILE", "-"))
	for _, s := range []string{"1,000台", "ほか900台", r.EDR.Offline.Endpoints[99]} {
		if !strings.Contains(text, s) {
			t.Errorf("%q is not printed", s)
		}
	}
	if strings.Contains(text, r.EDR.Offline.Endpoints[100]) {
		t.Errorf("endpoint 101 of the list is printed")
	}
}

// TestAnyNameIsPrinted feeds what the import accepts into every place that holds a name.
func TestAnyNameIsPrinted(t *testing.T) {
	m := maker(t)
	r := kinds()["20,000"].report(t, m)
	rapid.Check(t, func(t *rapid.T) {
		name := func() string {
			return rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile), rapid.StringN(900, 1000, -1)).Draw(t, "name")
		}
		r := r
		r.Contract.Name, r.Timezone = name(), name()
		r.Antivirus = slices.Clone(r.Antivirus)
		for i := range r.Antivirus {
			f := &r.Antivirus[i]
			f.Endpoints = []aggregate.Ranked{{Name: name(), Count: rapid.Int64Min(1).Draw(t, "count")}}
			f.Names = f.Endpoints
		}
		edr := *r.EDR
		edr.Objects = []aggregate.Object{{Name: name(), Type: name(), Endpoint: name(), Result: name(), LastSeen: name()}}
		edr.Status = []aggregate.StatusCount{{Status: name(), Count: 1}}
		edr.Offline.Endpoints = []string{name(), name()}
		edr.UnsupportedOS = []aggregate.OSCount{{OS: name(), Count: 1}}
		r.EDR = &edr
		r.Points = []aggregate.Point{{Kind: aggregate.PointOffline, Text: name()}}
		for _, set := range []func(aggregate.Report, []Ask) (Doc, error){m.Antivirus, m.EDR} {
			d, err := set(r, []Ask{{Title: name(), Label: "対象", Names: name(), Do: name()}})
			if err != nil || d.Pages < 3 {
				t.Fatalf("%d pages, %v", d.Pages, err)
			}
		}
	})
}

func TestURLFilterThatIsNotConfigured(t *testing.T) {
	m := maker(t)
	r := kinds()["average"].report(t, m)
	r.Overview.URLFiltering = false
	d, err := m.Antivirus(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := run(t, d.Data, "pdftotext", "FILE", "-")
	if n := strings.Count(text, m.words.Overview.NotConfigured); n != 2 {
		t.Errorf("%q stands %d times, want in the summary and in part 6", m.words.Overview.NotConfigured, n)
	}
	if strings.Contains(text, "6-1") {
		t.Error("part 6 has sections though nothing is configured")
	}
}

func TestTermsAreExplainedWhereTheyFirstStand(t *testing.T) {
	m := maker(t)
	d, err := m.Antivirus(kinds()["average"].report(t, m), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, term := range []string{"spyware", "grayware", "phishing", "web_reputation", "behavior_monitoring", "network_virus"} {
		entry := m.words.Glossary[term]
		explained := false
		for page, text := range strings.Split(run(t, d.Data, "pdftotext", "FILE", "-"), "\f") {
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
	m := maker(t)
	d, err := m.Antivirus(kinds()["20,000"].report(t, m), nil)
	if err != nil {
		t.Fatal(err)
	}
	outline := run(t, d.Data, "qpdf", "--json", "--json-key=outlines", "FILE")
	for i, f := range []store.Feature{store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus} {
		if title := string(rune('2'+i)) + " " + m.words.Features[f].Heading; !strings.Contains(outline, `"`+title+`"`) {
			t.Errorf("no bookmark %q", title)
		}
	}
	info := run(t, d.Data, "pdfinfo", "FILE")
	for _, s := range []string{"おまかせアンチウイルス 月次レポート 2026年10月分", m.words.Desk, "A4"} {
		if !strings.Contains(info, s) {
			t.Errorf("the file's properties lack %q:\n%s", s, info)
		}
	}
	if !bytes.Contains(d.Data, []byte("/Lang (ja-JP)")) {
		t.Error("the language is not set")
	}
}

func TestRareNamesAreSetWithTheFullFonts(t *testing.T) {
	m := maker(t)
	r := kinds()["average"].report(t, m)
	if _, err := m.setWith(&m.common, r, r.Overview.Product, nil, (*sheet).antivirus); err != nil {
		t.Errorf("an ordinary report needs the full fonts: %v", err)
	}
	r.Contract.Name = "株式会社髙﨑邊商店"
	if _, err := m.setWith(&m.common, r, r.Overview.Product, nil, (*sheet).antivirus); !errors.Is(err, errRare) {
		t.Errorf("髙 is set with fonts that lack it (%v)", err)
	}
	d, err := m.Antivirus(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Replaced != 0 {
		t.Errorf("%d characters are printed as 〓", d.Replaced)
	}
	contains(t, "antivirus", d.Data, antivirusStrings(m, r))
}

func TestNoPageEndsWithAHeading(t *testing.T) {
	m := maker(t)
	for name, o := range kinds() {
		r := o.report(t, m)
		for asks := range 6 { // each moves everything by some lines
			s := m.sheet(&m.full, r, r.Overview.Product, slices.Repeat(someAsks, asks))
			if err := s.antivirus(); err != nil {
				t.Fatal(err)
			}
			d, err := s.finish()
			if err != nil {
				t.Fatal(err)
			}
			headings := map[string]bool{}
			for _, e := range s.entries {
				headings[squeeze(e.no+e.title)] = true
			}
			pages := strings.Split(run(t, d.Data, "pdftotext", "-layout", "FILE", "-"), "\f")
			for i, page := range pages[1:] { // after the contents
				if last := squeeze(lastLine(page)); headings[last] {
					t.Errorf("%s, %d asks: page %d ends with the heading %q", name, asks, i+2, last)
				}
			}
		}
	}
}

// lastLine is the last line of a page above its footnotes and footer.
func lastLine(page string) string {
	last := ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "※"), strings.HasPrefix(line, "契約番号 C"):
			return last
		case line != "":
			last = line
		}
	}
	return last
}

func TestThreatNamesAreLinked(t *testing.T) {
	m := maker(t)
	r := kinds()["hostile"].report(t, m)
	d, err := m.Antivirus(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	links := run(t, d.Data, "qpdf", "--json", "--json-key=qpdf", "FILE")
	for _, f := range r.Antivirus {
		for _, n := range f.Names {
			if n.Name == "" || !isThreat(f.Feature) {
				continue
			}
			if url := m.threatURL(visible(n.Name)); !strings.Contains(links, url) {
				t.Errorf("%s: no link to %.120s", f.Feature, url)
			}
		}
	}
	if !strings.Contains(links, "%3Cscript%3E") {
		t.Error("no threat name with markup among the links: the fixture has changed")
	}
}

func TestEDRWithoutOption(t *testing.T) {
	m := maker(t)
	r := kinds()["average"].report(t, m)
	r.EDR = nil
	if _, err := m.EDR(r, nil); err == nil {
		t.Error("an EDR report was made for a contract without the option")
	}
}

func BenchmarkAntivirus(b *testing.B) { bench(b, "average", (*Maker).Antivirus) }
func BenchmarkRare(b *testing.B)      { bench(b, "hostile", (*Maker).Antivirus) }
func BenchmarkLarge(b *testing.B)     { bench(b, "20,000", (*Maker).Antivirus) }
func BenchmarkEDR(b *testing.B)       { bench(b, "average", (*Maker).EDR) }

func bench(b *testing.B, kind string, set func(*Maker, aggregate.Report, []Ask) (Doc, error)) {
	m := maker(b)
	r := kinds()[kind].report(b, m)
	size := 0
	for b.Loop() {
		d, err := set(m, r, someAsks)
		if err != nil {
			b.Fatal(err)
		}
		size = len(d.Data)
	}
	b.ReportMetric(float64(size)/1024, "KB")
}
