package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

// notification is what a server would send of a message: to is where it sends that, original the header it returns.
func notification(to, recipient, action, original string) string {
	return "From: MAILER-DAEMON@relay.example\nTo: " + to + "\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\nFinal-Recipient: rfc822; " + recipient +
		"\nAction: " + action + "\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n" + original + "\n\n--b--\n"
}

// sentHouse has sent a report to a@ and b@; the relay told an id of its own of each.
func sentHouse(t *testing.T) (*house, daemon.Bounces, map[string]string) {
	t.Helper()
	h := newHouse(t)
	h.contract("C1", "a@example.jp", "b@example.jp")
	h.plan()
	relayIDs := map[string]string{}
	for range 2 {
		claimed, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 1)
		if err != nil {
			t.Fatal(err)
		}
		d := claimed[0]
		id := fmt.Sprintf("0106019a-4f2c-8e1b-77aa-0c93d1e5b20%d", d.ID)
		relayIDs[d.Recipient] = id
		err = errors.Join(h.seat.HandOver(t.Context(), d.ID, d.Attempts, [32]byte{1}, h.now),
			h.seat.Settle(t.Context(), store.Settlement{State: store.Sent, Attempt: store.Attempt{
				Delivery: d.ID, Number: 1, EndedAt: h.now, Stage: "dot", Code: 250, Reply: "Ok " + id, Outcome: store.OutcomeSent,
			}}))
		if err != nil {
			t.Fatal(err)
		}
	}
	return h, daemon.Bounces{Ledger: h.ledger, Log: slog.New(slog.DiscardHandler), Now: h.clock}, relayIDs
}

// Each way by which a notification may know its message, and what an outsider can know of it.
func TestANotificationIsBelievedForWhatItKnows(t *testing.T) {
	h, bounces, relayIDs := sentHouse(t)
	d := h.deliveries()["a@example.jp"]
	token, err := mailer.ReturnAddress("bounce@geppo.example", d.MessageID)
	if err != nil {
		t.Fatal(err)
	}
	guessed := mailer.IDs{Domain: "geppo.example"}.MessageID("C1", "2026-10", "1", "a@example.jp", "0")
	for name, c := range map[string]struct {
		mail string
		of   string // whose delivery bounces; empty: none, and the mail is refused
	}{
		"Message-ID":               {notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <"+d.MessageID+">"), "a@example.jp"},
		"relay's id":               {notification("bounce@geppo.example", "A@Example.jp", "failed", "Message-ID: <"+relayIDs["a@example.jp"]+"@relay.example>"), "a@example.jp"},
		"token":                    {notification(token, "a@example.jp", "failed", "Subject: x"), "a@example.jp"},
		"token after its relay":    {notification(token, "a@example.jp", "failed", "Message-ID: <x@relay.example>"), "a@example.jp"},
		"relay's id of another":    {notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <"+relayIDs["b@example.jp"]+"@relay.example>"), ""},
		"address alone":            {notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <x@geppo.example>"), ""},
		"Message-ID without a key": {notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <"+guessed+">"), ""},
		"a token of nothing":       {notification("bounce+"+strings.Repeat("0", 32)+"@geppo.example", "a@example.jp", "failed", "Subject: x"), ""},
		"no mail":                  {"hello", ""},
	} {
		h, bounces, _ := h, bounces, relayIDs
		if c.of != "" {
			h, bounces, _ = sentHouse(t)
			// Another ledger has another secret.
			own, err := mailer.ReturnAddress("bounce@geppo.example", h.deliveries()["a@example.jp"].MessageID)
			if err != nil {
				t.Fatal(err)
			}
			c.mail = strings.NewReplacer(token, own, d.MessageID, h.deliveries()["a@example.jp"].MessageID).Replace(c.mail)
		}
		_, err := bounces.Take(t.Context(), strings.NewReader(c.mail))
		var refused *daemon.RefusedError
		if (c.of == "") != errors.As(err, &refused) || c.of != "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for address, d := range h.deliveries() {
			if (d.State == store.Bounced) != (address == c.of) {
				t.Errorf("%s: %s is %s", name, address, d.State)
			}
		}
		if marks, err := h.ledger.Marks(t.Context()); err != nil || (len(marks) > 0) != (c.of != "") {
			t.Errorf("%s: marks %v %v", name, marks, err)
		}
	}
}

// What is not the mail's fault is no reason to refuse it: who brings it must keep it.
func TestANotificationThatCannotBeTakenNowIsNotRefused(t *testing.T) {
	h, bounces, _ := sentHouse(t)
	mail := notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <"+h.deliveries()["a@example.jp"].MessageID+">")
	var refused *daemon.RefusedError
	if _, err := bounces.Take(t.Context(), iotest.ErrReader(errors.New("the pipe broke"))); err == nil || errors.As(err, &refused) {
		t.Error(err)
	}
	h.contract("C2", "c@example.jp")
	h.plan()
	if _, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 1); err != nil {
		t.Fatal(err)
	}
	early := notification("bounce@geppo.example", "c@example.jp", "failed", "Message-ID: <"+h.deliveries()["c@example.jp"].MessageID+">")
	if _, err := bounces.Take(t.Context(), strings.NewReader(early)); !errors.Is(err, store.ErrUnderWay) {
		t.Errorf("the reply to the dot is not recorded yet: %v", err)
	}
	bounces.Ledger = newHouse(t).ledger
	if _, err := bounces.Take(t.Context(), bytes.NewReader([]byte(mail))); !errors.As(err, &refused) {
		t.Errorf("another ledger: %v", err)
	}
}
