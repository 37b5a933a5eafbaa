package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"geppo/store"
)

// searchStatements are for somebody who is on the telephone and knows a contract by its company, address or machine.
type searchStatements struct{ contracts, addresses, machines, byQuarter *sql.Stmt }

func (s *searchStatements) list(db *sql.DB) []statement {
	return []statement{
		{&s.contracts, db, searchContracts},
		{&s.addresses, db, searchAddresses},
		{&s.machines, db, searchMachines},
		{&s.byQuarter, db, importsByQuarter},
	}
}

// ?1 is what is searched for, folded, between two signs for anything.
const (
	searchContracts = `SELECT id, name, '' FROM contracts WHERE lower(id) LIKE ?1 ESCAPE '\' OR folded LIKE ?1 ESCAPE '\' ORDER BY id LIMIT ?2`

	searchAddresses = `
SELECT c.id, c.name, r.address FROM recipients AS r JOIN contracts AS c ON c.key = r.contract
WHERE lower(r.address) LIKE ?1 ESCAPE '\' ORDER BY c.id LIMIT ?2`

	// From the beginning of the name only, which an index answers: there are millions of machines. One of a contract is
	// enough, for where nothing bounds the list half of them may be called alike.
	searchMachines = `
SELECT c.id, c.name, (SELECT min(e.name) FROM endpoints AS e WHERE e.contract = c.key AND e.folded >= ?1 AND e.folded < ?2)
FROM (SELECT DISTINCT contract FROM endpoints INDEXED BY endpoints_named WHERE folded >= ?1 AND folded < ?2 LIMIT ?3) AS f
JOIN contracts AS c ON c.key = f.contract`

	importsByQuarter = `SELECT finished_at / 900000, CAST(sum(new_rows + changed_rows) AS BIGINT) FROM imports WHERE finished_at >= ? GROUP BY 1 ORDER BY 1`
)

// Search lists contracts whose id, company or address has the text in it, or one of whose machines begins with it; at
// most so many of each, all for 0. Upper and lower case and full width are one.
func (d *Detections) Search(ctx context.Context, text string, most int) (list []store.Hit, err error) {
	if most == 0 {
		most = math.MaxInt32
	}
	folded := store.Fold(text)
	if folded == "" { // would find everything
		return nil, nil
	}
	within := "%" + likely.Replace(folded) + "%"
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		for _, s := range []struct {
			by   store.HitBy
			stmt *sql.Stmt
			args []any
		}{
			{store.ByContract, d.search.contracts, []any{within, most}},
			{store.ByAddress, d.search.addresses, []any{within, most}},
			{store.ByMachine, d.search.machines, []any{folded, folded + string(utf8.MaxRune), most}},
		} {
			err := each(ctx, tx, s.stmt, func(rows scanner) error {
				h := store.Hit{By: s.by}
				err := rows.Scan(&h.Contract, &h.Company, &h.What)
				list = append(list, h)
				return err
			}, s.args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return list, nil
}

// likely makes a text one that LIKE takes as it is.
var likely = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// ImportsByQuarter sums up what imports brought since then, by quarters of an hour.
func (d *Detections) ImportsByQuarter(ctx context.Context, since time.Time) (list []store.ImportCount, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, d.search.byQuarter, func(rows scanner) error {
			var c store.ImportCount
			var quarter int64
			err := rows.Scan(&quarter, &c.Rows)
			c.At = time.UnixMilli(quarter * store.Quarter.Milliseconds())
			list = append(list, c)
			return err
		}, since.UnixMilli())
	})
	if err != nil {
		return nil, fmt.Errorf("count imports: %w", err)
	}
	return list, nil
}
