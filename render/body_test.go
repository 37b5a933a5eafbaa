package render_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"geppo/aggregate"
	"geppo/render"
	"geppo/render/words"
	"geppo/store"
	"geppo/templates"
)

// rendered makes the Parts of a month.
func rendered(t testing.TB, m store.Month, revision int) (aggregate.Report, render.Parts) {
	t.Helper()
	r := renderer(t)
	report := r.Word(compute(t, m, revision))
	parts, err := r.Parts(report)
	if err != nil {
		t.Fatal(err)
	}
	return report, parts
}

// allowed are the elements and attributes that mail.html uses.
var allowed = map[string]string{
	"html": "lang", "head": "", "meta": "charset name content", "title": "", "style": "", "body": "class style",
	"div": "class role lang style", "table": "role class style", "thead": "style", "tbody": "", "tr": "",
	"td": "class style colspan", "th": "scope style", "h1": "style", "h2": "style", "h3": "style", "h4": "style",
	"p": "class style", "strong": "class style", "span": "class style", "br": "", "a": "href style",
	"img": "class src width height alt style", "ul": "style", "li": "style",
}

func TestHTMLHoldsOnlyWhatTheTemplateWrote(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, parts := rendered(t, c.month(), c.revision)
			cids := map[string]bool{}
			for _, i := range parts.Images {
				cids["cid:"+i.CID] = false
			}
			doc, err := html.Parse(bytes.NewReader(parts.HTML))
			if err != nil {
				t.Fatal(err)
			}
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				attributes, ok := allowed[n.Data]
				if !ok {
					t.Errorf("unexpected element <%s>", n.Data)
				}
				for _, a := range n.Attr {
					if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") {
						t.Errorf("unexpected attribute %s on <%s>", a.Key, n.Data)
					}
					checkValue(t, n, a, cids)
				}
			}
			for cid, used := range cids {
				if !used {
					t.Errorf("image %s is not shown", cid)
				}
			}
		})
	}
}

// checkValue refuses what loads from elsewhere or runs.
func checkValue(t *testing.T, n *html.Node, a html.Attribute, cids map[string]bool) {
	t.Helper()
	switch a.Key {
	case "href":
		if !strings.HasPrefix(a.Val, "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/") && !strings.HasPrefix(a.Val, "tel:0120") {
			t.Errorf("link to %q", a.Val)
		}
	case "src":
		if _, ok := cids[a.Val]; !ok {
			t.Errorf("image from %q", a.Val)
		}
		cids[a.Val] = true
	case "alt":
		if !strings.ContainsAny(a.Val, "0123456789") {
			t.Errorf("alt text without numbers: %q", a.Val)
		}
	case "style":
		if strings.Contains(a.Val, "url(") || strings.Contains(a.Val, "ZgotmplZ") {
			t.Errorf("style %q on <%s>", a.Val, n.Data)
		}
	}
}

// legible is what a reader sees of a body.
func legible(t *testing.T, body []byte) string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			seen.WriteString(n.Data)
		}
	}
	return seen.String()
}

func TestHostileNamesStayLegible(t *testing.T) {
	_, parts := rendered(t, hostileMonth(), 1)
	seen := legible(t, parts.HTML)
	for _, want := range []string{"<script>alert(1)</script>株式会社", "</td></tr></table><h1>x", "exe\uFFFDfdp.scr", "&lt;b&gt;", "と𠮷野家", "(名称なし)"} {
		if !strings.Contains(seen, want) {
			t.Errorf("the HTML does not show %q", want)
		}
	}
	for _, body := range [][]byte{parts.Text, parts.HTML, []byte(parts.Subject)} {
		if !utf8.Valid(body) {
			t.Error("a body is not UTF-8")
		}
		for _, r := range string(body) {
			if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("character %U in a body", r)
			}
		}
	}
}

// worst is a month in which every name is as long as can be, of one character, in every list.
func worst(bad string) store.Month {
	m := hostileMonth()
	for i := range m.Endpoints {
		name := fmt.Sprintf("%02d%s", i, strings.Repeat(bad, 400))
		m.Endpoints[i].Name, m.Statuses[i].Endpoint, m.Statuses[i].OS = name, name, name
		m.Statuses[i].Protections = store.Protections{
			RealtimeScan: store.Off, BehaviorMonitoring: store.Off, MachineLearning: store.Off, WebReputation: store.Off, EDR: store.Off,
		}
		m.Statuses[i].LastSeen = at(2026, 9, 1, 0)
		m.Events[i].Endpoints, m.Events[i].Status = []store.Machine{{Name: name}}, name
		m.Events[i].Objects = []store.EDRObject{{Name: name, Type: name, Result: name}}
	}
	for i := range m.Detections {
		m.Detections[i].Endpoint, m.Detections[i].Name = m.Endpoints[i%20].Name, m.Endpoints[i*7%20].Name
	}
	return m
}

func TestHTMLOfTheWorstNames(t *testing.T) {
	for _, bad := range []string{`"`, "漢", "😀", "e\u0301\u0302"} {
		_, parts := rendered(t, worst(bad), 1)
		t.Logf("%q: %d bytes", bad, len(parts.HTML))
		if len(parts.HTML) > 80_000 {
			t.Errorf("%q: HTML of %d bytes", bad, len(parts.HTML))
		}
	}
}

// A mail says what a name is, and the PDF spells it out: no name may push away what is asked.
func TestNoNameFillsAMail(t *testing.T) {
	_, parts := rendered(t, worst("o"), 1)
	unwrapped := regexp.MustCompile(`\n *`).ReplaceAllString(string(parts.Text), "")
	for body, text := range map[string]string{"text": unwrapped, "HTML": legible(t, parts.HTML)} {
		for _, run := range regexp.MustCompile(`o{81,}`).FindAllString(text, -1) {
			t.Errorf("%s: a name takes %d columns", body, len(run))
		}
	}
}

