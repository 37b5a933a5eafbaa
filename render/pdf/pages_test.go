package pdf

import (
	"slices"
	"strings"
	"testing"

	"geppo/store"
)

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
	if !strings.Contains(run(t, d.Data, "qpdf", "--json", "--json-key=qpdf", "FILE"), `"/Lang": "u:ja-JP"`) {
		t.Error("the language is not set")
	}
}

func TestNoPageEndsWithAHeading(t *testing.T) {
	m := maker(t)
	for name, o := range kinds() {
		r := o.report(t, m)
		for asks := range 6 { // each moves everything by some lines
			s := m.sheet(r, r.Overview.Product, slices.Repeat(someAsks, asks))
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
