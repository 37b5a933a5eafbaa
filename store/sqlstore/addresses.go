package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

// What operators and bounces said of addresses and contracts. Addresses are compared as mailboxes.

const (
	changeRecipient = `
INSERT INTO recipient_changes (contract, mailbox, address, name, change, changed_at, changed_by) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (contract, mailbox) DO UPDATE SET address = excluded.address, name = excluded.name, change = excluded.change,
  changed_at = excluded.changed_at, changed_by = excluded.changed_by`

	selectChanges = `
SELECT contract, address, name, change, changed_at, changed_by FROM recipient_changes
WHERE ?1 = '' OR contract = ?1 ORDER BY contract, mailbox`

	// A forced delivery was never for a registered address.
	lapseOfRecipient = lapse + `
WHERE state IN ('awaiting', 'queued', 'deferred') AND contract = ?3 AND mailbox = ?4 AND forced = 0 AND period IN (SELECT period FROM runs)`

	lapseOfContract = lapse + `
WHERE state IN ('awaiting', 'queued', 'deferred') AND contract = ?3 AND period IN (SELECT period FROM runs)`

	lapseOfMailbox = lapse + `WHERE state IN ('awaiting', 'queued', 'deferred') AND mailbox = ?3`

	lapse = `
UPDATE deliveries SET state = 'cancelled', lapsed = 1, acknowledged_at = ` + nobodysWork + `, next_attempt_at = NULL, reason = ?1, updated_at = ?2 `

	openMarks = `SELECT mailbox, reason FROM marks WHERE cleared_at IS NULL`

	insertMark = `INSERT INTO marks (mailbox, address, marked_at, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

	clearMarks = `UPDATE marks SET cleared_at = ?2, cleared_by = ?3 WHERE mailbox = ?1 AND cleared_at IS NULL`

	openStops = `SELECT kind, shown, stopped_by, reason, stopped_at FROM stops WHERE ended_at IS NULL ORDER BY kind, key`

	insertStop = `
INSERT INTO stops (kind, key, shown, stopped_at, stopped_by, reason) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, key) WHERE ended_at IS NULL DO NOTHING`

	endStop = `UPDATE stops SET ended_at = CASE WHEN ?3 > stopped_at THEN ?3 ELSE stopped_at END, ended_by = ?4 WHERE kind = ?1 AND key = ?2 AND ended_at IS NULL`

	selectBars = `
