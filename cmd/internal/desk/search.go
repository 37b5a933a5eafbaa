package desk

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"geppo/store"
)

// Search finds contracts by what somebody on the telephone knows: a part of the id, the company or an address, one that
// was removed or only written to included, or how the name of a machine begins. Each contract is told once, the very id
// first; of each kind at most so many are looked for, all for 0.
func (d Desk) Search(ctx context.Context, text string, most int) ([]store.Hit, error) {
	folded := store.Fold(text)
	if folded == "" { // is part of everything
		return nil, nil
	}
	hits, err := d.Detections.Search(ctx, text, most)
	if err != nil {
		return nil, err
	}
	changes, err := d.Ledger.RecipientChanges(ctx, "") // what operators added stands in no import
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if strings.Contains(store.Fold(c.Recipient.Address), folded) {
			hits = append(hits, store.Hit{By: store.ByAddress, Contract: c.Contract, What: c.Recipient.Address})
		}
	}
	if strings.Contains(text, "@") { // an address that is no contract's any more may still have got mail
		sent, err := d.Ledger.DeliveriesTo(ctx, text)
		if err != nil {
			return nil, err
		}
		for _, delivery := range sent {
			hits = append(hits, store.Hit{By: store.ByAddress, Contract: delivery.Contract, What: delivery.Recipient})
		}
	}
	seen := map[string]bool{}
	hits = slices.DeleteFunc(hits, func(h store.Hit) bool {
		twice := seen[h.Contract]
		seen[h.Contract] = true
		return twice
	})
	slices.SortStableFunc(hits, func(a, b store.Hit) int { return cmp.Compare(exact(b, text), exact(a, text)) })
	return hits, nil
}

func exact(h store.Hit, text string) int {
	if h.Contract == text {
		return 1
	}
	return 0
}

// find gives the contracts that a text finds, by id.
func (d Desk) find(ctx context.Context, text string) ([]string, error) {
	hits, err := d.Search(ctx, text, 0)
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.Contract
	}
	slices.Sort(ids)
	return ids, err
}

// Filter is a selection for those who only look: nothing that is named is no fault, but a contract that nobody knows is.
func (d Desk) Filter(ctx context.Context, s Selection, search string) (f store.Filter, any bool, err error) {
	s.All = s.Period == (store.Period{})
	if f, err = d.filter(ctx, s); err != nil || search == "" {
		return f, true, err
	}
	found, err := d.find(ctx, search)
	if err != nil {
		return f, false, err
	}
	// An address that is no contract's any more may still have got mail.
	if strings.Contains(search, "@") {
		f.Mailboxes = append(f.Mailboxes, store.Mailbox(search))
	}
	f.Contracts = append(f.Contracts, found...)
	return f, len(f.Contracts)+len(f.Mailboxes) > 0, nil
}

// EachFound gives the contracts that a text finds, by id, all for "". take must not read the detections.
func (d Desk) EachFound(ctx context.Context, text string, take func(Member) error) error {
	if text == "" {
		return d.EachMember(ctx, nil, take)
	}
	ids, err := d.find(ctx, text)
	if err != nil {
		return err
	}
	member, err := d.members(ctx, take)
	if err != nil {
		return err
	}
	return d.Detections.EachContractOf(ctx, ids, member)
}
