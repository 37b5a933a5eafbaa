package pdf

import (
	"testing"

	"geppo/render/chart"
	"geppo/render/edition"
	"geppo/render/font"
	"geppo/render/words"
	"geppo/templates"
)

func TestATermsFootnoteStandsAtItsFirstUse(t *testing.T) {
	family, err := font.Load(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(family, chart.New(family))
	if err != nil {
		t.Fatal(err)
	}
	s := &sheet{m: m, noted: map[string]int{}}
	s.e.Words.Note = "※"
	s.e = edition.Edition{Words: s.e.Words, Glossary: []words.Term{{Term: "検索"}, {Term: "検索エンジン"}, {Term: "端末"}}}
	for _, c := range []struct{ text, want string }{
		{"端末の検索エンジンと検索", "端末※1の検索エンジン※2と検索※3"}, // in the order of the text; the longer of two that begin at one place
		{"検索エンジンと端末", "検索エンジンと端末"},             // once
	} {
		if got, notes := s.mark(c.text); got != c.want || len(notes) != 3 && c.text != c.want {
			t.Errorf("%s is marked as %s with %d notes, want %s", c.text, got, len(notes), c.want)
		}
	}
	s.forget(1)
	if got, _ := s.mark("検索"); got != "検索※2" {
		t.Errorf("what was laid out in vain leaves %s", got)
	}
}
