package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"geppo/store"
)

// importsStatements read what imports have left behind for people to look at.
type importsStatements struct{ feeds, imported, arrivals, outsiders, misdated *sql.Stmt }

func (s *importsStatements) list(db *sql.DB) []statement {
	return []statement{
		{&s.feeds, db, selectFeeds},
		{&s.imported, db, selectImported},
		{&s.arrivals, db, selectArrivals},
		{&s.outsiders, db, selectOutsiders},
		{&s.misdated, db, selectMisdated},
	}
}

const selectFeeds = `
SELECT feed, file, format, finished_at, read_rows, new_rows, changed_rows, duplicate_rows, rejected_rows, not_reported, warnings
FROM imports AS i
WHERE feed <> '' AND finished_at >= ? AND key = (SELECT key FROM imports WHERE feed = i.feed ORDER BY finished_at DESC, key DESC LIMIT 1)
ORDER BY finished_at DESC, key DESC`

// Feeds gives the last import of each feed, if it is not older than since; the newest first.
func (d *Detections) Feeds(ctx context.Context, since time.Time) (list []store.ImportRecord, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.imports.feeds, func(rows scanner) error {
			var r store.ImportRecord
			var finished int64
			var notReported, warnings []byte
			err := rows.Scan(&r.Feed, &r.File, &r.Format, &finished, &r.Read, &r.New, &r.Changed, &r.Duplicate, &r.Rejected, &notReported, &warnings)
			if err == nil {
				err = json.Unmarshal(notReported, &r.NotReported)
			}
			if err == nil {
				err = json.Unmarshal(warnings, &r.Warnings)
			}
			r.FinishedAt = time.UnixMilli(finished)
			list = append(list, r)
			return err
		}, since.UnixMilli())
	})
	if err != nil {
		return nil, fmt.Errorf("read the last imports: %w", err)
	}
	return list, nil
}

const selectImported = `SELECT max(finished_at) FROM imports WHERE file = +? AND sha256 = +? AND size = +?`

// Imported tells when a file of this name, size and content was imported; the zero time if it was not.
func (d *Detections) Imported(ctx context.Context, file string, size int64, sum []byte) (time.Time, error) {
	var ms sql.NullInt64
	if err := d.imports.imported.QueryRowContext(ctx, file, sum, size).Scan(&ms); err != nil {
		return time.Time{}, fmt.Errorf("look whether %s was imported: %w", file, err)
	}
	return fromMillis(ms), nil
}

const selectArrivals = `SELECT finished_at FROM imports WHERE feed = +? ORDER BY finished_at DESC LIMIT ?`

// Arrivals gives when the last files of a feed were imported, the newest first.
func (d *Detections) Arrivals(ctx context.Context, feed string, most int) (list []time.Time, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.imports.arrivals, func(rows scanner) error {
			var ms int64
			err := rows.Scan(&ms)
			list = append(list, time.UnixMilli(ms))
			return err
		}, feed, most)
	})
	if err != nil {
		return nil, fmt.Errorf("read the imports of %s: %w", feed, err)
	}
	return list, nil
}

// An entry of the inventory that came after the rows makes their machine one of it.
const selectOutsiders = `
SELECT c.id, o.name, o.rows, o.seen_at FROM outside AS o JOIN contracts AS c ON c.key = o.contract
WHERE o.seen_at >= ?
  AND NOT EXISTS (SELECT 1 FROM endpoints AS e WHERE e.contract = o.contract AND e.folded = o.machine)
  AND NOT EXISTS (SELECT 1 FROM endpoints AS e WHERE e.contract = o.contract AND e.endpoint_id <> '' AND 'ID:' || e.endpoint_id = o.machine)
  AND (ltrim(o.machine, '0123456789.') = '' -- an address; see store.Bare
    OR (SELECT count(*) FROM endpoints AS e WHERE e.contract = o.contract AND e.folded = CASE WHEN instr(o.machine, '.') > 0 THEN substr(o.machine, 1, instr(o.machine, '.') - 1) END) <> 1)
ORDER BY c.id, o.name, o.machine`

// Outsiders lists the machines that rows named since then and no inventory does.
func (d *Detections) Outsiders(ctx context.Context, since time.Time) (list []store.Outsider, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.imports.outsiders, func(rows scanner) error {
			var o store.Outsider
			var seen int64
			err := rows.Scan(&o.Contract, &o.Name, &o.Rows, &seen)
			o.SeenAt = time.UnixMilli(seen)
			list = append(list, o)
			return err
		}, since.UnixMilli())
	})
	if err != nil {
		return nil, fmt.Errorf("read machines outside the inventory: %w", err)
	}
	return list, nil
}

const selectMisdated = `
SELECT c.id, d.endpoint, d.name, d.feature, d.time, d.misdated
FROM detections AS d INDEXED BY detections_misdated JOIN contracts AS c ON c.key = d.contract
WHERE d.misdated IS NOT NULL AND d.time >= ? ORDER BY c.id, d.time, d.identity`

// Misdated lists the detections received since then whose endpoint's clock was wrong.
func (d *Detections) Misdated(ctx context.Context, since time.Time) (list []store.Misdated, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.imports.misdated, func(rows scanner) error {
			var m store.Misdated
			var at, clock int64
			err := rows.Scan(&m.Contract, &m.Endpoint, &m.Name, &m.Feature, &at, &clock)
			m.Time, m.Clock = time.UnixMilli(at), time.UnixMilli(clock)
			list = append(list, m)
			return err
		}, since.UnixMilli())
	})
	if err != nil {
		return nil, fmt.Errorf("read detections of wrong clocks: %w", err)
	}
	return list, nil
}
