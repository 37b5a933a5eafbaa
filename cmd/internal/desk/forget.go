package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"unicode/utf8"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// ForgetPlan is what forgetting contracts would do.
type ForgetPlan struct {
	Contracts []Forgetting
}

// Forgetting is what is held of one contract, in numbers.
type Forgetting struct {
	Contract  string
	Company   string // "": the detections do not know it any more
	Rows      store.Rows
	Traces    store.Traces
	Archive   daemon.Expiry // the copies of its mails
	Addresses int           // each mailbox once
	Shared    int           // of those: other contracts have them too, so that what is said of them stays
	forget    store.Forgetting
}

// PlanForget says what is held of contracts, and changes nothing. It is refused while anything of one is on its way
// or held: a mail that is half sent can neither be forgotten nor finished without its names.
func (d Desk) PlanForget(ctx context.Context, contracts []string) (p ForgetPlan, err error) {
	if len(contracts) == 0 {
		return p, daemon.Misuse("selection", "name the contract with --contract")
	}
	named := map[string]bool{}
	for _, id := range contracts {
		if named[id] {
			continue
		}
		named[id] = true
		f, err := d.held(ctx, id)
		if err != nil {
			return p, err
		}
		p.Contracts = append(p.Contracts, f)
	}
	others, err := d.others(ctx, named)
	for i := range p.Contracts {
		if err == nil {
			err = d.own(ctx, &p.Contracts[i], named, others)
		}
	}
	return p, err
}

// held counts what is held of one contract.
func (d Desk) held(ctx context.Context, id string) (f Forgetting, err error) {
	f.Contract = id
	if f.Traces, err = d.Ledger.Traces(ctx, id); err != nil {
		return f, err
	}
	if f.Traces.Unfinished > 0 {
		return f, daemon.Refuse("unfinished", "%[2]d deliveries of contract %[1]s are on their way or held; wait for them, or geppo cancel --all --contract %[1]s first", id, f.Traces.Unfinished)
	}
	addresses := f.Traces.Addresses
	contract, err := d.Detections.Contract(ctx, id)
	switch {
	case err == nil:
		f.Company = contract.Name
		for _, r := range contract.Recipients {
			addresses = append(addresses, r.Address)
		}
		f.Rows, err = d.Detections.Rows(ctx, id)
	case errors.Is(err, store.ErrNotFound):
		if err = nil; f.Traces.Deliveries == 0 && !f.Traces.Before {
			err = daemon.NoContract(id)
		}
	}
	if err != nil {
		return f, err
	}
	f.forget = store.Forgetting{Contract: id, Addresses: addresses, Nonce: rand.Text()}
	if err = d.companies(ctx, &f); err != nil {
		return f, err
	}
	f.Archive, err = d.Composer.Archive.Forget(id, true)
	return f, err
}

// companies finds the names that a contract had: what people wrote may tell of it by any.
func (d Desk) companies(ctx context.Context, f *Forgetting) error {
	names := []string{f.Company}
	for _, frozen := range f.Traces.Frozen {
		report, err := d.Composer.Frozen(ctx, f.Contract, frozen.Period, frozen.Revision)
		var unreadable *daemon.HoldError // tells no name, and goes
		if err != nil && !errors.As(err, &unreadable) {
			return err
		}
		names = append(names, report.Contract.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if utf8.RuneCountInString(name) > 1 { // a single letter stands in every sentence
			f.forget.Companies = append(f.forget.Companies, name)
		}
	}
	return nil
}

// others are the mailboxes of the contracts that are not named.
func (d Desk) others(ctx context.Context, named map[string]bool) (map[string]bool, error) {
	others := map[string]bool{}
	err := d.Detections.EachContract(ctx, func(c store.Contract) error {
		for _, r := range c.Recipients {
			if !named[c.ID] {
				others[store.Mailbox(r.Address)] = true
			}
		}
		return nil
	})
	return others, err
}

// own parts the addresses that no other contract has from the others.
func (d Desk) own(ctx context.Context, f *Forgetting, named, others map[string]bool) error {
	seen := map[string]bool{}
	for _, address := range f.forget.Addresses {
		mailbox := store.Mailbox(address)
		if seen[mailbox] {
			continue
		}
		seen[mailbox] = true
		f.Addresses++
		at, err := d.Ledger.ContractsAt(ctx, address)
		if err != nil {
			return err
		}
		if others[mailbox] || slices.ContainsFunc(at, func(id string) bool { return !named[id] }) {
			f.Shared++
			continue
		}
		f.forget.Own = append(f.forget.Own, address)
	}
	return nil
}

// Forget does what a plan says. The rows go first, so that no planning takes the contract up again; cut off anywhere,
// it can be begun again. At the end both files are written anew: until then the bytes are still in them.
func (d Desk) Forget(ctx context.Context, p ForgetPlan, by, reason string) error {
	for _, f := range p.Contracts {
		if err := d.Detections.Forget(ctx, f.Contract, f.forget.Companies); err != nil {
			return err
		}
		if _, err := d.Composer.Archive.Forget(f.Contract, false); err != nil {
			return err
		}
		err := d.Ledger.Forget(ctx, f.forget, store.Order{By: by, Reason: reason}, d.Now())
		if errors.Is(err, store.ErrUnderWay) {
			return daemon.Refuse("unfinished-now", "contract %[1]s was planned in this moment; geppo cancel --all --contract %[1]s, and forget it again: %[2]w", f.Contract, err)
		}
		if err != nil {
			return err
		}
	}
	if err := d.Detections.Shred(ctx); err != nil {
		return err
	}
	return d.Ledger.Shred(ctx)
}
