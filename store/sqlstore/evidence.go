package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

// selectEvidence takes ?1 contract, ?2 from when rows that came late are looked for, ?3 the
// period's end, ?4 its last day, ?5 and ?6 the time and the day from which a row is dated in the future. CASE
// ends at the first that is found: the others are seeks that a living feed never needs, and the last one
// reads the rows of two months.
const selectEvidence = machineKeys + `
SELECT CASE
  WHEN EXISTS (SELECT 1 FROM detections WHERE contract = +?1 AND time < +?3) THEN 1
  WHEN EXISTS (SELECT 1 FROM coverage WHERE contract = +?1 AND day <= +?4) THEN 1
  WHEN EXISTS (SELECT 1 FROM edr_events WHERE contract = +?1 AND time < +?3) THEN 1
  WHEN EXISTS (SELECT 1 FROM e WHERE EXISTS (
    SELECT 1 FROM agent_status WHERE contract = +?1 AND machine = e.name AND day <= +?4)) THEN 1
  ELSE 0 END,
CASE
  WHEN EXISTS (SELECT 1 FROM coverage WHERE contract = +?1 AND day >= +?4 AND day < +?6) THEN 1
  WHEN EXISTS (SELECT 1 FROM detections WHERE contract = +?1 AND time >= +?3 AND time < +?5) THEN 1
  WHEN EXISTS (SELECT 1 FROM edr_events WHERE contract = +?1 AND time >= +?3 AND time < +?5) THEN 1
  WHEN EXISTS (SELECT 1 FROM e WHERE EXISTS (
    SELECT 1 FROM agent_status WHERE contract = +?1 AND machine = e.name AND day >= +?4 AND day < +?6)) THEN 1
  WHEN EXISTS (SELECT 1 FROM detections WHERE contract = +?1 AND time >= +?2 AND time < +?3 AND received >= +?3 AND received < +?5) THEN 1
  WHEN EXISTS (SELECT 1 FROM edr_events WHERE contract = +?1 AND time >= +?2 AND time < +?3 AND updated >= +?3 AND updated < +?5) THEN 1
  ELSE 0 END`

// future is how far ahead of our clock a row may be dated: time zones and clocks that are a little fast.
const future = 48 * time.Hour

// Evidence tells what a contract's rows say of its feed, see store.Evidence.
func (d *Detections) Evidence(ctx context.Context, contract string, p store.Period, now time.Time) (e store.Evidence, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		key, c, err := d.readContract(ctx, tx, contract)
		if err == nil {
			e, err = d.evidence(ctx, tx, key, c.Timezone, p, now)
		}
		return err
	})
	if err != nil {
		return store.Evidence{}, fmt.Errorf("look for data of contract %q: %w", contract, err)
	}
	return e, nil
}

// EachEvidence gives every contract as EachContract does, with what its rows say of its feed where the
// contract is wanted.
func (d *Detections) EachEvidence(ctx context.Context, p store.Period, now time.Time, wanted func(store.Contract) bool, take func(store.Contract, store.Evidence) error) error {
	return d.eachContract(ctx, func(tx *sql.Tx, key int64, c store.Contract) error {
		if !wanted(c) {
			return nil
		}
		e, err := d.evidence(ctx, tx, key, c.Timezone, p, now)
		if err != nil {
			return err
		}
		return take(c, e)
	})
}

func (d *Detections) evidence(ctx context.Context, tx *sql.Tx, contract int64, zone string, p store.Period, now time.Time) (e store.Evidence, err error) {
	loc, err := d.location(zone)
	if err != nil {
		return e, err
	}
	_, end := p.Bounds(loc)
	late, _ := p.Previous().Bounds(loc)
	days := p.Days()
	limit := now.Add(future)
	err = tx.StmtContext(ctx, d.evidenceOf).QueryRowContext(ctx, contract, late.UnixMilli(), end.UnixMilli(), string(days[len(days)-1]),
		limit.UnixMilli(), string(store.DayOf(limit, loc))).Scan(&e.Begun, &e.Complete)
	return e, err
}
