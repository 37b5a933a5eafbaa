package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
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

// lower says what SQLite's LIKE does by itself: capitals of ASCII are the same letters.
const (
	searchContracts = `SELECT id, name, '' FROM contracts WHERE lower(id) LIKE lower(?1) ESCAPE '\' OR lower(name) LIKE lower(?1) ESCAPE '\' OR lower(name) LIKE lower(?2) ESCAPE '\' ORDER BY id LIMIT ?3`

	searchAddresses = `
SELECT c.id, c.name, r.address FROM recipients AS r JOIN contracts AS c ON c.key = r.contract
WHERE lower(r.address) LIKE lower(?1) ESCAPE '\' ORDER BY c.id LIMIT ?2`

	// From the beginning of the name only, which an index answers: there are millions of machines.
	searchMachines = `
SELECT c.id, c.name, e.name FROM endpoints AS e INDEXED BY endpoints_named JOIN contracts AS c ON c.key = e.contract
WHERE e.folded >= ?1 AND e.folded < ?2 LIMIT ?3`

	importsByQuarter = `SELECT finished_at / 900000, CAST(sum(new_rows + changed_rows) AS BIGINT) FROM imports WHERE finished_at >= ? GROUP BY 1 ORDER BY 1`
)

// Search lists contracts whose id, company or address has the text in it, or one of whose machines begins with it; at
// most so many of each.
func (d *Detections) Search(ctx context.Context, text string, most int) (list []store.Hit, err error) {
	within := "%" + likely.Replace(text) + "%"
	folded := "%" + likely.Replace(store.Fold(text)) + "%"
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		for _, s := range []struct {
			by   store.HitBy
			stmt *sql.Stmt
			args []any
		}{
			{store.ByContract, d.search.contracts, []any{within, folded, most}},
			{store.ByAddress, d.search.addresses, []any{within, most}},
			{store.ByMachine, d.search.machines, []any{store.Fold(text), store.Fold(text) + string(utf8.MaxRune), most}},
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