SELECT 'marked' AS kind, reason, marked_at AS at FROM marks WHERE mailbox = +?1 AND cleared_at IS NULL
UNION ALL SELECT kind, reason, stopped_at FROM stops WHERE kind = 'address' AND key = +?1 AND ended_at IS NULL
UNION ALL SELECT kind, reason, stopped_at FROM stops WHERE kind = 'contract' AND key = +?2 AND ended_at IS NULL
ORDER BY at`
)

// ChangeRecipient records an operator's addition or removal of an address. Removing it cancels what
// waits for it; adding it clears its marks.
func (l *Ledger) ChangeRecipient(ctx context.Context, c store.RecipientChange) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		n, err := tx.changeRecipient(ctx, c)
		if err != nil {
			return err
		}
		return tx.noted(ctx, "recipient "+changeOf(c), store.Order{By: c.By, What: c.Contract + " " + c.Recipient.Address, Reason: c.Reason}, n, c.At)
	})
	if err != nil {
		return fmt.Errorf("change recipient of contract %s: %w", c.Contract, err)
	}
	return nil
}

// ChangeRecipients records many changes and one line of the action, or nothing.
func (l *Ledger) ChangeRecipients(ctx context.Context, changes []store.RecipientChange, order store.Order, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		lapsed := int64(0)
		for _, c := range changes {
			n, err := tx.changeRecipient(ctx, c)
			if err != nil {
				return fmt.Errorf("contract %s: %w", c.Contract, err)
			}
			lapsed += n
		}
		return tx.noted(ctx, "recipients imported", order, lapsed, now)
	})
	if err != nil {
		return fmt.Errorf("change recipients: %w", err)
	}
	return nil
}

func changeOf(c store.RecipientChange) string {
	if c.Removed {
		return "removed"
	}
	return "added"
}

// changeRecipient tells how many deliveries it cancelled.
func (tx ledgerTx) changeRecipient(ctx context.Context, c store.RecipientChange) (lapsed int64, err error) {
	mailbox := store.Mailbox(c.Recipient.Address)
	_, err = tx.exec(ctx, changeRecipient, c.Contract, mailbox, c.Recipient.Address, c.Recipient.Name, changeOf(c), c.At.UnixMilli(), c.By)
	if err == nil && c.Removed {
		return changed(tx.exec(ctx, lapseOfRecipient, "the address was removed", c.At.UnixMilli(), c.Contract, mailbox))
	}
	if err == nil && !c.Renamed {
		_, err = tx.exec(ctx, clearMarks, mailbox, c.At.UnixMilli(), c.By)
	}
	return 0, err
}

// RecipientChanges lists the changes of one contract, or of all for "".
func (l *Ledger) RecipientChanges(ctx context.Context, contract string) (changes []store.RecipientChange, err error) {
	err = query(ctx, l.r, selectChanges, []any{contract}, func(row scanner) error {
		var c store.RecipientChange
		var change string
		var at sql.NullInt64
		err := row.Scan(&c.Contract, &c.Recipient.Address, &c.Recipient.Name, &change, &at, &c.By)
		c.Removed, c.At = change == "removed", fromMillis(at)
		changes = append(changes, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recipient changes: %w", err)
	}
	return changes, nil
}

// Marks gives the mailboxes (store.Mailbox) that refused mail for good, with the reason.
func (l *Ledger) Marks(ctx context.Context) (map[string]string, error) {
	marks := map[string]string{}
	err := query(ctx, l.r, openMarks, nil, func(row scanner) error {
		var mailbox, reason string
		err := row.Scan(&mailbox, &reason)
		marks[mailbox] = reason
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("marks: %w", err)
	}
	return marks, nil
}

// Mark keeps an address out of planning, however it is spelled, until an operator adds it again.
func (l *Ledger) Mark(ctx context.Context, address, reason string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, insertMark, store.Mailbox(address), address, now.UnixMilli(), reason)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark address: %w", err)
	}
	return nil
}

// Stop records that a contract, or an address, asked not to get reports, and cancels what waits for it.
func (l *Ledger) Stop(ctx context.Context, s store.Stop) error {
	lapsing := lapseOfContract
	if s.Kind == store.StopAddress {
		lapsing = lapseOfMailbox
	}
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, insertStop, string(s.Kind), stopKey(s.Kind, s.Name), s.Name, s.At.UnixMilli(), s.By, s.Reason)
		if err != nil {
			return err
		}
		n, err := changed(tx.exec(ctx, lapsing, "the "+string(s.Kind)+" asked to get no reports", s.At.UnixMilli(), stopKey(s.Kind, s.Name)))
		if err != nil {
			return err
		}
		return tx.noted(ctx, string(s.Kind)+" stopped", store.Order{By: s.By, What: s.Name, Reason: s.Reason}, n, s.At)
	})
	if err != nil {
		return fmt.Errorf("stop %s %s: %w", s.Kind, s.Name, err)
	}
	return nil
}

// Start ends a stop; ErrNotFound if there is none.
func (l *Ledger) Start(ctx context.Context, kind store.StopKind, name string, order store.Order, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		if err := mustChangeOne(tx.exec(ctx, endStop, string(kind), stopKey(kind, name), now.UnixMilli(), order.By)); err != nil {
			return err
		}
		order.What = name
		return tx.noted(ctx, string(kind)+" started", order, 0, now)
	})
	if err != nil {
		return fmt.Errorf("start %s %s: %w", kind, name, err)
	}
	return nil
}

// stopKey is the form by which the names of a kind are compared.
func stopKey(kind store.StopKind, name string) string {
	if kind == store.StopAddress {
		return store.Mailbox(name)
	}
	return name
}

// Stops lists the contracts and addresses that get no reports at their own wish.
func (l *Ledger) Stops(ctx context.Context) (stops []store.Stop, err error) {
	err = query(ctx, l.r, openStops, nil, func(row scanner) error {
		var s store.Stop
		var at sql.NullInt64
		err := row.Scan(&s.Kind, &s.Name, &s.By, &s.Reason, &at)
		s.At = fromMillis(at)
		stops = append(stops, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("stops: %w", err)
	}
	return stops, nil
}

// Bars lists what keeps mail from an address of a contract, the oldest first.
func (l *Ledger) Bars(ctx context.Context, contract, address string) (bars []store.Bar, err error) {
	err = query(ctx, l.r, selectBars, []any{store.Mailbox(address), contract}, func(row scanner) error {
		var b store.Bar
		var at sql.NullInt64
		err := row.Scan(&b.Kind, &b.Reason, &at)
		b.At = fromMillis(at)
		bars = append(bars, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("what is said of an address of contract %s: %w", contract, err)
	}
	return bars, nil
}
