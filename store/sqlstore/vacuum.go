package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Vacuum gives the room of removed rows back to the file system, and leaves nothing of them to be read. It writes the
// whole file anew, needs as much room again meanwhile, and makes imports wait; readers go on. Without it the room is
// used by the next imports.
func (d *Detections) Vacuum(ctx context.Context) error {
	if err := d.f.onFile("VACUUM"); err != nil {
		return err
	}
	if err := vacuum(ctx, d.f.w); err != nil {
		return fmt.Errorf("vacuum %s (an import may be running; try again when it has ended): %w", d.f.name, err)
	}
	return nil
}

// Vacuum is that of Detections for the ledger: whoever sends waits meanwhile.
func (l *Ledger) Vacuum(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("vacuum %s (try again, or while no daemon runs): %w", l.name, err)
		}
	}()
	if err := l.onFile("VACUUM"); err != nil {
		return err
	}
	// The writer's connection is in the hands of commitLoop, and VACUUM is none of its transactions.
	own, err := sql.Open("sqlite3", fileURI(l.file.path)+"?"+pragmas)
	if err != nil {
		return err
	}
	return errors.Join(vacuum(ctx, own), own.Close())
}

// The tables that hold names. PostgreSQL keeps the bytes of removed rows until their table is written anew, which locks
// it meanwhile; its log of writes and its own backups are its administrator's.
const (
	shredDetections = `VACUUM (FULL) contracts, recipients, endpoints, outside, agent_status, detections, edr_events, imports`
	shredLedger     = `VACUUM (FULL) reports, followups, deliveries, attempts, run_errors, marks, stops, recipient_changes, actions, runs, pauses, handled, test_sends`
)

// Shred leaves nothing to be read of rows that were removed or changed.
func (d *Detections) Shred(ctx context.Context) error {
	if d.f.file != nil {
		return d.Vacuum(ctx)
	}
	return d.f.shred(ctx, shredDetections)
}

// Shred leaves nothing to be read of rows that were removed or changed.
func (l *Ledger) Shred(ctx context.Context) error {
	if l.file != nil {
		return l.Vacuum(ctx)
	}
	return l.shred(ctx, shredLedger)
}

func (db *database) shred(ctx context.Context, tables string) error {
	if _, err := db.w.ExecContext(withoutHurry(ctx), tables); err != nil {
		return fmt.Errorf("write the tables of %s anew: %w", db.name, err)
	}
	return nil
}

// errStillRead says that an old state is still being read.
var errStillRead = errors.New("somebody reads an old state of it, which stays in its -wal file")

func vacuum(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `VACUUM`); err != nil {
		return err
	}
	var busy, pages, moved int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errStillRead
	}
	return nil
}
