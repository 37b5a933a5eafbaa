package sqlstore

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

// The rows that come by the thousand: they are written one by one, as they come.

const (
	insertContract = `
INSERT INTO contracts (id, name, product, edr, url_filtering, licences, timezone, brand, since, ends, folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, nullif(?10, ''), ?11) ON CONFLICT DO NOTHING`
	updateContract = `
UPDATE contracts SET name = ?2, product = ?3, edr = ?4, url_filtering = ?5, licences = ?6, timezone = ?7, brand = ?8, since = ?9,
  ends = nullif(?10, ''), folded = ?11
WHERE id = ?1 AND (name, product, edr, url_filtering, licences, timezone, brand, since, coalesce(ends, ''))
  IS DISTINCT FROM (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`

	dropRecipients = `DELETE FROM recipients WHERE contract = ?`
	putRecipient   = `INSERT INTO recipients (contract, address, name) VALUES (?, ?, ?)`
)

// PutContract adds or replaces a contract. With keepRecipients its list of addresses stays as it
// is; otherwise c.Recipients, in which every address stands once, becomes the list.
func (t *ImportTx) PutContract(ctx context.Context, c store.Contract, keepRecipients bool) error {
	added, replaced, err := t.runOne(ctx, t.stmt.contract, c.ID, c.Name, c.Product, c.EDR, c.URLFiltering, c.Licences, c.Timezone,
		c.Brand, c.Since, c.Ends, store.Fold(c.Name))
	if err != nil {
		return fmt.Errorf("write contract %q: %w", c.ID, err)
	}
	if !keepRecipients {
		others, err := t.putRecipients(ctx, c)
		if err != nil {
			return fmt.Errorf("write recipients of contract %q: %w", c.ID, err)
		}
		count(&t.Counts, added, replaced || others)
	} else {
		count(&t.Counts, added, replaced)
	}
	if !replaced {
		return nil
	}
	key, err := t.key(ctx, c.ID)
	if err == nil {
		t.touched.any(key)
	}
	return err
}

func (t *ImportTx) putRecipients(ctx context.Context, c store.Contract) (changed bool, err error) {
	key, err := t.key(ctx, c.ID)
	if err != nil {
		return false, err
	}
	var have []store.Recipient
	err = t.each(ctx, t.stmt.recipientsOf, func(rows scanner) error {
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

// compareRecipients orders by address in code-point order.
func compareRecipients(a, b store.Recipient) int {
	return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Name, b.Name))
}

// An entry of the inventory is found by its endpoint_id. One that has none yet takes the first that
// is told for its name; a row without one means the entry of its name, of several the one without
// an endpoint_id, else the one that is installed, else the one that was installed last.
const (
	selectEndpointByID = `SELECT folded, endpoint_id FROM endpoints WHERE contract = ?1 AND endpoint_id = ?3 AND endpoint_id <> ''
UNION ALL SELECT folded, endpoint_id FROM endpoints WHERE contract = ?1 AND folded = ?2 AND endpoint_id = '' LIMIT 1`
	selectEndpointByName = `SELECT folded, endpoint_id FROM endpoints WHERE contract = ?1 AND folded = ?2
ORDER BY endpoint_id <> '', removed_at IS NOT NULL, installed_at DESC, endpoint_id LIMIT 1`

	insertEndpoint = `
INSERT INTO endpoints (contract, folded, endpoint_id, name, class, os, installed_at, removed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING`
	updateEndpoint = `
UPDATE endpoints SET folded = ?2, endpoint_id = ?3, name = ?4, class = ?5, os = ?6, installed_at = ?7, removed_at = ?8
WHERE contract = ?1 AND folded = ?9 AND endpoint_id = ?10
  AND (folded, endpoint_id, name, class, os, installed_at, removed_at) IS DISTINCT FROM (?2, ?3, ?4, ?5, ?6, ?7, ?8)`
)

// PutEndpoint adds or replaces a machine of a contract's inventory.
func (t *ImportTx) PutEndpoint(ctx context.Context, contract string, e store.Endpoint) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	if err := t.putEndpoint(ctx, key, e); err != nil {
		return fmt.Errorf("write endpoint %q of contract %q: %w", e.Name, contract, err)
	}
	return nil
}

