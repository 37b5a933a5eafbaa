package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"geppo/store"
)

// monthStatements read one contract's month. Each is a seek into a table clustered by contract and
// then time or day, so that its cost is that contract's rows, whatever else the database holds.
//
// They say "= +?" because SQLite's planner looks at the value of a bare "= ?" where it has a choice,
// and then parses and plans the statement anew for every value that is bound: 10 to 50 µs each time.
type monthStatements struct {
	endpoints, statuses, events, coverage, coverageFed *sql.Stmt

	detections, previous string // run by the driver, see eachValue
	tried                [2]*sql.Stmt
}

func (s *monthStatements) list(db *sql.DB) []statement {
	s.detections, s.previous = selectDetections(), selectPrevious()
	return []statement{
		{&s.endpoints, db, selectEndpoints},
		{&s.tried[0], db, s.detections},
		{&s.tried[1], db, s.previous},
		{&s.statuses, db, selectStatuses},
		{&s.events, db, selectEvents},
		{&s.coverage, db, selectCoverage},
		{&s.coverageFed, db, selectCoverageFed},
	}
}

// Month reads all that the reports of one contract and period are computed from, in one snapshot.
// Its bounds are the calendar month's in the contract's zone. ErrNotFound if there is no such
// contract, ErrPruned if rows of the period or of the month before were removed.
func (d *Detections) Month(ctx context.Context, id string, p store.Period) (m store.Month, err error) {
	err = d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		if err := pruned(tx.StmtContext(ctx, d.prune.isPruned).QueryRowContext(ctx, p.String(), p.Previous().String())); err != nil {
			return err
		}
		key, contract, err := d.readContract(ctx, tx, id)
		if err != nil {
			return err
		}
		loc, err := d.location(contract.Timezone)
		if err != nil {
			return err
		}
		r := monthReader{ctx: ctx, conn: conn, tx: tx, stmt: &d.month, key: key, m: store.Month{Contract: contract, Period: p, Location: loc}}
		for _, read := range []func() error{r.endpoints, r.previous, r.detections, r.statuses, r.events, r.coverage} {
			if err := read(); err != nil {
				return err
			}
		}
		m = r.m
		return nil
	})
	if err != nil {
		return store.Month{}, fmt.Errorf("read %s of contract %q: %w", p, id, err)
	}
	return m, nil
}

// Inventory reads a contract with its endpoints, removed ones included; ErrNotFound if there is no
// such contract.
func (d *Detections) Inventory(ctx context.Context, id string) (c store.Contract, list []store.Endpoint, err error) {
	err = d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		key, contract, err := d.readContract(ctx, tx, id)
		if err != nil {
			return err
		}
		loc, err := d.location(contract.Timezone)
		if err != nil {
			return err
		}
		r := monthReader{ctx: ctx, conn: conn, tx: tx, stmt: &d.month, key: key, m: store.Month{Contract: contract, Location: loc}}
		c, err = contract, r.endpoints()
		list = r.m.Endpoints
		return err
	})
	if err != nil {
		return store.Contract{}, nil, fmt.Errorf("read inventory of contract %q: %w", id, err)
	}
	return c, list, nil
}

// location is time.LoadLocation, once for each zone.
func (d *Detections) location(zone string) (*time.Location, error) {
	if loc, ok := d.zones.Load(zone); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	d.zones.Store(zone, loc)
	return loc, nil
}

// monthReader fills m by one query for each part, all in the snapshot of tx.
type monthReader struct {
	ctx  context.Context
	conn *sql.Conn // on which tx runs
	tx   *sql.Tx
	stmt *monthStatements
	key  int64
	m    store.Month
}

// bounds are p's first and next first instants in the contract's zone.
func (r *monthReader) bounds(p store.Period) (from, to int64) {
	start, end := p.Bounds(r.m.Location)
	return start.UnixMilli(), end.UnixMilli()
}

func (r *monthReader) time(ms int64) time.Time { return time.UnixMilli(ms).In(r.m.Location) }

const selectEndpoints = `
SELECT name, endpoint_id, class, os, installed_at, removed_at FROM endpoints WHERE contract = +? ORDER BY name, endpoint_id`

func (r *monthReader) endpoints() error {
	return each(r.ctx, r.tx, r.stmt.endpoints, func(rows scanner) error {
		var e store.Endpoint
		var installed int64
		var removed sql.NullInt64
		err := rows.Scan(&e.Name, &e.ID, &e.Class, &e.OS, &installed, &removed)
		e.InstalledAt = r.time(installed)
		if removed.Valid {
			e.RemovedAt = r.time(removed.Int64)
		}
		r.m.Endpoints = append(r.m.Endpoints, e)
		return err
	}, r.key)
}

// The features and classes, in the order of the numbers that queries give for them.
var (
	featureNumbers = []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus, store.MachineLearning, store.DeviceControl, store.ApplicationControl, store.DLP,
	}
	classNumbers = []store.Class{store.ClassDesktop, store.ClassServer, store.ClassMobile, store.ClassUnknown}
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
  ` + number("class", classNumbers) + ` + iif(misdated IS NULL, 0, ` + fmt.Sprint(misdatedClass) + `), name, result, count, nullif(endpoint_id, '')
