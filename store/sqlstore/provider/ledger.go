package provider

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/klauspost/compress/gzip"

	"geppo/store"
)

const (
	putRun = `
INSERT INTO runs (id, kind, period, started_at, finished_at, requested_by, planned, whole, summarised_at)
VALUES (?1, 'schedule', ?2, ?3, iif(?5, NULL, ?3 + 7200000), 'schedule', ?4, 1, iif(?5, NULL, ?3 + 7200000))`

	putUnreachable = numbers + `
INSERT INTO run_errors (run, contract, kind, reason)
SELECT ?2, printf('C%06d', i), 'unreachable', 'no registered address; add one by geppo recipients add' FROM n WHERE i % 1000 = 999`

	putReport = `INSERT INTO reports (contract, period, revision, computed_at, import, json_gz) VALUES (?1, ?2, 1, ?3, 0, ?4)`

	putFollowUps = numbers + `
INSERT INTO followups (period, contract, revision, line, feature, result, endpoint, name, count, first_day, last_day)
SELECT ?2, printf('C%06d', i), 1, 0, 'virus', 'uncleanable', printf('EIGYO%06d-PC02', i), printf('Trojan.Win32.FRS.VSNW%02dG24', (i + 1) % 50), 2, ?2 || '-04', ?2 || '-04'
FROM n WHERE i % 5 = 0`

	// ?2 is the run, ?3 its period, ?4 when it was planned. Addresses as putRecipients gives them.
	putDeliveries = numbers + `, a (i, address, name) AS (
  SELECT i, printf('kanri%d@c%d.example.jp', i, i), '情報システム ご担当者' FROM n WHERE i % 1000 <> 999
  UNION ALL SELECT i, printf('soumu%d@c%d.example.jp', i, i), '総務 ご担当者' FROM n WHERE i % 5 < 2)
INSERT INTO deliveries (run, contract, period, revision, recipient, mailbox, recipient_name, resend, message_id, state, attempts,
                        dated_at, sha256, last_code, last_reply, sent_at, created_at, updated_at)
SELECT ?2, printf('C%06d', i), ?3, 1, address, address, name, 0, 'geppo.' || lower(hex(randomblob(16))) || '@geppo.example', 'sent', 1,
       ?4, randomblob(32), 250, '2.0.0 Ok: queued as 4YxQ1k2b3Cz9', ?4 + 1000, ?4, ?4 + 1000
FROM a ORDER BY 2, 5`

	// Every second delivery of the newest run waits; of a thousand one is deferred, failed and held each.
	openNewest = `
UPDATE deliveries SET sent_at = NULL, sha256 = NULL, attempts = 0, last_code = 0, last_reply = '',
  state = CASE id % 1000 WHEN 0 THEN 'deferred' WHEN 2 THEN 'failed' WHEN 4 THEN 'held' ELSE 'queued' END,
  next_attempt_at = iif(id % 1000 IN (2, 4), NULL, created_at + iif(id % 1000 = 0, 86400000, 0))
WHERE run = ?1 AND id % 2 = 0`

	putAttempts = `
INSERT INTO attempts (delivery, number, started_at, ended_at, stage, code, reply, outcome)
SELECT id, 1, created_at, created_at + 1000, 'dot', 250, '2.0.0 Ok: queued as 4YxQ1k2b3Cz9', 'sent' FROM deliveries WHERE state = 'sent'`

	putChangedRecipients = numbers + `
INSERT INTO recipient_changes (contract, mailbox, address, name, change, changed_at, changed_by)
SELECT printf('C%06d', i), printf('shinki%d@c%d.example.jp', i, i), printf('shinki%d@c%d.example.jp', i, i), '', 'added', ?2, 'yamada' FROM n WHERE i % 100 = 50`

	putMarks = numbers + `
INSERT INTO marks (mailbox, address, marked_at, reason)
SELECT printf('soumu%d@c%d.example.jp', i, i), printf('soumu%d@c%d.example.jp', i, i), ?2, '550 5.1.1 no such user' FROM n WHERE i % 500 = 1`

	putPause = `INSERT INTO pauses (cause, started_at, started_by, reason) VALUES ('operator', ?1, 'yamada', 'a benchmark is made')`
)

// Ledger fills a migrated, empty ledger. Half of the newest month waits, and an operator has paused the queue. report
// gives the JSON of the report that is frozen for a contract and period; all but the newest month's are those of the
// first contract.
func (s Size) Ledger(ctx context.Context, path string, report func(contract string, p store.Period) ([]byte, error)) error {
	return fill(ctx, path, func(f *filler) {
		for i, p := range s.periods() {
			run, at, newest := i+1, ended(p)+2*time.Hour.Milliseconds(), p == s.Newest
			f.exec(putRun, run, p.String(), at, s.Contracts*7/5, newest)
			f.exec(putUnreachable, s.Contracts, run)
			f.reports(s, p, at, report)
			f.exec(putFollowUps, s.Contracts, p.String())
			f.exec(putDeliveries, s.Contracts, run, p.String(), at)
		}
		f.exec(openNewest, s.Months)
		f.exec(putAttempts)
		f.exec(putChangedRecipients, s.Contracts, ended(s.Newest))
		f.exec(putMarks, s.Contracts, ended(s.Newest))
		f.exec(putPause, ended(s.Newest)+3*time.Hour.Milliseconds())
	})
}

// reports freezes a month.
func (f *filler) reports(s Size, p store.Period, at int64, report func(string, store.Period) ([]byte, error)) {
	if f.err != nil {
		return
	}
	put, err := f.tx.PrepareContext(f.ctx, putReport)
	if err != nil {
		f.err = err
		return
	}
	var packed []byte
	for i := range s.Contracts {
		if packed == nil || p == s.Newest {
			var json []byte
			if json, err = report(Contract(i), p); err == nil {
				packed, err = pack(json)
			}
		}
		if err == nil {
			_, err = put.ExecContext(f.ctx, Contract(i), p.String(), at, packed)
		}
		if err != nil {
			f.err = fmt.Errorf("report %s of %s: %w", p, Contract(i), err)
			return
		}
	}
	f.err = put.Close()
}

func pack(json []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(json); err != nil {
		return nil, err
	}
	err := w.Close()
	return packed.Bytes(), err
}
