package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

const (
	// At most a hundred faults are told; one is enough to act on.
	checkIntegrity = `PRAGMA integrity_check(100)`
	checkQuickly   = `PRAGMA quick_check(100)`

	checkReferences = `SELECT "table", coalesce(rowid, 0), parent FROM pragma_foreign_key_check LIMIT 100`

	// goose makes its own table.
	tablesNotStrict = `
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'goose_db_version'
ORDER BY name`
)

// Faults lists what is wrong with the ledger's file, in words for an operator; none is good. quick
// leaves out whether indexes agree with their tables, which is most of the time.
func (l *Ledger) Faults(ctx context.Context, quick bool) ([]string, error) {
	return l.faults(ctx, quick)
}

// Faults lists what is wrong with the detections' file, as Ledger.Faults does.
func (d *Detections) Faults(ctx context.Context, quick bool) ([]string, error) {
	return d.f.faults(ctx, quick)
}

func (db *database) faults(ctx context.Context, quick bool) ([]string, error) {
	if err := db.onFile("pg_amcheck"); err != nil {
		return nil, err
	}
	faults, err := integrityFaults(ctx, db.r, quick)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", db.name, err)
	}
	return faults, nil
}

func integrityFaults(ctx context.Context, db *sql.DB, quick bool) (faults []string, err error) {
	check := checkIntegrity
	if quick {
		check = checkQuickly
	}
	err = query(ctx, db, check, nil, func(row scanner) error {
		var told string
		err := row.Scan(&told)
		if told != "ok" {
			faults = append(faults, told)
		}
		return err
	})
	var refused sqlite3.Error
	if errors.As(err, &refused) && (refused.Code == sqlite3.ErrCorrupt || refused.Code == sqlite3.ErrNotADB) {
		return append(faults, refused.Error()), nil
	}
	if err != nil || len(faults) > 0 { // a damaged file answers nothing else
		return faults, err
	}
	err = query(ctx, db, checkReferences, nil, func(row scanner) error {
		var table, parent string
		var rowid int64
		err := row.Scan(&table, &rowid, &parent)
		faults = append(faults, fmt.Sprintf("a row of %s (rowid %d) names a row that is not in %s", table, rowid, parent))
		return err
	})
	if err != nil {
		return nil, err
	}
	err = query(ctx, db, tablesNotStrict, nil, func(row scanner) error {
		var table string
		err := row.Scan(&table)
		faults = append(faults, fmt.Sprintf("table %s is not STRICT: it was not made by geppo", table))
		return err
	})
	return faults, err
}
