package console_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFollowUpsKeepWhatTheDeskSays(t *testing.T) {
	s := newSite(t, nil)
	line := url.Values{"period": {"2026-10"}, "contract": {"C1"}, "feature": {"virus"}, "endpoint": {"=PC"}, "name": {hostile}, "done": {"1"}, "note": {"+電話済み"}}
	if answer := s.ask("POST", "/followups", bearer(deskToken), line); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", answer.StatusCode)
	}
	if page := s.read(s.ask("GET", "/followups", bearer(viewerToken), nil)); strings.Contains(page, "=PC") {
		t.Error("what is done is still listed")
	}
	if page := s.read(s.ask("GET", "/followups?all=1", bearer(viewerToken), nil)); !strings.Contains(page, "電話済み") || !strings.Contains(page, "窓口") {
		t.Error("what was said is not shown")
	}
	csv := s.read(s.ask("GET", "/followups.csv", bearer(viewerToken), nil))
	if !strings.HasPrefix(csv, "\ufeff") || !strings.Contains(csv, ",'=PC,") || !strings.Contains(csv, "'+電話済み") || !strings.Contains(csv, "対応済み") {
		t.Errorf("the file is %q", csv)
	}
	if page := s.read(s.ask("GET", "/log", bearer(viewerToken), nil)); !strings.Contains(page, "電話済み") {
		t.Error("the log does not tell of it")
	}
}

// The console's file says what the summary's does, and what the desk has said of it.
func TestTheConsolesFollowUpsAreThoseOfTheSummary(t *testing.T) {
	s := newSite(t, nil)
	text := strings.TrimPrefix(s.read(s.ask("GET", "/followups.csv?period=2026-10", bearer(viewerToken), nil)), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"契約", "会社名", "端末", "検出名", "結果", "件数", "最初", "最後", "機能", "対応", "メモ", "担当"},
		{"C1", hostile, "'=PC", hostile, "要確認", "1", "2026-10-05", "2026-10-05", "ウイルス", "未対応", "", ""},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// What turns the direction of writing is a code on a page and in a file, as it is on a terminal.
func TestNobodyIsDeceivedByTheDirectionOfWriting(t *testing.T) {
	s := newSite(t, nil)
	note := url.Values{"period": {"2026-10"}, "contract": {"C1"}, "feature": {"virus"}, "endpoint": {"=PC"}, "name": {hostile}, "note": {"exe\u202efdp.txt"}}
	if answer := s.ask("POST", "/followups", bearer(deskToken), note); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", answer.StatusCode)
	}
	for _, path := range []string{"/followups?period=2026-10", "/followups.csv?period=2026-10", "/log"} {
		page := s.read(s.ask("GET", path, bearer(viewerToken), nil))
		if strings.Contains(page, "\u202e") || !strings.Contains(page, `exe\u202efdp.txt`) {
			t.Errorf("%s shows it", path)
		}
	}
}

// That nothing is to be followed up of a month to come is no news.
func TestAMonthThatHasNotBegunIsNotListed(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/followups", "/followups.csv", "/stale"} {
		for period, want := range map[string]int{"2026-10": http.StatusOK, "2026-11": http.StatusOK, "2026-12": http.StatusNotFound} {
			if answer := s.ask("GET", path+"?period="+period, bearer(viewerToken), nil); answer.StatusCode != want {
				t.Errorf("%s of %s: %d, want %d", path, period, answer.StatusCode, want)
			}
		}
	}
}

func TestASearchFindsByWhatIsSaidOnTheTelephone(t *testing.T) {
	s := newSite(t, nil)
	for query, found := range map[string]bool{
		"C1": true, "script": true, "kanri@": true, "KANRI@example.jp": true, "added@": true, "test0": true, "TEST001": true, // Ｔest001 folds to this
		"%": false, "_1": false, "est001": false, "C2": false,
	} {
		answer := s.ask("GET", "/search?q="+url.QueryEscape(query), bearer(viewerToken), nil)
		if got := answer.Header.Get("Location") == "/contracts/C1"; got != found {
			t.Errorf("%q: found %v, want %v (%d)", query, got, found, answer.StatusCode)
		}
	}
}