func TestTextIsSetInColumns(t *testing.T) {
	for _, c := range cases {
		if c.name == "hostile" {
			continue
		}
		_, parts := rendered(t, c.month(), c.revision)
		for line := range strings.Lines(string(parts.Text)) {
			line = strings.TrimSuffix(line, "\n")
			if w := words.Width(line); w > 76 {
				t.Errorf("%s: %d columns: %q", c.name, w, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: blanks at the end of %q", c.name, line)
			}
		}
	}
}

// Every figure that a body promises stands in it: totals, rankings, results, days.
func TestBodiesHoldTheReportsFigures(t *testing.T) {
	w, err := words.Load(templates.FS, "ja")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases[:5] {
		report, parts := rendered(t, c.month(), c.revision)
		text := strings.Join(strings.Fields(string(parts.Text)), "") // lines are broken where they are full
		want := []string{report.Contract.Name, report.Contract.ID, "2026年10月1日～10月31日(日本時間)", marks[report.Judgement]}
		for _, f := range report.Antivirus {
			if f.Total == 0 {
				continue
			}
			want = append(want, w.Features[f.Feature].Heading, w.Detections(f.Total))
			for _, list := range [][]aggregate.Ranked{f.Endpoints, f.Servers, f.Names} {
				for i, n := range list {
					want = append(want, fmt.Sprintf("%d %s %d", i+1, words.Cut(n.Name, 56), n.Count))
				}
			}
			for _, n := range f.Results {
				want = append(want, w.Results[f.Feature][n.Result].Label+" "+w.Number(n.Count))
			}
			for _, d := range f.Trend {
				if d.Count > 0 {
					want = append(want, fmt.Sprintf("%s(%s)", w.Day(d.Day), w.Detections(d.Count)))
				}
			}
		}
		if report.EDR != nil {
			for _, n := range append(report.EDR.ObjectsTop, report.EDR.EndpointsTop...) {
				want = append(want, fmt.Sprintf("%s %d", n.Name, n.Count))
			}
			want = append(want, w.EDR.Offline, w.Endpoints(len(report.EDR.Offline.Endpoints)), w.EDR.NotProvided)
		}
		for _, s := range want {
			if !strings.Contains(text, strings.Join(strings.Fields(s), "")) {
				t.Errorf("%s: the text lacks %q", c.name, s)
			}
		}
	}
}

func TestEqualReportsGiveEqualBytes(t *testing.T) {
	r := renderer(t)
	report := r.Word(compute(t, problemMonth(), 1))
	first, err := r.Parts(report)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan render.Parts, 4)
	for range 4 {
		go func() {
			parts, err := r.Parts(report)
			if err != nil {
				t.Error(err)
			}
			results <- parts
		}()
	}
	for range 4 {
		again := <-results
		if !bytes.Equal(first.HTML, again.HTML) || !bytes.Equal(first.Text, again.Text) || len(first.Images) != len(again.Images) {
			t.Fatal("the bodies differ")
		}
		for i := range first.Images {
			if !bytes.Equal(first.Images[i].Data, again.Images[i].Data) || first.Images[i].CID != again.Images[i].CID {
				t.Errorf("image %s differs", first.Images[i].CID)
			}
		}
		for i := range first.PDFs {
			if !bytes.Equal(first.PDFs[i].Data, again.PDFs[i].Data) {
				t.Errorf("%s differs", first.PDFs[i].Name)
			}
		}
	}
}

func TestTemplatesOfAnOperator(t *testing.T) {
	base := fstest.MapFS{}
	for _, name := range []string{"words.ja.toml", "families.toml", "mail.html", "fonts/BIZUDPGothic-Regular.ttf", "fonts/BIZUDPGothic-Bold.ttf"} {
		b, err := templates.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base[name] = &fstest.MapFile{Data: b}
	}
	for _, c := range []struct{ file, text, want string }{
		{"mail.html", "{{.Subject", "mail.html"},
		{"words.ja.toml", "subject = 1", "words.ja.toml"},
	} {
		fsys := fstest.MapFS{}
		for name, f := range base {
			fsys[name] = f
		}
		fsys[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		if _, err := render.New(fsys, options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", c.file, err)
		}
	}
	for text, want := range map[string]string{
		"{{.NoSuchField}}":               "NoSuchField",
		strings.Repeat("x", 81_000) + "": "shorten mail.html",
	} {
		base["mail.html"] = &fstest.MapFile{Data: []byte(text)}
		r, err := render.New(base, options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Parts(r.Word(compute(t, quietMonth(), 1)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "C000001") {
			t.Errorf("error %v, want %q and the contract in it", err, want)
		}
	}
}

func TestTheMailShowsTheMonthsBefore(t *testing.T) {
	m := quietMonth()
	detect(&m, store.Virus, 5, "PC-001", "X", "cleaned", 3)
	history := []aggregate.MonthTotals{{Period: store.Period{Year: 2026, Month: time.August}, Virus: 7}, {Period: store.Period{Year: 2026, Month: time.September}, Virus: 1}}
	report, err := aggregate.Compute(m.Rows(), aggregate.Options{History: history})
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t)
	parts, err := r.Parts(r.Word(report))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, i := range parts.Images {
		if strings.HasSuffix(i.Name, "-months.png") {
			shown = append(shown, i.Alt)
		}
	}
	if want := []string{"8月(7件)、9月(1件)、10月(3件)"}; !slices.Equal(shown, want) { // those without detections have no line
		t.Errorf("the lines of months say %q, want %q", shown, want)
	}
}
