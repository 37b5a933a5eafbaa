package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

const (
	changeRecipient = `
INSERT INTO recipient_changes (contract, address, name, change, changed_at, changed_by) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (contract, address) DO UPDATE
SET name = excluded.name, change = excluded.change, changed_at = excluded.changed_at, changed_by = excluded.changed_by`

	deleteChange = `DELETE FROM recipient_changes WHERE contract = ? AND address = ?`

	selectChanges = `
SELECT contract, address, name, change, changed_at, changed_by FROM recipient_changes
WHERE ?1 = '' OR contract = ?1 ORDER BY contract, address`

	openMarks = `SELECT address, reason FROM marks WHERE cleared_at IS NULL`

	insertMark = `INSERT INTO marks (address, marked_at, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

	clearMarks = `UPDATE marks SET cleared_at = ?2 WHERE address = ?1 AND cleared_at IS NULL`

	openPause = `SELECT cause, reason, started_at FROM pauses WHERE ended_at IS NULL ORDER BY id LIMIT 1`

	insertPause = `
INSERT INTO pauses (started_at, cause, reason)
SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND cause = ?2)`

	endPauses = `UPDATE pauses SET ended_at = max(?1, started_at) WHERE ended_at IS NULL`
)

// ChangeRecipient records an operator's addition or removal of an address.
func (l *Ledger) ChangeRecipient(ctx context.Context, c store.RecipientChange) error {
	change := "added"
	if c.Removed {
		change = "removed"
	}
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, changeRecipient, c.Contract, c.Recipient.Address, c.Recipient.Name, change, c.At.UnixMilli(), c.By)
		return err
	})
	if err != nil {
		return fmt.Errorf("change recipient of contract %s: %w", c.Contract, err)
	}
	return nil
}

// ForgetRecipientChange drops what was recorded of an address: the imported list alone holds again.
func (l *Ledger) ForgetRecipientChange(ctx context.Context, contract, address string) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, deleteChange, contract, address)
		return err
	})
	if err != nil {
		return fmt.Errorf("change recipient of contract %s: %w", contract, err)
	}
	return nil
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

// Marks gives the addresses that refused mail for good, with the reason.
func (l *Ledger) Marks(ctx context.Context) (map[string]string, error) {
	marks := map[string]string{}
	err := query(ctx, l.r, openMarks, nil, func(row scanner) error {
		var address, reason string
		err := row.Scan(&address, &reason)
		marks[address] = reason
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("marks: %w", err)
	}
	return marks, nil
}

// Mark keeps an address out of planning until an operator clears it.
func (l *Ledger) Mark(ctx context.Context, address, reason string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, insertMark, address, now.UnixMilli(), reason)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark address: %w", err)
	}
	return nil
}

// ClearMarks lets an address be planned again.
func (l *Ledger) ClearMarks(ctx context.Context, address string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, clearMarks, address, now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("clear mark: %w", err)
	}
	return nil
}

// Paused reads the open pause, or ErrNotFound while the queue may run.
func (l *Ledger) Paused(ctx context.Context) (p store.Pause, err error) {
	var started sql.NullInt64
	err = l.r.QueryRowContext(ctx, openPause).Scan(&p.Cause, &p.Reason, &started)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Pause{}, store.ErrNotFound
	}
	if err != nil {
		return store.Pause{}, fmt.Errorf("read pause: %w", err)
	}
	p.StartedAt = fromMillis(started)
	return p, nil
}

// Pause stops the queue; a pause of the same cause that is already open stays as it is.
func (l *Ledger) Pause(ctx context.Context, cause, reason string, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, insertPause, now.UnixMilli(), cause, reason)
		return err
	})
	if err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	return nil
}

// Resume ends every pause.
func (l *Ledger) Resume(ctx context.Context, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, endPauses, now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}
