package daemon_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/notify"
	"geppo/store"
)

// asked tells what the operators were told, by one look.
func (h *house) asked() (notices []string, last notify.Notice) {
	h.t.Helper()
	events, all := h.told(func(o *daemon.Operators) {
		asker := daemon.Asker{Operators: o, Zone: time.UTC}
		if err := asker.Ask(h.t.Context()); err != nil {
			h.t.Error(err)
		}
	})
	return events, all["approval"]
}

// Whoever is to approve, or to object, is told once that the canaries are out and when the rest follows; where all of it
// waits, at once; and also when the canaries will not get out by themselves.
func TestTheOperatorsAreAskedOnce(t *testing.T) {
	objects := func(h *house) {
		err := errors.Join(h.ledger.Pause(h.t.Context(), store.CauseOperator, "look again", "root", h.now), h.ledger.Resume(h.t.Context(), store.Order{By: "root"}, h.now))
		if err != nil {
			h.t.Fatal(err)
		}
	}
	nothing := func(*house) {}
	for name, test := range map[string]struct {
		approval store.Approval
		address  string       // of every contract, behind its id
		before   func(*house) // the canaries are sent
		first    bool         // told before that
		says     string       // "": nothing
	}{
		"canary":           {store.ApprovalCanary, "a@example.jp", nothing, false, "異議がなければ、2026-11-02 02:00に残り"},
		"canary, objected": {store.ApprovalCanary, "a@example.jp", objects, false, "承認されるまで送信しません"},
		"canary, stuck":    {store.ApprovalCanary, "never@example.jp", nothing, false, "2通が送信できていません"},
		"canary, deferred": {store.ApprovalCanary, "later@example.jp", nothing, false, ""},
		"full":             {store.ApprovalFull, "a@example.jp", nothing, true, ""},
		"none":             {store.ApprovalNone, "a@example.jp", nothing, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.now = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
			h.planner.Approval, h.planner.Canary = test.approval, 2
			h.dispatcher.Policy.CanaryWait = 2 * time.Hour
			for i := range 5 {
				user, domain, _ := strings.Cut(test.address, "@")
				h.contract(fmt.Sprint("C", i), fmt.Sprintf("%s%d@%s", user, i, domain))
			}
			h.plan()
			if events, _ := h.asked(); slices.Contains(events, "approval") != test.first {
				t.Errorf("before the canaries: %v", events)
			}
			test.before(h)
			if err := h.run(); err != nil {
				t.Fatal(err)
			}
			_, notice := h.asked()
			if (test.says == "") != (notice.Event == "") || !strings.Contains(notice.Text, test.says) {
				t.Errorf("told %+v", notice)
			}
			if events, _ := h.asked(); len(events) > 0 {
				t.Errorf("told again: %v", events)
			}
		})
	}
}

// A mail to the operators that does not get out is tried again, and the webhooks are told once meanwhile.
func TestTheOperatorsAreAskedUntilTheMailIsOut(t *testing.T) {
	h := newHouse(t)
	h.planner.Approval = store.ApprovalFull
	h.contract("C1", "a@example.jp")
	h.plan()
	events, _ := h.told(func(o *daemon.Operators) {
		o.Addresses, o.IDs = []string{"op@example.jp"}, messageIDs(h.ledger)
		asker := daemon.Asker{Operators: o, Zone: time.UTC}
		h.server.become(false, &smtp.SMTPError{Code: 451, Message: "not now"})
		for range 2 {
			if err := asker.Ask(t.Context()); err == nil {
				t.Error("the relay took nothing, and nobody says so")
			}
		}
		h.server.become(true, nil)
		for range 2 {
			if err := asker.Ask(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	if len(events) != 1 || len(h.server.of("op@example.jp")) != 1 {
		t.Errorf("webhooks were told %v, and %d mails are out", events, len(h.server.of("op@example.jp")))
	}
}
