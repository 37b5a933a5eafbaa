package pdf

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"geppo/render/words"
)

// bare is a sheet without a document, for setting lines.
func bare(tb testing.TB) *sheet { return &sheet{m: maker(tb)} }

func TestWrapKeepsKinsoku(t *testing.T) {
	s := bare(t)
	for in, want := range map[string]string{
		"検出しました。続きます":             "検出しまし|た。続きま|す",
		"端末（本社）です":                "端末（本社）|です",
		"名前は「端末」です":               "名前は「端|末」です",
		"合計1,234件です":              "合計|1,234件|です",
		"a bc PC-01 端末":           "a bc|PC-01 端|末",
		"ABCDEFGHIJKLMNOPQRSTUVW": "ABCDEF|GHIJKLM|NOPQRS|TUVW",
		"":                        "",
	} {
		got := strings.Join(s.wrap(in, 48, bodyText), "|")
		if got != want {
			t.Errorf("wrap(%q) = %q, want %q", in, got, want)
		}
	}
}

// A reader of PDFs makes links of what looks like an address, also where it is only spoken: for search and copying.
func TestNoNameIsAnAddress(t *testing.T) {
	s := bare(t)
	s.w = s.m.words
	for _, raw := range []string{"http://c2.example.com/payload.exe", "ht\u200btps://bad.example", "www.example.net\x01", "mailto:a@b.example", "\u202Ehttp://x.example"} {
		l := s.name(raw)
		for _, text := range []string{l.shown, l.actual} {
			if text != words.Disarm(text) {
				t.Errorf("%q is printed as %q and spoken as %q", raw, l.shown, l.actual)
			}
		}
	}
}

// Of terms that begin at one place the longer is read, and has the footnote; the shorter one waits for a place of its own. Whatever
// order the glossary is in, the footnotes are the same.
func TestFootnotesOfTermsWithinEachOther(t *testing.T) {
	w := *maker(t).words
	for range 50 { // a map's order differs from time to time
		w.Glossary = map[string]words.Term{"a": {Term: "ネットワーク"}, "b": {Term: "ネットワークウイルス"}, "c": {Term: "ウイルス"}}
		s := bare(t)
		s.w, s.noted = &w, map[string]int{}
		got := []string{s.mark("ネットワークウイルスとネットワークのウイルス"), s.mark("ネットワークウイルス")}
		if want := []string{"ネットワークウイルス※1とネットワーク※2のウイルス※3", "ネットワークウイルス"}; !slices.Equal(got, want) {
			t.Fatal(got)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	s := bare(t)
	rapid.Check(t, func(t *rapid.T) {
		in, _ := s.m.family.Regular.Clean(rapid.String().Draw(t, "text"))
		width := rapid.Float64Range(1, 400).Draw(t, "width")
		lines := s.wrap(in, width, bodyText)
		if got, want := squeeze(strings.Join(lines, "")), squeeze(in); got != want {
			t.Fatalf("wrapped %q is %q", want, got)
		}
		for _, line := range lines {
			if s.width(line, bodyText) > width && len([]rune(line)) > 1 {
				t.Fatalf("line %q is %.1f wide, more than %.1f", line, s.width(line, bodyText), width)
			}
		}
	})
}

func TestFitShowsTheWholeNameToSearch(t *testing.T) {
	s := bare(t)
	long := strings.Repeat("server-", 140)
	lines, actual := s.fit(label{shown: long}, 200, cellText, 3)
	if len(lines) > 3 || !strings.Contains(strings.Join(lines, ""), "…") {
		t.Errorf("a long name is set as %q", lines)
	}
	if actual != long {
		t.Errorf("search finds %.40q, not the whole name", actual)
	}
	if lines, actual := s.fit(label{shown: "PC-01"}, 200, cellText, 3); len(lines) != 1 || actual != "" {
		t.Errorf("a short name is set as %q, spoken as %q", lines, actual)
	}
}

func TestHeadingStaysWithItsBlock(t *testing.T) {
	m := maker(t)
	s := m.sheet(kinds()["nothing detected"].report(t, m), "製品", nil)
	s.y = bottom - 60
	page := s.page.Number()
	s.section("9-9", "見出し")
	s.need(80)
	if s.page.Number() != page+1 || s.entries[0].at.Page.Number() != page+1 {
		t.Errorf("the heading stands on page %d, its block on page %d", s.entries[0].at.Page.Number(), s.page.Number())
	}
}

func TestFootnotesTakeTheirRoom(t *testing.T) {
	m := maker(t)
	s := m.sheet(kinds()["nothing detected"].report(t, m), "製品", nil)
	if got := s.mark("スパイウェア/グレーウェア"); got != "スパイウェア※1/グレーウェア※2" {
		t.Errorf("marked as %q", got)
	}
	s.need(20)
	if got := bottom - s.limit; got != noteRule+2*noteLine {
		t.Errorf("two notes of a line take %.1f points of the page", got)
	}
	if got := s.mark("スパイウェア"); got != "スパイウェア" {
		t.Errorf("marked again as %q", got)
	}
}
