package daemon

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Addresses knows every contract's addresses as operators and bounces left them.
type Addresses struct {
	changes map[string][]store.RecipientChange // by contract
	marks   map[string]string                  // by mailbox
	stops   map[store.StopKind]map[string]bool // by contract, or mailbox
}

// ReadAddresses reads what the ledger holds of addresses.
func ReadAddresses(ctx context.Context, ledger *sqlstore.Ledger) (Addresses, error) {
	changes, err := ledger.RecipientChanges(ctx, "")
	if err != nil {
		return Addresses{}, err
	}
	marks, err := ledger.Marks(ctx)
	if err != nil {
		return Addresses{}, err
	}
	stops, err := ledger.Stops(ctx)
	if err != nil {
		return Addresses{}, err
	}
	a := Addresses{
		changes: map[string][]store.RecipientChange{}, marks: marks,
		stops: map[store.StopKind]map[string]bool{store.StopContract: {}, store.StopAddress: {}},
	}
	for _, change := range changes {
		a.changes[change.Contract] = append(a.changes[change.Contract], change)
	}
	for _, stop := range stops {
		name := stop.Name
		if stop.Kind == store.StopAddress {
			name = store.Mailbox(name)
		}
		a.stops[stop.Kind][name] = true
	}
	return a, nil
}

// Registered is an address of a contract, and what keeps mail from it.
type Registered struct {
	store.Recipient
	Marked  string // why it is marked as refusing mail; "": it is not
	Stopped bool   // it asked to get no reports
}

// Stopped tells whether a contract asked to get no reports.
func (a Addresses) Stopped(contract string) bool { return a.stops[store.StopContract][contract] }

// StoppedAddress tells whether an address asked to get no reports.
func (a Addresses) StoppedAddress(address string) bool {
	return a.stops[store.StopAddress][store.Mailbox(address)]
}

// Registered lists a contract's addresses in code-point order, each mailbox once, in the spelling that was
// given first.
func (a Addresses) Registered(c store.Contract) []Registered {
	var list []Registered
	for _, r := range registered(c, a.changes[c.ID]) {
		mailbox := store.Mailbox(r.Address)
		list = append(list, Registered{r, a.marks[mailbox], a.stops[store.StopAddress][mailbox]})
	}
	return list
}

// registered are a contract's addresses as it was imported and as operators changed it.
func registered(c store.Contract, changes []store.RecipientChange) (list []store.Recipient) {
	place := map[string]int{} // by mailbox
	for _, r := range c.Recipients {
		if _, twice := place[store.Mailbox(r.Address)]; !twice {
			place[store.Mailbox(r.Address)] = len(list)
			list = append(list, r)
		}
	}
	for _, change := range changes {
		i, known := place[store.Mailbox(change.Recipient.Address)]
		switch {
		case change.Removed && known:
			list[i].Address = "" // places must not move
		case change.Removed:
		case known && change.Recipient.Name == "":
		case known:
			list[i].Name = change.Recipient.Name
		default:
			list = append(list, change.Recipient)
		}
	}
	list = slices.DeleteFunc(list, func(r store.Recipient) bool { return r.Address == "" })
	slices.SortFunc(list, func(x, y store.Recipient) int { return strings.Compare(x.Address, y.Address) })
	return list
}

// Of lists a contract's addresses in code-point order: those mail may go to, and those marked.
func (a Addresses) Of(c store.Contract) (usable, marked []store.Recipient) {
	for _, r := range a.Registered(c) {
		switch {
		case r.Stopped:
		case r.Marked != "":
			marked = append(marked, r.Recipient)
		default:
			usable = append(usable, r.Recipient)
		}
	}
	return usable, marked
}

// Eligibility decides again, right before a mail leaves, what planning decided: days may lie between, in which a
// customer was corrected, an address removed or a mailbox closed. (The tempting other way, to cancel what waits
// whenever something changes, misses what an import changes: it knows nothing of the ledger.)
type Eligibility struct {
	Detections *sqlstore.Detections
	Ledger     *sqlstore.Ledger
}

// Reason says why a delivery must not go out any more, "" if it may; see Refusal.
func (e Eligibility) Reason(ctx context.Context, d store.Delivery) (string, error) {
	refusal, err := e.Refusal(ctx, d)
	if err != nil || refusal == nil {
		return "", err
	}
	return refusal.Error(), nil
}

// Doubtful gives those of many deliveries that Refusal must be asked of: all others may go out, for planning would
// choose them again. It reads each contract once, where Refusal would ask four questions of each delivery.
func (e Eligibility) Doubtful(ctx context.Context, picks []store.Pick) (doubtful map[int64]bool, err error) {
	addresses, err := ReadAddresses(ctx, e.Ledger)
	if err != nil {
		return nil, err
	}
	of := map[string][]store.Pick{}
	doubtful = make(map[int64]bool)
	for _, p := range picks {
		of[p.Contract] = append(of[p.Contract], p)
		doubtful[p.ID] = true
	}
	err = e.Detections.EachContractOf(ctx, slices.Collect(maps.Keys(of)), func(c store.Contract) error {
		if addresses.Stopped(c.ID) {
			return nil
		}
		usable, _ := addresses.Of(c)
		for _, p := range of[c.ID] {
			mailbox := store.Mailbox(p.Recipient)
			if !p.Forced && Active(c, p.Period) && slices.ContainsFunc(usable, func(r store.Recipient) bool { return store.Mailbox(r.Address) == mailbox }) {
				delete(doubtful, p.ID)
			}
		}
		return nil
	})
	return doubtful, err
}

// Refusal says why a delivery must not go out any more, nil if it may. What an operator forced to an address
// that is not registered, or is marked, is kept back by what was said since.
func (e Eligibility) Refusal(ctx context.Context, d store.Delivery) (*Refusal, error) {
	contract, err := e.Detections.Contract(ctx, d.Contract)
	if errors.Is(err, store.ErrNotFound) {
		return Refuse("contract-gone", "contract %s is not known any more", d.Contract), nil
	}
	if err != nil {
		return nil, err
	}
	if !Active(contract, d.Period) {
		return Refuse("contract-inactive", "contract %s is not active in %s any more", d.Contract, d.Period), nil
	}
	bars, err := e.Ledger.Bars(ctx, d.Contract, d.Recipient)
	if err != nil {
		return nil, err
	}
	for _, bar := range bars {
		if !d.Forced || bar.At.After(d.CreatedAt) {
			return barred(bar), nil
		}
	}
	if d.Forced {
		return nil, nil
	}
	changes, err := e.Ledger.RecipientChanges(ctx, d.Contract)
	if err != nil {
		return nil, err
	}
	mailbox := store.Mailbox(d.Recipient)
	if !slices.ContainsFunc(registered(contract, changes), func(r store.Recipient) bool { return store.Mailbox(r.Address) == mailbox }) {
		return Refuse("address-gone", "%s is no address of contract %s any more", d.Recipient, d.Contract), nil
	}
	return nil, nil
}

func barred(bar store.Bar) *Refusal {
	switch bar.Kind {
	case string(store.StopContract):
		return Refuse("contract-stopped", "the contract asked to get no reports: %s", bar.Reason)
	case string(store.StopAddress):
		return Refuse("address-stopped", "the address asked to get no reports: %s", bar.Reason)
	}
	return Refuse("address-marked", "the address is marked as refusing mail: %s", bar.Reason)
}
