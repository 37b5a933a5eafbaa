package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
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

// selectEvidences asks the same of PostgreSQL for many contracts at once: one by one, the way through the network costs
// more than the answer.
//
//nolint:gosec // G202: our own text
var selectEvidences = `
SELECT w.contract, v.begun, v.complete
FROM json_to_recordset(CAST(?1 AS JSON)) AS w (contract BIGINT, late BIGINT, until BIGINT, last TEXT, ahead BIGINT, after TEXT),
LATERAL (` + strings.NewReplacer("+?1", "w.contract", "+?2", "w.late", "+?3", "w.until", "+?4", "w.last", "+?5", "w.ahead", "+?6", "w.after").
	Replace(selectEvidence) + `) AS v (begun, complete)`

// evidenceOf is what is asked for of a contract, in the order of selectEvidence.
type evidenceOf struct {
	Contract int64     `json:"contract"`
	Late     int64     `json:"late"`
	Until    int64     `json:"until"`
	Last     store.Day `json:"last"`
	Ahead    int64     `json:"ahead"`
	After    store.Day `json:"after"`
}

// Evidence tells what a contract's rows say of its feed, see store.Evidence.
func (d *Detections) Evidence(ctx context.Context, contract string, p store.Period, now time.Time) (e store.Evidence, err error) {
	err = d.snapshot(ctx, func(tx *sql.Tx) error {
		key, c, err := d.readContract(ctx, tx, contract)
		if err != nil {
			return err
		}
		known, err := d.evidences(ctx, tx, []int64{key}, []store.Contract{c}, p, now)
		e = known[key]
		return err
	})
	if err != nil {
		return store.Evidence{}, fmt.Errorf("look for data of contract %q: %w", contract, err)
	}
	return e, nil
}

// EachEvidence gives every contract that is wanted as EachContract does, with what its rows say of its feed.
func (d *Detections) EachEvidence(ctx context.Context, p store.Period, now time.Time, wanted func(store.Contract) bool, take func(store.Contract, store.Evidence) error) error {
	return d.someContracts(ctx, func(tx *sql.Tx, keys []int64, some []store.Contract) error {
		of, chosen := keys[:0:0], some[:0:0]
		for i, c := range some {
			if wanted(c) {
				of, chosen = append(of, keys[i]), append(chosen, c)
			}
		}
		known, err := d.evidences(ctx, tx, of, chosen, p, now)
		for i := 0; i < len(chosen) && err == nil; i++ {
			err = take(chosen[i], known[of[i]])
		}
		return err
	})
}

// evidences are those of contracts, by their keys.
func (d *Detections) evidences(ctx context.Context, tx *sql.Tx, keys []int64, contracts []store.Contract, p store.Period, now time.Time) (map[int64]store.Evidence, error) {
	known := make(map[int64]store.Evidence, len(keys))
	limit, days := now.Add(future), p.Days()
	asked := make([]evidenceOf, len(keys))
	for i, c := range contracts {
		loc, err := d.location(c.Timezone)
		if err != nil {
			return nil, err
		}
		_, end := p.Bounds(loc)
		late, _ := p.Previous().Bounds(loc)
		asked[i] = evidenceOf{keys[i], late.UnixMilli(), end.UnixMilli(), days[len(days)-1], limit.UnixMilli(), store.DayOf(limit, loc)}
	}
	if d.f.file == nil {
		rows, err := tx.QueryContext(ctx, selectEvidences, list(asked))
		err = readRows(rows, err, func(row scanner) error {
			var key int64
			var e store.Evidence
			err := row.Scan(&key, &e.Begun, &e.Complete)
			known[key] = e
			return err
		})
		return known, err
	}
	for _, a := range asked {
		var e store.Evidence
		row := tx.StmtContext(ctx, d.evidenceOf).QueryRowContext(ctx, a.Contract, a.Late, a.Until, string(a.Last), a.Ahead, string(a.After))
		if err := row.Scan(&e.Begun, &e.Complete); err != nil {
			return nil, err
		}
		known[a.Contract] = e
	}
	return known, nil
}
