package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"geppo/store"
)

// where is the filter's condition over the deliveries' columns, and its arguments.
func where(f store.Filter) (string, []any) {
	var conditions []string
	var args []any
	is := func(condition string, arg any) { conditions, args = append(conditions, condition), append(args, arg) }
	if f.Period != (store.Period{}) {
		is("period = +?", f.Period.String())
	}
	if len(f.Contracts) > 0 && len(f.Mailboxes) > 0 {
		conditions = append(conditions, "(contract IN (SELECT value FROM json_each(?)) OR mailbox IN (SELECT value FROM json_each(?)))")
		args = append(args, list(f.Contracts), list(f.Mailboxes))
	} else if len(f.Contracts) > 0 {
		is("contract IN (SELECT value FROM json_each(?))", list(f.Contracts))
		if f.Period == (store.Period{}) { // or all deliveries would be read: the index begins with the period
			conditions = append(conditions, "period IN (SELECT period FROM runs)")
		}
	} else if len(f.Mailboxes) > 0 {
		is("mailbox IN (SELECT value FROM json_each(?))", list(f.Mailboxes))
	}
	if len(f.States) > 0 {
		is("state IN (SELECT value FROM json_each(?))", list(f.States))
	}
	if len(f.IDs) > 0 {
		is("id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))", list(f.IDs))
	}
	if f.Run != 0 {
		is("run = +?", f.Run)
	}
	if f.Unacknowledged {
		conditions = append(conditions, "acknowledged_at IS NULL")
	}
	if f.Standing {
		conditions = append(conditions, standing)
	}
	if f.Unreplaced {
		conditions = append(conditions, "replaced_by IS NULL")
	}
	if conditions == nil {
		return "true", nil
	}
	return strings.Join(conditions, " AND "), args
}

const standing = `replaced_by IS NULL AND NOT EXISTS (
  SELECT 1 FROM deliveries AS n WHERE n.period = deliveries.period AND n.contract = deliveries.contract
    AND n.mailbox = deliveries.mailbox AND n.resend > deliveries.resend)`

// perList bounds a list that could be of a million.
const perList = 10_000

// list is one parameter for json_each, however long: SQLite takes 32,766 of them at the most.
func list[T any](values []T) string {
	text, err := json.Marshal(values)
	if err != nil {
		return "[]" // strings, numbers and structs of them always have a JSON form
	}
	return string(text)
}

const (
	// A bare ? in a place that the planner looks at, LIMIT among them, has the statement planned anew
	// at each use: a third of all processor time that a delivery takes in the ledger. Hence "+?".
	dueDeliveries  = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_due` + areDue
	dueOfContracts = `SELECT ` + deliveryColumns + ` FROM deliveries` + areDue // of few, by their own index

	areDue = `
WHERE state IN ('queued', 'deferred') AND next_attempt_at <= +?
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND cause = 'operator') AND `

	// Of what another claims at this moment each takes other rows.
	dueFirst = ` ORDER BY next_attempt_at, id LIMIT +? /*pg FOR UPDATE SKIP LOCKED*/`

	claimDeliveries = `
UPDATE deliveries
SET state = 'sending', owner = ?3, next_attempt_at = NULL, attempts = attempts + 1, dated_at = coalesce(dated_at, ?2), updated_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`

	startAttempts = `
INSERT INTO attempts (delivery, number, started_at, stage, outcome)
SELECT id, attempts, ?2, 'compose', 'running' FROM deliveries WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`

	// That it has been done already for the same attempt changes nothing.
	markHandingOver = `
UPDATE deliveries SET state = 'handing_over', sha256 = ?3, updated_at = ?4
WHERE id = ?1 AND attempts = ?2 AND state IN ('sending', 'handing_over') AND (sha256 IS NULL OR sha256 = ?3)`

	attemptIsOpen = `
SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND attempts = ?2 AND state IN ('sending', 'handing_over'))`

	endAttempt = `
UPDATE attempts SET ended_at = CASE WHEN ?3 > started_at THEN ?3 ELSE started_at END, stage = ?4, code = ?5, enhanced = ?6, reply = ?7, tls = ?8, outcome = ?9
WHERE delivery = ?1 AND number = ?2 AND outcome = 'running'`

	settleDelivery = `
