package sqlstore

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"geppo/store"
)

// Forgetting a contract in the ledger: who got what, and how often, in which state, stays to be counted; to whom, with
// what words and what was in it does not. What went wrong counts as dealt with, for nothing
// can be done about it any more. A delivery's mailbox becomes its own number, so that two stay two.

const (
	tracesOf = `
SELECT count(*), coalesce(sum(CASE WHEN state IN ('awaiting', 'queued', 'sending', 'handing_over', 'deferred', 'held') THEN 1 ELSE 0 END), 0),
  EXISTS (SELECT 1 FROM actions WHERE action = 'forget' AND what = ?2)
FROM deliveries WHERE contract = ?1`

	revisionsOf = `SELECT period, revision FROM reports WHERE contract = ?1 ORDER BY period, revision`

	addressesOf = `
SELECT recipient FROM deliveries WHERE contract = ?1 AND recipient <> ?2
UNION SELECT address FROM recipient_changes WHERE contract = ?1
UNION SELECT recipient FROM test_sends WHERE contract = ?1 AND recipient <> ?2 ORDER BY 1`

	contractsAt = `SELECT contract FROM deliveries WHERE mailbox = ?1 UNION SELECT contract FROM recipient_changes WHERE mailbox = ?1`

	isUnfinished = `
SELECT count(*) FROM deliveries
WHERE contract = ?1 AND state IN ('awaiting', 'queued', 'sending', 'handing_over', 'deferred', 'held')`

	forgetReports    = `DELETE FROM reports WHERE contract = ?1` // and the support desk's lines with them
	forgetHandled    = `DELETE FROM handled WHERE contract = ?1`
	forgetRecipients = `DELETE FROM recipient_changes WHERE contract = ?1`
	forgetStop       = `DELETE FROM stops WHERE kind = 'contract' AND key = ?1`
	forgetMarks      = `DELETE FROM marks WHERE mailbox = ?1`
	forgetStops      = `DELETE FROM stops WHERE kind = 'address' AND key = ?1`

	forgetDeliveries = `
UPDATE deliveries SET recipient = ?2, mailbox = '#' || CAST(id AS TEXT), recipient_name = '', forced = 0, last_reply = '', reason = '',
  acknowledged_at = CASE WHEN state IN ('failed', 'cancelled', 'bounced') THEN coalesce(acknowledged_at, ?4) END,
  message_id = 'forgotten.' || CAST(id AS TEXT) || '.' || ?3 WHERE contract = ?1`
	forgetAttempts  = `UPDATE attempts SET reply = '' WHERE delivery IN (SELECT id FROM deliveries WHERE contract = ?1)`
	forgetRunErrors = `DELETE FROM run_errors WHERE contract = ?1`
	forgetTestSends = `
UPDATE test_sends SET recipient = ?2, reply = '', message_id = 'forgotten.' || CAST(id AS TEXT) || '.' || ?3 WHERE contract = ?1`

	// What people wrote, whether it is about this contract's mails alone, and whether it says why a contract was forgotten.
	freeTexts = `
SELECT 'actions', id, what, reason, action = 'forget', EXISTS (SELECT 1 FROM action_deliveries AS t JOIN deliveries AS d ON d.id = t.delivery WHERE t.action = a.id AND d.contract = ?1)
  AND NOT EXISTS (SELECT 1 FROM action_deliveries AS t JOIN deliveries AS d ON d.id = t.delivery WHERE t.action = a.id AND d.contract <> ?1)
FROM actions AS a WHERE what <> '' OR reason <> ''
UNION ALL
SELECT 'runs', id, '', reason, false, EXISTS (SELECT 1 FROM deliveries WHERE run = r.id AND contract = ?1)
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE run = r.id AND contract <> ?1)
FROM runs AS r WHERE reason <> ''
UNION ALL
SELECT 'pauses', id, '', reason, false, false FROM pauses WHERE reason <> ''`

	rewriteAction = `UPDATE actions SET what = ?2, reason = ?3 WHERE id = ?1`
	rewriteRun    = `UPDATE runs SET reason = ?2 WHERE id = ?1`
	rewritePause  = `UPDATE pauses SET reason = ?2 WHERE id = ?1`
)

// Traces counts what is held of a contract, and lists its addresses in every spelling.
func (l *Ledger) Traces(ctx context.Context, contract string) (t store.Traces, err error) {
	err = query(ctx, l.r, tracesOf, []any{contract, forgottenWhat(contract)}, func(row scanner) error {
		return row.Scan(&t.Deliveries, &t.Unfinished, &t.Before)
	})
	if err == nil {
		err = query(ctx, l.r, revisionsOf, []any{contract}, func(row scanner) error {
			var r store.Revision
			var period string
			if err := row.Scan(&period, &r.Revision); err != nil {
				return err
			}
			err := r.Period.UnmarshalText([]byte(period))
			t.Frozen = append(t.Frozen, r)
			return err
		})
	}
	if err == nil {
		t.Addresses, err = l.texts(ctx, addressesOf, contract, store.Forgotten)
	}
	if err != nil {
		return t, fmt.Errorf("traces of contract %s: %w", contract, err)
	}
	return t, nil
}

