package sqlstore

import (
	"context"
	"time"

	"geppo/store"
)

// followedMachines is how many machines an import remembers before it looks for them in the
// inventory; if half of them are not there, it remembers no more. It bounds memory, however long
// the file is.
const followedMachines = 300_000

// outside follows which machines a file names. Only at its end it is known which rows fit no entry
// of the inventory, because that may come behind them. They are recorded, so that geppo check lists
// them without reading millions of rows.
type outside struct {
	seen map[machineOf]*named
	full bool
}

type machineOf struct {
	contract int64
	key      string // store.Machine.Key
}

type named struct {
	store.Machine
	rows int64
}

// follow counts a row of a machine.
func (t *ImportTx) follow(ctx context.Context, contract int64, m store.Machine, key string) error {
	at := machineOf{contract, key}
	if n := t.outside.seen[at]; n != nil {
		n.rows++
		return nil
	}
	if t.outside.full {
		return nil
	}
	t.outside.seen[at] = &named{m, 1}
	if len(t.outside.seen) < followedMachines {
		return nil
	}
	if _, err := t.dropKnown(ctx); err != nil {
		return err
	}
	t.outside.full = len(t.outside.seen) > followedMachines/2
	return nil
}

const selectInventory = `SELECT folded, endpoint_id FROM endpoints WHERE contract = +?`

// dropKnown forgets the machines that an inventory names, and gives the contracts that have none.
func (t *ImportTx) dropKnown(ctx context.Context) (without map[int64]bool, err error) {
	byContract := map[int64][]machineOf{}
	for at := range t.outside.seen {
		byContract[at.contract] = append(byContract[at.contract], at)
	}
	without = map[int64]bool{}
	known, shared := map[string]bool{}, map[string]bool{}
	for contract, machines := range byContract {
		clear(known)
		clear(shared)
		err := eachRow(ctx, t.inTx(ctx, t.stmt.inventory), func(rows scanner) error {
			var folded, id string
			err := rows.Scan(&folded, &id)
			shared[folded] = known[folded]
			known[folded] = true
			known[store.Machine{ID: id}.Key()] = id != ""
			return err
		}, contract)
		if err != nil {
			return nil, err
		}
		without[contract] = len(known) == 0
		for _, at := range machines {
			folded := t.fold(t.outside.seen[at].Name)
			bare := store.Bare(folded)
			if known[at.key] || known[folded] || known[bare] && !shared[bare] && bare != "" && at.key == folded {
				delete(t.outside.seen, at)
			}
		}
	}
	return without, nil
}

const putOutside = `
INSERT INTO outside (contract, machine, name, rows, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET name = ?3, rows = ?4, seen_at = ?5`

// recordOutside keeps the machines that no inventory names, and warns of their rows.
func (t *ImportTx) recordOutside(ctx context.Context, now time.Time) error {
	without, err := t.dropKnown(ctx)
	if err != nil {
		return err
	}
	for at, n := range t.outside.seen {
		if without[at.contract] {
			t.Warnings[store.WarnNoInventory] += n.rows
		} else {
			t.Warnings[store.WarnOutside] += n.rows
		}
		if _, err := t.inTx(ctx, t.stmt.outside).ExecContext(ctx, at.contract, at.key, n.Name, n.rows, now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
