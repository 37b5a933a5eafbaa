package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

const (
	clockRecorded = `(SELECT due_at AS at FROM fires UNION ALL SELECT started_at FROM runs) AS recorded`

	clockMarks = `
SELECT (SELECT max(at) FROM ` + clockRecorded + ` WHERE at <= ?1), (SELECT max(at) FROM ` + clockRecorded + `),
       (SELECT seen_at FROM clock), (SELECT excused FROM clock), (SELECT vouched_at FROM clock),
       (SELECT max(ended_at) FROM pauses WHERE cause = 'clock' AND ended_by <> '')`

	seeClock = `INSERT INTO clock (one, seen_at) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at`

	vouchClock = `
INSERT INTO clock (one, seen_at, vouched_at, excused) VALUES (1, ?1, ?2, ?3)
ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at, vouched_at = excluded.vouched_at, excused = excluded.excused`

	// What a clock ahead of the real one has fired is no fire: its time is still to come.
	setFiresAside = `DELETE FROM fires WHERE due_at > ?1 AND state <> 'planned'`

	bringForward = `
UPDATE deliveries INDEXED BY deliveries_due SET next_attempt_at = ?2, updated_at = ?2
WHERE state IN ('queued', 'deferred') AND next_attempt_at > ?1`

	importedUntil = `SELECT (SELECT max(finished_at) FROM imports WHERE finished_at <= ?1), (SELECT max(finished_at) FROM imports)`

	// One seek for each kind of row, and one for each machine.
	newestRow = machineKeys + `
SELECT (SELECT max(time) FROM detections WHERE contract = ?1 AND time <= ?2),
       (SELECT max(time) FROM edr_events WHERE contract = ?1 AND time <= ?2),
       (SELECT unixepoch(max(day)) * 1000 FROM coverage WHERE contract = ?1 AND day <= ?3),
       (SELECT unixepoch(max((SELECT max(day) FROM agent_status WHERE contract = ?1 AND machine = e.name AND day <= ?3))) * 1000
        FROM e WHERE e.name IS NOT NULL)`
)

// ClockMarks reads what the ledger knows of the time, see store.ClockMarks.
func (l *Ledger) ClockMarks(ctx context.Context, now time.Time) (m store.ClockMarks, err error) {
	var behind, ahead, seen, excused, vouched, last sql.NullInt64
	if err := l.r.QueryRowContext(ctx, clockMarks, now.UnixMilli()).Scan(&behind, &ahead, &seen, &excused, &vouched, &last); err != nil {
		return m, fmt.Errorf("read the clock's marks: %w", err)
	}
	return store.ClockMarks{
		Behind: fromMillis(behind), Ahead: fromMillis(ahead), Seen: fromMillis(seen),
		Excused: fromMillis(excused), Vouched: fromMillis(vouched), LastVouch: fromMillis(last),
	}, nil
}

// SeeClock writes down that the clock was believed.
func (l *Ledger) SeeClock(ctx context.Context, now time.Time) error {
	return l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, seeClock, now.UnixMilli())
		return err
	})
}

// VouchClock writes down that an operator has vouched for the clock, and that what was recorded beyond
// now, up to excused, was recorded by a clock that was wrong; fires among it are set aside.
func (l *Ledger) VouchClock(ctx context.Context, vouched, excused, now time.Time) error {
	return l.write(ctx, func(tx ledgerTx) error {
		if _, err := tx.exec(ctx, setFiresAside, now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.exec(ctx, vouchClock, now.UnixMilli(), vouched.UnixMilli(), excused.UnixMilli())
		return err
	})
}

// BringForward makes due now what is to be tried later than a time to which no delivery is rightly put
// off, and tells how many those were.
func (l *Ledger) BringForward(ctx context.Context, beyond, now time.Time) (n int64, err error) {
	err = l.write(ctx, func(tx ledgerTx) error {
		n, err = changed(tx.exec(ctx, bringForward, beyond.UnixMilli(), now.UnixMilli()))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("bring deliveries forward: %w", err)
	}
	return n, nil
}

// ImportedUntil is when the newest import up to now finished, and when the newest of all.
func (d *Detections) ImportedUntil(ctx context.Context, now time.Time) (behind, ahead time.Time, err error) {
	var before, last sql.NullInt64
	if err := d.importedUntil.QueryRowContext(ctx, now.UnixMilli()).Scan(&before, &last); err != nil {
		return behind, ahead, fmt.Errorf("read imports: %w", err)
	}
	return fromMillis(before), fromMillis(last), nil
}

// NewestRow is when the newest row up to now is dated, as the agents' clocks say; zero if there is none.
func (d *Detections) NewestRow(ctx context.Context, now time.Time) (newest time.Time, err error) {
	today := string(store.DayOf(now, time.UTC))
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		var keys []int64
		err := each(ctx, tx, d.prune.keys, func(row scanner) error {
			var key int64
			var zone string
			err := row.Scan(&key, &zone)
			keys = append(keys, key)
			return err
		})
		for i := 0; i < len(keys) && err == nil; i++ {
			var at [4]sql.NullInt64
			err = tx.StmtContext(ctx, d.newestRow).QueryRowContext(ctx, keys[i], now.UnixMilli(), today).Scan(&at[0], &at[1], &at[2], &at[3])
			for _, ms := range at {
				if t := fromMillis(ms); t.After(newest) {
					newest = t
				}
			}
		}
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the newest row: %w", err)
	}
	return newest, nil
}