// ContractsAt lists the contracts that have, or had, an address.
func (l *Ledger) ContractsAt(ctx context.Context, address string) ([]string, error) {
	list, err := l.texts(ctx, contractsAt, store.Mailbox(address))
	if err != nil {
		return nil, fmt.Errorf("contracts of an address: %w", err)
	}
	return list, nil
}

func (l *Ledger) texts(ctx context.Context, statement string, args ...any) (list []string, err error) {
	err = query(ctx, l.r, statement, args, func(row scanner) error {
		var text string
		err := row.Scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}

// forgottenWhat is what the list of actions has for a contract that was forgotten.
func forgottenWhat(contract string) string { return "--contract " + contract }

// Forget removes the names, addresses, words and reports of a contract, and writes the action's line, in one
// transaction; ErrUnderWay if something of it is on its way or held. The bytes are gone after Shred.
func (l *Ledger) Forget(ctx context.Context, f store.Forgetting, order store.Order, now time.Time) error {
	err := l.write(ctx, func(tx ledgerTx) error {
		var unfinished int
		if err := tx.row(ctx, isUnfinished, f.Contract).Scan(&unfinished); err != nil {
			return err
		}
		if unfinished > 0 {
			return store.ErrUnderWay
		}
		if err := tx.forgetTexts(ctx, f); err != nil { // while it is known whose deliveries they are about
			return err
		}
		if err := tx.forgetRows(ctx, f, now); err != nil {
			return err
		}
		order.What, order.Reason = forgottenWhat(f.Contract), withoutNames(order.Reason, f.Companies, f.Addresses)
		return tx.noted(ctx, "forget", order, 0, now)
	})
	if err != nil {
		return fmt.Errorf("forget contract %s: %w", f.Contract, err)
	}
	return nil
}

func (tx ledgerTx) forgetRows(ctx context.Context, f store.Forgetting, now time.Time) error {
	type step struct {
		statement string
		args      []any
	}
	steps := []step{
		{forgetReports, []any{f.Contract}},
		{forgetHandled, []any{f.Contract}},
		{forgetRecipients, []any{f.Contract}},
		{forgetStop, []any{f.Contract}},
		{forgetAttempts, []any{f.Contract}},
		{forgetRunErrors, []any{f.Contract}},
		{forgetTestSends, []any{f.Contract, store.Forgotten, f.Nonce}},
		{forgetDeliveries, []any{f.Contract, store.Forgotten, f.Nonce, now.UnixMilli()}},
	}
	for _, address := range f.Own {
		mailbox := store.Mailbox(address)
		steps = append(steps, step{forgetMarks, []any{mailbox}}, step{forgetStops, []any{mailbox}})
	}
	for _, s := range steps {
		if _, err := tx.exec(ctx, s.statement, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// freeText is what somebody wrote, by its table and row.
type freeText struct {
	table        string
	id           int64
	what, reason string
	why          bool // why a contract was forgotten: that stays, as what says that it was
	alone        bool // about this contract's mails alone
}

// forgetTexts takes the contract out of what people wrote: an address and the company's name wherever they stand, and
// the reasons of what was done to this contract, which may tell of a person by any name.
func (tx ledgerTx) forgetTexts(ctx context.Context, f store.Forgetting) error {
	var found []freeText
	err := tx.each(ctx, freeTexts, func(row scanner) error {
		var t freeText
		err := row.Scan(&t.table, &t.id, &t.what, &t.reason, &t.why, &t.alone)
		if t.forget(f) {
			found = append(found, t)
		}
		return err
	}, f.Contract)
	for i := 0; err == nil && i < len(found); i++ {
		switch t := found[i]; t.table {
		case "actions":
			_, err = tx.exec(ctx, rewriteAction, t.id, t.what, t.reason)
		case "runs":
			_, err = tx.exec(ctx, rewriteRun, t.id, t.reason)
		default:
			_, err = tx.exec(ctx, rewritePause, t.id, t.reason)
		}
	}
	return err
}

// forget tells whether anything was to be taken out.
func (t *freeText) forget(f store.Forgetting) bool {
	was := *t
	addresses := f.Own
	if t.alone || slices.Contains(strings.Fields(t.what), f.Contract) {
		addresses = f.Addresses
		if !t.why {
			t.reason = ""
		}
	}
	t.what, t.reason = withoutNames(t.what, f.Companies, addresses), withoutNames(t.reason, f.Companies, addresses)
	return *t != was
}

// addressLike finds what may be an address in a sentence.
var addressLike = regexp.MustCompile(`[^\s<>,;:()\[\]、。，；：（）「」]+@[^\s<>,;:()\[\]、。，；：（）「」]+`)

func withoutNames(text string, companies, addresses []string) string {
	for _, company := range companies {
		text = strings.ReplaceAll(text, company, store.Forgotten)
	}
	if !strings.Contains(text, "@") {
		return text
	}
	return addressLike.ReplaceAllStringFunc(text, func(word string) string {
		mailbox := store.Mailbox(strings.Trim(word, `"'.`))
		if slices.ContainsFunc(addresses, func(a string) bool { return store.Mailbox(a) == mailbox }) {
			return store.Forgotten
		}
		return word
	})
}
