package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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

	tx         *sql.Tx
	stmt       *importStatements
	bound      map[*sql.Stmt]*sql.Stmt // to tx, which keeps all that it is asked for until its end
	keys       map[string]int64        // contracts' ids → keys
	detections batch[detectionRow]
	statuses   batch[statusRow]
}

type importStatements struct {
	contractKey, contract, recipientsOf, dropRecipients, recipient *sql.Stmt
	endpoint, event, coverage, record                              *sql.Stmt
	detection, detectionMany                                       *sql.Stmt
	status, statusMany                                             *sql.Stmt
}

func (s *importStatements) list(db *sql.DB) []statement {
	return []statement{
		{&s.contractKey, db, selectContractKey},
		{&s.contract, db, putContract},
		{&s.recipientsOf, db, selectRecipientsOf},
		{&s.dropRecipients, db, dropRecipients},
		{&s.recipient, db, putRecipient},
		{&s.endpoint, db, putEndpoint},
		{&s.event, db, putEvent},
		{&s.coverage, db, putCoverage},
		{&s.record, db, putImport},
		{&s.detection, db, putDetections(1)},
		{&s.detectionMany, db, putDetections(rowsPerStatement)},
		{&s.status, db, putStatuses(1)},
		{&s.statusMany, db, putStatuses(rowsPerStatement)},
	}
}

const putImport = `
INSERT INTO imports (started_at, finished_at, file, format, read_rows, new_rows, duplicate_rows, rejected_rows)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

// Import calls write to put one file's rows, records the import and commits; an error of write
// undoes all of it. It waits for an import that runs in another process.
func (d *Detections) Import(ctx context.Context, file store.Import, write func(*ImportTx) error) (counts store.ImportCounts, err error) {
	started := file.Now()
	tx, err := d.f.w.BeginTx(ctx, nil)
	if err != nil {
		return counts, fmt.Errorf("begin import of %s (another may be running; try again when it has ended): %w", file.File, err)
	}
	// After the commit there is nothing left to roll back.
	defer func() {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			err = errors.Join(err, undo)
		}
	}()
	t := newImportTx(ctx, tx, &d.insert)
	if err := write(t); err != nil {
		return t.Counts, err
	}
	if err := t.flush(ctx); err != nil {
		return t.Counts, fmt.Errorf("import %s: %w", file.File, err)
	}
	c := t.Counts
	_, err = tx.StmtContext(ctx, d.insert.record).ExecContext(ctx, started.UnixMilli(), file.Now().UnixMilli(),
		file.File, file.Format, c.Read, c.New, c.Duplicate, c.Rejected)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return c, fmt.Errorf("import %s: %w", file.File, err)
	}
	return c, nil
}

func newImportTx(ctx context.Context, tx *sql.Tx, s *importStatements) *ImportTx {
	return &ImportTx{
		tx:    tx,
		stmt:  s,
		bound: map[*sql.Stmt]*sql.Stmt{},
		keys:  map[string]int64{},
		detections: batch[detectionRow]{
			one: tx.StmtContext(ctx, s.detection), many: tx.StmtContext(ctx, s.detectionMany),
			compare: (*detectionRow).compare, args: (*detectionRow).args,
		},
		statuses: batch[statusRow]{
			one: tx.StmtContext(ctx, s.status), many: tx.StmtContext(ctx, s.statusMany),
			compare: (*statusRow).compare, args: (*statusRow).args,
		},
	}
}

func (t *ImportTx) flush(ctx context.Context) error {
	if err := t.detections.flush(ctx, &t.Counts); err != nil {
		return fmt.Errorf("write detections: %w", err)
	}
	if err := t.statuses.flush(ctx, &t.Counts); err != nil {
		return fmt.Errorf("write agents' snapshots: %w", err)
	}
	return nil
}

// inTx binds a statement to the transaction, once for all rows.
func (t *ImportTx) inTx(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if t.bound[stmt] == nil {
		t.bound[stmt] = t.tx.StmtContext(ctx, stmt)
	}
	return t.bound[stmt]
}

// exec writes one row and counts it as new if that changed anything.
func (t *ImportTx) exec(ctx context.Context, stmt *sql.Stmt, args ...any) (changed bool, err error) {
	res, err := t.inTx(ctx, stmt).ExecContext(ctx, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func (t *ImportTx) count(changed bool) {
	if changed {
		t.Counts.New++
	} else {
		t.Counts.Duplicate++
	}
}

const selectContractKey = `SELECT key FROM contracts WHERE id = ?`

// key finds a contract's key; ErrNotFound if no contract of that id was imported before.
func (t *ImportTx) key(ctx context.Context, id string) (key int64, err error) {
	if key, ok := t.keys[id]; ok {
		return key, nil
	}
	err = t.inTx(ctx, t.stmt.contractKey).QueryRowContext(ctx, id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("contract %q: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("contract %q: %w", id, err)
	}
	t.keys[id] = key
	return key, nil
}

const (
	putContract = `
