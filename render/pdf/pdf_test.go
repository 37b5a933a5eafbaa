package pdf

import (
	"bytes"
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
	"geppo/render/words"
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
	want := []string{r.Contract.Name, r.Contract.ID, r.Overview.Product, w.Judgements[r.Judgement].Word, w.Period(r.Period)}
	for _, line := range r.Overview.Summary {
		want = append(want, w.Features[line.Feature].Heading, w.Detections(line.Current), w.Change(line, r.Period))
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
		case aggregate.PointOffline, aggregate.PointOutdated, aggregate.PointUnprotected, aggregate.PointUnsupported,
			aggregate.PointOpenEvents: // stand in the EDR report
		default:
			if !strings.ContainsFunc(p.Text, func(c rune) bool { return !m.family.Regular.Has(c) }) {
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
			d, err := set(r, []Ask{{Title: name(), Marks: []words.Marked{{What: name(), Do: name()}}}})
			if err != nil || d.Pages < 3 {
				t.Fatalf("%d pages, %v", d.Pages, err)
			}
		}
	})
}

func TestRareNamesAreSet(t *testing.T) {
	m := maker(t)
	r := kinds()["average"].report(t, m)
	r.Contract.Name = "株式会社髙﨑邊𠮷𩸽商店 한국 简体们 Đặng ไทย ♥"
	d, err := m.Antivirus(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Replaced != 0 {
		t.Errorf("%d characters are spelled", d.Replaced)
	}
	contains(t, "antivirus", d.Data, antivirusStrings(m, r))
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
