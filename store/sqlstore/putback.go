package sqlstore

import (
	"context"
	"fmt"
	"time"
)

const (
	// A millisecond later than what is due now: others go first, and tell whether the refusal is meant for them too.
	putBack = `
UPDATE deliveries SET state = 'queued', next_attempt_at = CAST(?2 AS BIGINT) + 1, reason = '', acknowledged_at = NULL, updated_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND state = 'failed' AND replaced_by IS NULL`

	unmark = `
UPDATE marks SET cleared_at = CASE WHEN ?2 > marked_at THEN ?2 ELSE marked_at END, cleared_by = 'geppo'
WHERE cleared_at IS NULL AND EXISTS (SELECT 1 FROM deliveries AS d
  WHERE d.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND d.mailbox = marks.mailbox AND d.last_reply = marks.reason)`
)

// PutBack makes deliveries due again that failed by a refusal which was not meant for them, and takes back the marks
// that it put on their addresses, but none that a bounce or an operator put there meanwhile.
func (l *Ledger) PutBack(ctx context.Context, ids []int64, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		for _, statement := range []string{unmark, putBack} {
			if _, err := tx.exec(ctx, statement, list(ids), now.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put back deliveries: %w", err)
	}
	return nil
}
