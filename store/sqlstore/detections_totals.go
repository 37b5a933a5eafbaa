package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"geppo/store"
)

const (
	selectEventCount = `SELECT count(*) FROM edr_events WHERE contract = +? AND time >= ? AND time < ?`
	selectAnyDay     = `SELECT count(*) FROM coverage WHERE contract = +? AND day BETWEEN ? AND ?`
)

// Totals are a month's detections by feature and its events. known is false where nothing tells that
// the month was fed at all: then there is no row of it, and 0 would be a guess.
func (d *Detections) Totals(ctx context.Context, id string, p store.Period) (sums []store.FeatureCount, events int64, known bool, err error) {
	err = d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		r, err := d.reader(ctx, conn, tx, id, p)
		if err != nil {
			return err
		}
		if sums, err = r.sums(p); err != nil {
			return err
		}
		from, to := r.bounds(p)
		if err := tx.StmtContext(ctx, d.month.eventCount).QueryRowContext(ctx, r.key, from, to).Scan(&events); err != nil {
			return err
		}
		days, covered := p.Days(), 0
		err = tx.StmtContext(ctx, d.month.anyDay).QueryRowContext(ctx, r.key, days[0], days[len(days)-1]).Scan(&covered)
		known = len(sums) > 0 || events > 0 || covered > 0
		return err
	})
	if err != nil {
		return nil, 0, false, fmt.Errorf("sum up %s of contract %q: %w", p, id, err)
	}
	return sums, events, known, nil
}
