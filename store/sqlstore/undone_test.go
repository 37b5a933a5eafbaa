package sqlstore_test

import (
	"testing"

	"geppo/store"
)

// What a person must do counts until it is done, acknowledged or no longer wanted.
func TestUndoneIsWhatAPersonMustDo(t *testing.T) { onBoth(t, undoneIsWhatAPersonMustDo) }

func undoneIsWhatAPersonMustDo(t *testing.T) {
	l := openLedger(t)
	errorOf := func(contract, reason, waits string, targets ...store.Target) store.Chosen {
		return store.Chosen{Contract: contract, Error: reason, Waits: waits, Targets: targets}
	}
	run := func(whole bool, chosen ...store.Chosen) {
		t.Helper()
		plan := store.Plan{Kind: "run", Period: october, RequestedBy: "a"}
		if !whole {
			plan.Contracts = []string{}
		}
		plan.Each = func(take func(store.Chosen) error) error {
			for _, c := range chosen {
				if err := take(c); err != nil {
					return err
				}
			}
			return nil
		}
		if _, err := l.Plan(t.Context(), plan, first); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, want store.Undone) {
		t.Helper()
		want.Period = october
		if got := undone(t, l); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	good := target("C1", "a@example.jp").Target
	run(true, errorOf("C1", "", "", good), errorOf("C2", "no address", ""), errorOf("C3", "no address", ""), errorOf("C4", "", "no data"))
	is("planned", store.Undone{Unreachable: 2, Waiting: 1})
	sendAll(t, l, first, store.Failed)
	is("failed", store.Undone{Failed: 1, Unreachable: 2, Waiting: 1})
	if _, err := l.Acknowledge(t.Context(), store.Filter{States: []store.State{store.Failed}}, store.Order{By: "a"}, first); err != nil {
		t.Fatal(err)
	}
	is("acknowledged", store.Undone{Unreachable: 2, Waiting: 1})
	run(false, errorOf("C1", "", "", good))
	is("a run of another contract tells nothing of these", store.Undone{Unreachable: 2, Waiting: 1})
	if err := l.Stop(t.Context(), store.Stop{Kind: store.StopContract, Name: "C2", By: "a", At: first}); err != nil {
		t.Fatal(err)
	}
	is("one asked for no reports", store.Undone{Unreachable: 1, Waiting: 1})
	run(false, errorOf("C3", "", "", target("C3", "c@example.jp").Target))
	is("one got an address", store.Undone{Waiting: 1})
	run(true, errorOf("C1", "", "", good), errorOf("C3", "", "", target("C3", "c@example.jp").Target)) // C4 has ended
	is("the customer has left", store.Undone{})
}

// A customer who has left is nobody's work; a mailbox that refuses mail is somebody's.
func TestWhatLapsedIsNobodysWorkUnlessTheMailboxRefuses(t *testing.T) {
	onBoth(t, whatLapsedIsNobodysWorkUnlessTheMailboxRefuses)
}

func whatLapsedIsNobodysWorkUnlessTheMailboxRefuses(t *testing.T) {
	for _, marked := range []bool{false, true} {
		l := openLedger(t)
		plan(t, l, target("C1", "a@example.jp"), target("C2", "b@example.jp"))
		if marked {
			if err := l.Mark(t.Context(), "A@example.jp", "550 no such user", first); err != nil {
				t.Fatal(err)
			}
		}
		plan(t, l, target("C2", "b@example.jp")) // C1 is gone
		want := 0
		if marked {
			want = 1
		}
		if u := undone(t, l); u.Failed != want {
			t.Errorf("marked %t: %+v", marked, u)
		}
	}
}
