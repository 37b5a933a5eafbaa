package main

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"geppo/store"
	"geppo/store/sqlstore"
)

// One address that can no more be written to does not keep the others' failed mail back.
func TestResendFailedGoesRoundAMarkedAddress(t *testing.T) {
	relay := newTestRelay(t, func(now stage, to string, try int) error {
		if now == stageRcpt && contractOf(to) > 0 && try == 1 {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not today"}
		}
		return nil
	})
	s := newStation(t, template(t, 3), relay.environ())
	if code := s.runToTheEnd(3); code != exitIncomplete {
		t.Fatalf("exit %d", code)
	}
	s.ledger(func(l *sqlstore.Ledger) error {
		return l.Bounce(t.Context(), s.deliveries()[0], "5.1.1 no such user", true, time.Now())
	})
	code, output := s.geppo(nil, "resend", "--period", "2026-09", "--failed")
	if code != exitIncomplete || !strings.Contains(output, "2 of 2 deliveries sent") || !strings.Contains(output, "contract C0: a0@example.jp is no registered address") {
		t.Errorf("exit %d: %s", code, output)
	}
	states := map[store.State]int{}
	for _, d := range s.deliveries() {
		states[d.State]++
	}
	if states[store.Bounced] != 1 || states[store.Cancelled] != 2 || states[store.Sent] != 2 {
		t.Errorf("%v", states)
	}
}
