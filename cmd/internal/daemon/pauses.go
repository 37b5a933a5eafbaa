package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"geppo/store"
)

// ErrPaused says that the queue stands still, with who stopped it and why.
var ErrPaused = errors.New("the queue is paused")

// pauser is the ledger, for what keeps anybody back, or a seat, for what keeps one worker back.
type pauser interface {
	Pauses(ctx context.Context) ([]store.Pause, error)
}

// StandStill fails with ErrPaused while something keeps the queue back, and says all that does.
func StandStill(ctx context.Context, of pauser) error {
	pauses, err := of.Pauses(ctx)
	if err != nil {
		return err
	}
	return pausedBy(pauses, store.Cause.StopsQueue)
}

// pausedBy is ErrPaused with every pause of the causes chosen, nil if there is none.
func pausedBy(pauses []store.Pause, chosen func(store.Cause) bool) error {
	var told []string
	for _, p := range pauses {
		if chosen(p.Cause) {
			told = append(told, fmt.Sprintf("by %s (%s) since %s: %s", p.By, p.Cause, p.StartedAt.Format(time.RFC3339), p.Reason))
		}
	}
	if told == nil {
		return nil
	}
	return fmt.Errorf("%w %s; geppo resume lets it go on", ErrPaused, strings.Join(told, ", and "))
}

func isOperators(c store.Cause) bool { return c == store.CauseOperator }

// faulty tells a pause for a fault, which one delivery at a time probes.
func faulty(p store.Pause) bool { return p.Cause.StopsQueue() && p.Cause != store.CauseOperator }
