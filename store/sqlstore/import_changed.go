package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

// What imports have changed, by contract and month: a frozen report is compared with today's figures only where
// something of its months came in since. (The tempting other way, computing all of them afresh, takes minutes.)

const (
	putChanged = `
INSERT INTO changed (contract, month, import, changed_at)
SELECT CAST(value /*pg ::json*/ ->> 0 AS BIGINT), value /*pg ::json*/ ->> 1, ?2, ?3 FROM json_each(?1) WHERE true
ON CONFLICT (contract, month) DO UPDATE SET import = excluded.import, changed_at = excluded.changed_at`

	putMoved = `
INSERT INTO changed (contract, month, import, changed_at) SELECT contract, month, ?1, ?2 FROM moved WHERE true
ON CONFLICT (contract, month) DO UPDATE SET import = excluded.import, changed_at = excluded.changed_at`

	clearMoved = `DELETE FROM moved`

	selectChanged = `
SELECT c.id, max(m.import), max(m.changed_at) FROM changed AS m JOIN contracts AS c ON c.key = m.contract WHERE m.month <= ? GROUP BY m.contract, c.id`

	selectNewestImport = `SELECT coalesce(max(key), 0) FROM imports`
)

// touched are the months of contracts that a file tells of.
type touched struct {
	seen map[contractMonth]struct{}
	last contractMonth // most rows tell of the month of the one before
}

type contractMonth struct {
	contract int64
	month    store.Period // zero: any
}

// westernmost is the last zone to begin a month: no contract's own month is before that of a time there.
var westernmost = time.FixedZone("", -12*60*60)

func (t *touched) add(at contractMonth) {
	if at != t.last {
		t.seen[at], t.last = struct{}{}, at
	}
}

func (t *touched) any(contract int64) { t.add(contractMonth{contract: contract}) }

func (t *touched) at(contract int64, when time.Time) {
	t.add(contractMonth{contract, store.PeriodOf(when, westernmost)})
}

func (t *touched) on(contract int64, day store.Day) {
	p, err := store.ParsePeriod(string(day[:len("2006-01")]))
	if err != nil { // a day has a month; any is never wrong
		p = store.Period{}
	}
	t.add(contractMonth{contract, p})
}

// recordChanged writes what an import told of that was not known. It may name a month of which everything was known:
// then a report is compared that has not changed.
func (t *ImportTx) recordChanged(ctx context.Context, key int64, now time.Time) error {
	months := make([][2]any, 0, len(t.touched.seen))
	for at := range t.touched.seen {
		month := ""
		if at.month != (store.Period{}) {
			month = at.month.String()
		}
		months = append(months, [2]any{at.contract, month})
	}
	for some := range slices.Chunk(months, perList) {
		if _, err := t.exec(ctx, t.stmt.changed, list(some), key, now.UnixMilli()); err != nil {
			return fmt.Errorf("record what has changed: %w", err)
		}
	}
	if _, err := t.exec(ctx, t.stmt.moved, key, now.UnixMilli()); err != nil {
		return fmt.Errorf("record what has moved: %w", err)
	}
	_, err := t.exec(ctx, t.stmt.clearMoved)
	return err
}

// ChangedUntil tells of each contract the last import that changed something which the report of a period, or of a
// later one, is computed from.
func (d *Detections) ChangedUntil(ctx context.Context, p store.Period) (map[string]store.LastChange, error) {
	changed := map[string]store.LastChange{}
	rows, err := d.changedUntil.QueryContext(ctx, p.String())
	err = readRows(rows, err, func(rows scanner) error {
		var id string
		var c store.LastChange
		var at int64
		err := rows.Scan(&id, &c.Import, &at)
		c.At = time.UnixMilli(at)
		changed[id] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what has changed until %s: %w", p, err)
	}
	return changed, nil
}

// NewestImport is the number of the newest import, 0 if there was none.
func (d *Detections) NewestImport(ctx context.Context) (key int64, err error) {
	if err := d.newestImport.QueryRowContext(ctx).Scan(&key); err != nil {
		return 0, fmt.Errorf("read the newest import: %w", err)
	}
	return key, nil
}
