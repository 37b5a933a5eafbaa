package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"time"

	"geppo/store"
)

// Pruning on SQLite goes by contracts and their months, each of which is a short range of every table.

// pruneUnit is one contract's month, or in a search one contract's span.
type pruneUnit struct {
	contract    int64
	period      store.Period
	from, to    int64     // milliseconds, [from, to)
	first, next store.Day // the same in days
	bound       store.Day // the first day of the next month that stays
}

// args are ?1 to ?6 of the statements below, of which some need only the first few.
func (u pruneUnit) args(n int) []any {
	return []any{u.contract, u.from, u.to, u.first, u.next, u.bound}[:n]
}

// units are SQLite's statements, see prunedPartitions.
func (s *pruneStatements) units(r, w *sql.DB) []statement {
	return []statement{
		{&s.oldest, r, selectOldest},
		{&s.count, r, countToGo},
		{&s.detections, w, `DELETE` + detectionsToGo},
		{&s.statuses, w, deleteStatuses},
		{&s.events, w, `DELETE` + eventsToGo},
		{&s.coverages, w, `DELETE` + coverageToGo},
	}
}

const (
	// machineKeys seeks from one machine to the next instead of reading every snapshot.
	machineKeys = `
WITH RECURSIVE e (name) AS (
  SELECT min(machine) FROM agent_status WHERE contract = +?1
  UNION ALL
  SELECT (SELECT min(machine) FROM agent_status WHERE contract = +?1 AND machine > e.name) FROM e WHERE e.name IS NOT NULL
)`

	selectOldest = machineKeys + `
SELECT (SELECT min(time) FROM detections WHERE contract = ?1 AND time >= ?2 AND time < ?3),
       (SELECT min(time) FROM edr_events WHERE contract = ?1 AND time >= ?2 AND time < ?3),
       (SELECT min(day) FROM coverage WHERE contract = ?1 AND day >= ?4 AND day < ?5),
       (SELECT min((SELECT min(day) FROM agent_status WHERE contract = ?1 AND machine = e.name AND day >= ?4 AND day < ?5))
        FROM e WHERE e.name IS NOT NULL)`

	detectionsToGo = ` FROM detections WHERE contract = ?1 AND time >= ?2 AND time < ?3`
	eventsToGo     = ` FROM edr_events WHERE contract = ?1 AND time >= ?2 AND time < ?3`
	coverageToGo   = ` FROM coverage WHERE contract = ?1 AND day >= ?4 AND day < ?5
  AND day < (SELECT max(day) FROM coverage WHERE contract = ?1 AND day < ?6)`
	statusesToGo = ` FROM e CROSS JOIN agent_status AS s ON s.contract = ?1 AND s.machine = e.name AND s.day >= ?4 AND s.day < ?5
  AND s.day < (SELECT max(b.day) FROM agent_status AS b WHERE b.contract = ?1 AND b.machine = e.name AND b.day < ?6)`

	countToGo = machineKeys + `
SELECT (SELECT count(*)` + detectionsToGo + `), (SELECT count(*)` + statusesToGo + `),
       (SELECT count(*)` + eventsToGo + `), (SELECT count(*)` + coverageToGo + `)`

	deleteStatuses = machineKeys + `
DELETE FROM agent_status WHERE (contract, machine, day) IN (SELECT s.contract, s.machine, s.day` + statusesToGo + `)`
)

func (d *Detections) prunableUnits(ctx context.Context, retention store.Retention) (p Pruning, err error) {
	months := map[store.Period]*PrunedMonth{}
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		zones := map[int64]string{}
		var keys []int64
		err := each(ctx, tx, d.prune.keys, func(rows scanner) error {
			var key int64
			var zone string
			err := rows.Scan(&key, &zone)
			keys, zones[key] = append(keys, key), zone
			return err
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			loc, err := d.location(zones[key])
			if err != nil {
				return err
			}
			for _, s := range spansOf(retention) {
				if err := d.prunableSpan(ctx, tx, key, loc, s, &p, months); err != nil {
					return err
				}
			}
		}
		return nil
	})
	p.Months = sorted(months)
	return p, err
}

