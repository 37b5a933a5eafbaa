package daemon_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// happen lets the world and the operators do something between two runs, or nothing.
func (s *simulation) happen(l *life, p store.Period) {
	contract := pick(s, slices.Sorted(maps.Keys(s.model.imported)))
	switch s.intn(40) {
	case 0:
		s.skew += time.Duration(s.intn(72)-36) * time.Hour
		s.tracef("the clock jumped")
	case 1, 2: // detections of the month that is being reported, and of the one before
		s.tracef("late detections")
		s.ingest(s.detection(contract, p) + s.detection(contract, p.Previous()))
	case 3:
		s.model.imported[contract] = s.someAddresses(contract)
		s.model.moved()
		s.tracef("%s's addresses: %v", contract, s.model.imported[contract])
		s.importMonth(p)
		if s.chance(50) { // else what waits finds out by itself
			s.plan(l, p)
		}
	case 4:
		s.changeRecipient(l, contract)
	case 5:
		s.plan(l, p)
	case 6:
		s.tracef("an operator pauses")
		l.heldBack = true
		s.must(l.ledger.Pause(s.t.Context(), store.CauseOperator, "maintenance", "simulation", s.now()))
	case 7, 8:
		s.relay.mu.Lock()
		s.relay.downTo = time.Now().Add(time.Duration(1+s.intn(240)) * time.Hour)
		s.relay.mu.Unlock()
		s.tracef("the relay is down")
	case 9:
		s.relay.mu.Lock()
		s.relay.busyTo["a0@"+lower(contract)+".example"] = time.Now().Add(time.Duration(s.intn(150)) * time.Hour)
		s.relay.mu.Unlock()
	case 10, 11:
		s.release(l)
	case 12:
		s.resend(l, contract, p)
	case 13:
		s.resendFailed(l, p)
	case 14:
		s.cancel(l)
	case 15:
		s.bounce(l, p)
	case 16:
		s.mark(l, contract)
	case 17:
		s.relay.mu.Lock()
		s.relay.overTo = time.Now().Add(time.Duration(1+s.intn(48)) * time.Hour)
		s.relay.mu.Unlock()
		s.tracef("our quota is used up")
	case 18:
		s.tracef("the detections cannot be read")
		s.damagedTo = time.Now().Add(time.Duration(1+s.intn(48)) * time.Hour)
	case 19:
		s.spoilArchive()
	}
	if s.chance(30) {
		s.mendArchive()
	}
}

// spoilArchive puts a file where the archive was.
func (s *simulation) spoilArchive() {
	if s.archive == "" || s.spoilt {
		return
	}
	s.tracef("the archive cannot be written")
	if err := os.Rename(s.archive, s.archive+".away"); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.must(err)
	}
	s.must(os.WriteFile(s.archive, nil, 0o600))
	s.spoilt = true
}

func (s *simulation) mendArchive() {
	if !s.spoilt {
		return
	}
	s.tracef("the archive is mended")
	s.must(os.Remove(s.archive))
	if err := os.Rename(s.archive+".away", s.archive); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.must(err)
	}
	s.spoilt = false
}

// interfere lets an operator, or a bounce, do something while mail is being sent.
func (s *simulation) interfere(l *life) {
	s.model.mu.Lock() // a sender may have looked at the model last
	defer s.model.mu.Unlock()
	contract := pick(s, slices.Sorted(maps.Keys(s.model.imported)))
	s.tracef("meanwhile")
	switch s.intn(9) {
	case 0:
		s.cancel(l)
	case 1:
		s.release(l)
	case 2:
		s.resend(l, contract, s.period)
	case 3:
		s.resendFailed(l, s.period)
	case 4:
		s.bounce(l, s.period)
	case 5:
		s.changeRecipient(l, contract)
		s.planOnly(l, s.period)
	case 6:
		s.tracef("late detections")
		s.ingest(s.detection(contract, s.period))
	case 7:
		s.mark(l, contract)
	case 8: // nobody plans
		s.changeRecipient(l, contract)
	}
}

func lower(contract string) string { return "c" + contract[1:] }

func (s *simulation) must(err error) {
	s.t.Helper()
	if err != nil {
		s.faultf("%v", err)
	}
}

// choose gives one delivery of the states, if there is one.
func (s *simulation) choose(l *life, states ...store.State) (d store.Delivery, ok bool) {
	deliveries, err := l.ledger.Deliveries(s.t.Context(), store.Filter{States: states})
	s.must(err)
	if len(deliveries) == 0 {
		return d, false
	}
	return pick(s, deliveries), true
}

func (s *simulation) wish(d store.Delivery) *granted {
	return s.model.wanted[wish{d.Contract, d.Period, d.Recipient, d.Resend}]
}

