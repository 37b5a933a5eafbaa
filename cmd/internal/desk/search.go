package desk

import (
	"context"
	"strings"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// Find lists the contracts whose id, company or one of whose addresses has a text in it, by id; upper and lower case
// and full width are one.
func (d Desk) Find(ctx context.Context, text string) (ids []string, err error) {
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	if err != nil {
		return nil, err
	}
	text = store.Fold(text)
	has := func(s string) bool { return strings.Contains(store.Fold(s), text) }
	err = d.Detections.EachContract(ctx, func(c store.Contract) error {
		found := has(c.ID) || has(c.Name)
		for _, r := range addresses.Registered(c) {
			found = found || has(r.Address)
		}
		if found {
			ids = append(ids, c.ID)
		}
		return nil
	})
	return ids, err
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
