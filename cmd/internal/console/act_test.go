package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"geppo/cmd/internal/daemon"
)

// The roles, by everything that can be asked for.
func TestRolesBoundWhatIsDone(t *testing.T) {
	forDesk := []string{"test-send", "resend"}
	all := []string{
		"resend", "rebuild", "test-send", "cancel", "release", "retry", "ack", "approve", "pause", "resume", "add", "remove",
		"stop", "start", "stop-contract", "start-contract",
	}
	s := newSite(t, nil)
	for _, action := range all {
		for role, token := range map[string]string{"viewer": viewerToken, "desk": deskToken, "operator": operatorToken} {
			s.office.done = nil
			want := http.StatusForbidden
			if role == "operator" || role == "desk" && slices.Contains(forDesk, action) {
				want = http.StatusSeeOther
			}
			form := url.Values{"action": {action}, "delivery": {"1"}, "reason": {"because"}, "address": {"a@example.jp"}}
			answer := s.ask("POST", "/act", bearer(token), form)
			if answer.StatusCode != want {
				t.Errorf("%s by %s: %d, want %d", action, role, answer.StatusCode, want)
			}
			if done := len(s.office.done) == 1; done != (want == http.StatusSeeOther) {
				t.Errorf("%s by %s: %v was done", action, role, s.office.done)
			} else if done && (s.office.done[0].Reason != "because" || s.office.done[0].By == "" || s.office.done[0].Action != action) {
				t.Errorf("%s by %s: asked %+v", action, role, s.office.done[0])
			}
		}
	}
	// Many at once are an operator's.
	if answer := s.ask("POST", "/act", bearer(deskToken), url.Values{"action": {"resend"}, "period": {"2026-10"}, "failed": {"1"}, "reason": {"x"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("the desk resends a month: %d", answer.StatusCode)
	}
	if answer := s.ask("POST", "/followups", bearer(viewerToken), url.Values{"period": {"2026-10"}, "contract": {"C1"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer works through the follow-ups: %d", answer.StatusCode)
	}
}

// What a program did is not told to the next stranger.
func TestWhatWasDoneIsToldToWhoDidIt(t *testing.T) {
	s := newSite(t, nil)
	form := url.Values{"action": {"resend"}, "delivery": {"1"}, "reason": {"x"}}
	s.ask("POST", "/act", bearer(operatorToken), form)
	if page := s.read(s.ask("GET", "/login", nil, nil)); strings.Contains(page, `class="told"`) {
		t.Error("a stranger is told what was done")
	}
	cookie, csrf, _ := s.login("", operatorToken, nil)
	header := map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
	form.Set("csrf", csrf)
	s.ask("POST", "/act", header, form)
	for _, told := range []bool{true, false} {
		if page := s.read(s.ask("GET", "/log", header, nil)); strings.Contains(page, `class="told"`) != told {
			t.Errorf("told: want %v", told)
		}
	}
}

func TestAnActionWantsAReasonAndWhatWasAgreedTo(t *testing.T) {
	s := newSite(t, nil)
	s.office.plan.Deliveries = 3
	form := func(more ...string) url.Values {
		v := url.Values{"action": {"ack"}, "period": {"2026-10"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for name, tt := range map[string]struct {
		form url.Values
		want int
	}{
		"no reason":     {form("deliveries", "3"), http.StatusUnprocessableEntity},
		"moved":         {form("deliveries", "2", "reason", "x"), http.StatusConflict},
		"no action":     {url.Values{"action": {"format"}, "reason": {"x"}}, http.StatusNotFound},
		"no number":     {form("delivery", "many", "reason", "x"), http.StatusNotFound},
		"agreed":        {form("deliveries", "3", "reason", "x"), http.StatusSeeOther},
		"another site":  {form("deliveries", "3", "reason", "x", "back", "//evil.example/"), http.StatusSeeOther},
		"another site2": {form("deliveries", "3", "reason", "x", "back", `/\evil.example/`), http.StatusSeeOther},
	} {
		s.office.done = nil
		answer := s.ask("POST", "/act", bearer(operatorToken), tt.form)
		if answer.StatusCode != tt.want || (len(s.office.done) > 0) != (tt.want == http.StatusSeeOther) {
			t.Errorf("%s: %d and %v, want %d", name, answer.StatusCode, s.office.done, tt.want)
		}
		if to := answer.Header.Get("Location"); to != "" && to != "/" {
			t.Errorf("%s: goes on to %s", name, to)
		}
	}
	s.office.refuse = daemon.Refuse("", hostile)
	if answer := s.ask("POST", "/act", bearer(operatorToken), form("reason", "x")); answer.StatusCode != http.StatusUnprocessableEntity || strings.Contains(s.read(answer), "<script>") {
		t.Errorf("a refusal: %d", answer.StatusCode)
	}
}
