package desk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// Selection is what an action is asked to be done to: deliveries by their numbers, or those of a period, narrowed
// by any of the other fields. It means the same for every action.
type Selection struct {
	IDs       []int64
	Period    store.Period
	Contracts []string
	Addresses []string // beside the contracts: what is of these, or goes to those
	States    []store.State
	Failed    bool // failed, held, bounced
	Stale     bool // of contracts whose frozen report would differ today
	All       bool // of every period where none is named
}

// failedStates are what Selection.Failed takes.
var failedStates = []store.State{store.Failed, store.Held, store.Bounced}

// Named tells whether its deliveries are named one by one: whoever does that knows which they are.
func (s Selection) Named() bool { return len(s.IDs) > 0 }

// narrowed tells whether a period is narrowed in any way.
func (s Selection) narrowed() bool {
	return len(s.Contracts)+len(s.Addresses)+len(s.States) > 0 || s.Failed || s.Stale
}

// bareContracts tells whether contracts are named, and nothing of their deliveries is.
func (s Selection) bareContracts() bool {
	return !s.Named() && len(s.Contracts) > 0 && len(s.Addresses)+len(s.States) == 0 && !s.Failed && !s.Stale
}

// check refuses what cannot be meant.
func (s Selection) check() error {
	everything := s.Period == (store.Period{}) && !s.All
	switch {
	case s.Named() && (s.Period != (store.Period{}) || s.narrowed() || s.All):
		return daemon.Misuse("selection", "name deliveries, or a month with --period, not both")
	case !s.Named() && everything && s.narrowed():
		return daemon.Misuse("selection", "--period is missing; name the month as YYYY-MM, or say --all for every month")
	case !s.Named() && everything:
		return daemon.Misuse("selection", "name deliveries, or a month with --period")
	case s.All && s.narrowed() && s.Period != (store.Period{}):
		return daemon.Misuse("selection", "--all takes the whole month: leave out what narrows it")
	case s.Stale && s.Period == (store.Period{}):
		return daemon.Misuse("selection", "--stale compares the reports of one month: name it with --period")
	}
	for _, state := range s.States {
		if !slices.Contains(store.States, state) {
			return daemon.Misuse("selection", "--state %q is none of %v", state, store.States)
		}
	}
	return nil
}

// String is the selection as it is typed, for the list of actions.
func (s Selection) String() string {
	var words []string
	for _, id := range s.IDs {
		words = append(words, fmt.Sprint(id))
	}
	if s.Period != (store.Period{}) {
		words = append(words, "--period", s.Period.String())
	}
	words = appendSome(words, "--contract", s.Contracts)
	words = appendSome(words, "--address", s.Addresses)
	for _, state := range s.States {
		words = append(words, "--state", string(state))
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"--failed", s.Failed}, {"--stale", s.Stale}, {"--all", s.All}} {
		if flag.set {
			words = append(words, flag.name)
		}
	}
	return strings.Join(words, " ")
}

// appendSome adds a repeated flag; thousands of contracts from a file are told in a number.
func appendSome(words []string, flag string, values []string) []string {
	const most = 20
	for _, v := range values[:min(len(values), most)] {
		words = append(words, flag, v)
	}
	if len(values) > most {
		words = append(words, fmt.Sprintf("and %d more", len(values)-most))
	}
	return words
}

// ReadList adds the contracts and addresses of a list, one a line: what has an @ is an address. Empty lines and
// those that begin with # are left out, a mark at the beginning too.
func (s *Selection) ReadList(r io.Reader) error {
	found := false
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		found = true
		if strings.Contains(line, "@") {
			if err := store.CheckAddress(line); err != nil {
				return daemon.Misuse("list", "line %d: %v", n, err)
			}
			s.Addresses = append(s.Addresses, line)
			continue
		}
		if err := store.CheckContractID(line); err != nil {
			return daemon.Misuse("list", "line %d: %v", n, err)
		}
		s.Contracts = append(s.Contracts, line)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !found {
		return daemon.Misuse("list", "the list names no contract and no address")
	}
	return nil
}

// filter is the selection as the ledger understands it. A contract that nobody knows is a slip of the pen, and not
// a selection of nothing.
func (d Desk) filter(ctx context.Context, s Selection) (f store.Filter, err error) {
	if err := s.check(); err != nil {
		return f, err
	}
	if err := d.known(ctx, s.Contracts); err != nil {
		return f, err
	}
	f = store.Filter{IDs: s.IDs, Period: s.Period, Contracts: s.Contracts, States: s.States}
	for _, address := range s.Addresses {
		f.Mailboxes = append(f.Mailboxes, store.Mailbox(address))
	}
	if s.Failed {
		f.States = append(slices.Clone(f.States), failedStates...)
	}
	if !s.Stale {
		return f, nil
	}
	stale, err := d.Stale(ctx, s.Period, s.Contracts, nil)
	if err != nil {
		return f, err
	}
	f.Contracts = make([]string, len(stale))
	for i, report := range stale {
		f.Contracts[i] = report.Contract
	}
	return f, nil
}

// known refuses contracts that neither the detections nor the ledger has heard of.
func (d Desk) known(ctx context.Context, contracts []string) error {
	for _, id := range contracts {
		_, err := d.Detections.Contract(ctx, id)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		there, err := d.Ledger.Deliveries(ctx, store.Filter{Contracts: []string{id}})
		if err != nil {
			return err
		}
		if len(there) == 0 {
			return daemon.NoContract(id)
		}
	}
	return nil
}
