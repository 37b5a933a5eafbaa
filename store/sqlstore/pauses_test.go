package sqlstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

func pauses(t *testing.T, l *sqlstore.Ledger) (causes []store.Cause) {
	t.Helper()
	list, err := l.Pauses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		causes = append(causes, p.Cause)
	}
	return causes
}

// Each cause has its own pause: an older one hides no newer one, a fault that is mended does not undo what an
// operator said, and only an operator ends all.
func TestEachPauseIsEndedByItsOwnCause(t *testing.T) { onBoth(t, eachPauseIsEndedByItsOwnCause) }

func eachPauseIsEndedByItsOwnCause(t *testing.T) {
	l := openLedger(t)
	want := []store.Cause(nil)
	for i, cause := range []store.Cause{store.CauseSetup, store.CauseOperator, store.CauseClock, store.CauseSweep, store.CauseStorage} {
		for _, reason := range []string{"first", "again"} { // which changes nothing
			if err := l.Pause(t.Context(), cause, reason, "who", first.Add(time.Duration(i)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		want = append([]store.Cause{cause}, want...)
	}
	if diff := cmp.Diff(want, pauses(t, l)); diff != "" {
		t.Error(diff)
	}
	list, err := l.Pauses(t.Context())
	if p := list[3]; err != nil || p.Reason != "first" || p.By != "who" || !p.StartedAt.Equal(first.Add(time.Minute)) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := l.EndPause(t.Context(), store.CauseSetup, first); err != nil { // by a clock that was set back
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:4], pauses(t, l)); diff != "" {
		t.Error(diff)
	}
	if err := l.Resume(t.Context(), store.Order{By: "root"}, first.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if open := pauses(t, l); open != nil {
		t.Errorf("still paused: %v", open)
	}
}

// Whoever resumes has mended something: what could not reach the relay is tried at once, what the relay put off is not.
func TestResumeLetsTheQueueTryWhatDidNotReachTheRelay(t *testing.T) {
	onBoth(t, resumeLetsTheQueueTryWhatDidNotReachTheRelay)
}

func resumeLetsTheQueueTryWhatDidNotReachTheRelay(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "b@example.jp"))
	later := first.Add(4 * time.Hour)
	for _, stage := range []string{"connect", "rcpt"} {
		d, err := claimOne(t.Context(), l, store.Filter{}, first)
		if err != nil {
			t.Fatal(err)
		}
		err = seat(l).Settle(t.Context(), store.Settlement{State: store.Deferred, NextAttemptAt: later, Attempt: store.Attempt{
			Delivery: d.ID, Number: d.Attempts, EndedAt: first, Stage: stage, Outcome: store.OutcomeTemporary,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Resume(t.Context(), store.Order{By: "root"}, first.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	due, err := seat(l).Claim(t.Context(), store.Filter{}, first.Add(time.Minute), 10)
	if err != nil || len(due) != 1 || due[0].Contract != "C1" {
		t.Errorf("due are %+v, %v", due, err)
	}
}
