package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// planApproved plans so many contracts with two addresses each.
func planApproved(t *testing.T, l *sqlstore.Ledger, approval store.Approval, from, to, canary int) store.Run {
	t.Helper()
	var targets []wanted
	for i := from; i < to; i++ {
		id := fmt.Sprintf("C%d", i)
		targets = append(targets, target(id, "a@"+id+".example"), target(id, "b@"+id+".example"))
	}
	plan := planOf(october, targets...)
	plan.Approval, plan.Canary = approval, canary
	if from > 0 {
		plan.Contracts = []string{} // and nothing of the others is dropped
	}
	run, err := l.Plan(t.Context(), plan, first)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func count(t *testing.T, l *sqlstore.Ledger, state store.State) int {
	t.Helper()
	counts, err := l.CountStates(t.Context(), store.Filter{Period: october})
	if err != nil {
		t.Fatal(err)
	}
	return counts[state]
}

// sendAll sends what is due, but for what says to fail.
func sendAll(t *testing.T, l *sqlstore.Ledger, now time.Time, end store.State) {
	t.Helper()
	for {
		d, err := claimOne(t.Context(), l, store.Filter{}, now)
		if err != nil {
			return
		}
		a := store.Attempt{Delivery: d.ID, Number: d.Attempts, EndedAt: now, Stage: "dot", Code: 250, Outcome: store.OutcomeSent}
		if end == store.Failed {
			a.Stage, a.Code, a.Outcome = "rcpt", 550, store.OutcomePermanent
		} else if err := seat(l).HandOver(t.Context(), d.ID, d.Attempts, [32]byte{1}, now); err != nil {
			t.Fatal(err)
		}
		if err := seat(l).Settle(t.Context(), store.Settlement{Attempt: a, State: end}); err != nil {
			t.Fatal(err)
		}
	}
}

func follow(t *testing.T, l *sqlstore.Ledger, now time.Time) int {
	t.Helper()
	n, err := l.FollowCanaries(t.Context(), 2*time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func undone(t *testing.T, l *sqlstore.Ledger) store.Undone {
	t.Helper()
	periods, err := l.Periods(t.Context())
	if err != nil || len(periods) != 1 {
		t.Fatalf("%+v, %v", periods, err)
	}
	return periods[0].Undone
}

// The first deliveries of as many contracts go at once; the others once these were sent and nobody objected.
func TestCanariesGoFirstAndTheOthersFollow(t *testing.T) {
	onBoth(t, canariesGoFirstAndTheOthersFollow)
}

func canariesGoFirstAndTheOthersFollow(t *testing.T) {
	l := openLedger(t)
	run := planApproved(t, l, store.ApprovalCanary, 0, 5, 3)
	if q, a := count(t, l, store.Queued), count(t, l, store.Awaiting); q != 3 || a != 7 {
		t.Fatalf("%d queued, %d awaiting", q, a)
	}
	if n := follow(t, l, first.Add(9*time.Hour)); n != 0 {
		t.Errorf("%d followed before any was sent", n)
	}
	sendAll(t, l, first, store.Sent)
	contracts := map[string]bool{}
	sent, err := l.Deliveries(t.Context(), store.Filter{States: []store.State{store.Sent}})
	for _, d := range sent {
		contracts[d.Contract] = true
	}
	if err != nil || len(contracts) != 3 {
		t.Errorf("canaries of %v, %v", contracts, err)
	}
	if n := follow(t, l, first.Add(2*time.Hour-time.Second)); n != 0 {
		t.Errorf("%d followed too early", n)
	}
	if done, err := l.FinishRun(t.Context(), run.ID, first); done || err != nil {
		t.Errorf("a run of which the most awaits approval has ended: %v", err)
	}
	if u := undone(t, l); u.Total() != 0 {
		t.Errorf("what follows by itself wants a person: %+v", u)
	}
	if n := follow(t, l, first.Add(2*time.Hour)); n != 7 || count(t, l, store.Awaiting) != 0 {
		t.Errorf("%d followed", n)
	}
	actions, err := l.Actions(t.Context(), 1)
	if err != nil || len(actions) != 1 || actions[0].By != "geppo" || actions[0].Deliveries != 7 {
		t.Errorf("%+v, %v", actions, err)
	}
	// Contracts that are planned later are no canaries any more, and follow these.
	planApproved(t, l, store.ApprovalCanary, 5, 7, 3)
	sendAll(t, l, first.Add(3*time.Hour), store.Sent)
	if n := follow(t, l, first.Add(3*time.Hour)); n != 4 {
		t.Errorf("%d of the later ones followed", n)
	}
}

// A pause, a cancelling in the period or a canary that was not sent keeps the others back, and a person is told; an
// approval of the whole lets them go, and those that come later too.
func TestAnObjectionWaitsForApproval(t *testing.T) { onBoth(t, anObjectionWaitsForApproval) }

func anObjectionWaitsForApproval(t *testing.T) {
	order := store.Order{By: "a"}
	later := first.Add(time.Hour)
	for name, object := range map[string]func(l *sqlstore.Ledger) error{
		"paused": func(l *sqlstore.Ledger) error {
			return l.Pause(t.Context(), store.CauseOperator, "a wrong figure", "a", later)
		},
		"paused and resumed": func(l *sqlstore.Ledger) error {
			if err := l.Pause(t.Context(), store.CauseOperator, "a wrong figure", "a", later); err != nil {
				return err
			}
			return l.Resume(t.Context(), store.Order{By: "a"}, later)
		},
		"cancelled": func(l *sqlstore.Ledger) error {
			_, err := l.Cancel(t.Context(), store.Filter{Contracts: []string{"C4"}}, order, later)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			planApproved(t, l, store.ApprovalCanary, 0, 5, 3)
			sendAll(t, l, first, store.Sent)
			if err := object(l); err != nil {
				t.Fatal(err)
			}
			awaiting := count(t, l, store.Awaiting)
			if n := follow(t, l, first.Add(90*time.Hour)); n != 0 {
				t.Errorf("%d followed in spite of the objection", n)
			}
			if u := undone(t, l); u.Awaiting != awaiting {
				t.Errorf("undone %+v, %d await", u, awaiting)
			}
			if err := l.Resume(t.Context(), store.Order{By: "a"}, later); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Approve(t.Context(), store.Filter{Period: october}, true, order, later); err != nil {
				t.Fatal(err)
			}
			planApproved(t, l, store.ApprovalCanary, 5, 6, 3)
			if n := follow(t, l, first.Add(90*time.Hour)); n != 2 {
				t.Errorf("%d followed after the approval", n)
			}
		})
	}
}

func TestACanaryThatFailedKeepsTheOthersUntilItsResendIsSent(t *testing.T) {
	onBoth(t, aCanaryThatFailedKeepsTheOthersUntilItsResendIsSent)
}

func aCanaryThatFailedKeepsTheOthersUntilItsResendIsSent(t *testing.T) {
	l := openLedger(t)
	planApproved(t, l, store.ApprovalCanary, 0, 2, 1)
	sendAll(t, l, first, store.Failed)
	if n := follow(t, l, first.Add(90*time.Hour)); n != 0 {
		t.Errorf("%d followed one that failed", n)
	}
	if u := undone(t, l); u.Failed != 1 || u.Awaiting != 3 {
		t.Errorf("undone %+v", u)
	}
	_, _, err := l.Resend(t.Context(), store.Resend{
		Period: october, RequestedBy: "a", MessageID: func(store.ResendTarget, int) string { return "again" },
		Targets: []store.ResendTarget{{Contract: "C0", Address: "a@C0.example", Revision: 1}},
	}, first)
	if err != nil {
		t.Fatal(err)
	}
	if n := follow(t, l, first.Add(90*time.Hour)); n != 0 {
		t.Errorf("%d followed one that waits", n)
	}
	sendAll(t, l, first, store.Sent)
	if n := follow(t, l, first.Add(90*time.Hour)); n != 3 {
		t.Errorf("%d followed", n)
	}
}

// With full approval nothing goes by itself; what has lost its address comes back into the same wait.
func TestFullApprovalWaitsForAPerson(t *testing.T) { onBoth(t, fullApprovalWaitsForAPerson) }

func fullApprovalWaitsForAPerson(t *testing.T) {
	l := openLedger(t)
	planApproved(t, l, store.ApprovalFull, 0, 2, 1)
	if _, err := claimOne(t.Context(), l, store.Filter{}, first.Add(90*time.Hour)); err == nil {
		t.Error("one was claimed")
	}
	change := store.RecipientChange{Contract: "C0", Recipient: store.Recipient{Address: "a@C0.example"}, Removed: true, By: "a", At: first}
	if err := l.ChangeRecipient(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if u := undone(t, l); u.Awaiting != 3 || u.Failed != 0 {
		t.Errorf("undone %+v", u)
	}
	planApproved(t, l, store.ApprovalFull, 0, 2, 1)
	if u := undone(t, l); u.Awaiting != 4 || count(t, l, store.Queued) != 0 {
		t.Errorf("undone %+v", u)
	}
	if n, err := l.Approve(t.Context(), store.Filter{}, true, store.Order{By: "a"}, first); n != 4 || err != nil {
		t.Errorf("%d approved, %v", n, err)
	}
}
