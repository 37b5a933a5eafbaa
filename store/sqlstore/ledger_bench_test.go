package sqlstore_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// BenchmarkLedger asks a ledger of 13 months what a daemon asks it again and again: the newest month is
// half sent, a few of its mails are deferred, failed or held. The ledger of the requirement, 1.8 million
// deliveries, is that of
//
//	GEPPO_BENCH_CONTRACTS=100000 GEPPO_BENCH_LEDGER=/var/tmp/ledger.db go test -run '^$' -bench Ledger ./store
//
// and is kept for the next time, if it has a name; the benchmark leaves it as it was, but for attempts.
func BenchmarkLedger(b *testing.B) {
	ledger := benchLedger(b)
	ctx, now := b.Context(), first.AddDate(0, 0, 20)
	none := store.Filter{}
	month := store.Filter{Period: october}
	some := store.Filter{Period: october, Contracts: []string{"C000017", "C000018", "C000019"}}
	for _, query := range []struct {
		name string
		ask  func() error
	}{
		{"claim", claim(ctx, ledger, none, now)},
		{"claim-period", claim(ctx, ledger, month, now)},
		{"claim-contracts", claim(ctx, ledger, some, now)},
		{"claim-nothing-due", claim(ctx, ledger, month, first.AddDate(0, 0, -1))},
		{"count-month", func() error { _, err := ledger.CountStates(ctx, month); return err }},
		{"count-contracts", func() error { _, err := ledger.CountStates(ctx, some); return err }},
		{"runs", func() error { _, err := ledger.Runs(ctx, store.Period{}); return err }},
		{"unfinished-runs", func() error { _, err := ledger.UnfinishedRuns(ctx); return err }},
		{"under-way", func() error { _, err := ledger.UnderWay(ctx); return err }},
		{"paused", func() error { _, err := ledger.Pauses(ctx); return err }},
		{"next-due", func() error { _, err := ledger.NextDue(ctx); return err }},
		{"oldest-pending", func() error { _, err := ledger.OldestPending(ctx); return err }},
		{"open-fires", func() error { _, err := ledger.OpenFires(ctx); return err }},
		{"last-fire", func() error { _, err := ledger.LastFire(ctx, time.Now()); return err }},
		{"marks", func() error { _, err := ledger.Marks(ctx); return err }},
		{"status-failed", func() error {
			_, err := ledger.Deliveries(ctx, store.Filter{Period: october, States: []store.State{store.Failed, store.Held}})
			return err
		}},
		{"status-contract", func() error {
			_, err := ledger.Deliveries(ctx, store.Filter{Contracts: []string{"C000017"}})
			return err
		}},
		{"newest-revision", func() error { _, err := ledger.NewestRevision(ctx, "C000017", october.Previous()); return err }},
		{"frozen", func() error { _, err := ledger.Frozen(ctx, "C000017", october.Previous(), 1); return err }},
		{"message", func() error { _, err := ledger.DeliveryOf(ctx, "nobody@geppo.example"); return err }},
	} {
		b.Run(query.name, func(b *testing.B) {
			for b.Loop() {
				if err := query.ask(); err != nil && !errors.Is(err, store.ErrNotFound) {
					b.Fatal(err)
				}
			}
		})
	}
}

// claim claims one delivery, hands it over and settles it, so that it is there again: three of these are
// what a mail costs.
func claim(ctx context.Context, ledger *sqlstore.Ledger, filter store.Filter, now time.Time) func() error {
	return func() error {
		claimed, err := ledger.Claim(ctx, filter, now, 1)
		if err != nil {
			return err
		}
		d := claimed[0]
		sum := sha256.Sum256([]byte(d.MessageID))
		if err := ledger.HandOver(ctx, d.ID, d.Attempts, sum, now); err != nil {
			return err
		}
		return ledger.Settle(ctx, store.Settlement{
			Attempt: store.Attempt{Delivery: d.ID, Number: d.Attempts, EndedAt: now, Stage: "dot", Outcome: store.OutcomeInterrupted},
			State:   store.Queued, NextAttemptAt: now,
		})
	}
}

