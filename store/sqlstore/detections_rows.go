package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"geppo/store"
)

func selectEndpoints() string {
	return `SELECT name, nullif(endpoint_id, ''), ` + number("class", classNumbers) + `, os, installed_at, removed_at
FROM endpoints WHERE contract = +? ORDER BY folded, endpoint_id`
}

func (r *monthReader) endpoints(use func(*store.Endpoint)) error {
	return r.eachValue(r.stmt.endpoints, func(v []driver.Value) (err error) {
		e := store.Endpoint{
			Name:        value[string](v[0], &err),
			ID:          optional[string](v[1], &err),
			Class:       classNumbers[value[int64](v[2], &err)],
			OS:          value[string](v[3], &err),
			InstalledAt: r.time(value[int64](v[4], &err)),
		}
		if v[5] != nil {
			e.RemovedAt = r.time(value[int64](v[5], &err))
		}
		use(&e)
		return err
	}, r.key)
}

// The features, classes and states of a protection, in the order of the numbers that queries give for them.
var (
	featureNumbers = []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus, store.MachineLearning, store.DeviceControl, store.ApplicationControl, store.DLP,
	}
	classNumbers      = []store.Class{store.ClassDesktop, store.ClassServer, store.ClassMobile, store.ClassUnknown}
	protectionNumbers = []store.Protection{store.On, store.Off, store.Unknown}
)

// number is an expression for the place of column's value in names. A small number costs a tenth of
// a string on its way out of SQLite, which is a fifth of the time of reading a month.
func number[Name ~string](column string, names []Name) string {
	s := "CASE " + column
	for i, name := range names {
		s += fmt.Sprintf(" WHEN '%s' THEN %d", name, i)
	}
	return s + " END"
}

// misdatedClass is added to the number of the class of a row that is dated by its receipt. A column
// of its own would cost as much as count does.
const misdatedClass = 8

// selectDetections gives NULL for an endpoint_id that is not there, which costs half of ”.
func selectDetections() string {
	return `SELECT ` + number("feature", featureNumbers) + `, time, endpoint,
  ` + number("class", classNumbers) + ` + CASE WHEN misdated IS NULL THEN 0 ELSE ` + fmt.Sprint(misdatedClass) + ` END, name, result, count, nullif(endpoint_id, '')
FROM detections WHERE contract = +? AND time >= ? AND time < ? ORDER BY time, identity`
}

func (r *monthReader) detections(use func(*store.Detection)) error {
	from, to := r.bounds(r.m.Period)
	var d store.Detection // lent, so that a row costs its strings alone
	return r.eachValue(r.stmt.detections, func(v []driver.Value) (err error) {
		class := value[int64](v[3], &err)
		d = store.Detection{
			Feature:    featureNumbers[value[int64](v[0], &err)],
			Time:       r.time(value[int64](v[1], &err)),
			Misdated:   class >= misdatedClass,
			Endpoint:   value[string](v[2], &err),
			EndpointID: optional[string](v[7], &err),
			Class:      classNumbers[class%misdatedClass],
			Name:       value[string](v[4], &err),
			Result:     value[string](v[5], &err),
			Count:      value[int64](v[6], &err),
		}
		use(&d)
		return err
	}, r.key, from, to)
}

// The sums of features that no report shows are left out. One column for each, because GROUP BY would
// sort the rows first.
const featureSums = `
CAST(sum(count) FILTER (WHERE feature = 'virus') AS BIGINT), CAST(sum(count) FILTER (WHERE feature = 'spyware') AS BIGINT),
       CAST(sum(count) FILTER (WHERE feature = 'web_reputation') AS BIGINT), CAST(sum(count) FILTER (WHERE feature = 'behavior_monitoring') AS BIGINT),
       CAST(sum(count) FILTER (WHERE feature = 'url_filtering') AS BIGINT), CAST(sum(count) FILTER (WHERE feature = 'network_virus') AS BIGINT)`

const selectPrevious = `SELECT ` + featureSums + ` FROM detections WHERE contract = +? AND time >= ? AND time < ?`

// previous sums up the month before by feature.
func (r *monthReader) previous() (err error) {
	from, to := r.bounds(r.m.Period.Previous())
	r.m.Previous, err = scanSums(r.tx.StmtContext(r.ctx, r.stmt.previous).QueryRowContext(r.ctx, r.key, from, to))
	return err
}

// scanSums reads featureSums, and more columns behind them; it gives the features that there were.
func scanSums(row *sql.Row, more ...any) (list []store.FeatureCount, err error) {
	var sums [6]sql.NullInt64 // NULL: there was none
	err = row.Scan(append([]any{&sums[0], &sums[1], &sums[2], &sums[3], &sums[4], &sums[5]}, more...)...)
	for i, n := range sums {
		if n.Valid {
			list = append(list, store.FeatureCount{Feature: featureNumbers[i], Count: n.Int64})
		}
	}
	return list, err
}

// SQLite sorts on disk what does not fit its cache.
const selectNames = `
SELECT name, CAST(sum(count) AS BIGINT) FROM detections WHERE contract = +? AND time >= ? AND time < ? AND feature = ?
GROUP BY name ORDER BY 2 DESC, 1 LIMIT ?`

