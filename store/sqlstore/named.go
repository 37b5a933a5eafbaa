package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"geppo/store"
)

// Ids are of letters, digits, '-', '.' and '_': these are the first of them, and one that comes after all.
const firstOfID, afterAnyID = "-", "\x7f"

// A range, and not LIKE, so that the index is used on every engine.
const selectNamed = `SELECT id, name FROM contracts WHERE id >= ? AND id < ? ORDER BY id LIMIT +?`

// Begun is what begins with a text: contracts by id, or, where these are too many to be listed, longer beginnings.
type Begun struct {
	Contracts  []store.ContractName
	Beginnings []string
}

// Begin lists the contracts whose ids begin with a text, at most so many; of more of them the beginnings by the letters
// that follow, so that somebody who types finds his way through 100,000.
func (d *Detections) Begin(ctx context.Context, text string, most int) (b Begun, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		if b.Contracts, err = d.namedFrom(ctx, tx, text, text+afterAnyID, most+1); err != nil || len(b.Contracts) <= most {
			return err
		}
		b.Contracts = nil
		for len(b.Beginnings) < 2 {
			if len(b.Beginnings) == 1 { // all go on alike
				text = b.Beginnings[0]
			}
			if b.Beginnings, err = d.beginnings(ctx, tx, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("contracts that begin with %q: %w", text, err)
	}
	return b, nil
}

// beginnings are those one letter longer than text, or text itself where it is a whole id.
func (d *Detections) beginnings(ctx context.Context, tx *sql.Tx, text string) (list []string, err error) {
	for from := text; ; {
		next, err := d.namedFrom(ctx, tx, from, text+afterAnyID, 1)
		if err != nil || len(next) == 0 {
			return list, err
		}
		one := next[0].ID[:min(len(text)+1, len(next[0].ID))]
		list, from = append(list, one), one+afterAnyID
		if one == text {
			from = text + firstOfID
		}
	}
}

func (d *Detections) namedFrom(ctx context.Context, tx *sql.Tx, from, below string, most int) (list []store.ContractName, err error) {
	err = each(ctx, tx, d.named, func(row scanner) error {
		var c store.ContractName
		err := row.Scan(&c.ID, &c.Name)
		list = append(list, c)
		return err
	}, from, below, most)
	return list, err
}
