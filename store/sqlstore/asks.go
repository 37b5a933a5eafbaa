package sqlstore

import (
	"context"
	"fmt"
	"time"

	"geppo/store"
)

// Whether the operators were told that mail of theirs waits for a word.

const (
	unasked = `
SELECT r.id, r.period, r.approval, t.deliveries FROM runs AS r JOIN tallies AS t ON t.run = r.id
WHERE r.asked_at IS NULL AND r.approval <> 'none' AND t.state = 'awaiting' AND t.deliveries > 0 ORDER BY r.period, r.id`

	putAsked = `UPDATE runs SET asked_at = ?2 WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND asked_at IS NULL`
)

// Unasked lists the periods of which mail awaits an approval and nobody was told.
func (l *Ledger) Unasked(ctx context.Context) (asks []store.Ask, err error) {
	err = query(ctx, l.r, unasked, nil, func(row scanner) error {
		var run int64
		var period string
		var approval store.Approval
		var awaiting int
		if err := row.Scan(&run, &period, &approval, &awaiting); err != nil {
			return err
		}
		p, err := store.ParsePeriod(period)
		if len(asks) == 0 || asks[len(asks)-1].Period != p {
			asks = append(asks, store.Ask{Period: p, Approval: approval})
		}
		ask := &asks[len(asks)-1]
		ask.Runs, ask.Awaiting = append(ask.Runs, run), ask.Awaiting+awaiting
		if approval == store.ApprovalCanary {
			ask.Approval = approval
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what nobody was asked of: %w", err)
	}
	return asks, nil
}

// Asked records that the operators were told.
func (l *Ledger) Asked(ctx context.Context, ask store.Ask, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, putAsked, list(ask.Runs), now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("record that somebody was asked of %s: %w", ask.Period, err)
	}
	return nil
}
