package render_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"geppo/aggregate"
	"geppo/render"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sample"
	"geppo/store/sqlstore"
)

// encoded is what a message of these parts takes: everything in base64, in lines of 76 characters, and a
// generous kilobyte of header for each part and for the message.
func encoded(p render.Parts) int {
	sizes := []int{len(p.HTML), len(p.Text)}
	for _, i := range p.Images {
		sizes = append(sizes, len(i.Data))
	}
	for _, d := range p.PDFs {
		sizes = append(sizes, len(d.Data))
	}
	total := 1024
	for _, n := range sizes {
		base64 := (n + 2) / 3 * 4
		total += base64 + (base64/76+1)*2 + 1024
	}
	return total
}

// maxMessage is what a contract with 20,000 detections may take; the tags for screen readers are 20 KB of it.
const maxMessage = 690_000

func checkSizes(t *testing.T, name string, p render.Parts) {
	t.Helper()
	pdfs := 0
	for _, d := range p.PDFs {
		pdfs += len(d.Data)
		if len(d.Data) > 250<<10 || d.Pages > 15 {
			t.Errorf("%s: %s has %d pages and %d bytes", name, d.Name, d.Pages, len(d.Data))
		}
	}
	t.Logf("%s: message %d, HTML %d, text %d, PDFs %d bytes", name, encoded(p), len(p.HTML), len(p.Text), pdfs)
	if len(p.HTML) > 80_000 {
		t.Errorf("%s: HTML of %d bytes", name, len(p.HTML))
	}
	if n := encoded(p); n > maxMessage {
		t.Errorf("%s: a message of %d bytes", name, n)
	}
}

func TestSizes(t *testing.T) {
	for _, c := range cases {
		_, parts := rendered(t, c.month(), c.revision)
		checkSizes(t, c.name, parts)
	}
}

// TestSizesOfTheSample renders the sample's contracts of 5,000 to 20,000 detections.
func TestSizesOfTheSample(t *testing.T) {
	r := renderer(t)
	for _, m := range sampled(t, 5, sample.Mix{Heavy: 1}) {
		parts, err := r.Parts(r.Word(compute(t, m, 1)))
		if err != nil {
			t.Fatal(err)
		}
		checkSizes(t, m.Contract.ID, parts)
	}
}

// sampled are the months of invented contracts, gone through the store as a customer's are.
func sampled(tb testing.TB, contracts int, mix sample.Mix) []store.Month {
	tb.Helper()
	db, err := sqlstore.OpenDetections(tb.Context(), filepath.Join(tb.TempDir(), "detections.db"), sqlstore.Migrate)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	lines, w := io.Pipe()
	go func() {
		w.CloseWithError(sample.Write(w, sample.Options{Contracts: contracts, Seed: 1, Period: october, Mix: mix}))
	}()
	if _, err := ingest.JSONLines(tb.Context(), db, lines, ingest.Options{File: "sample", Now: func() time.Time { return at(2026, 11, 1, 9) }}); err != nil {
		tb.Fatal(err)
	}
	var months []store.Month
	for i := range contracts {
		m, err := db.Month(tb.Context(), fmt.Sprintf("C%06d", i+1), october)
		if err != nil {
			tb.Fatal(err)
		}
		months = append(months, m)
	}
	return months
}

// TestNoReportIsTooLarge fills every list of a report with names of any kind, and more of them than
// aggregate would.
func TestNoReportIsTooLarge(t *testing.T) {
	r := renderer(t)
	plain := r.Word(compute(t, worst("漢"), 2))
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // each renders up to eight bodies
		if err := f.Value.Set("25"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := func() string {
			piece := rapid.OneOf(rapid.SampledFrom(append([]string{`"`, "&", "漢", "😀", "e\u0301"}, hostile...)), rapid.String()).Draw(t, "name")
			return strings.Repeat(piece, rapid.IntRange(1, 1000/max(1, len(piece))+1).Draw(t, "times"))
		}
		parts, err := r.PartsWithoutPDFs(crowd(plain, rapid.IntRange(0, 14).Draw(t, "rows"), name))
		if err != nil {
			t.Fatal(err)
		}
		if len(parts.HTML) > 80_000 {
			t.Fatalf("HTML of %d bytes", len(parts.HTML))
		}
		for _, i := range parts.Images {
			if !bytes.Contains(parts.HTML, []byte("cid:"+i.CID)) {
				t.Fatalf("%s is attached but not shown", i.Name)
			}
		}
		if n := bytes.Count(parts.HTML, []byte(`src="cid:`)); n != len(parts.Images) {
			t.Fatalf("%d images are shown, %d attached", n, len(parts.Images))
		}
	})
}