// benchLedger opens the ledger that GEPPO_BENCH_LEDGER names, or one of its own, and fills it unless it is.
func benchLedger(b *testing.B) *sqlstore.Ledger {
	b.Helper()
	path, contracts := os.Getenv("GEPPO_BENCH_LEDGER"), 1000
	if path == "" {
		path = filepath.Join(b.TempDir(), "l.db")
	}
	if s := os.Getenv("GEPPO_BENCH_CONTRACTS"); s != "" {
		var err error
		if contracts, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	ledger, err := sqlstore.OpenLedger(b.Context(), path, sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ledger.Close() })
	runs, err := ledger.Runs(b.Context(), store.Period{})
	if err != nil {
		b.Fatal(err)
	}
	if len(runs) == 0 {
		fillLedger(b, path, contracts)
	}
	return ledger
}

// fillLedger writes 13 months as they come to stand there; by the ledger's own methods it would take hours.
func fillLedger(b *testing.B, path string, contracts int) {
	b.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_synchronous=OFF&_busy_timeout=30000&_cache_size=-200000")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var report bytes.Buffer
	packed := gzip.NewWriter(&report)
	fmt.Fprintf(packed, "%08x", rand.New(rand.NewPCG(1, 1)).Perm(150)) // about as long as a quiet month's
	if err := packed.Close(); err != nil {
		b.Fatal(err)
	}
	months := make([]store.Period, 13)
	for i, p := 12, october; i >= 0; i, p = i-1, p.Previous() {
		months[i] = p
	}
	for i, p := range months {
		at := time.Date(p.Year, p.Month+1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		for _, statement := range []string{
			`INSERT INTO runs (id, kind, period, started_at, finished_at, requested_by, planned) VALUES (?1, 'schedule', ?2, ?3, iif(?2 = '` + october.String() + `', NULL, ?3 + 1), 'bench', ?4 + 0 * length(?5))`,
			`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?4)
INSERT INTO reports (contract, period, revision, computed_at, json_gz) SELECT printf('C%06d', i), ?2, 1, ?3 + ?1 * 0, ?5 FROM n`,
			fillDeliveries,
			`INSERT INTO attempts (delivery, number, started_at, ended_at, stage, code, reply, outcome)
SELECT id, 1, ?3, ?3 + 1000, 'dot', 250, '2.0.0 Ok: queued as 4YxQ1k2b3Cz9', 'sent' FROM deliveries WHERE run = ?1 AND state = 'sent' AND ?2 <> '' AND ?4 + length(?5) > 0`,
		} {
			if _, err := db.ExecContext(b.Context(), statement, i+1, p.String(), at, contracts, report.Bytes()); err != nil {
				b.Fatal(fmt.Errorf("%s: %w", statement, err))
			}
		}
	}
	if _, err := db.ExecContext(b.Context(), newestMonth, len(months)); err != nil {
		b.Fatal(err)
	}
}

// Of five contracts two have a second address.
const fillDeliveries = `
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?4 * 7 / 5)
INSERT INTO deliveries (run, contract, period, revision, recipient, recipient_name, resend, message_id, state, attempts,
                        dated_at, sha256, last_code, last_reply, sent_at, created_at, updated_at)
SELECT ?1, printf('C%06d', i * 5 / 7), ?2, 1, printf('kanri%d@c%d.example.jp', i, i * 5 / 7), '情報システム ご担当者', 0 * length(?5),
       'geppo.' || lower(hex(randomblob(16))) || '@geppo.example', 'sent', 1,
       ?3, randomblob(32), 250, '2.0.0 Ok: queued as 4YxQ1k2b3Cz9', ?3 + 1000, ?3, ?3 + 1000
FROM n`

// newestMonth makes every second delivery of a run wait again; of a thousand one is deferred, failed and held each.
const newestMonth = `
UPDATE deliveries SET sent_at = NULL, sha256 = NULL, attempts = 0, last_code = 0, last_reply = '',
  state = CASE id % 1000 WHEN 0 THEN 'deferred' WHEN 2 THEN 'failed' WHEN 4 THEN 'held' ELSE 'queued' END,
  next_attempt_at = iif(id % 1000 IN (2, 4), NULL, created_at + iif(id % 1000 = 0, 86400000, 0))
WHERE run = ? AND id % 2 = 0;
DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE state IN ('queued', 'deferred', 'failed', 'held'))`
