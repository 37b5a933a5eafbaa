package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"geppo/store"
)

// ImportTx writes one file's rows. The rows become visible together, or not at all.
//
// Detections and agents' snapshots come by the million and in the order of time, while their
// tables are clustered by contract. Written as they come, nearly every row would touch a page of
// its own (48k rows/s measured, and falling as the table grows). So both are held back, sorted by
// key and written in large batches (200k rows/s and more); a batch is bounded by rows and bytes,
// which bounds memory however long the file is.
type ImportTx struct {
	// Counts is kept by the methods, but for Read and Rejected, which the caller counts.
	Counts store.ImportCounts
	// NotReported counts, by class, what the file told and no report does; Warnings counts, by kind,
	// what an operator should look at. The caller adds its own to both.
	NotReported, Warnings map[string]int64
	// File is recorded when all is written: what is known of it only at its end may be set until then.
	File store.Import

	*importConn
	stmt       *importStatements
	keys       map[string]int64  // contracts' ids → keys
	folded     map[string]string // names → store.Fold, for those that came last
	outside    outside
	touched    touched
	detections batch[detectionRow, detectionKey]
	statuses   batch[statusRow, statusKey]
}

type importStatements struct {
	contractKey, allKeys, recipientsOf, dropRecipients, recipient *sql.Stmt
	contract, event                                               insertOrUpdate
	endpointByID, endpointByName, newEndpoint, knownEndpoint      *sql.Stmt
	coverage, record                                              *sql.Stmt
	inventory, outside, changed, moved, clearMoved                *sql.Stmt
	detection, detections, status, statuses                       insertOrUpdate
}

func (s *importStatements) list(db *sql.DB) []statement {
	return slices.Concat(
		[]statement{
			{&s.contractKey, db, selectContractKey},
			{&s.allKeys, db, selectAllKeys},
			{&s.recipientsOf, db, selectRecipientsOf},
			{&s.dropRecipients, db, dropRecipients},
			{&s.recipient, db, putRecipient},
			{&s.endpointByID, db, selectEndpointByID},
			{&s.endpointByName, db, selectEndpointByName},
			{&s.newEndpoint, db, insertEndpoint},
			{&s.knownEndpoint, db, updateEndpoint},
			{&s.coverage, db, putCoverage},
			{&s.record, db, putImport},
			{&s.inventory, db, selectInventory},
			{&s.outside, db, putOutside},
			{&s.changed, db, putChanged},
			{&s.moved, db, putMoved},
			{&s.clearMoved, db, clearMoved},
		},
		s.contract.list(db, insertContract, updateContract),
		s.event.list(db, insertEvent, updateEvent),
	)
}

// rows are SQLite's statements for what comes by the million.
func (s *importStatements) rows(db *sql.DB) []statement {
	return slices.Concat(
		s.detection.list(db, insertDetections(1), updateDetections(1)),
		s.detections.list(db, insertDetections(rowsPerStatement), updateDetections(rowsPerStatement)),
		s.status.list(db, insertStatuses(1), updateStatuses(1)),
		s.statuses.list(db, insertStatuses(rowsPerStatement), updateStatuses(rowsPerStatement)),
	)
}

const putImport = `
INSERT INTO imports (started_at, finished_at, feed, file, size, sha256, format,
  read_rows, new_rows, changed_rows, duplicate_rows, rejected_rows, not_reported, warnings)
VALUES (?, ?, ?, ?, nullif(CAST(? AS BIGINT), 0), ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key`

// Import calls write to put one file's rows, records the import and commits; an error of write
// undoes all of it. It waits for an import that runs in another process.
func (d *Detections) Import(ctx context.Context, file store.Import, write func(*ImportTx) error) (counts store.ImportCounts, err error) {
	started := file.Now()
	conn, err := d.beginImport(ctx)
	if err != nil {
		return counts, fmt.Errorf("begin import of %s (another may be running; try again when it has ended): %w", file.File, err)
	}
	defer func() { err = errors.Join(err, conn.end()) }()
	t := newImportTx(conn, &d.insert, d.f.file != nil)
	t.File = file
	// The transaction must not end under a batch that is being written. There is one only after an
	// error, which undoes it; whether it failed as well says nothing more.
	defer func() { _ = t.wait() }()
	if err := write(t); err != nil {
		return t.Counts, err
	}
	if err := t.flush(ctx); err != nil {
		return t.Counts, fmt.Errorf("import %s: %w", file.File, err)
	}
	if err = t.record(ctx, started); err == nil {
		err = t.tx.Commit()
	}
	if err != nil {
		return t.Counts, fmt.Errorf("import %s: %w", file.File, err)
	}
	return t.Counts, nil
}