// prunableSpan adds one contract's months in a span, going from one that has rows to the next.
func (d *Detections) prunableSpan(ctx context.Context, tx *sql.Tx, contract int64, loc *time.Location, s span, p *Pruning, months map[store.Period]*PrunedMonth) error {
	end, _ := s.to.Bounds(loc)
	rest := pruneUnit{contract: contract, from: math.MinInt64, to: end.UnixMilli(), next: s.to.Days()[0], bound: s.to.Days()[0]}
	if s.from != (store.Period{}) {
		start, _ := s.from.Bounds(loc)
		rest.from, rest.first = start.UnixMilli(), s.from.Days()[0]
	}
	for rest.from < rest.to {
		oldest, found, err := oldestPeriod(tx.StmtContext(ctx, d.prune.oldest).QueryRowContext(ctx, rest.args(5)...), loc)
		if err != nil || !found {
			return err
		}
		start, end := oldest.Bounds(loc)
		unit := pruneUnit{
			contract: contract, period: oldest, from: start.UnixMilli(), to: end.UnixMilli(),
			first: oldest.Days()[0], next: oldest.Next().Days()[0], bound: rest.bound,
		}
		m := PrunedMonth{Period: oldest}
		err = tx.StmtContext(ctx, d.prune.count).QueryRowContext(ctx, unit.args(6)...).Scan(&m.Detections, &m.Statuses, &m.Events, &m.Coverage)
		if err != nil {
			return err
		}
		if m.Rows() > 0 {
			p.units = append(p.units, unit)
			sum := months[oldest]
			if sum == nil {
				sum = &PrunedMonth{Period: oldest}
				months[oldest] = sum
			}
			sum.Detections, sum.Statuses = sum.Detections+m.Detections, sum.Statuses+m.Statuses
			sum.Events, sum.Coverage = sum.Events+m.Events, sum.Coverage+m.Coverage
		}
		rest.from, rest.first = unit.to, unit.next
	}
	return nil
}

// oldestPeriod is the month of the oldest of four rows, of which each may be missing.
func oldestPeriod(row *sql.Row, loc *time.Location) (oldest store.Period, found bool, err error) {
	var times [2]sql.NullInt64
	var days [2]sql.NullString
	if err := row.Scan(&times[0], &times[1], &days[0], &days[1]); err != nil {
		return store.Period{}, false, err
	}
	take := func(p store.Period) {
		if !found || p.Compare(oldest) < 0 {
			oldest, found = p, true
		}
	}
	for _, ms := range times {
		if ms.Valid {
			take(store.PeriodOf(time.UnixMilli(ms.Int64), loc))
		}
	}
	for _, day := range days {
		if !day.Valid {
			continue
		}
		p, err := store.ParsePeriod(day.String[:len("2006-01")])
		if err != nil {
			return store.Period{}, false, err
		}
		take(p)
	}
	return oldest, found, nil
}

// pruneRows is how many rows a transaction may have removed when it is ended: an import that waits
// gets its turn between two, and readers see the state before it all the while.
const pruneRows = 20_000

func (d *Detections) prunedUnits(ctx context.Context, p Pruning, progress func(rows int64)) (err error) {
	for left := p.units; len(left) > 0 && err == nil; {
		var gone int64
		err = d.update(ctx, func(tx *sql.Tx) error {
			for len(left) > 0 && gone < pruneRows {
				n, err := d.removeUnit(ctx, tx, left[0])
				if err != nil {
					return err
				}
				left, gone = left[1:], gone+n
			}
			return nil
		})
		progress(gone)
	}
	return err
}

func (d *Detections) removeUnit(ctx context.Context, tx *sql.Tx, u pruneUnit) (rows int64, err error) {
	for _, remove := range []struct {
		stmt *sql.Stmt
		args []any
	}{
		{d.prune.detections, u.args(3)},
		{d.prune.events, u.args(3)},
		{d.prune.statuses, u.args(6)},
		{d.prune.coverages, u.args(6)},
	} {
		result, err := tx.StmtContext(ctx, remove.stmt).ExecContext(ctx, remove.args...)
		if err != nil {
			return 0, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}