func (r *monthReader) names(f store.Feature, limit int) (list []store.NameCount, err error) {
	from, to := r.bounds(r.m.Period)
	err = each(r.ctx, r.tx, r.stmt.names, func(rows scanner) error {
		var n store.NameCount
		err := rows.Scan(&n.Name, &n.Count)
		list = append(list, n)
		return err
	}, r.key, from, to, f, limit)
	return list, err
}

// Each machine's snapshots are read from the newest before the period on, which is one seek for it and
// one short range. The machines are those that have reported, not those of the inventory: a report
// must not say that all is well because the inventory does not know the machine that is not. They are
// found by seeking from one to the next; years of snapshots are not read for it. SQLite's have no ORDER BY,
// which would sort what comes in its order already.
func selectStatuses() string {
	s := `WITH RECURSIVE m(machine) AS (
  SELECT min(machine) FROM agent_status WHERE contract = ?1
  UNION ALL
  SELECT (SELECT min(machine) FROM agent_status WHERE contract = ?1 AND machine > m.machine) FROM m WHERE m.machine IS NOT NULL
)
SELECT s.endpoint, CASE WHEN s.machine >= 'ID:' AND s.machine < 'ID;' THEN substr(s.machine, 4) END, s.day, s.last_seen, s.pattern_current, s.os, s.os_supported`
	for _, column := range []string{"realtime_scan", "behavior_monitoring", "machine_learning", "web_reputation", "edr"} {
		s += ",\n  " + number("s."+column, protectionNumbers)
	}
	return s + `
FROM m CROSS JOIN agent_status AS s
  ON s.contract = ?1 AND s.machine = m.machine AND s.day <= ?3
 AND s.day >= coalesce((SELECT max(b.day) FROM agent_status AS b WHERE b.contract = ?1 AND b.machine = m.machine AND b.day < ?2), ?2)
WHERE m.machine IS NOT NULL /*pg ORDER BY s.machine, s.day*/`
}

func (r *monthReader) statuses(use func(*store.AgentStatus)) error {
	days := r.m.Period.Days()
	return r.eachValue(r.stmt.statuses, func(v []driver.Value) (err error) {
		state := func(i int) store.Protection { return protectionNumbers[value[int64](v[i], &err)] }
		s := store.AgentStatus{
			Endpoint:       value[string](v[0], &err),
			EndpointID:     optional[string](v[1], &err),
			Day:            store.Day(value[string](v[2], &err)),
			LastSeen:       r.time(value[int64](v[3], &err)),
			PatternCurrent: flag(v[4], &err),
			OS:             value[string](v[5], &err),
			OSSupported:    flag(v[6], &err),
			Protections: store.Protections{
				RealtimeScan: state(7), BehaviorMonitoring: state(8), MachineLearning: state(9), WebReputation: state(10), EDR: state(11),
			},
		}
		use(&s)
		return err
	}, r.key, string(days[0]), string(days[len(days)-1]))
}

const selectEvents = `
SELECT id, time, updated, endpoints, status, objects FROM edr_events
WHERE contract = +? AND time >= ? AND time < ? ORDER BY time DESC, id`

func (r *monthReader) events(use func(*store.EDREvent)) error {
	from, to := r.bounds(r.m.Period)
	return each(r.ctx, r.tx, r.stmt.events, func(rows scanner) error {
		var e store.EDREvent
		var ms int64
		var updated sql.NullInt64
		var endpoints, objects []byte
		if err := rows.Scan(&e.ID, &ms, &updated, &endpoints, &e.Status, &objects); err != nil {
			return err
		}
		if err := json.Unmarshal(endpoints, &e.Endpoints); err != nil {
			return fmt.Errorf("endpoints of event %q: %w", e.ID, err)
		}
		if err := json.Unmarshal(objects, &e.Objects); err != nil {
			return fmt.Errorf("objects of event %q: %w", e.ID, err)
		}
		e.Time = r.time(ms)
		if updated.Valid {
			e.Updated = r.time(updated.Int64)
		}
		use(&e)
		return nil
	}, r.key, from, to)
}

const (
	selectCoverage    = `SELECT day FROM coverage WHERE contract = +? AND day BETWEEN ? AND ? ORDER BY day`
	selectCoverageFed = `SELECT 1 FROM coverage WHERE contract = +? AND day <= ? LIMIT 1`
)

// coverage reads the days of the period and of the month before.
func (r *monthReader) coverage() (err error) {
	before, days := r.m.Period.Previous().Days(), r.m.Period.Days()
	err = each(r.ctx, r.tx, r.stmt.coverage, func(rows scanner) error {
		var day store.Day
		err := rows.Scan(&day)
		r.m.Coverage = append(r.m.Coverage, day)
		return err
	}, r.key, before[0], days[len(days)-1])
	if err != nil {
		return err
	}
	if r.m.CoverageFed, err = r.fedUntil(days[len(days)-1]); err != nil {
		return err
	}
	r.m.FedBefore, err = r.fedUntil(before[len(before)-1])
	return err
}

// fedUntil tells whether the feed has reported any day up to one.
func (r *monthReader) fedUntil(day store.Day) (bool, error) {
	var fed int
	err := r.tx.StmtContext(r.ctx, r.stmt.coverageFed).QueryRowContext(r.ctx, r.key, day).Scan(&fed)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return fed == 1, err
}