// record writes the row that tells of this import.
func (t *ImportTx) record(ctx context.Context, started time.Time) error {
	finished := t.File.Now()
	if err := t.recordOutside(ctx, finished); err != nil {
		return fmt.Errorf("record machines outside the inventory: %w", err)
	}
	f, c := t.File, t.Counts
	notReported, err := json.Marshal(t.NotReported)
	if err != nil {
		return err
	}
	warnings, err := json.Marshal(t.Warnings)
	if err != nil {
		return err
	}
	var key int64
	err = t.one(ctx, t.stmt.record, []any{
		started.UnixMilli(), finished.UnixMilli(), cmp.Or(f.Feed, store.Feed(f.File)), f.File, f.Size, f.SHA256, f.Format,
		c.Read, c.New, c.Changed, c.Duplicate, c.Rejected, string(notReported), string(warnings),
	}, &key)
	if err != nil || c.New+c.Changed == 0 {
		return err
	}
	return t.recordChanged(ctx, key, finished)
}

func newImportTx(conn *importConn, s *importStatements, onFile bool) *ImportTx {
	t := &ImportTx{
		NotReported: map[string]int64{},
		Warnings:    map[string]int64{},
		importConn:  conn,
		stmt:        s,
		keys:        map[string]int64{},
		folded:      map[string]string{},
		outside:     outside{seen: map[machineOf]*named{}},
		touched:     touched{seen: map[contractMonth]struct{}{}},
	}
	if onFile {
		t.detections = newBatch(detectionRules, rowBulk[detectionRow]{conn, detectionRules.args, s.detection, s.detections})
		t.statuses = newBatch(statusRules, rowBulk[statusRow]{conn, statusRules.args, s.status, s.statuses})
	} else {
		t.detections = newBatch(detectionRules, copyBulk[detectionRow]{conn, detectionRules.args, stagedDetections(), conn.makeRoom})
		t.statuses = newBatch(statusRules, copyBulk[statusRow]{conn, statusRules.args, stagedStatuses(), nil})
	}
	return t
}

// flush writes all rows that are held back.
func (t *ImportTx) flush(ctx context.Context) error {
	err := t.detections.flush(ctx, &t.Counts)
	if err == nil {
		err = t.detections.wait(&t.Counts)
	}
	if err != nil {
		return fmt.Errorf("write detections: %w", err)
	}
	err = t.statuses.flush(ctx, &t.Counts)
	if err == nil {
		err = t.statuses.wait(&t.Counts)
	}
	if err != nil {
		return fmt.Errorf("write agents' snapshots: %w", err)
	}
	return nil
}

// wait ends when no goroutine of t writes any more.
func (t *ImportTx) wait() error {
	return errors.Join(t.detections.wait(&t.Counts), t.statuses.wait(&t.Counts))
}

// putOne adds or replaces one row and counts it.
func (t *ImportTx) putOne(ctx context.Context, s insertOrUpdate, args ...any) error {
	added, replaced, err := t.runOne(ctx, s, args...)
	if err == nil {
		count(&t.Counts, added, replaced)
	}
	return err
}

func (t *ImportTx) runOne(ctx context.Context, s insertOrUpdate, args ...any) (added, replaced bool, err error) {
	a, r, err := s.run(ctx, t.importConn, 1, args)
	return a > 0, r > 0, err
}

const (
	selectContractKey = `SELECT key FROM contracts WHERE id = ?`
	selectAllKeys     = `SELECT id, key FROM contracts`
)

// manyKeys is after how many contracts of a file the keys of all are read at once: over a network, asking for each of a
// million takes longer than their rows do.
const manyKeys = 5000

// key finds a contract's key; ErrNotFound if no contract of that id was imported before.
func (t *ImportTx) key(ctx context.Context, id string) (key int64, err error) {
	if key, ok := t.keys[id]; ok {
		return key, nil
	}
	if len(t.keys) == manyKeys {
		if err := t.allKeys(ctx); err != nil {
			return 0, fmt.Errorf("read the contracts' keys: %w", err)
		}
		if key, ok := t.keys[id]; ok {
			return key, nil
		}
	}
	err = t.one(ctx, t.stmt.contractKey, []any{id}, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("contract %q: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("contract %q: %w", id, err)
	}
	t.keys[id] = key
	return key, nil
}

func (t *ImportTx) allKeys(ctx context.Context) error {
	return t.each(ctx, t.stmt.allKeys, func(rows scanner) error {
		var id string
		var key int64
		err := rows.Scan(&id, &key)
		t.keys[id] = key
		return err
	})
}
