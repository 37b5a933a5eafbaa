package sqlstore

import (
	"context"
	"maps"
	"slices"
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

// Many contracts at once: a statement for each is a minute where a million have sent something.
const selectInventory = `
SELECT contract, folded, endpoint_id FROM endpoints WHERE contract IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`

// dropKnown forgets the machines that an inventory names, and gives the contracts that have none.
func (t *ImportTx) dropKnown(ctx context.Context) (without map[int64]bool, err error) {
	byContract := map[int64][]machineOf{}
	for at := range t.outside.seen {
		byContract[at.contract] = append(byContract[at.contract], at)
	}
	without = map[int64]bool{}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(byContract)), 1000) {
		inventories := map[int64][][2]string{} // folded names and endpoint_ids
		err := t.each(ctx, t.stmt.inventory, func(rows scanner) error {
			var contract int64
			var entry [2]string
			err := rows.Scan(&contract, &entry[0], &entry[1])
			inventories[contract] = append(inventories[contract], entry)
			return err
		}, list(some))
		if err != nil {
			return nil, err
		}
		for _, contract := range some {
			without[contract] = len(inventories[contract]) == 0
			t.dropListed(byContract[contract], inventories[contract])
		}
	}
	return without, nil
}

// dropListed forgets those of a contract's machines that its inventory names.
func (t *ImportTx) dropListed(machines []machineOf, inventory [][2]string) {
	known, shared := make(map[string]bool, 2*len(inventory)), map[string]bool{}
	for _, entry := range inventory {
		folded, id := entry[0], entry[1]
		shared[folded] = known[folded]
		known[folded] = true
		known[store.Machine{ID: id}.Key()] = id != ""
	}
	for _, at := range machines {
		folded := t.fold(t.outside.seen[at].Name)
		bare := store.Bare(folded)
		if known[at.key] || known[folded] || known[bare] && !shared[bare] && bare != "" && at.key == folded {
			delete(t.outside.seen, at)
		}
	}
}

const putOutside = `
INSERT INTO outside (contract, machine, name, rows, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (contract, machine) DO UPDATE SET name = ?3, rows = ?4, seen_at = ?5`

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
		if _, err := t.exec(ctx, t.stmt.outside, at.contract, at.key, n.Name, n.rows, now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
