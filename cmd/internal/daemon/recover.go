package daemon

import (
	"context"
	"slices"

	"geppo/mailer"
	"geppo/store"
)

// How an attempt ends that the process did not.
const (
	cutOff   = "geppo was stopped during the attempt"
	poisoned = "geppo has died three times while this delivery was under way; look into its report, then release it"
)

// maxCutOff attempts in a row hold a delivery.
const maxCutOff = 3

// Recover settles what a crash left under way; call it while nobody sends and the lock is held. A report can be what
// kills the process: it would do so for ever. A delivery that was cut off twice goes alone at the third time, so that
// no other is there to be blamed, and is held after it.
func (d *Dispatcher) Recover(ctx context.Context) error {
	left, err := d.Ledger.UnderWay(ctx)
	if err != nil {
		return err
	}
	for _, delivery := range left {
		work := begun(delivery)
		work.attempt.Outcome, work.attempt.Reply = store.OutcomeInterrupted, cutOff
		if delivery.State == store.HandingOver {
			work.attempt.Stage, work.attempt.Outcome = string(mailer.StageDot), store.OutcomeAmbiguous
		} else {
			before, err := d.cutOffBefore(ctx, delivery)
			if err != nil {
				return err
			}
			switch before + 1 {
			case maxCutOff:
				work.attempt.Outcome, work.attempt.Reply = store.OutcomeHeld, poisoned
			case maxCutOff - 1:
				d.alone = append(d.alone, delivery.ID)
			}
		}
		if err := d.settle(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

// cutOffBefore counts the attempts in a row, up to the one under way, that the process did not survive.
func (d *Dispatcher) cutOffBefore(ctx context.Context, delivery store.Delivery) (n int, err error) {
	attempts, err := d.Ledger.Attempts(ctx, delivery.ID)
	if err != nil {
		return 0, err
	}
	for _, a := range slices.Backward(attempts) {
		switch {
		case a.Outcome == store.OutcomeRunning:
		case a.Outcome == store.OutcomeInterrupted && a.Reply == cutOff:
			n++
		default:
			return n, nil
		}
	}
	return n, nil
}
