package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"geppo/store"
)

// Pruning on PostgreSQL goes by months and not by contracts, each of which would be a way through the network: what goes
// is handed over as a list of stretches of time, one for each zone that a contract is in and each span of the retention.
// Rows go with their partition, and what stays of it is written anew; the other tables lose theirs by DELETE.

// stretch is a span in a zone. A span that begins nowhere begins before everything.
type stretch struct {
	Zone  string    `json:"zone"`
	Since int64     `json:"since"`
	Until int64     `json:"until"`
	First store.Day `json:"first"`
	Bound store.Day `json:"bound"` // the first day that stays
}

// calendar has the beginnings of all months in a zone, from the year 1 on.
type calendar struct {
	Zone   string  `json:"zone"`
	Starts []int64 `json:"starts"`
}

var firstMonth = store.Period{Year: 1, Month: time.January}

// stretchesOf are those of the spans in all zones, and their calendars.
func stretchesOf(spans []span, zones map[string]*time.Location) (list []stretch, calendars []calendar) {
	for zone, loc := range zones {
		c := calendar{Zone: zone}
		for _, s := range spans {
			until, _ := s.to.Bounds(loc)
			g := stretch{Zone: zone, Since: math.MinInt64, Until: until.UnixMilli(), Bound: s.to.Days()[0]}
			if s.from != (store.Period{}) {
				since, _ := s.from.Bounds(loc)
				g.Since, g.First = since.UnixMilli(), s.from.Days()[0]
			}
			list = append(list, g)
		}
		for p := firstMonth; len(spans) > 0 && p.Compare(spans[len(spans)-1].to) < 0; p = p.Next() {
			start, _ := p.Bounds(loc)
			c.Starts = append(c.Starts, start.UnixMilli())
		}
		calendars = append(calendars, c)
	}
	return list, calendars
}

const (
	stretches = `json_to_recordset(CAST(?1 AS JSON)) AS g (zone TEXT, since BIGINT, until BIGINT, first TEXT, bound TEXT)`

	// In no zone a day has another name.
	spansOfDays = `(SELECT DISTINCT first, bound FROM ` + stretches + `) AS g`

	selectZones = `SELECT DISTINCT timezone FROM contracts`

	inTime = `JOIN contracts AS c ON c.key = d.contract JOIN ` + stretches + ` ON g.zone = c.timezone AND d.time >= g.since AND d.time < g.until`

	// ?3 is when the last stretch ends: later partitions are not looked at.
	countTimes = ` AS d ` + inTime + ` JOIN json_to_recordset(CAST(?2 AS JSON)) AS z (zone TEXT, starts BIGINT[]) ON z.zone = c.timezone,
LATERAL (SELECT greatest(width_bucket(d.time, z.starts), 1) - 1 AS month) AS m WHERE d.time < ?3 GROUP BY 1`
	monthOfTime = `
SELECT to_char(make_date(m.month / 12 + 1, m.month % 12 + 1, 1), 'YYYY-MM'), count(*) FROM `

	countDetections = monthOfTime + `detections` + countTimes
	countEvents     = monthOfTime + `edr_events` + countTimes

	coverageGoes = `x.day >= g.first AND x.day < g.bound AND x.day < (SELECT max(b.day) FROM coverage AS b WHERE b.contract = x.contract AND b.day < g.bound)`
	statusesGo   = `x.day >= g.first AND x.day < g.bound
  AND x.day < (SELECT max(b.day) FROM agent_status AS b WHERE b.contract = x.contract AND b.machine = x.machine AND b.day < g.bound)`

	countCoverage = `SELECT substr(x.day, 1, 7), count(*) FROM coverage AS x JOIN ` + spansOfDays + ` ON ` + coverageGoes + ` GROUP BY 1`
	countStatuses = `SELECT substr(x.day, 1, 7), count(*) FROM agent_status AS x JOIN ` + spansOfDays + ` ON ` + statusesGo + ` GROUP BY 1`

	ofContracts = `JOIN contracts AS c ON c.key = d.contract`
	goes        = `EXISTS (SELECT 1 FROM ` + stretches + ` WHERE g.zone = c.timezone AND d.time >= g.since AND d.time < g.until)`

	ofSome = ` AND x.contract >= ?2 AND x.contract < ?3`

	pruneEvents = `
DELETE FROM edr_events AS x USING contracts AS c, ` + stretches + ` WHERE c.key = x.contract AND g.zone = c.timezone AND x.time >= g.since AND x.time < g.until` + ofSome
	pruneCoverage   = `DELETE FROM coverage AS x USING ` + spansOfDays + ` WHERE ` + coverageGoes + ofSome
	pruneStatuses   = `DELETE FROM agent_status AS x USING ` + spansOfDays + ` WHERE ` + statusesGo + ofSome
	pruneIdentities = `
DELETE FROM identities AS x USING contracts AS c, ` + stretches + ` WHERE c.key = x.contract AND g.zone = c.timezone AND x.time >= g.since AND x.time < g.until` + ofSome

	selectLastKey = `SELECT coalesce(max(key), 0) FROM contracts`
)

