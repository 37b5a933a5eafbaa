package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"geppo/store"
)

// rowsPerStatement is how many rows one INSERT carries: around 20 the cost of calling SQLite is
// spread, and longer statements win nothing.
const rowsPerStatement = 20

// The bounds of a batch. Larger ones sort better, smaller ones hold less: 100k rows keep most of
// the gain in some tens of megabytes.
const (
	maxBatchRows  = 100_000
	maxBatchBytes = 32 << 20
)

// batch holds rows back, to write them in the order of their key.
type batch[Row any] struct {
	one, many *sql.Stmt // statements that insert one row, and rowsPerStatement rows
	compare   func(a, b *Row) int
	args      func(row *Row, to []any) []any // appends a row's columns

	rows  []Row
	bytes int
	order []int // of rows, when they are written
	buf   []any // columns of one statement
}

// add takes a row whose text is size bytes, and writes the batch when it is full.
func (b *batch[Row]) add(ctx context.Context, row Row, size int, counts *store.ImportCounts) error {
	b.rows = append(b.rows, row)
	b.bytes += size
	if len(b.rows) < maxBatchRows && b.bytes < maxBatchBytes {
		return nil
	}
	return b.flush(ctx, counts)
}

// flush writes what is held. Of rows with one key the file's order decides.
func (b *batch[Row]) flush(ctx context.Context, counts *store.ImportCounts) error {
	b.order = b.order[:0]
	for i := range b.rows {
		b.order = append(b.order, i)
	}
	// Places are sorted instead of rows, because rows are large to move.
	slices.SortFunc(b.order, func(i, j int) int { return cmp.Or(b.compare(&b.rows[i], &b.rows[j]), cmp.Compare(i, j)) })
	for group := range slices.Chunk(b.order, rowsPerStatement) {
		if err := b.write(ctx, group, counts); err != nil {
			return err
		}
	}
	clear(b.rows) // lets go of the strings
	b.rows, b.bytes = b.rows[:0], 0
	return nil
}

// write inserts the rows at the places of group: by one statement if it is full, else one by one.
func (b *batch[Row]) write(ctx context.Context, group []int, counts *store.ImportCounts) error {
	stmt, size := b.many, len(group)
	if size < rowsPerStatement {
		stmt, size = b.one, 1
	}
	for part := range slices.Chunk(group, size) {
		b.buf = b.buf[:0]
		for _, i := range part {
			b.buf = b.args(&b.rows[i], b.buf)
		}
		res, err := stmt.ExecContext(ctx, b.buf...)
		if err != nil {
			return err
		}
		changed, err := res.RowsAffected()
		if err != nil {
			return err
		}
		counts.New += changed
		counts.Duplicate += int64(len(part)) - changed
	}
	return nil
}

// values is "(?, …), (?, …)" for rows of so many columns.
func values(rows, columns int) string {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

type detectionRow struct {
	key int64
	ms  int64
	store.DetectionRow
}

func putDetections(rows int) string {
	return `INSERT INTO detections (contract, time, id, feature, class, count, endpoint, name, result, received, path) VALUES ` +
		values(rows, 11) + ` ON CONFLICT (contract, time, id) DO NOTHING`
}

func (r *detectionRow) compare(other *detectionRow) int {
	return cmp.Or(cmp.Compare(r.key, other.key), cmp.Compare(r.ms, other.ms), strings.Compare(r.ID, other.ID))
}

func (r *detectionRow) args(to []any) []any {
	return append(to, r.key, r.ms, r.ID, string(r.Feature), string(r.Class), r.Count, r.Endpoint, r.Name, r.Result,
		millis(r.Received), r.Path)
}

// PutDetection adds a detection; one with the same contract, time and id stays as it is.
func (t *ImportTx) PutDetection(ctx context.Context, d store.DetectionRow) error {
	key, err := t.key(ctx, d.Contract)
	if err != nil {
		return err
	}
	row := detectionRow{key: key, ms: d.Time.UnixMilli(), DetectionRow: d}
	return t.detections.add(ctx, row, len(d.ID)+len(d.Endpoint)+len(d.Name)+len(d.Result)+len(d.Path), &t.Counts)
}

type statusRow struct {
	key int64
	store.AgentStatus
}

func putStatuses(rows int) string {
	return `
INSERT INTO agent_status (contract, endpoint, day, last_seen, pattern_current, os, os_supported,
  realtime_scan, behavior_monitoring, machine_learning, web_reputation, edr) VALUES ` + values(rows, 12) + `
ON CONFLICT (contract, endpoint, day) DO UPDATE SET
  last_seen = excluded.last_seen, pattern_current = excluded.pattern_current, os = excluded.os,
  os_supported = excluded.os_supported, realtime_scan = excluded.realtime_scan,
  behavior_monitoring = excluded.behavior_monitoring, machine_learning = excluded.machine_learning,
  web_reputation = excluded.web_reputation, edr = excluded.edr
WHERE (last_seen, pattern_current, os, os_supported,
       realtime_scan, behavior_monitoring, machine_learning, web_reputation, edr) IS NOT
  (excluded.last_seen, excluded.pattern_current, excluded.os, excluded.os_supported,
   excluded.realtime_scan, excluded.behavior_monitoring, excluded.machine_learning, excluded.web_reputation, excluded.edr)`
}

func (r *statusRow) compare(other *statusRow) int {
	return cmp.Or(cmp.Compare(r.key, other.key), strings.Compare(r.Endpoint, other.Endpoint), strings.Compare(string(r.Day), string(other.Day)))
}

func (r *statusRow) args(to []any) []any {
	p := r.Protections
	return append(to, r.key, r.Endpoint, string(r.Day), r.LastSeen.UnixMilli(), orNull(r.PatternCurrent), r.OS, orNull(r.OSSupported),
		string(p.RealtimeScan), string(p.BehaviorMonitoring), string(p.MachineLearning), string(p.WebReputation), string(p.EDR))
}

func orNull(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// PutStatus adds or replaces an endpoint's snapshot of a day.
func (t *ImportTx) PutStatus(ctx context.Context, contract string, s store.AgentStatus) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	return t.statuses.add(ctx, statusRow{key, s}, len(s.Endpoint)+len(s.OS), &t.Counts)
}