FROM detections WHERE contract = +? AND time >= ? AND time < ? ORDER BY time, identity`
}

func (r *monthReader) detections() error {
	from, to := r.bounds(r.m.Period)
	r.m.Detections = slices.Grow(r.m.Detections, len(r.m.Previous)) // months resemble each other
	return r.eachValue(r.stmt.detections, func(v []driver.Value) (err error) {
		class := value[int64](v[3], &err)
		d := store.Detection{
			Feature:  featureNumbers[value[int64](v[0], &err)],
			Time:     r.time(value[int64](v[1], &err)),
			Misdated: class >= misdatedClass,
			Endpoint: value[string](v[2], &err),
			Class:    classNumbers[class%misdatedClass],
			Name:     value[string](v[4], &err),
			Result:   value[string](v[5], &err),
			Count:    value[int64](v[6], &err),
		}
		if v[7] != nil {
			d.EndpointID = value[string](v[7], &err)
		}
		r.m.Detections = append(r.m.Detections, d)
		return err
	}, r.key, from, to)
}

func selectPrevious() string {
	return `SELECT ` + number("feature", featureNumbers) + `, count
FROM detections WHERE contract = +? AND time >= ? AND time < ? ORDER BY time, identity`
}

func (r *monthReader) previous() error {
	from, to := r.bounds(r.m.Period.Previous())
	return r.eachValue(r.stmt.previous, func(v []driver.Value) (err error) {
		r.m.Previous = append(r.m.Previous, store.FeatureCount{
			Feature: featureNumbers[value[int64](v[0], &err)],
			Count:   value[int64](v[1], &err),
		})
		return err
	}, r.key, from, to)
}

// eachValue is each for the one table that is read by the million: it takes the rows from the
// driver. What database/sql adds for a row (locks, a context, conversions) is a third of the time.
func (r *monthReader) eachValue(query string, use func([]driver.Value) error, args ...int64) error {
	return r.conn.Raw(func(conn any) (err error) {
		named := make([]driver.NamedValue, len(args))
		for i, arg := range args {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
		}
		queryer, ok := conn.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("driver %T cannot query", conn)
		}
		rows, err := queryer.QueryContext(r.ctx, query, named)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		values := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(values); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := use(values); err != nil {
				return err
			}
		}
	})
}

// value is v as a T; another type is put into err.
func value[T any](v driver.Value, err *error) T {
	t, ok := v.(T)
	if !ok {
		*err = fmt.Errorf("a column holds %T, not %T", v, t)
	}
	return t
}

// The inventory leads: each endpoint's snapshots are read from the newest before the period on,
// which is one seek for it and one short range. Snapshots of machines that the inventory does not
// name are of no report.
const selectStatuses = `
SELECT s.endpoint, iif(s.machine GLOB 'ID:*', substr(s.machine, 4), ''), s.day, s.last_seen, s.pattern_current, s.os, s.os_supported,
       s.realtime_scan, s.behavior_monitoring, s.machine_learning, s.web_reputation, s.edr
FROM endpoints AS e CROSS JOIN agent_status AS s
  ON s.contract = e.contract AND s.machine IN (e.folded, 'ID:' || e.endpoint_id) AND s.day <= ?3
 AND s.day >= coalesce((SELECT max(b.day) FROM agent_status AS b
                        WHERE b.contract = e.contract AND b.machine = s.machine AND b.day < ?2), ?2)
WHERE e.contract = +?1
ORDER BY e.name, s.day`

func (r *monthReader) statuses() error {
	days := r.m.Period.Days()
	return each(r.ctx, r.tx, r.stmt.statuses, func(rows scanner) error {
		var s store.AgentStatus
		var seen int64
		p := &s.Protections
		err := rows.Scan(&s.Endpoint, &s.EndpointID, &s.Day, &seen, &s.PatternCurrent, &s.OS, &s.OSSupported,
			&p.RealtimeScan, &p.BehaviorMonitoring, &p.MachineLearning, &p.WebReputation, &p.EDR)
		s.LastSeen = r.time(seen)
		r.m.Statuses = append(r.m.Statuses, s)
		return err
	}, r.key, days[0], days[len(days)-1])
}

const selectEvents = `
SELECT id, time, updated, endpoints, status, objects FROM edr_events
WHERE contract = +? AND time >= ? AND time < ? ORDER BY time, id`

func (r *monthReader) events() error {
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
		r.m.Events = append(r.m.Events, e)
		return nil
	}, r.key, from, to)
}

const (
	selectCoverage    = `SELECT day FROM coverage WHERE contract = +? AND day BETWEEN ? AND ? ORDER BY day`
	selectCoverageFed = `SELECT 1 FROM coverage WHERE contract = +? AND day <= ? LIMIT 1`
)

func (r *monthReader) coverage() error {
	days := r.m.Period.Days()
	first, last := days[0], days[len(days)-1]
	err := each(r.ctx, r.tx, r.stmt.coverage, func(rows scanner) error {
		var day store.Day
		err := rows.Scan(&day)
		r.m.Coverage = append(r.m.Coverage, day)
		return err
	}, r.key, first, last)
	if err != nil {
		return err
	}
	var fed int
	err = r.tx.StmtContext(r.ctx, r.stmt.coverageFed).QueryRowContext(r.ctx, r.key, last).Scan(&fed)
	r.m.CoverageFed = fed == 1
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
