package daemon_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

func TestACopyNeverTakesThePlaceOfAnother(t *testing.T) {
	archive := daemon.Archive{Dir: filepath.Join(t.TempDir(), "not", "there")}
	d := store.Delivery{ID: 1, Contract: "C1", Period: store.Period{Year: 2026, Month: time.October}, MessageID: "geppo.1@example.jp"}
	if _, found, err := archive.Get(d); found || err != nil {
		t.Errorf("found %v in nothing, error %v", found, err)
	}
	other := d
	other.MessageID = "geppo.11@example.jp" // whose name begins alike
	first, second := []byte("first"), []byte("second")
	for _, put := range []struct {
		d     store.Delivery
		bytes []byte
	}{{d, first}, {d, second}, {d, second}, {other, []byte("other")}} {
		if err := archive.Put(put.d, put.bytes); err != nil {
			t.Fatal(err)
		}
	}
	if copies := copiesIn(t, archive.Dir); len(copies) != 3 {
		t.Errorf("%d copies, want 3: %q", len(copies), copies)
	}
	sum := sha256.Sum256(first)
	d.SHA256 = sum[:]
	if got, found, err := archive.Get(d); err != nil || !found || !bytes.Equal(got, first) {
		t.Errorf("bound to the first copy: %q, %v, %v", got, found, err)
	}
	for _, name := range copiesIn(t, archive.Dir) {
		if err := os.WriteFile(name, []byte("rotten"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, found, err := archive.Get(d); err != nil || found {
		t.Errorf("damaged: %q, %v, %v", got, found, err)
	}
	if err := archive.Put(d, first); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("over a damaged copy: %v", err)
	}
}

// A ledger that was restored does not know what it had handed over; the archive does.
func TestWhatTheArchiveHoldsIsWhatIsSentAgain(t *testing.T) {
	h := newHouse(t)
	archive := daemon.Archive{Dir: t.TempDir()}
	h.dispatcher.Composer.Archive = archive
	h.contract("C1", "a@example.jp", "b@example.jp")
	h.plan()
	before := []byte("Message-ID: <as before>\r\n\r\nsent before the restore\r\n")
	if err := archive.Put(h.deliveries()["a@example.jp"], before); err != nil {
		t.Fatal(err)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	if got := h.server.of("a@example.jp"); len(got) != 1 || !bytes.Contains(got[0], []byte("sent before the restore")) {
		t.Errorf("%q was sent again", got)
	}
	if got := h.server.of("b@example.jp"); len(got) != 1 || bytes.Contains(got[0], []byte("sent before")) {
		t.Errorf("%d mails, or another's bytes", len(got))
	}
	if copies := copiesIn(t, archive.Dir); len(copies) != 2 {
		t.Errorf("%d copies of 2 mails: %q", len(copies), copies)
	}
}

func copiesIn(t *testing.T, dir string) []string {
	t.Helper()
	copies, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	return copies
}
