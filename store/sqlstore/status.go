package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"geppo/store"
)

const deliveryColumns = `id, run, contract, period, revision, recipient, recipient_name, resend, message_id, state,
  next_attempt_at, attempts, ambiguous, waited_ms, forced, dated_at, sha256, last_code, last_reply, reason, lapsed, replaced_by, acknowledged_at, sent_at, created_at`

const (
	selectDeliveries = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE `
	selectPicks      = `SELECT id, contract, period, recipient, forced, lapsed FROM deliveries WHERE `
	byContract       = ` ORDER BY period, contract, mailbox, resend`

	countStates = `SELECT state, count(*) FROM deliveries WHERE replaced_by IS NULL AND `
	byState     = ` GROUP BY state`

	// The tallies know a whole period without a look at its deliveries, but for those under way.
	countPeriod = `
WITH under_way AS (
  SELECT state FROM deliveries INDEXED BY deliveries_under_way
  WHERE state IN ('sending', 'handing_over') AND (?1 = '' OR period = ?1) AND replaced_by IS NULL
)
SELECT state, sum(n) FROM (
  SELECT state, deliveries AS n FROM tallies
  WHERE run IN (SELECT id FROM runs WHERE ?1 = '' OR period = ?1) AND (?2 = 0 OR acknowledged = 0)
  UNION ALL SELECT 'queued', -1 FROM under_way
  UNION ALL SELECT state, 1 FROM under_way
) AS standing GROUP BY state HAVING sum(n) > 0`

	anyDue = `
SELECT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_due
WHERE state IN ('queued', 'deferred') AND next_attempt_at <= +? AND `

	selectAttempts = `
SELECT delivery, number, started_at, ended_at, stage, code, enhanced, reply, tls, outcome
FROM attempts WHERE delivery = ? ORDER BY number`

	insertReport = `
INSERT INTO reports (contract, period, revision, computed_at, import, json_gz) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (contract, period, revision) DO NOTHING`

	selectReport = `SELECT json_gz FROM reports WHERE contract = ? AND period = ? AND revision = ?`

	newestRevisions = `SELECT period, max(revision) FROM reports WHERE contract = ? AND period BETWEEN ? AND ? GROUP BY period`
	newestRevision  = `SELECT coalesce(max(revision), 0) FROM reports WHERE contract = ? AND period = ?`
)

// ledgerStatements are prepared when the ledger is opened: all there are, those with a filter with one of its
// conditions. A test holds that none is missing.
var ledgerStatements = []string{
	insertRun, insertRunError, insertDeliveries(1), insertDeliveries(rowsPerStatement), presentBetween, presentOf, cancelRemoved, revive, finishPlanning, settleFires,
	clockMarks, seeClock, vouchClock, setFiresAside, bringForward,
	dueDeliveries + "true" + dueFirst, dueDeliveries + "period = +?" + dueFirst, dueOfContracts + "true" + dueFirst, claimDeliveries, startAttempts,
	markHandingOver, attemptIsOpen, endAttempt, settleDelivery, settledAs, markRefused, putBack, unmark, giveWay, cleanUp, addWorker, beat, takeOverNamesakes, retire, selectWorkers, abandoned,
	selectDeliveries + "true", selectDeliveries + standing, selectPicks + "true" + byContract, countStates + "true" + byState, countPeriod, anyDue + "true)", selectAttempts,
	selectRuns, selectRunErrors, finishRun, summariseRun, unfinishedRuns, untoldRuns,
	insertReport, selectReport, newestRevision, newestRevisions, frozenReports, lastFrozen, insertFollowUp, selectFollowUps, selectSecret,
	changeRecipient, selectChanges, lapseOfRecipient, lapseOfContract, lapseOfMailbox, openMarks, insertMark, clearMarks,
	openStops, insertStop, endStop, selectBars,
	openPauses, insertPause, endPause, endPauses, hastenUnreached, lastFire, openFires, putFire, nextDue, oldestPending,
	insertResent, nextResend, holdMailbox, supersede, replaceDelivery, isReplaced, bounceDelivery, acceptDelivery, stateOfDelivery, markBounced, deliveryOfMessage, deliveryOfPrefix, deliveriesTo, insertTestSend,
	periodStates, standingErrors, awaitingFull, openCanaries, canariesOf, objectedSince, inheritCanary, countCanaries, takeFollowing + andHold,
	insertAction, takeDelivery, countTaken, selectActions, actionsOf,
	takeCancellable + "true" + andHold, takeReleasable + "true" + andHold, takeAwaiting + "true" + andHold, takeDeferred + "true" + andHold, takeAcknowledging + "true" + andHold,
	cancelTaken, queueTaken, releaseTaken, hastenTaken, acknowledgeTaken,
	sentByQuarter, sentOfPeriod, putHandled, selectHandled,
	unasked, putAsked,
	tracesOf, revisionsOf, addressesOf, contractsAt, isUnfinished, forgetReports, forgetHandled, forgetRecipients, forgetStop, forgetMarks, forgetStops,
	forgetDeliveries, forgetAttempts, forgetRunErrors, forgetTestSends, freeTexts, rewriteAction, rewriteRun, rewritePause,
}

// Deliveries lists what the filter chooses, in the order of planning.
func (l *Ledger) Deliveries(ctx context.Context, filter store.Filter) ([]store.Delivery, error) {
	condition, args := where(filter)
	return l.queryDeliveries(ctx, selectDeliveries+condition+" ORDER BY id", args...)
}

// EachDelivery gives what the filter chooses one by one, by period, contract, mailbox and resend: as an index has them, for
// to sort a month by anything else takes longer than to read it. take must not write to the ledger.
func (l *Ledger) EachDelivery(ctx context.Context, filter store.Filter, take func(store.Delivery) error) error {
	condition, args := where(filter)
	err := query(ctx, l.r, selectDeliveries+condition+byContract, args, func(row scanner) error {
		d, err := scanDelivery(row)
		if err != nil {
			return err
		}
		return take(d)
	})
	if err != nil {
		return fmt.Errorf("deliveries: %w", err)
	}
	return nil
}

// Picks lists what the filter chooses, by period, contract, mailbox and resend.
func (l *Ledger) Picks(ctx context.Context, filter store.Filter) (list []store.Pick, err error) {
	condition, args := where(filter)
	var text string // most rows are of the period of the one before
	var period store.Period
	err = query(ctx, l.r, selectPicks+condition+byContract, args, func(row scanner) error {
		var p store.Pick
		was := text
		err := row.Scan(&p.ID, &p.Contract, &text, &p.Recipient, &p.Forced, &p.Lapsed)
		if err == nil && text != was {
			period, err = store.ParsePeriod(text)
		}
		p.Period = period
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("deliveries: %w", err)
	}
	return list, nil
}

// Delivery reads one delivery, or ErrNotFound.
func (l *Ledger) Delivery(ctx context.Context, id int64) (store.Delivery, error) {
	d, err := scanDelivery(l.r.QueryRowContext(ctx, selectDeliveries+"id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Delivery{}, fmt.Errorf("delivery %d: %w", id, err)
	}
	return d, nil
}

// CountStates counts the filter's deliveries by state. A delivery that was cancelled because a resend
// took its place is not counted: the resend is.
func (l *Ledger) CountStates(ctx context.Context, filter store.Filter) (map[store.State]int, error) {
	condition, args := where(filter)
	statement := countStates + condition + byState
	if filter.Contracts == nil && filter.Mailboxes == nil && filter.States == nil && filter.IDs == nil && filter.Run == 0 && !filter.Standing && !filter.Unreplaced {
		statement, args = countPeriod, []any{periodKey(filter), filter.Unacknowledged}
	}
	counts := map[store.State]int{}
	err := query(ctx, l.r, statement, args, func(row scanner) error {
		var state store.State
		var n int
		err := row.Scan(&state, &n)
		counts[state] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return counts, nil
}

// AnyDue tells whether one of the filter's deliveries may be claimed.
func (l *Ledger) AnyDue(ctx context.Context, filter store.Filter, now time.Time) (due bool, err error) {
	condition, args := where(filter)
	args = append([]any{now.UnixMilli()}, args...)
	if err := l.r.QueryRowContext(ctx, anyDue+condition+")", args...).Scan(&due); err != nil {
		return false, fmt.Errorf("read the queue: %w", err)
	}
	return due, nil
}

// periodKey is the period as it is stored, "" for all.
func periodKey(f store.Filter) string {
	if f.Period == (store.Period{}) {
		return ""
	}
	return f.Period.String()
}

// Attempts lists a delivery's attempts, the first first.
func (l *Ledger) Attempts(ctx context.Context, delivery int64) (attempts []store.Attempt, err error) {
	err = query(ctx, l.r, selectAttempts, []any{delivery}, func(row scanner) error {
		var a store.Attempt
		var started, ended sql.NullInt64
		err := row.Scan(&a.Delivery, &a.Number, &started, &ended, &a.Stage, &a.Code, &a.Enhanced, &a.Reply, &a.TLS, &a.Outcome)
		a.StartedAt, a.EndedAt = fromMillis(started), fromMillis(ended)
		attempts = append(attempts, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("attempts of delivery %d: %w", delivery, err)
	}
	return attempts, nil
}

// Freeze stores a report unless its contract, period and revision already have one, and returns the JSON of the
// one that is stored: the first wins, for ever. What the support desk must follow up is stored with it, so that
// its list needs no report.
func (l *Ledger) Freeze(ctx context.Context, f store.Freezing, now time.Time) ([]byte, error) {
	packed, err := l.pack(f.JSON)
	if err != nil {
		return nil, err
	}
	p := f.Period.String()
	err = l.writeTogether(ctx, func(tx ledgerTx) error {
		err := mustChangeOne(tx.exec(ctx, insertReport, f.Contract, p, f.Revision, now.UnixMilli(), f.Import, packed))
		for i := 0; err == nil && i < len(f.FollowUps); i++ {
			u := f.FollowUps[i]
			_, err = tx.exec(ctx, insertFollowUp, p, f.Contract, f.Revision, i, string(u.Feature), u.Result, u.Endpoint, u.Name, u.Count,
				string(u.From), string(u.To))
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound): // another was first
		return l.Frozen(ctx, f.Contract, f.Period, f.Revision)
	case err != nil:
		return nil, fmt.Errorf("freeze report %s %s: %w", f.Contract, f.Period, err)
	}
	return f.JSON, nil
}

// Frozen reads a stored report's JSON, or ErrNotFound.
func (l *Ledger) Frozen(ctx context.Context, contract string, p store.Period, revision int) ([]byte, error) {
	var packed []byte
	err := l.r.QueryRowContext(ctx, selectReport, contract, p.String(), revision).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("frozen report %s %s revision %d: %w", contract, p, revision, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("frozen report %s %s: %w", contract, p, err)
	}
	return unpack(packed)
}

// NewestRevision is the newest frozen revision of a contract's period, 0 if there is none.
func (l *Ledger) NewestRevision(ctx context.Context, contract string, p store.Period) (revision int, err error) {
	if err := l.r.QueryRowContext(ctx, newestRevision, contract, p.String()).Scan(&revision); err != nil {
		return 0, fmt.Errorf("newest report %s %s: %w", contract, p, err)
	}
	return revision, nil
}

// NewestRevisions are the newest frozen revisions of a contract's periods from one to another, of those
// that have any.
func (l *Ledger) NewestRevisions(ctx context.Context, contract string, from, to store.Period) (map[store.Period]int, error) {
	list := map[store.Period]int{}
	rows, err := l.r.QueryContext(ctx, newestRevisions, contract, from.String(), to.String())
	err = readRows(rows, err, func(rows scanner) error {
		var text string
		var revision int
		if err := rows.Scan(&text, &revision); err != nil {
			return err
		}
		p, err := store.ParsePeriod(text)
		list[p] = revision
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("newest reports of %s: %w", contract, err)
	}
	return list, nil
}

// A report of a quiet month is 7 KB of JSON and 0.7 KB packed; 13 months of 100,000 contracts are
// 9 GB and 1 GB.
//
// A new writer clears a megabyte of tables, which takes longer than to pack a report; so l keeps those it has.
func (l *Ledger) pack(b []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, ok := l.packers.Get().(*gzip.Writer)
	if ok {
		w.Reset(&packed)
	} else {
		w = gzip.NewWriter(&packed)
	}
	defer l.packers.Put(w)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack report: %w", err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack report: %w", err)
	}
	return b, nil
}

type scanner interface{ Scan(dest ...any) error }

// query calls each for every row.
func query(ctx context.Context, db *sql.DB, statement string, args []any, each func(scanner) error) error {
	rows, err := db.QueryContext(ctx, statement, args...)
	return readRows(rows, err, each)
}

func (l *Ledger) queryDeliveries(ctx context.Context, statement string, args ...any) (deliveries []store.Delivery, err error) {
	err = query(ctx, l.r, statement, args, func(row scanner) error {
		d, err := scanDelivery(row)
		deliveries = append(deliveries, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("deliveries: %w", err)
	}
	return deliveries, nil
}

func scanDelivery(row scanner) (d store.Delivery, err error) {
	var period string
	var next, dated, replaced, acknowledged, sent, created sql.NullInt64
	var waited int64
	err = row.Scan(&d.ID, &d.Run, &d.Contract, &period, &d.Revision, &d.Recipient, &d.RecipientName, &d.Resend,
		&d.MessageID, &d.State, &next, &d.Attempts, &d.Ambiguous, &waited, &d.Forced, &dated, &d.SHA256, &d.LastCode, &d.LastReply,
		&d.Reason, &d.Lapsed, &replaced, &acknowledged, &sent, &created)
	if err != nil {
		return store.Delivery{}, err
	}
	d.NextAttemptAt, d.DatedAt, d.SentAt, d.CreatedAt = fromMillis(next), fromMillis(dated), fromMillis(sent), fromMillis(created)
	d.ReplacedBy, d.AcknowledgedAt = replaced.Int64, fromMillis(acknowledged)
	d.Waited = time.Duration(waited) * time.Millisecond
	d.Period, err = store.ParsePeriod(period)
	return d, err
}
