package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"geppo/store"
)

// Forgetting a contract: what came in of it is removed row by row, and then both files are written anew (Shred).
// (The tempting other way, PRAGMA secure_delete, overwrites what is removed from then on; what was replaced before, and
// what a page keeps of rows that moved to another, would stay to be read.)

const (
	keyOf = `SELECT key FROM contracts WHERE id = ?1`

	countRows = `
SELECT (SELECT count(*) FROM detections WHERE contract = c.key), (SELECT count(*) FROM edr_events WHERE contract = c.key),
       (SELECT count(*) FROM agent_status WHERE contract = c.key), (SELECT count(*) FROM endpoints WHERE contract = c.key),
       (SELECT count(*) FROM recipients WHERE contract = c.key)
FROM contracts AS c WHERE c.id = ?1`

	ofContract = ` WHERE contract IN (` + keyOf + `)`

	// A file of the contract's own folder, or named after its company, may come again: it is not known any more.
	forgetFolder = `UPDATE imports SET file = ?2, feed = '', size = NULL, sha256 = NULL WHERE substr(file, 1, length(?1)) = ?1`
	forgetNamed  = `UPDATE imports SET file = ?2, feed = '', size = NULL, sha256 = NULL WHERE replace(file, ?1, '') <> file`

	forgetContract = `DELETE FROM contracts WHERE id = ?1`
)

// forgetRows empties the tables that hold rows of a contract, those that others refer to last.
var forgetRows = []string{
	`DELETE FROM detections` + ofContract, `DELETE FROM edr_events` + ofContract, `DELETE FROM agent_status` + ofContract,
	`DELETE FROM endpoints` + ofContract, `DELETE FROM outside` + ofContract, `DELETE FROM coverage` + ofContract,
	`DELETE FROM changed` + ofContract, `DELETE FROM moved` + ofContract, `DELETE FROM recipients` + ofContract,
	forgetContract,
}

// Rows counts what is held of a contract; ErrNotFound if it is not known.
func (d *Detections) Rows(ctx context.Context, contract string) (r store.Rows, err error) {
	row := d.f.r.QueryRowContext(ctx, countRows, contract)
	err = row.Scan(&r.Detections, &r.Events, &r.Statuses, &r.Machines, &r.Recipients)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("count the rows of contract %s: %w", contract, err)
	}
	return r, nil
}

// Forget removes all that came in of a contract, in one transaction. The bytes are gone after Shred.
func (d *Detections) Forget(ctx context.Context, contract string, companies []string) error {
	err := d.update(ctx, func(tx *sql.Tx) error {
		for _, statement := range forgetRows {
			if _, err := tx.ExecContext(ctx, statement, contract); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, forgetFolder, contract+"/", store.Forgotten)
		for i := 0; err == nil && i < len(companies); i++ {
			_, err = tx.ExecContext(ctx, forgetNamed, companies[i], store.Forgotten)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("forget the rows of contract %s: %w", contract, err)
	}
	return nil
}
