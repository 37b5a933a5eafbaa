package sqlstore_test

import (
	"testing"
	"time"

	"geppo/store"
)

// A refusal that was meant for all takes back the mark that it made itself, and no other: a mailbox that an operator or a
// bounce closed meanwhile stays closed.
func TestPutBackTakesBackItsOwnMarksOnly(t *testing.T) { onBoth(t, putBackTakesBackItsOwnMarksOnly) }

func putBackTakesBackItsOwnMarksOnly(t *testing.T) {
	for name, marked := range map[string]bool{"its own": false, "an operator's": true} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			plan(t, l, target("C1", "a@example.jp"))
			d, err := claimOne(t.Context(), l, store.Filter{}, first)
			if err != nil {
				t.Fatal(err)
			}
			if marked {
				if err := l.Mark(t.Context(), "A@example.jp", "left the company", first); err != nil {
					t.Fatal(err)
				}
			}
			refused := store.Settlement{State: store.Failed, Mark: !marked, Reason: "no such user", Attempt: store.Attempt{
				Delivery: d.ID, Number: d.Attempts, EndedAt: first.Add(time.Second), Stage: "rcpt", Code: 550, Reply: "no such user", Outcome: store.OutcomePermanent,
			}}
			if err := seat(l).Settle(t.Context(), refused); err != nil {
				t.Fatal(err)
			}
			if err := l.PutBack(t.Context(), []int64{d.ID}, first.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			marks, err := l.Marks(t.Context())
			if err != nil || (len(marks) == 1) != marked {
				t.Errorf("marks %v, %v", marks, err)
			}
			if back := only(t, l); back.State != store.Queued {
				t.Errorf("%s", back.State)
			}
		})
	}
}
