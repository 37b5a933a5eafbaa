package console_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAMailRunsNothing(t *testing.T) {
	s := newSite(t, nil)
	part := func(path string) (http.Header, string) {
		answer := s.ask("GET", path, bearer(viewerToken), nil)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, answer.StatusCode)
		}
		return answer.Header, s.read(answer)
	}
	for _, below := range []string{"/deliveries/1/mail/", "/contracts/C1/preview/2026-10/"} {
		h, body := part(below + "html")
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "sandbox; default-src 'none'") || strings.Contains(policy, "script") || strings.Contains(policy, "allow-") || h.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("%s: %v", below, h)
		}
		if !strings.Contains(body, `src="data:image/png;base64,`) || !strings.Contains(body, hostile) {
			t.Errorf("%s: %s", below, body)
		}
		if h, body := part(below + "text"); !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || !strings.Contains(body, hostile) {
			t.Errorf("%s: %v", below, h)
		}
		if h, _ := part(below + "r.pdf"); h.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s: %v", below, h)
		}
		if h, _ := part(below + "no.pdf"); h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("what calls itself a PDF: %v", h)
		}
		if h, body := part(below + "eml"); !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || body != mail {
			t.Errorf("%s: %v", below, h)
		}
	}
	if page := s.read(s.ask("GET", "/deliveries/1", bearer(viewerToken), nil)); !strings.Contains(page, `<iframe class="mail" sandbox="" src="/deliveries/1/mail/html"`) {
		t.Error("the frame is not sandboxed")
	}
}