// crowd is a report with rows lines in each list, named by name.
func crowd(r aggregate.Report, rows int, name func() string) aggregate.Report {
	names := make([]string, rows)
	ranked := make([]aggregate.Ranked, rows)
	for i := range rows {
		names[i] = name()
		ranked[i] = aggregate.Ranked{Name: names[i], Count: int64(rows - i)}
	}
	r.Contract.Name, r.Timezone = name(), name()
	r.Antivirus = slices.Clone(r.Antivirus)
	for i := range r.Antivirus {
		f := &r.Antivirus[i]
		f.Endpoints = ranked
		if f.Servers != nil {
			f.Servers = ranked
		}
		if f.Names != nil {
			f.Names = ranked
		}
	}
	edr := *r.EDR
	edr.ObjectsTop, edr.EndpointsTop, edr.Objects, edr.Status, edr.UnsupportedOS = ranked, ranked, nil, nil, nil
	for _, n := range names {
		edr.Objects = append(edr.Objects, aggregate.Object{Name: n, Type: n, Endpoint: n, Result: n, LastSeen: n, Count: 1})
		edr.Status = append(edr.Status, aggregate.StatusCount{Status: n, Count: 1})
		edr.UnsupportedOS = append(edr.UnsupportedOS, aggregate.OSCount{OS: n, Count: 1})
	}
	r.EDR = &edr
	all := aggregate.OffLists{RealtimeScan: names, BehaviorMonitoring: names, MachineLearning: names, WebReputation: names, EDR: names}
	r.Agents = aggregate.Agents{Offline: names, Outdated: names, UnsupportedOS: edr.UnsupportedOS, Off: all}
	r.Asks = nil
	for _, n := range names {
		ask := aggregate.Ask{Endpoint: n, Grave: true}
		for _, kind := range aggregate.Marks {
			ask.Marks = append(ask.Marks, aggregate.Mark{Kind: kind, Feature: store.Virus, Names: names[:min(3, len(names))], Count: 1, OS: n})
		}
		r.Asks = append(r.Asks, ask)
	}
	r.Funnel.Asks = len(r.Asks)
	return r
}

// TestTheLeastThatIsShown looks at a report of which no details fit.
func TestTheLeastThatIsShown(t *testing.T) {
	r := renderer(t)
	report := crowd(r.Word(compute(t, worst(`"`), 1)), 10, func() string { return strings.Repeat(`"`, 1000) })
	report.Antivirus = slices.Clone(report.Antivirus)
	for i := range report.Antivirus { // a trend's text lists its days
		report.Antivirus[i].Trend = slices.Repeat(report.Antivirus[i].Trend, 40)
		for j := range report.Antivirus[i].Trend {
			report.Antivirus[i].Trend[j].Count = 1
		}
	}
	for _, c := range []struct {
		render func(aggregate.Report) (render.Parts, error)
		want   string
	}{{r.Parts, "添付のPDFをご覧ください"}, {r.PartsWithoutPDFs, "テキスト形式の本文をご覧ください"}} {
		parts, err := c.render(report)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(parts.HTML), "機能ごとの詳しい内容は") || !strings.Contains(string(parts.HTML), c.want) {
			t.Error("the HTML does not say where the features are")
		}
		if len(parts.Images) != 0 {
			t.Errorf("%d images are attached but not shown", len(parts.Images))
		}
		for _, want := range []string{"要対応", "ご確認いただきたい事項", "機能別の件数と推移"} {
			if !strings.Contains(string(parts.HTML), want) {
				t.Errorf("the HTML lacks %q", want)
			}
		}
		if !strings.Contains(string(parts.Text), "検出数が上位のエンドポイント") {
			t.Error("the text has been cut as well")
		}
	}
}
