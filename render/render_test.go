package render_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"geppo/aggregate"
	"geppo/render"
	"geppo/store/sample"
	"geppo/templates"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	look   = flag.String("look", "", "write each golden report's mail and PDFs into this `directory`, to be looked at in a browser")
)

// options are those of a set up service.
var options = render.Options{SupportPhone: "0120-000-000", SupportHours: "平日 9:00～18:00"}

// shared is one Renderer for all tests, as a daemon has one.
var shared = sync.OnceValues(func() (*render.Renderer, error) { return render.New(templates.FS, options) })

func renderer(t testing.TB) *render.Renderer {
	t.Helper()
	r, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGolden(t *testing.T) {
	r := renderer(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parts, err := r.Parts(r.Word(compute(t, c.month(), c.revision)))
			if err != nil {
				t.Fatal(err)
			}
			images := 0
			for _, i := range parts.Images {
				images += len(i.Data)
			}
			t.Logf("HTML %d, text %d, %d images of %d bytes", len(parts.HTML), len(parts.Text), len(parts.Images), images)
			golden(t, c.name+".html", parts.HTML)
			golden(t, c.name+".txt", []byte(parts.Subject+"\n\n"+string(parts.Text)))
			if *look != "" {
				writeLook(t, c.name, parts)
			}
		})
	}
}

// pages are the PDFs' business; their number is masked so that their layout may change by itself.
var pages = regexp.MustCompile(`\(\d+ページ\)`)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = pages.ReplaceAll(got, []byte("(Nページ)"))
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden file; look at both, then run with -update", name)
	}
}

// writeLook writes the mail as a web page with its images as files.
func writeLook(t *testing.T, name string, parts render.Parts) {
	html := string(parts.HTML)
	for _, i := range parts.Images {
		file := name + "-" + i.Name
		html = strings.ReplaceAll(html, "cid:"+i.CID, file)
		if err := os.WriteFile(filepath.Join(*look, file), i.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range parts.PDFs {
		if err := os.WriteFile(filepath.Join(*look, fmt.Sprintf("%s-%d.pdf", name, i+1)), p.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(*look, name+".html"), []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkParts(b *testing.B) {
	r := renderer(b)
	for _, c := range cases {
		report := r.Word(compute(b, c.month(), 1))
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.PartsWithoutPDFs(report); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSample renders the contracts of the sample in its own distribution, whole Parts: 60 % without
// detections, 1 % with 5,000 to 20,000.
func BenchmarkSample(b *testing.B) {
	r := renderer(b)
	var reports []aggregate.Report
	for _, m := range sampled(b, 300, sample.Mix{}) {
		reports = append(reports, r.Word(compute(b, m, 1)))
	}
	b.ReportAllocs()
	size, n := 0, 0
	for b.Loop() {
		parts, err := r.Parts(reports[n%len(reports)])
		if err != nil {
			b.Fatal(err)
		}
		size += encoded(parts)
		n++
	}
	b.ReportMetric(float64(size)/float64(n)/1024, "KB")
}
