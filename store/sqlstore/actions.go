package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

const (
	insertAction = `INSERT INTO actions (done_at, done_by, action, what, reason, deliveries) VALUES (?, ?, ?, ?, ?, ?) RETURNING id`

	takeDelivery = `INSERT INTO action_deliveries (action, delivery) VALUES (?, ?)`

	countTaken = `UPDATE actions SET deliveries = (SELECT count(*) FROM action_deliveries WHERE action = ?1) WHERE id = ?1`

	selectActions = `
SELECT id, done_at, done_by, action, what, reason, deliveries FROM actions ORDER BY id DESC LIMIT ?`

	actionsOf = `
SELECT id, done_at, done_by, action, what, reason, deliveries FROM actions
WHERE id IN (SELECT action FROM action_deliveries WHERE delivery = ?) ORDER BY id DESC`
)

// An action takes the deliveries that it can be done to, by one of these beginnings and the condition
// of its selection, and then changes what it has taken.
const (
	take = `INSERT INTO action_deliveries (action, delivery) SELECT ?, id FROM deliveries WHERE `

	takeCancellable   = take + `state IN ('awaiting', 'queued', 'deferred', 'held') AND `
	takeReleasable    = take + `state IN ('held', 'cancelled') AND replaced_by IS NULL AND `
	takeAwaiting      = take + `state = 'awaiting' AND `
	takeDeferred      = take + `state = 'deferred' AND `
	takeAcknowledging = take + `state IN ('failed', 'held', 'bounced', 'cancelled') AND acknowledged_at IS NULL AND `

	// andHold keeps what was taken from being claimed before it is changed.
	andHold = ` /*pg FOR UPDATE OF deliveries*/`

	ofAction = ` WHERE id IN (SELECT delivery FROM action_deliveries WHERE action = ?1)`

	cancelTaken = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, acknowledged_at = NULL, reason = ?3, updated_at = ?2` + ofAction
	queueTaken = `
UPDATE deliveries SET state = 'queued', next_attempt_at = CASE WHEN next_attempt_at > ?2 THEN next_attempt_at ELSE ?2 END, lapsed = 0,
                      acknowledged_at = NULL, reason = '', updated_at = ?2` + ofAction
	// What was cancelled before it was approved awaits approval again: release undoes a cancelling, and no more.
	releaseTaken = `
UPDATE deliveries SET next_attempt_at = CASE WHEN next_attempt_at > ?2 THEN next_attempt_at ELSE ?2 END, lapsed = 0,
  acknowledged_at = NULL, reason = '', updated_at = ?2,
  state = CASE WHEN canary = 0 AND attempts = 0 AND run IN (SELECT id FROM runs WHERE approval <> 'none') AND NOT EXISTS (
    SELECT 1 FROM action_deliveries AS t JOIN actions AS a ON a.id = t.action
    WHERE t.delivery = deliveries.id AND a.action IN ('approve', 'approve some')) THEN 'awaiting' ELSE 'queued' END` + ofAction
	hastenTaken      = `UPDATE deliveries SET next_attempt_at = ?2, updated_at = ?2` + ofAction
	acknowledgeTaken = `UPDATE deliveries SET acknowledged_at = ?2, updated_at = ?2` + ofAction
)

// Cancel stops what is awaiting, pending or held among the filter's deliveries, but for those under
// way, and tells how many.
func (l *Ledger) Cancel(ctx context.Context, filter store.Filter, order store.Order, now time.Time) (int, error) {
	reason := "cancelled by " + order.By
	if order.Reason != "" {
		reason += ": " + order.Reason
	}
	return l.act(ctx, "cancel", takeCancellable, cancelTaken, filter, order, now, reason)
}

// Release lets go what is held or cancelled, but for what a resend took the place of, and tells how many.
func (l *Ledger) Release(ctx context.Context, filter store.Filter, order store.Order, now time.Time) (int, error) {
	return l.act(ctx, "release", takeReleasable, releaseTaken, filter, order, now)
}

// Approve lets go what is awaiting, and tells how many. That it is the whole of it ends an objection; see Canaries.
func (l *Ledger) Approve(ctx context.Context, filter store.Filter, whole bool, order store.Order, now time.Time) (int, error) {
	action := "approve"
	if !whole {
		action = "approve some"
	}
	return l.act(ctx, action, takeAwaiting, queueTaken, filter, order, now)
}

// Retry makes what is deferred due now, and tells how many.
func (l *Ledger) Retry(ctx context.Context, filter store.Filter, order store.Order, now time.Time) (int, error) {
	return l.act(ctx, "retry", takeDeferred, hastenTaken, filter, order, now)
}

// Acknowledge records that what failed, is held, bounced or was cancelled has been dealt with, and tells how many.
func (l *Ledger) Acknowledge(ctx context.Context, filter store.Filter, order store.Order, now time.Time) (int, error) {
	return l.act(ctx, "ack", takeAcknowledging, acknowledgeTaken, filter, order, now)
}

// act does one action and writes its line, or neither where there is nothing to be done.
func (l *Ledger) act(ctx context.Context, action, take, change string, filter store.Filter, order store.Order, now time.Time, args ...any) (n int, err error) {
	condition, filterArgs := where(filter)
	err = l.write(ctx, func(tx ledgerTx) error {
		n, err = tx.take(ctx, action, take+condition, change, order, now, filterArgs, args...)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", action, err)
	}
	return n, nil
}

// take writes an action's line, takes its deliveries and changes them, and tells how many; ErrNotFound if there is none.
func (tx ledgerTx) take(ctx context.Context, action, take, change string, order store.Order, now time.Time, taken []any, args ...any) (n int, err error) {
	id, err := tx.note(ctx, action, order, now)
	if err != nil {
		return 0, err
	}
	rows, err := changed(tx.exec(ctx, take+andHold, append([]any{id}, taken...)...))
	if err != nil {
		return 0, err
	}
	if rows == 0 {
		return 0, store.ErrNotFound
	}
	if _, err := tx.exec(ctx, change, append([]any{id, now.UnixMilli()}, args...)...); err != nil {
		return 0, err
	}
	_, err = tx.exec(ctx, countTaken, id)
	return int(rows), err
}

// note writes an action's line.
func (tx ledgerTx) note(ctx context.Context, action string, order store.Order, now time.Time) (id int64, err error) {
	return insert(ctx, tx, insertAction, now.UnixMilli(), order.By, action, order.What, order.Reason, 0)
}

// noted writes the line of an action that is no selection of deliveries but has changed so many.
func (tx ledgerTx) noted(ctx context.Context, action string, order store.Order, deliveries int64, now time.Time) error {
	_, err := insert(ctx, tx, insertAction, now.UnixMilli(), order.By, action, order.What, order.Reason, deliveries)
	return err
}

// Note records an action that changes no delivery by itself: a backup, a pruning.
func (l *Ledger) Note(ctx context.Context, action string, order store.Order, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error { return tx.noted(ctx, action, order, 0, now) })
	if err != nil {
		return fmt.Errorf("note %s: %w", action, err)
	}
	return nil
}

// Actions lists what operators did, the newest first, at most so many.
func (l *Ledger) Actions(ctx context.Context, most int) ([]store.Action, error) {
	return l.actions(ctx, selectActions, most)
}

// ActionsOf lists what operators did to one delivery, the newest first.
func (l *Ledger) ActionsOf(ctx context.Context, delivery int64) ([]store.Action, error) {
	return l.actions(ctx, actionsOf, delivery)
}

func (l *Ledger) actions(ctx context.Context, statement string, args ...any) (actions []store.Action, err error) {
	err = query(ctx, l.r, statement, args, func(row scanner) error {
		var a store.Action
		var at sql.NullInt64
		err := row.Scan(&a.ID, &at, &a.By, &a.Action, &a.What, &a.Reason, &a.Deliveries)
		a.At = fromMillis(at)
		actions = append(actions, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("actions: %w", err)
	}
	return actions, nil
}

// changed is how many rows a statement changed.
func changed(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
