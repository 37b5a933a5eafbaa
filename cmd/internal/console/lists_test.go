package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
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
