package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
)

// sums are checksums of all rows of each table, and of the tallies of what a ledger holds.
func (m *mover) sums(ctx context.Context, db *database) (sums map[string][]byte, rows int64, err error) {
	tx, err := db.r.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, 0, err
	}
	defer tx.Rollback() // it has only read
	sums = map[string][]byte{}
	sum := func(name, statement string, columns int) error {
		h, n := sha256.New(), int64(0)
		rowsOf, err := tx.QueryContext(ctx, statement)
		err = readRows(rowsOf, err, func(row scanner) error {
			values, err := valuesOf(row, columns)
			if err == nil {
				err = hashRow(h, values)
			}
			if n++; n%rowsAtOnce == 0 {
				m.progress(Moving{name, rowsAtOnce})
			}
			return err
		})
		m.progress(Moving{name, n % rowsAtOnce})
		sums[name], rows = h.Sum(nil), rows+n
		return err
	}
	for _, t := range moved[m.kind] {
		columns, err := m.columns(ctx, t.name)
		if err == nil {
			err = sum(t.name, selectAll(t, columns), len(columns))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if m.kind == "ledger" {
		counted := rows
		if err := sum("tallies", sumTallies, 4); err != nil {
			return nil, 0, fmt.Errorf("tallies: %w", err)
		}
		rows = counted
	}
	return sums, rows, nil
}

const sumTallies = `
SELECT run, state, acknowledged, CAST(sum(deliveries) AS BIGINT) FROM tallies GROUP BY run, state, acknowledged HAVING sum(deliveries) > 0 ORDER BY run, state, acknowledged`

// hashRow adds a row by its values' kinds, lengths and bytes, so that no two rows look alike.
func hashRow(h hash.Hash, values []any) error {
	for _, v := range values {
		var kind byte
		var text []byte
		switch v := v.(type) {
		case nil:
		case int64:
			kind, text = 'i', binary.BigEndian.AppendUint64(nil, uint64(v))
		case string:
			kind, text = 't', []byte(v)
		case []byte:
			kind, text = 'b', v
		default:
			return fmt.Errorf("a column holds %T", v)
		}
		h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(text))))
		h.Write(text)
	}
	return nil
}
