package desk

import (
	"context"
	"slices"
	"strings"

	"geppo/store"
)

// Find lists the contracts whose id, company or one of whose addresses has a text in it, by id; upper and lower case
// and full width are one. An address that was removed finds its contract too: somebody may ask about it.
func (d Desk) Find(ctx context.Context, text string) (ids []string, err error) {
	changes, err := d.Ledger.RecipientChanges(ctx, "")
	if err != nil {
		return nil, err
	}
	text = store.Fold(text)
	changed := map[string]bool{}
	for _, c := range changes {
		if contains(c.Recipient.Address, text) {
			changed[c.Contract] = true
		}
	}
	err = d.Detections.EachContract(ctx, func(c store.Contract) error {
		found := changed[c.ID] || contains(c.ID, text) || contains(c.Name, text)
		for _, r := range c.Recipients {
			found = found || contains(r.Address, text)
		}
		if found {
			ids = append(ids, c.ID)
		}
		return nil
	})
	return ids, err
}

// contains tells whether a name has a folded text in it. Folding what is plain takes most of a search's time.
func contains(name, folded string) bool {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return strings.Contains(store.Fold(name), folded)
		}
	}
	return strings.Contains(strings.ToLower(name), folded)
}

// Filter is a selection for those who only look: nothing that is named is no fault, but a contract that nobody knows is.
func (d Desk) Filter(ctx context.Context, s Selection, search string) (f store.Filter, any bool, err error) {
	s.All = s.Period == (store.Period{})
	if f, err = d.filter(ctx, s); err != nil || search == "" {
		return f, true, err
	}
	found, err := d.Find(ctx, search)
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

// mostFound is up to how many found contracts are read one by one.
const mostFound = 1000

// EachFound gives the contracts that a text finds, all for "". take must not read the detections.
func (d Desk) EachFound(ctx context.Context, text string, take func(Member) error) error {
	if text == "" {
		return d.EachMember(ctx, nil, take)
	}
	ids, err := d.Find(ctx, text)
	switch {
	case err != nil || len(ids) == 0:
		return err
	case len(ids) <= mostFound:
		return d.EachMember(ctx, ids, take)
	}
	return d.EachMember(ctx, nil, func(m Member) error {
		if _, found := slices.BinarySearch(ids, m.ID); !found {
			return nil
		}
		return take(m)
	})
}
