package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
)

// Whatever stands in the data, it is text on a page, and every sentence has its words.
func TestPagesShowHostileNamesAsText(t *testing.T) {
	s := newSite(t, nil)
	s.office.plan = desk.Outline{Extent: desk.Extent{Deliveries: 3, Contracts: 1, Names: []string{hostile}}, Left: []*desk.Refusal{daemon.Refuse("", hostile)}}
	unworded := regexp.MustCompile(`>[a-z-]+\.[a-z-]+<`)
	for _, lang := range []string{"ja", "en"} {
		for _, path := range paths {
			header := bearer(operatorToken)
			header["Accept-Language"] = lang
			answer := s.ask("GET", path, header, nil)
			page := s.read(answer)
			if strings.Contains(page, "<script>alert") || strings.Contains(page, "ZgotmplZ") {
				t.Errorf("%s shows a name as markup", path)
			}
			if found := unworded.FindString(page); found != "" && found != ">r.pdf<" && found != ">no.pdf<" {
				t.Errorf("%s has no words for %s in %s", path, found, lang)
			}
			if answer.StatusCode == http.StatusOK && !strings.Contains(page, `<html lang="`+lang+`">`) {
				t.Errorf("%s is not in %s", path, lang)
			}
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range append([]string{"/login", "/assets/style.css", "/nothing", "/assets/nothing"}, paths...) {
		h := s.ask("GET", path, bearer(viewerToken), nil).Header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") ||
			h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}
