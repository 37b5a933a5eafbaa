package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"geppo/store"
)

// monthStatements read one contract's month. Each is a seek into a table clustered by contract and
// then time or day, so that its cost is that contract's rows, whatever else the database holds.
//
// They say "= +?" because SQLite's planner looks at the value of a bare "= ?" where it has a choice,
// and then parses and plans the statement anew for every value that is bound: 10 to 50 µs each time.
type monthStatements struct {
	previous, events, names, coverage, coverageFed, totals *sql.Stmt

	endpoints, statuses, detections string // run by the driver, see eachValue
	tried                           [3]*sql.Stmt
}

func (s *monthStatements) list(db *sql.DB) []statement {
	s.endpoints, s.statuses, s.detections = selectEndpoints(), selectStatuses(), selectDetections()
	return []statement{
		{&s.tried[0], db, s.endpoints},
		{&s.tried[1], db, s.statuses},
		{&s.tried[2], db, s.detections},
		{&s.previous, db, selectPrevious},
		{&s.events, db, selectEvents},
		{&s.names, db, selectNames},
		{&s.coverage, db, selectCoverage},
		{&s.coverageFed, db, selectCoverageFed},
		{&s.totals, db, selectTotals},
	}
}

// Month reads a whole month into memory, see ReadMonth.
func (d *Detections) Month(ctx context.Context, id string, p store.Period) (m store.Month, err error) {
	err = d.ReadMonth(ctx, id, p, func(rows store.MonthRows) (err error) {
		m, err = rows.Hold()
		return err
	})
	return m, err
}

// ReadMonth lends all that the reports of one contract and period are computed from to use, in one
// snapshot, which ends with use: its rows are read when use asks for them, and never held. Bounds are
// the calendar month's in the contract's zone. ErrNotFound if there is no such contract, ErrPruned if
// rows of the period or of the month before were removed.
func (d *Detections) ReadMonth(ctx context.Context, id string, p store.Period, use func(store.MonthRows) error) error {
	err := d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		if err := pruned(tx.StmtContext(ctx, d.prune.isPruned).QueryRowContext(ctx, p.String(), p.Previous().String())); err != nil {
			return err
		}
		r, err := d.reader(ctx, conn, tx, id, p)
		if err != nil {
			return err
		}
		if err := errors.Join(r.previous(), r.coverage()); err != nil {
			return err
		}
		return use(store.MonthRows{
			Month: r.m, Endpoints: r.endpoints, Statuses: r.statuses, Detections: r.detections, Events: r.events, Names: r.names,
		})
	})
	if err != nil {
		return fmt.Errorf("read %s of contract %q: %w", p, id, err)
	}
	return nil
}

// Inventory reads a contract with its endpoints, removed ones included; ErrNotFound if there is no
// such contract.
func (d *Detections) Inventory(ctx context.Context, id string) (c store.Contract, list []store.Endpoint, err error) {
	err = d.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		r, err := d.reader(ctx, conn, tx, id, store.Period{})
		if err != nil {
			return err
		}
		c = r.m.Contract
		return r.endpoints(func(e *store.Endpoint) { list = append(list, *e) })
	})
	if err != nil {
		return store.Contract{}, nil, fmt.Errorf("read inventory of contract %q: %w", id, err)
	}
	return c, list, nil
}

// reader finds the contract and its zone.
func (d *Detections) reader(ctx context.Context, conn *sql.Conn, tx *sql.Tx, id string, p store.Period) (*monthReader, error) {
	key, contract, err := d.readContract(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	loc, err := d.location(contract.Timezone)
	if err != nil {
		return nil, err
	}
	return &monthReader{
		ctx: ctx, conn: conn, tx: tx, stmt: &d.month, key: key, m: store.Month{Contract: contract, Period: p, Location: loc},
	}, nil
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

// eachValue is each for the tables that are read by the million: it takes the rows from the
// driver. What database/sql adds for a row (locks, a context, conversions) is a third of the time.
func (r *monthReader) eachValue(query string, use func([]driver.Value) error, args ...any) error {
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

// optional is v as a T, or its zero value for NULL.
func optional[T any](v driver.Value, err *error) (t T) {
	if v != nil {
		t = value[T](v, err)
	}
	return t
}

// flag is a column that is 0, 1 or NULL.
func flag(v driver.Value, err *error) *bool {
	if v == nil {
		return nil
	}
	return new(value[int64](v, err) == 1)
}