// prunableMonths is Prunable on PostgreSQL.
func (d *Detections) prunableMonths(ctx context.Context, retention store.Retention) (p Pruning, err error) {
	months := map[store.Period]*PrunedMonth{}
	err = d.snapshot(withoutHurry(ctx), func(tx *sql.Tx) error {
		zones, err := d.zonesIn(ctx, tx)
		if err != nil {
			return err
		}
		stretches, calendars := stretchesOf(spansOf(retention), zones)
		for _, s := range stretches {
			p.until = max(p.until, s.Until)
		}
		p.stretches = list(stretches)
		byTime := []any{p.stretches, list(calendars), p.until}
		for _, kind := range []struct {
			statement string
			args      []any
			add       func(*PrunedMonth, int64)
		}{
			{countDetections, byTime, func(m *PrunedMonth, n int64) { m.Detections = n }},
			{countEvents, byTime, func(m *PrunedMonth, n int64) { m.Events = n }},
			{countCoverage, byTime[:1], func(m *PrunedMonth, n int64) { m.Coverage = n }},
			{countStatuses, byTime[:1], func(m *PrunedMonth, n int64) { m.Statuses = n }},
		} {
			rows, err := tx.QueryContext(withoutHurry(ctx), kind.statement, kind.args...)
			err = readRows(rows, err, func(row scanner) error {
				var at store.Period
				var text string
				var n int64
				err := row.Scan(&text, &n)
				if err == nil {
					at, err = store.ParsePeriod(text)
				}
				if months[at] == nil {
					months[at] = &PrunedMonth{Period: at}
				}
				kind.add(months[at], n)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	p.Months = sorted(months)
	return p, err
}

// zonesIn are those of all contracts.
func (d *Detections) zonesIn(ctx context.Context, tx *sql.Tx) (map[string]*time.Location, error) {
	zones := map[string]*time.Location{}
	rows, err := tx.QueryContext(ctx, selectZones)
	err = readRows(rows, err, func(row scanner) (err error) {
		var zone string
		if err = row.Scan(&zone); err == nil {
			zones[zone], err = d.location(zone)
		}
		return err
	})
	return zones, err
}

// prunedPartitions removes what prunableMonths has found, in a transaction for each partition and for some contracts each.
func (d *Detections) prunedPartitions(ctx context.Context, p Pruning, progress func(rows int64)) error {
	if p.stretches == "" { // only marked, see Prune
		return nil
	}
	ctx = withoutHurry(ctx)
	var names map[string]bool
	err := d.snapshot(ctx, func(tx *sql.Tx) (err error) {
		names, err = partitionsMade(ctx, tx)
		return err
	})
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err == nil && partitionNamed(name).from < p.until {
			err = d.removed(ctx, progress, func(tx *sql.Tx) (int64, error) { return prunePartition(ctx, tx, name, p) })
		}
	}
	var last int64
	if err == nil {
		err = d.f.r.QueryRowContext(ctx, selectLastKey).Scan(&last)
	}
	for from := int64(0); from <= last && err == nil; from += contractsAtOnce {
		err = d.removed(ctx, progress, func(tx *sql.Tx) (int64, error) { return pruneSome(ctx, tx, p, from, from+contractsAtOnce) })
	}
	return err
}

// contractsAtOnce is of how many contracts a transaction removes rows, see pruneRows.
const contractsAtOnce = 1000

func (d *Detections) removed(ctx context.Context, progress func(rows int64), remove func(*sql.Tx) (int64, error)) error {
	var gone int64
	err := d.update(ctx, func(tx *sql.Tx) (err error) {
		gone, err = remove(tx)
		return err
	})
	if err == nil && gone > 0 {
		progress(gone)
	}
	return err
}

// pruneSome removes the other rows of contracts with keys from ≤ k < to. Where the detections were goes last: until then
// one that comes again counts as known.
func pruneSome(ctx context.Context, tx *sql.Tx, p Pruning, from, to int64) (gone int64, err error) {
	for _, statement := range []string{pruneEvents, pruneCoverage, pruneStatuses} {
		result, err := tx.ExecContext(ctx, statement, p.stretches, from, to)
		if err != nil {
			return gone, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return gone, err
		}
		gone += n
	}
	_, err = tx.ExecContext(ctx, pruneIdentities, p.stretches, from, to)
	return gone, err
}

// isBusy tells whether a lock was waited for in vain: lock_not_available, of
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func isBusy(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "55P03"
}

// waitForReaders bounds how long one who reads long makes the others wait. If it is in vain, nothing of the partition is
// removed, and pruning can be begun again.
const waitForReaders = `SET LOCAL lock_timeout = '5s'`

// prunePartition removes what goes of a partition: by dropping it if most of it does, after what stays was copied. Who
// reads the detections waits for the moment in which one table takes the place of the other.
func prunePartition(ctx context.Context, tx *sql.Tx, name string, p Pruning) (gone int64, err error) {
	var all int64
	err = tx.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE `+goes+`), count(*) FROM `+name+` AS d `+ofContracts, p.stretches).Scan(&gone, &all)
	if err != nil || gone == 0 {
		return 0, err
	}
	part := partitionNamed(name)
	if part.to == 0 || gone < all/2 {
		_, err := tx.ExecContext(ctx, `DELETE FROM `+name+` AS d USING contracts AS c WHERE c.key = d.contract AND `+goes, p.stretches) //nolint:gosec // G202: our own names
		return gone, err
	}
	steps := []string{waitForReaders, `ALTER TABLE detections DETACH PARTITION ` + name, `DROP TABLE ` + name}
	if gone < all {
		kept := partition{name + "_kept", part.from, part.to}
		if err := kept.make(ctx, tx); err != nil {
			return 0, err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO `+kept.name+` SELECT d.* FROM `+name+` AS d `+ofContracts+` WHERE NOT `+goes+` ORDER BY d.contract, d.time, d.identity`, p.stretches) //nolint:gosec // G202: our own names
		if err != nil {
			return 0, err
		}
		steps = append(steps, `ALTER TABLE `+kept.name+` RENAME TO `+name, part.attachment())
	}
	for _, step := range steps {
		if _, err := tx.ExecContext(ctx, step); isBusy(err) {
			return 0, fmt.Errorf("%s has been read for a while; prune again when it is not: %w", name, err)
		} else if err != nil {
			return 0, err
		}
	}
	return gone, nil
}
