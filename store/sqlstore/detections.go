package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // contracts name zones, and a small container has none

	"geppo/store"
)

// Detections is the database of what came in. It is read by many goroutines at once and written
// by one import at a time.
//
// Every reading method is one snapshot: an import that runs beside it is seen whole or not at all.
type Detections struct {
	f *database

	contracts, contractsOf, contract, recipientsOf, evidenceOf, lastImport, importedUntil, newestRow, unknownResults, changedUntil, newestImport, named *sql.Stmt

	month   monthStatements
	insert  importStatements
	imports importsStatements
	search  searchStatements
	prune   pruneStatements

	zones sync.Map // IANA name → *time.Location; parsing a zone costs more than reading an idle contract
}

// OpenDetections opens the detections of a DSN; mode says whether it may create or migrate them.
func OpenDetections(ctx context.Context, dsn string, mode Mode) (d *Detections, err error) {
	f, err := open(ctx, dsn, "detections", mode)
	if err != nil {
		return nil, err
	}
	d = &Detections{f: f}
	if err := prepare(ctx, d.statements()); err != nil {
		return nil, errors.Join(fmt.Errorf("open detections database %s: %w", f.name, err), f.Close())
	}
	return d, nil
}

func (d *Detections) statements() []statement {
	r, w := d.f.r, d.f.w
	all := slices.Concat(d.readStatements(), d.month.list(r), d.imports.list(r), d.search.list(r), d.insert.list(w), d.prune.list(r, w))
	if d.f.file != nil {
		all = slices.Concat(all, d.insert.rows(w), d.prune.units(r, w))
	}
	return all
}

// Close closes the database; call it when no method is under way.
func (d *Detections) Close() error { return d.f.Close() }

// InPlace fails with store.ErrMisplaced unless the database is still the file of its name alone.
func (d *Detections) InPlace() error { return d.f.InPlace() }

// statement is one to be prepared when the database is opened, so that a typo stops the program
// then and no later.
type statement struct {
	to   **sql.Stmt
	db   *sql.DB
	text string
}

func prepare(ctx context.Context, list []statement) (err error) {
	for _, s := range list {
		if *s.to, err = s.db.PrepareContext(ctx, s.text); err != nil {
			return fmt.Errorf("prepare %q: %w", s.text, err)
		}
	}
	return nil
}

func (d *Detections) readStatements() []statement {
	return []statement{
		{&d.contracts, d.f.r, selectContracts},
		{&d.contractsOf, d.f.r, selectContractsOf},
		{&d.contract, d.f.r, selectContract},
		{&d.recipientsOf, d.f.r, selectRecipientsOf},
		{&d.evidenceOf, d.f.r, selectEvidence},
		{&d.lastImport, d.f.r, selectLastImport},
		{&d.importedUntil, d.f.r, importedUntil},
		{&d.newestRow, d.f.r, newestRow},
		{&d.unknownResults, d.f.r, selectUnknownResults},
		{&d.changedUntil, d.f.r, selectChanged},
		{&d.newestImport, d.f.r, selectNewestImport},
		{&d.named, d.f.r, selectNamed},
	}
}

// snapshot runs read in one transaction, which sees the database as it is at its first statement: on
// SQLite every deferred one does.
func (d *Detections) snapshot(ctx context.Context, read func(*sql.Tx) error) error {
	return d.snapshotOn(ctx, func(_ *sql.Conn, tx *sql.Tx) error { return read(tx) })
}

// snapshotOn also gives the connection that the transaction runs on.
func (d *Detections) snapshotOn(ctx context.Context, read func(*sql.Conn, *sql.Tx) error) (err error) {
	conn, err := d.f.r.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	// Nothing was written: rolling back only ends the snapshot, and a failure to do so loses nothing.
	defer tx.Rollback()
	return read(conn, tx)
}

// each runs a prepared query in tx and calls scan for every row.
func each(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, scan func(scanner) error, args ...any) error {
	return eachRow(ctx, tx.StmtContext(ctx, stmt), scan, args...)
}

// eachRow does the same with a statement that is bound to its transaction.
func eachRow(ctx context.Context, stmt *sql.Stmt, scan func(scanner) error, args ...any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	return readRows(rows, err, scan)
}

