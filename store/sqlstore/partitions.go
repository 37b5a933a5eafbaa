package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

// The detections on PostgreSQL are a table for each month, see the migration.

// partition is one of them: times from ≤ t < to, in milliseconds.
type partition struct {
	name     string
	from, to int64
}

// firstPartition and lastPartition bound the months that have a partition of their own. They are those of the migration.
var (
	firstPartition = store.Period{Year: 2010, Month: time.January}
	lastPartition  = store.Period{Year: 2099, Month: time.December}
)

func partitionOf(p store.Period) partition {
	from, to := p.Bounds(time.UTC)
	return partition{fmt.Sprintf("detections_%04d_%02d", p.Year, p.Month), from.UnixMilli(), to.UnixMilli()}
}

// partitionNamed is the partition of a name. Those that are not a month's have no bounds.
func partitionNamed(name string) partition {
	var p store.Period
	if n, err := fmt.Sscanf(name, "detections_%04d_%02d", &p.Year, &p.Month); n != 2 || err != nil {
		return partition{name: name}
	}
	return partitionOf(p)
}

// partitionsFor are those that rows need.
func partitionsFor(rows []detectionRow) (list []partition) {
	var last partition // of most rows it is the one of the row before
	for i := range rows {
		if ms := rows[i].ms; ms < last.from || ms >= last.to {
			p := store.PeriodOf(time.UnixMilli(ms), time.UTC)
			last = partitionOf(p)
			if p.Compare(firstPartition) >= 0 && p.Compare(lastPartition) <= 0 && !slices.Contains(list, last) {
				list = append(list, last)
			}
		}
	}
	return list
}

const selectPartitions = `SELECT CAST(inhrelid::regclass AS TEXT) FROM pg_inherits WHERE inhparent = 'detections'::regclass`

// partitionsMade reads their names.
func partitionsMade(ctx context.Context, tx *sql.Tx) (names map[string]bool, err error) {
	names = map[string]bool{}
	rows, err := tx.QueryContext(ctx, selectPartitions)
	err = readRows(rows, err, func(row scanner) error {
		var name string
		err := row.Scan(&name)
		names[name] = true
		return err
	})
	return names, err
}

// makeRoom makes the partitions that rows need and that are not there. A table that is made apart and then attached keeps
// no reader waiting; CREATE TABLE … PARTITION OF would, until the import ends.
func (c *importConn) makeRoom(ctx context.Context, rows []detectionRow) (err error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.partitions == nil {
		if c.partitions, err = partitionsMade(ctx, c.tx); err != nil {
			return err
		}
	}
	for _, p := range partitionsFor(rows) {
		if c.partitions[p.name] {
			continue
		}
		if err := p.make(ctx, c.tx); err != nil {
			return err
		}
		if _, err := c.tx.ExecContext(ctx, p.attachment()); err != nil {
			return err
		}
		c.partitions[p.name] = true
	}
	return nil
}

// make makes an empty table of its name.
func (p partition) make(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `CREATE TABLE `+p.name+` (LIKE detections INCLUDING CONSTRAINTS)`)
	return err
}

// attachment makes the table of its name a partition, with the indexes that all have.
func (p partition) attachment() string {
	return fmt.Sprintf(`ALTER TABLE detections ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, p.name, p.from, p.to)
}

// Whoever writes to the detections keeps other writers out until it commits, in all processes, as on SQLite. It waits
// for another as long as it would there.
const (
	waitForWriters = `SET LOCAL lock_timeout = '30s'`
	keepWritersOut = `SELECT pg_advisory_xact_lock(7341018253)` //nolint:gosec // G101 takes it for a password
)

// alone keeps other writers out; on SQLite a transaction that writes does so by itself.
func (d *Detections) alone(ctx context.Context, tx *sql.Tx) error {
	if d.f.file != nil {
		return nil
	}
	if _, err := tx.ExecContext(ctx, waitForWriters); err != nil {
		return err
	}
	_, err := tx.ExecContext(withoutHurry(ctx), keepWritersOut)
	return err
}