func (s *simulation) changeRecipient(l *life, contract string) {
	address := pick(s, []string{"a0@" + lower(contract) + ".example", "extra@" + lower(contract) + ".example"})
	removed := s.chance(50)
	if s.model.changes[contract] == nil {
		s.model.changes[contract] = map[string]bool{}
	}
	s.model.changes[contract][address] = !removed
	if !removed {
		delete(s.model.marked, address)
	}
	s.model.moved()
	s.tracef("%s of %s: removed %v", address, contract, removed)
	s.must(l.ledger.ChangeRecipient(s.t.Context(), store.RecipientChange{
		Contract: contract, Recipient: store.Recipient{Address: address}, Removed: removed, By: "simulation", At: s.now(),
	}))
}

// mark closes a mailbox.
func (s *simulation) mark(l *life, contract string) {
	if addresses := s.model.addresses(contract); len(addresses) > 0 {
		address := pick(s, addresses)
		s.tracef("%s is marked", address)
		s.model.marked[address] = true
		s.model.moved()
		s.must(l.ledger.Mark(s.t.Context(), strings.ToUpper(address), "no such user", s.now()))
	}
}

func (s *simulation) release(l *life) {
	if d, ok := s.choose(l, store.Held); ok {
		s.tracef("release %d", d.ID)
		s.wish(d).releases++
		_, err := l.ledger.Release(s.t.Context(), store.Filter{IDs: []int64{d.ID}}, store.Order{By: "simulation"}, s.now())
		s.must(err)
	}
}

func (s *simulation) cancel(l *life) {
	if d, ok := s.choose(l, store.Queued, store.Deferred, store.Held); ok {
		s.tracef("cancel %d", d.ID)
		s.wish(d).cancellable = true
		_, err := l.ledger.Cancel(s.t.Context(), store.Filter{IDs: []int64{d.ID}}, store.Order{By: "simulation"}, s.now())
		s.must(err)
	}
}

func (s *simulation) bounce(l *life, p store.Period) {
	if d, ok := s.choose(l, store.Sent); ok && d.Period == p {
		s.tracef("%d bounces", d.ID)
		s.wish(d).bounced = true
		s.must(l.ledger.Bounce(s.t.Context(), d, "5.1.1", false, s.now()))
	}
}

// resend sends a contract's report to all its addresses again, sometimes a corrected one.
func (s *simulation) resend(l *life, contract string, p store.Period) {
	newest, err := l.ledger.NewestRevision(s.t.Context(), contract, p)
	s.must(err)
	revision := max(newest, 1)
	if s.chance(50) {
		revision = newest + 1
	}
	var targets []store.ResendTarget
	for _, a := range s.model.addresses(contract) {
		targets = append(targets, store.ResendTarget{Contract: contract, Address: a, Revision: revision})
	}
	s.again(l, p, targets)
}

// resendFailed puts new deliveries in the place of what went wrong.
func (s *simulation) resendFailed(l *life, p store.Period) {
	failed, err := l.ledger.Deliveries(s.t.Context(), store.Filter{Period: p, States: []store.State{store.Failed, store.Held, store.Bounced}})
	s.must(err)
	var targets []store.ResendTarget
	for _, d := range failed {
		s.wish(d).cancellable = true
		if s.model.eligible(d.Contract, d.Recipient, false) {
			targets = append(targets, store.ResendTarget{Contract: d.Contract, Address: d.Recipient, Revision: d.Revision, Replaces: d.ID})
		}
	}
	s.again(l, p, targets)
}

func (s *simulation) again(l *life, p store.Period, targets []store.ResendTarget) {
	if len(targets) == 0 {
		return
	}
	s.tracef("resend %v", targets)
	for w, g := range s.model.wanted { // what waits gives way
		if w.period == p && slices.ContainsFunc(targets, func(t store.ResendTarget) bool { return t.Contract == w.contract && t.Address == w.recipient }) {
			g.cancellable = true
		}
	}
	run, ids, err := l.ledger.Resend(s.t.Context(), store.Resend{
		Period: p, RequestedBy: "simulation", Targets: targets,
		MessageID: func(t store.ResendTarget, resend int) string {
			return daemon.MessageID(s.ids(), t.Contract, p, t.Revision, t.Address, resend)
		},
	}, s.now())
	s.must(err)
	addresses := map[[2]string]int{}
	for _, t := range slices.Backward(targets) {
		addresses[[2]string{t.Contract, t.Address}] = t.Revision
	}
	if len(ids) != len(addresses) || run.Planned != len(ids) {
		s.faultf("resend of %v made %v", targets, ids)
		return
	}
	made, err := l.ledger.Deliveries(s.t.Context(), store.Filter{IDs: ids})
	s.must(err)
	for _, d := range made {
		revision := addresses[[2]string{d.Contract, d.Recipient}]
		s.model.wanted[wish{d.Contract, p, d.Recipient, d.Resend}] = &granted{revision: revision}
	}
}
