package desk

import (
	"context"
	"errors"
	"slices"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

// resolver finds of each target whether it may be written to, and which revision it gets; a contract is asked once.
type resolver struct {
	desk      Desk
	addresses daemon.Addresses
	period    store.Period
	options   ResendOptions
	contracts map[string]*resolved
}

// resolved is what is known of a contract.
type resolved struct {
	contract store.Contract
	usable   []store.Recipient
	revision int
	ids      mailer.IDs // that name its brand's messages
}

// unreachableError says why a target cannot be written to; the others can.
type unreachableError struct{ *Refusal }

func unreachable(code, format string, args ...any) error {
	return &unreachableError{daemon.Refuse(code, format, args...)}
}

func (r *resolver) resolve(ctx context.Context, t *store.ResendTarget) error {
	known, err := r.of(ctx, t.Contract)
	if err != nil {
		return err
	}
	t.Revision = known.revision
	mailbox := store.Mailbox(t.Address)
	i := slices.IndexFunc(known.usable, func(u store.Recipient) bool { return store.Mailbox(u.Address) == mailbox })
	switch {
	case t.Address == "":
		return unreachable("no-address", "contract %s has no valid address; add one by geppo recipients add", t.Contract)
	case i >= 0:
		t.Address, t.Name, t.Forced = known.usable[i].Address, known.usable[i].Name, false
		return nil
	case t.Forced: // and so it was at first, as whoever names it by its number knows
		return nil
	case !r.options.Force:
		return unreachable("not-registered", "%s is no registered address of contract %s, or it is marked; use --force, or geppo recipients add", t.Address, t.Contract)
	}
	if err := store.CheckAddress(t.Address); err != nil {
		return badAddress(t.Address, err)
	}
	t.Forced = true
	return nil
}

func (r *resolver) of(ctx context.Context, id string) (*resolved, error) {
	if known := r.contracts[id]; known != nil {
		return known, nil
	}
	known := &resolved{}
	var err error
	known.contract, err = r.desk.Detections.Contract(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unreachable("contract-gone", "contract %s is not known any more", id)
	}
	if err != nil {
		return nil, err
	}
	ids, ok := r.desk.Planner.IDsOf(known.contract.Brand)
	if !ok {
		return nil, unreachable("no-brand", "contract %s: %s", id, daemon.NoBrand(known.contract.Brand))
	}
	known.ids = ids
	known.usable, _ = r.addresses.Of(known.contract)
	if known.revision, err = r.revisionOf(ctx, id); err != nil {
		return nil, err
	}
	r.contracts[id] = known
	return known, nil
}

// revisionOf finds the report's revision. One that is not frozen yet must not be frozen too early, for it will not
// change again.
func (r *resolver) revisionOf(ctx context.Context, id string) (int, error) {
	newest, err := r.desk.Ledger.NewestRevision(ctx, id, r.period)
	if err != nil {
		return 0, err
	}
	if newest > 0 && !r.options.Rebuild {
		return newest, nil
	}
	if err := r.desk.NotPruned(ctx, r.period); err != nil {
		return 0, err
	}
	if err := r.desk.Planner.Ready(ctx, daemon.Request{Period: r.period, Contracts: []string{id}, Force: r.options.Force}); err != nil {
		return 0, err
	}
	return newest + 1, nil
}

// NotPruned refuses to compute a report whose rows are gone: it would be a false all-clear.
func (d Desk) NotPruned(ctx context.Context, p store.Period) error {
	err := d.Detections.Pruned(ctx, p)
	if errors.Is(err, store.ErrPruned) {
		return daemon.Misuse("pruned", "no report of %s can be computed any more: %v; one that was sent can be sent again by geppo resend without --rebuild", p, err)
	}
	return err
}
