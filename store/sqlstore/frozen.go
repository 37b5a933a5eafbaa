package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"geppo/store"
)

// What is known of frozen reports without reading them.

const (
	frozenReports = `
SELECT contract, revision, computed_at, import FROM reports AS r INDEXED BY reports_of_period
WHERE period = ?1 AND NOT EXISTS (
  SELECT 1 FROM reports AS n INDEXED BY reports_of_period WHERE n.period = ?1 AND n.contract = r.contract AND n.revision > r.revision)
ORDER BY contract`

	lastFrozen = `
SELECT contract, max(computed_at) FROM reports INDEXED BY reports_of_period WHERE period BETWEEN ? AND ? GROUP BY contract`

	insertFollowUp = `
INSERT INTO followups (period, contract, revision, line, feature, result, endpoint, name, count, first_day, last_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectFollowUps = `
SELECT contract, feature, result, endpoint, name, count, first_day, last_day FROM followups AS f
WHERE period = ?1 AND revision = (SELECT max(revision) FROM reports AS r INDEXED BY reports_of_period WHERE r.period = ?1 AND r.contract = f.contract)
ORDER BY contract, line`
)

// FrozenReports lists the newest revision of each contract's report of a period, by contract.
func (l *Ledger) FrozenReports(ctx context.Context, p store.Period) (list []store.FrozenReport, err error) {
	err = query(ctx, l.r, frozenReports, []any{p.String()}, func(row scanner) error {
		var r store.FrozenReport
		var at sql.NullInt64
		err := row.Scan(&r.Contract, &r.Revision, &at, &r.Import)
		r.ComputedAt = fromMillis(at)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("frozen reports of %s: %w", p, err)
	}
	return list, nil
}

// LastFrozen tells when each contract's newest report of the periods from one to another was frozen.
func (l *Ledger) LastFrozen(ctx context.Context, from, to store.Period) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := query(ctx, l.r, lastFrozen, []any{from.String(), to.String()}, func(row scanner) error {
		var contract string
		var at sql.NullInt64
		err := row.Scan(&contract, &at)
		last[contract] = fromMillis(at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("frozen reports from %s to %s: %w", from, to, err)
	}
	return last, nil
}

// FollowUps lists what the support desk must follow up by the newest frozen reports of a period, by contract.
func (l *Ledger) FollowUps(ctx context.Context, p store.Period) (list []store.FollowUp, err error) {
	err = query(ctx, l.r, selectFollowUps, []any{p.String()}, func(row scanner) error {
		var f store.FollowUp
		err := row.Scan(&f.Contract, &f.Feature, &f.Result, &f.Endpoint, &f.Name, &f.Count, &f.From, &f.To)
		list = append(list, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("follow-ups of %s: %w", p, err)
	}
	return list, nil
}
