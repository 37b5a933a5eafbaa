package daemon_test

import (
	"testing"

	"geppo/store"
)

// A fault of the ledger ends a run in the middle, and a daemon goes on with the next one: what was
// under way must not wait for a restart.
func TestARunBeginsWithWhatAFaultLeftUnderWay(t *testing.T) {
	h := newHouse(t)
	h.contract("C1", "a@example.jp", "b@example.jp")
	h.plan()
	claimed, err := h.seat.Claim(t.Context(), store.Filter{}, h.now, 2)
	if err != nil || len(claimed) != 2 {
		t.Fatal(claimed, err)
	}
	if err := h.seat.HandOver(t.Context(), claimed[1].ID, claimed[1].Attempts, [32]byte{}, h.now); err != nil {
		t.Fatal(err)
	}
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	got := h.deliveries()
	if d := got["a@example.jp"]; d.State != store.Sent || d.Attempts != 2 {
		t.Errorf("sending: %+v", d)
	}
	if d := got["b@example.jp"]; d.State != store.Held || d.Ambiguous != 1 { // the bytes were others
		t.Errorf("handing over: %+v", d)
	}
}
