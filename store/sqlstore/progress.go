package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

// What a person who looks at the queue asks: how fast it moves, and what the support desk has done.

const (
	sentByQuarter = `
SELECT sent_at / 900000, period, count(*) FROM deliveries INDEXED BY deliveries_sent WHERE sent_at >= ? AND sent_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2`

	sentOfPeriod = `SELECT count(*) FROM deliveries INDEXED BY deliveries_sent WHERE sent_at >= ? AND sent_at IS NOT NULL AND period = +?`

	putHandled = `
INSERT INTO handled (period, contract, feature, machine, name, endpoint, done, note, handled_by, handled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (period, contract, feature, machine, name) DO UPDATE SET
  endpoint = excluded.endpoint, done = excluded.done, note = excluded.note, handled_by = excluded.handled_by, handled_at = excluded.handled_at`

	selectHandled = `SELECT contract, feature, endpoint, name, done, note, handled_by, handled_at FROM handled WHERE period = ?`
)

// SentByQuarter counts what was accepted since then, by quarters of an hour and periods.
func (l *Ledger) SentByQuarter(ctx context.Context, since time.Time) (list []store.SentCount, err error) {
	err = query(ctx, l.r, sentByQuarter, []any{since.UnixMilli()}, func(row scanner) error {
		var c store.SentCount
		var quarter int64
		var period string
		err := row.Scan(&quarter, &period, &c.Mails)
		if err == nil {
			c.At = time.UnixMilli(quarter * store.Quarter.Milliseconds())
			c.Period, err = store.ParsePeriod(period)
		}
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count what was sent: %w", err)
	}
	return list, nil
}

// SentSince counts a period's mails that were accepted since then.
func (l *Ledger) SentSince(ctx context.Context, p store.Period, since time.Time) (n int, err error) {
	if err := l.r.QueryRowContext(ctx, sentOfPeriod, since.UnixMilli(), p.String()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what was sent of %s: %w", p, err)
	}
	return n, nil
}

// PutHandled records what the support desk says of a line of its list, in place of what it said before; every word is
// kept in the list of actions.
func (l *Ledger) PutHandled(ctx context.Context, h store.Handled) error {
	line := h.Line()
	action := "follow-up open"
	if h.Done {
		action = "follow-up done"
	}
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, putHandled, h.Period.String(), h.Contract, string(h.Feature), line.Endpoint, h.Name, h.Endpoint, h.Done, h.Note, h.By, h.At.UnixMilli())
		if err != nil {
			return err
		}
		what := fmt.Sprintf("--period %s --contract %s %s %s %s", h.Period, h.Contract, h.Feature, h.Endpoint, h.Name)
		return tx.noted(ctx, action, store.Order{By: h.By, What: what, Reason: h.Note}, 0, h.At)
	})
	if err != nil {
		return fmt.Errorf("follow-up of %s: %w", h.Contract, err)
	}
	return nil
}

// Handled gives what the support desk has said of a period's list.
func (l *Ledger) Handled(ctx context.Context, p store.Period) (map[store.FollowUpLine]store.Handled, error) {
	list := map[store.FollowUpLine]store.Handled{}
	err := query(ctx, l.r, selectHandled, []any{p.String()}, func(row scanner) error {
		h := store.Handled{Period: p}
		var at sql.NullInt64
		err := row.Scan(&h.Contract, &h.Feature, &h.Endpoint, &h.Name, &h.Done, &h.Note, &h.By, &at)
		h.At = fromMillis(at)
		list[h.Line()] = h
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("handled follow-ups of %s: %w", p, err)
	}
	return list, nil
}

// SomeDeliveries lists the first of what the filter chooses, by period and contract: a page shows no more.
func (l *Ledger) SomeDeliveries(ctx context.Context, filter store.Filter, most int) ([]store.Delivery, error) {
	condition, args := where(filter)
	return l.queryDeliveries(ctx, selectDeliveries+condition+byContract+" LIMIT ?", append(args, most)...)
}
