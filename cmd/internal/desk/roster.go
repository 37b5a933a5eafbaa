package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/ingest"
)

// Who gets reports: the addresses of contracts, and who asked to get none. What is said of several contracts or
// addresses is looked at first, so that a slip in one leaves the others as they are.

// Member is a contract with its addresses as they are now.
type Member struct {
	store.Contract
	Registered []Registered
	Stopped    bool // it asked to get no reports
}

func (m Member) address(mailbox string) (Registered, bool) {
	i := slices.IndexFunc(m.Registered, func(r Registered) bool { return store.Mailbox(r.Address) == mailbox })
	if i < 0 {
		return Registered{}, false
	}
	return m.Registered[i], true
}

// EachMember gives the contracts that are named, in their order, or all of them where none is, by name; it refuses one
// that is not known. take must not read the detections.
func (d Desk) EachMember(ctx context.Context, contracts []string, take func(Member) error) error {
	member, err := d.members(ctx, take)
	if err != nil {
		return err
	}
	if len(contracts) == 0 {
		return d.Detections.EachContract(ctx, member)
	}
	for _, id := range contracts {
		contract, err := d.contract(ctx, id)
		if err == nil {
			err = member(contract)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// members makes of a contract what EachMember gives.
func (d Desk) members(ctx context.Context, take func(Member) error) (func(store.Contract) error, error) {
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	return func(c store.Contract) error { return take(Member{c, addresses.Registered(c), addresses.Stopped(c.ID)}) }, err
}

// named are the contracts that something is done to: none is none, and not all.
func (d Desk) named(ctx context.Context, contracts []string) (list []Member, err error) {
	if len(contracts) == 0 {
		return nil, daemon.Misuse("selection", "name the contract with --contract")
	}
	err = d.EachMember(ctx, contracts, func(m Member) error {
		list = append(list, m)
		return nil
	})
	return list, err
}

// contract reads one that must be known.
func (d Desk) contract(ctx context.Context, id string) (store.Contract, error) {
	contract, err := d.knows(ctx, id)
	if err == nil && contract == nil {
		err = daemon.NoContract(id)
	}
	if err != nil {
		return store.Contract{}, err
	}
	return *contract, nil
}

// knows reads a contract; nil: it is not known.
func (d Desk) knows(ctx context.Context, id string) (*store.Contract, error) {
	contract, err := d.Detections.Contract(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &contract, err
}

// AddAddress adds an address to contracts, or gives it another name; without a name it keeps the one that it has. A
// mark of it is cleared.
func (d Desk) AddAddress(ctx context.Context, contracts []string, r store.Recipient, order store.Order) error {
	r, err := ingest.CheckRecipient(r.Address, r.Name)
	if err != nil {
		return badAddress(r.Address, err)
	}
	members, err := d.named(ctx, contracts)
	if err != nil {
		return err
	}
	mailbox := store.Mailbox(r.Address)
	for _, m := range members {
		if err := d.refuseStopped(ctx, m.ID, r.Address); err != nil {
			return err
		}
	}
	for _, m := range members {
		added := r
		if known, ok := m.address(mailbox); ok {
			added.Address = known.Address
			if added.Name == "" {
				added.Name = known.Name
			}
		}
		err := d.Ledger.ChangeRecipient(ctx, store.RecipientChange{Contract: m.ID, Recipient: added, By: order.By, Reason: order.Reason, At: d.Now()})
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseStopped refuses to add an address that asked to get no reports: it would get none.
func (d Desk) refuseStopped(ctx context.Context, contract, address string) error {
	bars, err := d.Ledger.Bars(ctx, contract, address)
	if err != nil {
		return err
	}
	for _, bar := range bars {
		if bar.Kind == string(store.StopAddress) {
			return daemon.Refuse("add-stopped", "%s asked to get no reports: %s; geppo recipients start %[1]s undoes that", address, bar.Reason)
		}
	}
	return nil
}

// RemoveAddress removes an address from contracts, of which each must have it, and cancels what waits for it.
func (d Desk) RemoveAddress(ctx context.Context, contracts []string, address string, order store.Order) error {
	members, err := d.named(ctx, contracts)
	if err != nil {
		return err
	}
	mailbox := store.Mailbox(address)
	for _, m := range members {
		if _, ok := m.address(mailbox); ok {
			continue
		}
		var names []string
		for _, r := range m.Registered {
			names = append(names, r.Address)
		}
		return unknownAddress(address, store.Nearest(address, names), fmt.Sprintf("contract %s has no address %s", m.ID, address), "geppo recipients --contract "+m.ID+" lists them")
	}
	for _, m := range members {
		known, _ := m.address(mailbox)
		err := d.Ledger.ChangeRecipient(ctx, store.RecipientChange{
			Contract: m.ID, Recipient: known.Recipient, Removed: true, By: order.By, Reason: order.Reason, At: d.Now(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unknownAddress names the one that was probably meant.
func unknownAddress(address, near, says, advice string) error {
	if near != "" {
		return daemon.Refuse("near-address", "%[3]s; did you mean %[2]s?", address, near, says)
	}
	return daemon.Refuse("no-such-address", "%[2]s; %[3]s", address, says, advice)
}

// StopOptions say how a stop is meant.
type StopOptions struct {
	Kind  store.StopKind
	Names []string // contracts, or addresses
	Ahead bool     // also addresses that no contract has: they are stopped before they come
}

// Stop records that contracts, or addresses, asked to get no reports, and cancels what waits for them.
func (d Desk) Stop(ctx context.Context, o StopOptions, order store.Order) error {
	check := d.knownAddress
	if o.Kind == store.StopContract {
		check = d.knownContract
	}
	for _, name := range o.Names {
		if err := check(ctx, name, o.Ahead); err != nil {
			return err
		}
	}
	for _, name := range o.Names {
		if err := d.Ledger.Stop(ctx, store.Stop{Kind: o.Kind, Name: name, By: order.By, Reason: order.Reason, At: d.Now()}); err != nil {
			return err
		}
	}
	return nil
}

func (d Desk) knownContract(ctx context.Context, id string, _ bool) error {
	_, err := d.contract(ctx, id)
	return err
}

// knownAddress refuses an address that nobody has or had: it is misspelled, and whoever asked would get reports on.
func (d Desk) knownAddress(ctx context.Context, address string, ahead bool) error {
	if err := store.CheckAddress(address); err != nil {
		return badAddress(address, err)
	}
	if at, err := d.Ledger.ContractsAt(ctx, address); err != nil || len(at) > 0 || ahead {
		return err
	}
	var names []string
	found, mailbox := false, store.Mailbox(address)
	err := d.Detections.EachContract(ctx, func(c store.Contract) error {
		for _, r := range c.Recipients {
			found = found || store.Mailbox(r.Address) == mailbox
			names = append(names, r.Address)
		}
		return nil
	})
	if err != nil || found {
		return err
	}
	return unknownAddress(address, store.Nearest(address, names), "no contract has the address "+address, "--ahead stops it before one does")
}

// Start ends stops, of which each must stand.
func (d Desk) Start(ctx context.Context, kind store.StopKind, names []string, order store.Order) error {
	stops, err := d.Ledger.Stops(ctx)
	if err != nil {
		return err
	}
	same := func(a, b string) bool {
		return a == b || kind == store.StopAddress && store.Mailbox(a) == store.Mailbox(b)
	}
	for _, name := range names {
		if !slices.ContainsFunc(stops, func(s store.Stop) bool { return s.Kind == kind && same(s.Name, name) }) {
			return daemon.Refuse("not-stopped", "%[1]s %[2]s is not stopped; geppo %[3]ss lists them", kind, name, map[store.StopKind]string{store.StopContract: "contract", store.StopAddress: "recipient"}[kind])
		}
	}
	for _, name := range names {
		if err := d.Ledger.Start(ctx, kind, name, order, d.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Pause stops the queue, at once for everybody.
func (d Desk) Pause(ctx context.Context, order store.Order) error {
	if order.Reason == "" {
		order.Reason = "no reason given"
	}
	return d.Ledger.Pause(ctx, store.CauseOperator, order.Reason, order.By, d.Now())
}

// Resume ends every pause, and lets the queue try at once whatever could not reach the relay.
func (d Desk) Resume(ctx context.Context, order store.Order) error {
	return d.Ledger.Resume(ctx, order, d.Now())
}
