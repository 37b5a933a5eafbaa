package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

// Approval by canaries: the first deliveries of a period go before the others, which follow by an operator's word
// (Approve), or by themselves once all of them were sent and nobody has objected for a while.

const (
	countCanaries = `
SELECT count(DISTINCT contract) FROM deliveries INDEXED BY deliveries_canaries WHERE canary = 1 AND period = ?`

	// What takes a canary's place is one too.
	inheritCanary = `
UPDATE deliveries SET canary = 1
WHERE id = ?1 AND EXISTS (SELECT 1 FROM deliveries AS old INDEXED BY deliveries_replaced WHERE old.replaced_by = ?1 AND old.canary = 1)`

	openCanaries = `
SELECT DISTINCT period FROM runs AS r WHERE approval = 'canary'
  AND (SELECT sum(t.deliveries) FROM tallies AS t WHERE t.run = r.id AND t.state = 'awaiting') > 0`

	canariesOf = `
SELECT count(*), count(*) FILTER (WHERE state <> 'sent'), count(*) FILTER (WHERE state IN ('failed', 'held', 'bounced', 'cancelled')),
  coalesce(min(created_at), 0), coalesce(max(sent_at), 0)
FROM deliveries INDEXED BY deliveries_canaries WHERE canary = 1 AND period = ? AND replaced_by IS NULL`

	// A pause or a cancelling is an objection, until an approval that comes after it.
	objectedSince = `
WITH about AS (
  SELECT id, action FROM actions AS a WHERE done_at >= ?2 AND (action = 'pause' OR action IN ('cancel', 'approve') AND EXISTS (
    SELECT 1 FROM action_deliveries AS t JOIN deliveries AS d ON d.id = t.delivery WHERE t.action = a.id AND d.period = ?1))
)
SELECT EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND cause = 'operator')
  OR coalesce((SELECT max(id) FROM about WHERE action <> 'approve'), 0) > coalesce((SELECT max(id) FROM about WHERE action = 'approve'), 0)`

	takeFollowing = take + `state = 'awaiting' AND period = ? AND run IN (SELECT id FROM runs WHERE approval = 'canary')`
)

// countCanaries finds how many contracts may still send a canary.
func (p *planning) countCanaries(ctx context.Context, most int) error {
	if p.approval != store.ApprovalCanary {
		return nil
	}
	var have int
	err := p.tx.row(ctx, countCanaries, p.run.Period.String()).Scan(&have)
	p.canaries = most - have
	return err
}

// state is what a planned delivery begins in.
func (p *planning) state(canary bool) store.State {
	if p.approval == store.ApprovalNone || canary {
		return store.Queued
	}
	return store.Awaiting
}

// Canary is how a period stands whose other deliveries wait for its canaries.
type Canary struct {
	Period   store.Period
	Sent     int       // of them
	Unsent   int       // of them
	Stuck    int       // of those: they will not be sent by themselves
	LastSent time.Time // zero: none was
	Objected bool      // the others wait for an approval
}

// Canaries tells how the periods stand of which something waits for canaries.
func (l *Ledger) Canaries(ctx context.Context) (list []Canary, err error) {
	err = query(ctx, l.r, openCanaries, nil, func(row scanner) error {
		var period string
		err := row.Scan(&period)
		if err != nil {
			return err
		}
		p, err := store.ParsePeriod(period)
		list = append(list, Canary{Period: p})
		return err
	})
	for i := 0; err == nil && i < len(list); i++ {
		err = list[i].read(ctx, l.r)
	}
	if err != nil {
		return nil, fmt.Errorf("read canaries: %w", err)
	}
	return list, nil
}

func (c *Canary) read(ctx context.Context, db *sql.DB) error {
	var all int
	var planned, last int64
	if err := db.QueryRowContext(ctx, canariesOf, c.Period.String()).Scan(&all, &c.Unsent, &c.Stuck, &planned, &last); err != nil {
		return err
	}
	if c.Sent = all - c.Unsent; c.Sent > 0 {
		c.LastSent = time.UnixMilli(last)
	}
	return db.QueryRowContext(ctx, objectedSince, c.Period.String(), planned).Scan(&c.Objected)
}

// Follows tells when the others follow by themselves; the zero time: not before an approval, or before the rest of the
// canaries is sent.
func (c Canary) Follows(wait time.Duration) time.Time {
	if c.Sent == 0 || c.Unsent > 0 || c.Objected {
		return time.Time{}
	}
	return c.LastSent.Add(wait)
}

// FollowCanaries lets go what waits for canaries that were all sent so long ago, if nobody has objected, and tells how
// many deliveries that are.
func (l *Ledger) FollowCanaries(ctx context.Context, wait time.Duration, now time.Time) (followed int, err error) {
	canaries, err := l.Canaries(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range canaries {
		if at := c.Follows(wait); at.IsZero() || at.After(now) {
			continue
		}
		n, err := l.follow(ctx, c, wait, now)
		if err != nil {
			return followed, fmt.Errorf("follow the canaries of %s: %w", c.Period, err)
		}
		followed += n
	}
	return followed, nil
}

// follow looks again, in the transaction that lets go: somebody may have objected in this moment.
func (l *Ledger) follow(ctx context.Context, c Canary, wait time.Duration, now time.Time) (n int, err error) {
	order := store.Order{
		By: "geppo", What: "--period " + c.Period.String(),
		Reason: fmt.Sprintf("%d canaries were sent, and nobody has objected for %s", c.Sent, wait),
	}
	err = l.write(ctx, func(tx ledgerTx) error {
		var planned, skip int64
		var objected bool
		if err := tx.row(ctx, canariesOf, c.Period.String()).Scan(&skip, &skip, &skip, &planned, &skip); err != nil {
			return err
		}
		if err := tx.row(ctx, objectedSince, c.Period.String(), planned).Scan(&objected); err != nil || objected {
			return errors.Join(err, store.ErrNotFound)
		}
		n, err = tx.take(ctx, "approve", takeFollowing, queueTaken, order, now, []any{c.Period.String()})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return n, err
}
