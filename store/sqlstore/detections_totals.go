package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"geppo/store"
)

const selectTotals = `SELECT ` + featureSums + `,
  (SELECT count(*) FROM edr_events WHERE contract = +?1 AND time >= ?2 AND time < ?3),
  (SELECT count(*) FROM coverage WHERE contract = +?1 AND day BETWEEN ?4 AND ?5)
FROM detections WHERE contract = +?1 AND time >= ?2 AND time < ?3`

// Totals sum up months of a contract. Those of which nothing tells that they were fed at all are left out:
// there is no row of them, and 0 would be a guess.
func (d *Detections) Totals(ctx context.Context, id string, months []store.Period) (list []store.MonthSums, err error) {
	err = d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		r, err := d.reader(ctx, conn, tx, id, store.Period{})
		if err != nil {
			return err
		}
		stmt := tx.StmtContext(ctx, d.month.totals)
		for _, p := range months {
			m, covered := store.MonthSums{Period: p}, 0
			from, to := r.bounds(p)
			days := p.Days()
			row := stmt.QueryRowContext(ctx, r.key, from, to, days[0], days[len(days)-1])
			if m.Features, err = scanSums(row, &m.Events, &covered); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			if len(m.Features) > 0 || m.Events > 0 || covered > 0 {
				list = append(list, m)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sum up months of contract %q: %w", id, err)
	}
	return list, nil
}
