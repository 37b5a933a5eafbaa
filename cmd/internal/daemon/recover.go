package daemon

import (
	"context"
	"errors"
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

// Recover settles what crashes left under way, others' and our own; call it while nothing is under way here. A report can
// be what kills the process: it would do so for ever. A delivery that was cut off twice goes alone at the third time, so
// that no other is there to be blamed, and is held after it.
func (d *Dispatcher) Recover(ctx context.Context) error {
	alone, err := d.settleAbandoned(ctx, true)
	d.alone = append(d.alone, alone...)
	return err
}

// TakeOver settles what the death of others left under way, while we send.
func (d *Dispatcher) TakeOver(ctx context.Context) error {
	_, err := d.settleAbandoned(ctx, false)
	return err
}

// settleAbandoned tells which deliveries are to go alone.
func (d *Dispatcher) settleAbandoned(ctx context.Context, all bool) (alone []int64, err error) {
	left, err := d.Seat.Abandoned(ctx, all)
	if err != nil {
		return nil, err
	}
	for _, delivery := range left {
		work := begun(delivery)
		work.attempt.Outcome, work.attempt.Reply = store.OutcomeInterrupted, cutOff
		if delivery.State == store.HandingOver {
			work.attempt.Stage, work.attempt.Outcome = string(mailer.StageDot), store.OutcomeAmbiguous
		} else {
			before, err := d.cutOffBefore(ctx, delivery)
			if err != nil {
				return alone, err
			}
			switch before + 1 {
			case maxCutOff:
				work.attempt.Outcome, work.attempt.Reply = store.OutcomeHeld, poisoned
			case maxCutOff - 1:
				alone = append(alone, delivery.ID)
			}
		}
		err := d.settle(ctx, work)
		if err != nil && !errors.Is(err, store.ErrStale) { // another worker has settled it a moment ago, or its owner after all
			return alone, err
		}
	}
	return alone, nil
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
