// Package provider makes databases as large as a provider's, for benchmarks: years of contracts, deliveries and frozen
// reports as they come to stand there. The store's own methods would take hours for them; everything here is one
// statement of SQLite's for each table and month. It says nothing of what is sent.
package provider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"geppo/store"
)

// Size says how much there is of everything.
type Size struct {
	Contracts int
	Newest    store.Period
	Months    int  // of deliveries, the newest included; detections are there of the last two
	Quiet     bool // no machines and no detections, only what planning reads
}

// Contract is the id of the contract of that number, from 0 on.
func Contract(i int) string { return fmt.Sprintf("C%06d", i) }

// Deliveries are those of one month. They are numbered from 1 on, month by month.
func (s Size) Deliveries() int { return s.Contracts - s.Contracts/1000 + (2*s.Contracts+4)/5 }

// periods are the months, the oldest first.
func (s Size) periods() []store.Period {
	return append(s.Newest.Before(s.Months-1), s.Newest)
}

// filler is a file under work.
type filler struct {
	ctx context.Context
	tx  *sql.Tx
	err error
}

// fill opens a migrated file, and does all that is to be done in one transaction.
func fill(ctx context.Context, path string, work func(*filler)) (err error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?_synchronous=OFF&_busy_timeout=30000&_cache_size=-400000&_foreign_keys=off")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	f := &filler{ctx: ctx, tx: tx}
	work(f)
	if f.err != nil {
		return errors.Join(f.err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// What was written is many times what a daemon's log of changes ever holds.
	_, err = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

func (f *filler) exec(statement string, args ...any) {
	if f.err != nil {
		return
	}
	if _, err := f.tx.ExecContext(f.ctx, statement, args...); err != nil {
		f.err = fmt.Errorf("%s: %w", statement, err)
	}
}

// ended is when a month was over, in Japan.
func ended(p store.Period) int64 {
	return time.Date(p.Year, p.Month+1, 1, 0, 0, 0, 0, time.UTC).Add(-9 * time.Hour).UnixMilli()
}
