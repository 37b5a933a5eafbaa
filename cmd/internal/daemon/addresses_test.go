package daemon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/ingest"
)

// imports brings lines of our own format.
func (h *house) imports(lines string) {
	h.t.Helper()
	_, err := ingest.JSONLines(h.t.Context(), h.detections, strings.NewReader(lines), ingest.Options{File: "test", Now: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
}

// changes are what may take an address its right to mail while mail waits for it.
func changes(h *house) map[string]func() error {
	imported := func(lines string) func() error {
		return func() error {
			h.imports(lines)
			return nil
		}
	}
	list := `{"type":"contract","id":"C1","name":"株式会社C1","product":"antivirus","licences":5,"since":"2025-04-01"%s,"recipients":[{"address":"%s@example.jp"}]}` + "\n"
	return map[string]func() error{
		"another address imported": imported(fmt.Sprintf(list, "", "new")),
		"contract ended":           imported(fmt.Sprintf(list, `,"ends":"2026-09-30"`, "a")),
		"address removed": func() error {
			return h.ledger.ChangeRecipient(h.t.Context(), store.RecipientChange{Contract: "C1", Recipient: store.Recipient{Address: "A@example.jp"}, Removed: true, By: "root", At: h.now})
		},
		"address marked": func() error { return h.ledger.Mark(h.t.Context(), `"A"@Example.jp`, "550 5.1.1", h.now) },
		"address stopped": func() error {
			return h.ledger.Stop(h.t.Context(), store.Stop{Kind: store.StopAddress, Name: "a@EXAMPLE.jp", By: "root", At: h.now})
		},
		"contract stopped": func() error {
			return h.ledger.Stop(h.t.Context(), store.Stop{Kind: store.StopContract, Name: "C1", By: "root", At: h.now})
		},
	}
}

// What was decided at planning is decided again: after the claim and right before the dot. Whatever takes an address
// its right to mail meanwhile, none goes to it, and others get theirs.
func TestTheSenderDecidesAgain(t *testing.T) {
	for name := range changes(nil) {
		for _, when := range []int{0, 1, 2} { // before the claim; after it; after composing, before the dot
			t.Run(fmt.Sprintf("%s at %d", name, when), func(t *testing.T) {
				h := newHouse(t)
				h.contract("C1", "a@example.jp")
				h.contract("C2", "z@example.jp")
				h.plan()
				h.now = h.now.Add(time.Minute)
				change, asked := changes(h)[name], 0
				eligible := h.dispatcher.Eligible
				h.dispatcher.Eligible = func(ctx context.Context, d store.Delivery) (string, error) {
					if d.Contract == "C1" {
						if asked++; asked == when {
							if err := change(); err != nil {
								t.Error(err)
							}
						}
					}
					return eligible(ctx, d)
				}
				if when == 0 {
					if err := change(); err != nil {
						t.Fatal(err)
					}
				}
				if err := h.run(); err != nil {
					t.Fatal(err)
				}
				got := h.deliveries()
				if d := got["a@example.jp"]; d.State != store.Cancelled || d.Reason == "" || !d.Lapsed || len(h.server.of("a@example.jp")) > 0 {
					t.Errorf("%+v, %d mails", d, len(h.server.of("a@example.jp")))
				}
				if d := got["z@example.jp"]; d.State != store.Sent {
					t.Errorf("%+v", d)
				}
			})
		}
	}
}

// What an operator forced is kept back only by what was said since.
func TestWhatWasForcedGoesOut(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp")
	for _, marked := range []string{"stranger@example.jp", "later@example.jp"} {
		if marked == "later@example.jp" {
			h.now = h.now.Add(time.Minute)
		}
		_, _, err := h.ledger.Resend(t.Context(), store.Resend{
			Period: october, RequestedBy: "root", Targets: []store.ResendTarget{{Contract: "C1", Address: marked, Revision: 1, Forced: true}},
			MessageID: func(rt store.ResendTarget, n int) string {
				return daemon.MessageID(messageIDs(h.ledger), "C1", october, 1, rt.Address, n)
			},
		}, h.now)
		if err != nil {
			t.Fatal(err)
		}
		if marked == "later@example.jp" {
			h.now = h.now.Add(time.Minute)
		}
		if err := h.ledger.Mark(t.Context(), marked, "550", h.now); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	got := h.deliveries()
	if got["stranger@example.jp"].State != store.Sent || got["later@example.jp"].State != store.Cancelled {
		t.Errorf("%+v", got)
	}
}

// One mailbox gets one mail, in the spelling that was given first, however often and by whom it is given.
func TestOneMailboxGetsOneMail(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "Kanri@Example.jp", "kanri@example.jp", `"KANRI"@example.jp`, "b@日本.jp", "b@xn--wgv71a.jp")
	err := h.ledger.ChangeRecipient(t.Context(), store.RecipientChange{
		Contract: "C1", Recipient: store.Recipient{Address: "kanri@EXAMPLE.JP", Name: "総務"}, By: "root", At: h.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.plan()
	h.contract("C1", "KANRI@example.jp", "B@xn--wgv71a.jp") // the customer's next list
	if run := h.plan(); run.Planned != 0 || run.Cancelled != 0 {
		t.Errorf("%+v", run)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	got := h.deliveries()
	if len(got) != 2 || got["Kanri@Example.jp"].State != store.Sent || got["b@日本.jp"].State != store.Sent || got["Kanri@Example.jp"].RecipientName != "総務" {
		t.Errorf("%+v", got)
	}
	if err := h.ledger.Mark(t.Context(), "kanri@example.jp", "550 5.1.1", h.now); err != nil {
		t.Fatal(err)
	}
	run, err := h.planner.Plan(t.Context(), daemon.Request{Kind: "run", Period: october.Next(), By: "root", Force: true})
	if err != nil || run.Planned != 1 || len(run.Errors) != 1 {
		t.Errorf("%+v, %v: the mark does not hold", run, err)
	}
}

// Whoever finds the queue standing is told of all that keeps it, and by whom.
func TestAPauseSaysWhoAndWhy(t *testing.T) {
	h := newHouse(t)
	if err := daemon.StandStill(t.Context(), h.ledger); err != nil {
		t.Error(err)
	}
	for cause, reason := range map[store.Cause]string{store.CauseSetup: "535 no", store.CauseOperator: "wrong data", store.CauseClock: "2036"} {
		if err := h.ledger.Pause(t.Context(), cause, reason, "who", h.now); err != nil {
			t.Fatal(err)
		}
	}
	err := daemon.StandStill(t.Context(), h.ledger)
	for _, want := range []string{"535 no", "wrong data", "who", "geppo resume"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "2036") {
		t.Errorf("%v: a clock does not stop the queue", err)
	}
}

// An address that import takes is one that the relay can be told, and the other way round.
func TestWhatIsImportedCanBeWrittenTo(t *testing.T) {
	long := strings.Repeat("a", 60) + "." + "@" + strings.Repeat(strings.Repeat("d", 61)+".", 3)
	for _, address := range []string{
		"a@example.jp", long + strings.Repeat("e", 253-len(long)), long + strings.Repeat("e", 254-len(long)), `"a b"@example.jp`, `"\a"@example.jp`, "a@localhost", "a@日本.jp",
		"\"" + strings.Repeat(`\a`, 31) + "\"@x.jp", "\"" + strings.Repeat(`\a`, 65) + "\"@x.jp", "abc.@docomo.ne.jp", "か@example.jp", "a..b@docomo.ne.jp",
	} {
		imported := store.CheckAddress(address)
		_, sent := mailer.EnvelopeAddress(address)
		if (imported == nil) != (sent == nil) {
			t.Errorf("%.80q: import says %v, sending %v", address, imported, sent)
		}
	}
}
