package daemon_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

func newMaildir(t *testing.T, b daemon.Bounces) (daemon.Maildir, func(name, mail string)) {
	t.Helper()
	m := daemon.Maildir{Dir: filepath.Join(t.TempDir(), "Maildir"), Bounces: b}
	if n, err := m.Read(t.Context()); n != 0 || err != nil {
		t.Fatal("of one that is not there yet", n, err)
	}
	return m, func(name, mail string) {
		if err := os.WriteFile(filepath.Join(m.Dir, "new", name), []byte(mail), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, m daemon.Maildir, sub string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(m.Dir, sub))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What is taken moves to cur, seen; what is not understood moves too, flagged; nothing is ever overwritten.
func TestMaildirTakesWhatIsNew(t *testing.T) {
	h, bounces, _ := sentHouse(t)
	m, deliver := newMaildir(t, bounces)
	id := h.deliveries()["a@example.jp"].MessageID
	mail := notification("bounce@geppo.example", "a@example.jp", "failed", "Message-ID: <"+id+">")
	deliver("1.a.host", mail)
	deliver("2.b.host", "From: a@example.jp\nTo: b\nAuto-Submitted: auto-replied\n\nI am away.\n")
	deliver("3.c.host", "rubbish")
	deliver("4.d.host", mail+strings.Repeat("JVBERi0xLjc=\n", 5*mailer.MaxBounce/13))
	if n, err := m.Read(t.Context()); n != 4 || err != nil {
		t.Error(n, err)
	}
	want := []string{"1.a.host:2,S", "2.b.host:2,S", "3.c.host:2,F", "4.d.host:2,S"}
	if got := names(t, m, "cur"); !slices.Equal(got, want) || len(names(t, m, "new")) > 0 {
		t.Error(got, names(t, m, "new"))
	}
	if d := h.deliveries()["a@example.jp"]; d.State != store.Bounced {
		t.Error(d.State)
	}
	// Killed before the move, geppo finds it again; an operator has mended the address meanwhile.
	added := store.RecipientChange{Contract: "C1", Recipient: store.Recipient{Address: "a@example.jp"}, By: "root", At: h.now}
	if err := h.ledger.ChangeRecipient(t.Context(), added); err != nil {
		t.Fatal(err)
	}
	deliver("1.a.host", mail)
	if n, err := m.Read(t.Context()); n != 1 || err != nil || len(names(t, m, "cur")) != 5 {
		t.Error(n, err, names(t, m, "cur"))
	}
	if marks, err := h.ledger.Marks(t.Context()); err != nil || len(marks) != 0 {
		t.Error(marks, err)
	}
}

// What cannot be taken now stays, and does not keep others from being taken.
func TestMaildirLosesNothing(t *testing.T) {
	h, bounces, _ := sentHouse(t)
	m, deliver := newMaildir(t, bounces)
	h.contract("C2", "c@example.jp")
	h.plan()
	if _, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 1); err != nil {
		t.Fatal(err)
	}
	of := func(address string) string {
		return notification("bounce@geppo.example", address, "failed", "Message-ID: <"+h.deliveries()[address].MessageID+">")
	}
	in := func(name string) string { return filepath.Join(m.Dir, "new", name) }
	secret := filepath.Join(t.TempDir(), "secret")
	err := errors.Join(os.WriteFile(secret, []byte(of("b@example.jp")), 0o600), os.Symlink(secret, in("0.link")),
		syscall.Mkfifo(in("0.pipe"), 0o600), os.Mkdir(in("0.dir"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	deliver("1.under-way", of("c@example.jp"))
	deliver("2.taken", of("a@example.jp"))
	deliver(".being-written", of("b@example.jp"))
	n, err := m.Read(t.Context())
	if n != 1 || err == nil || !strings.Contains(err.Error(), "0.pipe") || !strings.Contains(err.Error(), "0.link") {
		t.Error(n, err)
	}
	left := []string{".being-written", "0.dir", "0.link", "0.pipe", "1.under-way"}
	if got := names(t, m, "new"); !slices.Equal(got, left) {
		t.Error(got)
	}
	if d := h.deliveries(); d["a@example.jp"].State != store.Bounced || d["b@example.jp"].State != store.Sent || d["c@example.jp"].State != store.Sending {
		t.Error(d)
	}
	if got, err := os.ReadFile(secret); err != nil || !bytes.Contains(got, []byte("b@example.jp")) {
		t.Error("what the link named was touched", err)
	}
}