INSERT INTO contracts (id, name, product, edr, url_filtering, licences, timezone, since, ends)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''))
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name, product = excluded.product, edr = excluded.edr, url_filtering = excluded.url_filtering,
  licences = excluded.licences, timezone = excluded.timezone, since = excluded.since, ends = excluded.ends
WHERE (name, product, edr, url_filtering, licences, timezone, since, ends) IS NOT
  (excluded.name, excluded.product, excluded.edr, excluded.url_filtering,
   excluded.licences, excluded.timezone, excluded.since, excluded.ends)`
	dropRecipients = `DELETE FROM recipients WHERE contract = ?`
	putRecipient   = `INSERT INTO recipients (contract, address, name) VALUES (?, ?, ?)`
)

// PutContract adds or replaces a contract. With keepRecipients its list of addresses stays as it
// is; otherwise c.Recipients, in which every address stands once, becomes the list.
func (t *ImportTx) PutContract(ctx context.Context, c store.Contract, keepRecipients bool) error {
	changed, err := t.exec(ctx, t.stmt.contract, c.ID, c.Name, c.Product, c.EDR, c.URLFiltering, c.Licences, c.Timezone, c.Since, c.Ends)
	if err != nil {
		return fmt.Errorf("write contract %q: %w", c.ID, err)
	}
	if !keepRecipients {
		replaced, err := t.putRecipients(ctx, c)
		if err != nil {
			return fmt.Errorf("write recipients of contract %q: %w", c.ID, err)
		}
		changed = changed || replaced
	}
	t.count(changed)
	return nil
}

func (t *ImportTx) putRecipients(ctx context.Context, c store.Contract) (changed bool, err error) {
	key, err := t.key(ctx, c.ID)
	if err != nil {
		return false, err
	}
	var have []store.Recipient
	err = eachRow(ctx, t.inTx(ctx, t.stmt.recipientsOf), func(rows scanner) error {
		var r store.Recipient
		err := rows.Scan(&r.Address, &r.Name)
		have = append(have, r)
		return err
	}, key)
	if err != nil {
		return false, err
	}
	want := slices.SortedFunc(slices.Values(c.Recipients), compareRecipients)
	if slices.Equal(have, want) {
		return false, nil
	}
	if _, err := t.exec(ctx, t.stmt.dropRecipients, key); err != nil {
		return false, err
	}
	for _, r := range want {
		if _, err := t.exec(ctx, t.stmt.recipient, key, r.Address, r.Name); err != nil {
			return false, err
		}
	}
	return true, nil
}

const putEndpoint = `
INSERT INTO endpoints (contract, name, class, os, installed_at, removed_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (contract, name) DO UPDATE SET
  class = excluded.class, os = excluded.os, installed_at = excluded.installed_at, removed_at = excluded.removed_at
WHERE (class, os, installed_at, removed_at) IS NOT
  (excluded.class, excluded.os, excluded.installed_at, excluded.removed_at)`

// PutEndpoint adds or replaces a machine of a contract's inventory.
func (t *ImportTx) PutEndpoint(ctx context.Context, contract string, e store.Endpoint) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	changed, err := t.exec(ctx, t.stmt.endpoint, key, e.Name, e.Class, e.OS, e.InstalledAt.UnixMilli(), millis(e.RemovedAt))
	if err != nil {
		return fmt.Errorf("write endpoint %q of contract %q: %w", e.Name, contract, err)
	}
	t.count(changed)
	return nil
}

const putEvent = `
INSERT INTO edr_events (contract, id, time, endpoint, status, objects) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (contract, id) DO UPDATE SET status = excluded.status, objects = excluded.objects
WHERE (status, objects) IS NOT (excluded.status, excluded.objects)`

// PutEvent adds an event, or updates the status and the objects of a known one, whose time and
// endpoint stay as they were first told.
func (t *ImportTx) PutEvent(ctx context.Context, contract string, e store.EDREvent) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	objects, err := json.Marshal(append([]store.EDRObject{}, e.Objects...)) // never null
	if err != nil {
		return fmt.Errorf("objects of event %q: %w", e.ID, err)
	}
	changed, err := t.exec(ctx, t.stmt.event, key, e.ID, e.Time.UnixMilli(), e.Endpoint, e.Status, string(objects))
	if err != nil {
		return fmt.Errorf("write event %q of contract %q: %w", e.ID, contract, err)
	}
	t.count(changed)
	return nil
}

const putCoverage = `INSERT INTO coverage (contract, day) VALUES (?, ?) ON CONFLICT DO NOTHING`

// PutCoverage marks a day for which a contract's feed is complete.
func (t *ImportTx) PutCoverage(ctx context.Context, contract string, day store.Day) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	changed, err := t.exec(ctx, t.stmt.coverage, key, day)
	if err != nil {
		return fmt.Errorf("write coverage %s of contract %q: %w", day, contract, err)
	}
	t.count(changed)
	return nil
}

// compareRecipients orders by address in code-point order.
func compareRecipients(a, b store.Recipient) int {
	return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Name, b.Name))
}
