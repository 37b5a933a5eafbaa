package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

// What notifications say of deliveries.

const (
	deliveryOfMessage = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE message_id = ?`

	deliveryOfPrefix = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE message_id >= ?1 AND message_id < ?2`

	deliveriesTo = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE mailbox = ? ORDER BY id DESC LIMIT 1000`

	// A delivery whose reply was lost may have been accepted; who has it says so.
	mayBeAccepted = `ambiguous > 0 AND state IN ('held', 'queued', 'deferred', 'failed')`

	whenHandedOver = `coalesce(sent_at, (SELECT max(ended_at) FROM attempts WHERE delivery = deliveries.id AND outcome = 'ambiguous'))`

	bounceDelivery = `
UPDATE deliveries SET state = 'bounced', next_attempt_at = NULL, acknowledged_at = CASE WHEN state = 'bounced' THEN acknowledged_at END, reason = ?2, sent_at = ` + whenHandedOver + `, updated_at = ?3
WHERE id = ?1 AND (state IN ('sent', 'bounced') OR ` + mayBeAccepted + `)`

	acceptDelivery = `
UPDATE deliveries SET state = 'sent', next_attempt_at = NULL, acknowledged_at = NULL, reason = '', last_code = 0, last_reply = ?2, sent_at = ` + whenHandedOver + `, updated_at = ?3
WHERE id = ?1 AND ` + mayBeAccepted

	stateOfDelivery = `SELECT state, sha256 IS NOT NULL FROM deliveries WHERE id = ?`

	// A delivery marks its address once: a notification that comes again must not undo what an operator has done since.
	markBounced = `
INSERT INTO marks (mailbox, address, marked_at, reason)
SELECT mailbox, recipient, ?2, ?3 FROM deliveries AS d WHERE id = ?1
  AND NOT EXISTS (SELECT 1 FROM marks WHERE mailbox = d.mailbox AND marked_at >= coalesce(d.sent_at, d.created_at))
ON CONFLICT DO NOTHING`
)

// DeliveryOf finds the delivery of a Message-ID (without angle brackets), or ErrNotFound.
func (l *Ledger) DeliveryOf(ctx context.Context, messageID string) (store.Delivery, error) {
	return l.oneDelivery(ctx, deliveryOfMessage, messageID)
}

// DeliveryOfPrefix finds the delivery whose Message-ID begins so, or ErrNotFound.
func (l *Ledger) DeliveryOfPrefix(ctx context.Context, prefix string) (store.Delivery, error) {
	return l.oneDelivery(ctx, deliveryOfPrefix, prefix, prefix+"\x7f")
}

func (l *Ledger) oneDelivery(ctx context.Context, statement, of string, args ...any) (store.Delivery, error) {
	d, err := scanDelivery(l.r.QueryRowContext(ctx, statement, append([]any{of}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Delivery{}, fmt.Errorf("delivery of message %q: %w", of, err)
	}
	return d, nil
}

// DeliveriesTo lists the newest deliveries to an address, however it is spelled.
func (l *Ledger) DeliveriesTo(ctx context.Context, address string) ([]store.Delivery, error) {
	return l.queryDeliveries(ctx, deliveriesTo, store.Mailbox(address))
}

// Bounce records that a delivery that was handed over came back, and marks its address if hard says that the address itself was
// refused; of one that was cancelled meanwhile it only marks the address. ErrUnderWay says that a try of it has not ended yet,
// and ErrNotFound that it was never handed over.
func (l *Ledger) Bounce(ctx context.Context, d store.Delivery, diagnostic string, hard bool, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		err := mustChangeOne(tx.exec(ctx, bounceDelivery, d.ID, diagnostic, now.UnixMilli()))
		if errors.Is(err, store.ErrNotFound) {
			err = tx.settledOtherwise(ctx, d.ID)
		}
		if err != nil || !hard {
			return err
		}
		_, err = tx.exec(ctx, markBounced, d.ID, now.UnixMilli(), diagnostic)
		return err
	})
	if err != nil {
		return fmt.Errorf("bounce of delivery %d: %w", d.ID, err)
	}
	return nil
}

// Accepted records that a delivery whose reply was lost had been accepted, as text says; one that was settled otherwise stays as it
// is. Its errors are Bounce's.
func (l *Ledger) Accepted(ctx context.Context, d store.Delivery, text string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		err := mustChangeOne(tx.exec(ctx, acceptDelivery, d.ID, text, now.UnixMilli()))
		if errors.Is(err, store.ErrNotFound) {
			err = tx.settledOtherwise(ctx, d.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delivery %d was accepted: %w", d.ID, err)
	}
	return nil
}

// settledOtherwise is nil for a delivery that was handed over and needs no notification any more.
func (tx ledgerTx) settledOtherwise(ctx context.Context, id int64) error {
	var state store.State
	var handedOver bool
	err := tx.row(ctx, stateOfDelivery, id).Scan(&state, &handedOver)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case err != nil:
		return err
	case state == store.Sending, state == store.HandingOver:
		return store.ErrUnderWay
	case !handedOver:
		return store.ErrNotFound
	}
	return nil
}