UPDATE deliveries SET state = ?2, owner = NULL, next_attempt_at = ?3, ambiguous = ambiguous + ?4,
                      waited_ms = waited_ms + ?10, last_code = ?5, last_reply = ?6,
                      reason = ?7, sent_at = ?8, updated_at = ?9, lapsed = CASE WHEN ?2 = 'cancelled' THEN 1 ELSE 0 END,
                      acknowledged_at = CASE WHEN ?2 = 'cancelled' AND NOT EXISTS (
                        SELECT 1 FROM marks AS m WHERE m.mailbox = deliveries.mailbox AND m.cleared_at IS NULL) THEN CAST(?9 AS BIGINT) END
WHERE id = ?1 AND attempts = ?11 AND state IN ('sending', 'handing_over')`

	// What was under way when a later resend was made gives way to it if it comes back.
	giveWay = `
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, lapsed = 0, replaced_by = newer.id, reason = 'replaced by delivery ' || newer.id
FROM (SELECT n.id FROM deliveries AS d JOIN deliveries AS n
        ON n.period = d.period AND n.contract = d.contract AND n.mailbox = d.mailbox AND n.resend > d.resend
      WHERE d.id = ?1 ORDER BY n.resend DESC LIMIT 1) AS newer
WHERE deliveries.id = ?1 AND replaced_by IS NULL AND (state IN ('queued', 'deferred', 'held') OR lapsed = 1)`

	// As a bounce does; of two in one millisecond one is enough.
	markRefused = `
INSERT INTO marks (mailbox, address, marked_at, reason)
SELECT mailbox, recipient, ?2, ?3 FROM deliveries WHERE id = ?1 ON CONFLICT DO NOTHING`

	settledAs = `SELECT outcome FROM attempts WHERE delivery = ? AND number = ? AND outcome <> 'running'`
)

func (tx ledgerTx) settle(ctx context.Context, s store.Settlement) error {
	a := s.Attempt
	err := mustChangeOne(tx.exec(ctx, endAttempt, a.Delivery, a.Number, a.EndedAt.UnixMilli(),
		a.Stage, a.Code, a.Enhanced, a.Reply, a.TLS, string(a.Outcome)))
	if errors.Is(err, store.ErrNotFound) {
		return tx.settledBefore(ctx, a)
	}
	if err != nil {
		return err
	}
	var sentAt time.Time
	if s.State == store.Sent {
		sentAt = a.EndedAt
	}
	ambiguous := 0
	if a.Outcome == store.OutcomeAmbiguous {
		ambiguous = 1
	}
	err = mustChangeOne(tx.exec(ctx, settleDelivery, a.Delivery, string(s.State), millis(s.NextAttemptAt),
		ambiguous, a.Code, a.Reply, s.Reason, millis(sentAt), a.EndedAt.UnixMilli(), s.Waited.Milliseconds(), a.Number))
	if err != nil || s.State == store.Sent {
		return err
	}
	if s.Mark {
		if _, err := tx.exec(ctx, markRefused, a.Delivery, a.EndedAt.UnixMilli(), a.Reply); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, giveWay, a.Delivery)
	return err
}

// settledBefore tells a repeat, which is no fault, from an attempt that is over or never was.
func (tx ledgerTx) settledBefore(ctx context.Context, a store.Attempt) error {
	var outcome store.Outcome
	err := tx.row(ctx, settledAs, a.Delivery, a.Number).Scan(&outcome)
	if err == nil && outcome == a.Outcome {
		return nil
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return store.ErrStale
	}
	return err
}

// How long a write is repeated. A relay waits for the dot for minutes; a reply that it has given must not be lost.
const (
	claimWithin    = 20 * time.Second
	handOverWithin = time.Minute
	settleWithin   = 15 * time.Minute
	tryEvery       = 200 * time.Millisecond
)

// patiently repeats a write for as long as its error may be gone at the next try.
func (l *Ledger) patiently(ctx context.Context, within time.Duration, write func() error) error {
	err := write()
	if err == nil || !l.passing(err) || ctx.Err() != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for err != nil && l.passing(err) && bounded.Err() == nil {
		pause, resume := context.WithTimeout(bounded, tryEvery)
		<-pause.Done()
		resume()
		err = write()
	}
	return err
}

func mustChangeOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return err
	case n != 1:
		return store.ErrNotFound
	}
	return nil
}