func (t *ImportTx) putEndpoint(ctx context.Context, contract int64, e store.Endpoint) (err error) {
	folded, id := t.fold(e.Name), e.ID
	var wasFolded, wasID string
	if id != "" {
		err = t.one(ctx, t.stmt.endpointByID, []any{contract, folded, id}, &wasFolded, &wasID)
	} else {
		err = t.one(ctx, t.stmt.endpointByName, []any{contract, folded}, &wasFolded, &wasID)
		id = wasID
	}
	args := []any{contract, folded, id, e.Name, e.Class, e.OS, e.InstalledAt.UnixMilli(), millis(e.RemovedAt)}
	var added, replaced int64
	switch {
	case errors.Is(err, sql.ErrNoRows):
		t.touched.at(contract, e.InstalledAt)
		added, err = t.exec(ctx, t.stmt.newEndpoint, args...)
	case err == nil:
		replaced, err = t.exec(ctx, t.stmt.knownEndpoint, append(args, wasFolded, wasID)...)
	}
	if err == nil {
		count(&t.Counts, added > 0, replaced > 0)
	}
	if replaced > 0 {
		t.touched.any(contract)
	}
	return err
}

// An event's time stays as it was first told. A row that says when it was updated gives way to none
// that is newer, and its machines hold too, because an attack may spread while it is looked into. (PostgreSQL takes no
// parameter that is not used: ?3.)
const (
	insertEvent = `
INSERT INTO edr_events (contract, id, time, updated, status, endpoints, objects) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING`
	updateEvent = `
UPDATE edr_events SET status = ?5, objects = ?7, endpoints = CASE WHEN CAST(?4 AS BIGINT) IS NULL THEN endpoints ELSE ?6 END, updated = coalesce(?4, updated)
WHERE contract = ?1 AND id = ?2 AND CAST(?3 AS BIGINT) IS NOT NULL AND (CAST(?4 AS BIGINT) IS NULL OR updated IS NULL OR updated <= ?4)
  AND ((status, objects) IS DISTINCT FROM (?5, ?7) OR CAST(?4 AS BIGINT) IS NOT NULL AND (updated, endpoints) IS DISTINCT FROM (?4, ?6))`
)

// PutEvent adds an event, or updates a known one unless what is known is newer.
func (t *ImportTx) PutEvent(ctx context.Context, contract string, e store.EDREvent) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	endpoints, err := json.Marshal(append([]store.Machine{}, e.Endpoints...)) // never null
	if err != nil {
		return fmt.Errorf("endpoints of event %q: %w", e.ID, err)
	}
	objects, err := json.Marshal(append([]store.EDRObject{}, e.Objects...))
	if err != nil {
		return fmt.Errorf("objects of event %q: %w", e.ID, err)
	}
	for _, m := range e.Endpoints {
		if err := t.follow(ctx, key, m, t.machine(m)); err != nil {
			return err
		}
	}
	t.touched.at(key, e.Time)
	err = t.putOne(ctx, t.stmt.event, key, e.ID, e.Time.UnixMilli(), millis(e.Updated), e.Status, string(endpoints), string(objects))
	if err != nil {
		return fmt.Errorf("write event %q of contract %q: %w", e.ID, contract, err)
	}
	return nil
}

const putCoverage = `INSERT INTO coverage (contract, day) VALUES (?, ?) ON CONFLICT DO NOTHING`

// PutCoverage marks a day for which a contract's feed is complete.
func (t *ImportTx) PutCoverage(ctx context.Context, contract string, day store.Day) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	t.touched.on(key, day)
	added, err := t.exec(ctx, t.stmt.coverage, key, day)
	if err != nil {
		return fmt.Errorf("write coverage %s of contract %q: %w", day, contract, err)
	}
	count(&t.Counts, added > 0, false)
	return nil
}

// count adds one row's fate.
func count(c *store.ImportCounts, added, replaced bool) {
	switch {
	case added:
		c.New++
	case replaced:
		c.Changed++
	default:
		c.Duplicate++
	}
}

// foldedNames is how many names are kept folded: machines come back with nearly every row, and
// folding a name that is not ASCII costs as much as writing a row.
const foldedNames = 1 << 16

// fold is store.Fold.
func (t *ImportTx) fold(name string) string {
	folded, ok := t.folded[name]
	if !ok {
		if len(t.folded) >= foldedNames {
			clear(t.folded)
		}
		folded = store.Fold(name)
		t.folded[name] = folded
	}
	return folded
}