// readRows calls scan for every row of what a query has returned, and closes it.
func readRows(rows *sql.Rows, err error, scan func(scanner) error) error {
	if err != nil {
		return err
	}
	for err == nil && rows.Next() {
		err = scan(rows)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

const contractColumns = `key, id, contracts.name, product, edr, url_filtering, licences, timezone, brand, since, coalesce(ends, '')`

func scanContract(scan func(...any) error) (key int64, c store.Contract, err error) {
	err = scan(contractInto(&key, &c)...)
	return key, c, err
}

// contractInto is where contractColumns are read to.
func contractInto(key *int64, c *store.Contract) []any {
	return []any{key, &c.ID, &c.Name, &c.Product, &c.EDR, &c.URLFiltering, &c.Licences, &c.Timezone, &c.Brand, &c.Since, &c.Ends}
}

// contractsAtATime is how many contracts are held when many are read.
const contractsAtATime = 1000

const (
	selectContracts = `
SELECT ` + contractColumns + `, coalesce(r.address, ''), coalesce(r.name, '')
FROM (SELECT * FROM contracts WHERE id > ?1 ORDER BY id LIMIT ?2) AS contracts` + withRecipients
	selectContractsOf = `
SELECT ` + contractColumns + `, coalesce(r.address, ''), coalesce(r.name, '')
FROM (SELECT * FROM contracts WHERE id IN (SELECT value FROM json_each(?))) AS contracts` + withRecipients
	withRecipients = `
LEFT JOIN (SELECT contract, address, name FROM recipients) AS r ON r.contract = key ORDER BY id, r.address`
)

// Contracts lists every contract, closed ones included, by id; their recipients by address.
func (d *Detections) Contracts(ctx context.Context) (list []store.Contract, err error) {
	err = d.EachContract(ctx, func(c store.Contract) error {
		list = append(list, c)
		return nil
	})
	return list, err
}

// EachContract gives what Contracts lists one by one, for who needs little of 100,000 of them. take
// must not read the detections itself.
func (d *Detections) EachContract(ctx context.Context, take func(store.Contract) error) error {
	return d.someContracts(ctx, func(_ *sql.Tx, _ []int64, some []store.Contract) error {
		for _, c := range some {
			if err := take(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// EachContractOf gives those of these ids that there are, by id, as EachContract does.
func (d *Detections) EachContractOf(ctx context.Context, ids []string, take func(store.Contract) error) error {
	err := d.snapshot(ctx, func(tx *sql.Tx) error {
		for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), contractsAtATime) {
			_, contracts, err := d.contractsBy(ctx, tx, d.contractsOf, list(some))
			for i := 0; err == nil && i < len(contracts); i++ {
				err = take(contracts[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	return nil
}

// someContracts reads some contracts at a time, so that no answer is open while take asks for something else: on a
// connection to PostgreSQL there can be but one.
func (d *Detections) someContracts(ctx context.Context, take func(tx *sql.Tx, keys []int64, some []store.Contract) error) error {
	err := d.snapshot(ctx, func(tx *sql.Tx) error {
		for after, more := "", true; more; {
			keys, some, err := d.contractsBy(ctx, tx, d.contracts, after, contractsAtATime)
			if err != nil {
				return err
			}
			if more = len(some) == contractsAtATime; len(some) > 0 {
				after = some[len(some)-1].ID
				err = take(tx, keys, some)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	return nil
}

func (d *Detections) contractsBy(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) (keys []int64, some []store.Contract, err error) {
	// One place for all rows: a new one for each is most of what a row costs.
	var key int64
	var c store.Contract
	var r store.Recipient
	into := append(contractInto(&key, &c), &r.Address, &r.Name)
	keys, some = make([]int64, 0, contractsAtATime), make([]store.Contract, 0, contractsAtATime)
	err = each(ctx, tx, stmt, func(rows scanner) error {
		err := rows.Scan(into...)
		if n := len(some); n == 0 || some[n-1].ID != c.ID {
			keys, some = append(keys, key), append(some, c)
		}
		if last := &some[len(some)-1]; r.Address != "" {
			last.Recipients = append(last.Recipients, r)
		}
		return err
	}, args...)
	return keys, some, err
}

// Contract reads one contract with its recipients by address; ErrNotFound if there is none.
func (d *Detections) Contract(ctx context.Context, id string) (c store.Contract, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		_, c, err = d.readContract(ctx, tx, id)
		return err
	})
	if err != nil {
		return store.Contract{}, fmt.Errorf("read contract %q: %w", id, err)
	}
	return c, nil
}

const (
	selectContract     = `SELECT ` + contractColumns + ` FROM contracts WHERE id = +?`
	selectRecipientsOf = `SELECT address, name FROM recipients WHERE contract = +? ORDER BY address`
)

func (d *Detections) readContract(ctx context.Context, tx *sql.Tx, id string) (key int64, c store.Contract, err error) {
	key, c, err = scanContract(tx.StmtContext(ctx, d.contract).QueryRowContext(ctx, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, store.Contract{}, store.ErrNotFound
	}
	if err != nil {
		return 0, store.Contract{}, err
	}
	err = each(ctx, tx, d.recipientsOf, func(rows scanner) error {
		var r store.Recipient
		err := rows.Scan(&r.Address, &r.Name)
		c.Recipients = append(c.Recipients, r)
		return err
	}, key)
	return key, c, err
}

const selectLastImport = `SELECT max(finished_at) FROM imports WHERE new_rows + changed_rows > 0`

// LastImport is when the newest import finished that added something; the zero time if there was none.
func (d *Detections) LastImport(ctx context.Context) (time.Time, error) {
	var ms sql.NullInt64
	if err := d.lastImport.QueryRowContext(ctx).Scan(&ms); err != nil {
		return time.Time{}, fmt.Errorf("read last import: %w", err)
	}
	return fromMillis(ms), nil
}

// The condition is that of the index detections_unknown_result, word for word: only then does
// SQLite read the index instead of the table.
const selectUnknownResults = `
SELECT DISTINCT feature, result FROM detections INDEXED BY detections_unknown_result
WHERE feature = 'virus' AND result <> 'cleaned' AND result <> 'deleted' AND result <> 'quarantined' AND result <> 'renamed'
                            AND result <> 'passed' AND result <> 'uncleanable' AND result <> 'unknown'
     OR feature = 'spyware' AND result <> 'cleaned' AND result <> 'noncleaned' AND result <> 'reboot' AND result <> 'unsafe'
                            AND result <> 'unknown'
ORDER BY feature, result`

// UnknownResults lists the results that no table of the report knows, for the operator to map.
func (d *Detections) UnknownResults(ctx context.Context) (list []store.UnknownResult, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.unknownResults, func(rows scanner) error {
			var u store.UnknownResult
			err := rows.Scan(&u.Feature, &u.Result)
			list = append(list, u)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read unknown results: %w", err)
	}
	return list, nil
}
