package daemon_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"sync"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// model is what the simulation's operator knows without looking into the ledger. mu is held by whoever looks at it, or
// changes it, while mail is being sent.
type model struct {
	imported map[string][]string        // addresses by contract, as last imported
	changes  map[string]map[string]bool // by contract and address: added, or removed
	marked   map[string]bool
	wanted   map[wish]*granted
	figures  map[string]string // of a contract's period and revision, as first seen in a mail
	checked  map[int64]seen    // by delivery

	mu      sync.Mutex
	allowed map[string]bool // by Message-ID: whether it was found eligible since it was composed
}

// wish is one planned or resent delivery.
type wish struct {
	contract  string
	period    store.Period
	recipient string
	resend    int
}

type granted struct {
	revision    int
	releases    int
	cancellable bool // an operator said so, replaced it, or its address lost its right to mail
	forced      bool // to an address that is not registered
	bounced     bool
}

// seen is what a delivery looked like when it was last checked, for a check of all is quadratic.
type seen struct {
	state               store.State
	attempts, ambiguous int
	copies, releases    int
	bounced             bool
}

// addresses are those a contract's reports go to.
func (m *model) addresses(contract string) []string {
	set := map[string]bool{}
	for _, a := range m.imported[contract] {
		set[a] = true
	}
	for a, added := range m.changes[contract] {
		if set[a] = added; !added {
			delete(set, a)
		}
	}
	maps.DeleteFunc(set, func(a string, _ bool) bool { return m.marked[a] })
	return slices.Sorted(maps.Keys(set))
}

// eligible tells whether mail of a contract may go to an address now.
func (m *model) eligible(contract, address string, forced bool) bool {
	return forced || slices.Contains(m.addresses(contract), address)
}

// moved notes that somebody changed who gets mail: what waits for the others may be cancelled.
func (m *model) moved() {
	for w, g := range m.wanted {
		if !m.eligible(w.contract, w.recipient, g.forced) {
			g.cancellable = true
		}
	}
}

// plan adds what a planning of the period must add, and tells how much that is: what has had no mail of the period yet.
func (m *model) plan(p store.Period) (added int) {
	had := map[wish]bool{}
	for w := range m.wanted {
		w.resend = 0
		had[w] = true
	}
	for contract := range m.imported {
		for _, a := range m.addresses(contract) {
			if w := (wish{contract, p, a, 0}); !had[w] {
				m.wanted[w] = &granted{revision: 1}
				added++
			}
		}
	}
	return added
}

// ask is said when a message is composed: it must be looked at once more before its dot.
func (m *model) ask(messageID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.allowed[messageID] = false
}

func (m *model) mayLeave(messageID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.allowed[messageID]
}

// decided holds a last look at a delivery against what the operators know.
func (s *simulation) decided(d store.Delivery, reason string, err error) {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	if want := s.model.eligible(d.Contract, d.Recipient, d.Forced); err != nil || want != (reason == "") {
		s.faultf("delivery %d of %s to %s may go out: %v; the sender says %q, %v", d.ID, d.Contract, d.Recipient, want, reason, err)
	}
	s.model.allowed[d.MessageID] = reason == ""
}

// check holds the ledger against the promise's five points. It is called while nobody sends.
func (s *simulation) check(l *life) {
	deliveries, err := l.ledger.Deliveries(s.t.Context(), store.Filter{})
	if err != nil {
		s.faultf("%v", err)
		return
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	known := map[wish]bool{}
	ids := map[string]bool{}
	newest := newestResends(deliveries)
	duplicates := 0
	for _, d := range deliveries {
		w := wish{d.Contract, d.Period, d.Recipient, d.Resend}
		g := s.model.wanted[w]
		if g == nil || known[w] {
			s.faultf("delivery %d %v was not asked for, or is there twice", d.ID, w)
			continue
		}
		known[w] = true
		if want := daemon.MessageID(s.ids(), d.Contract, d.Period, g.revision, d.Recipient, d.Resend); d.MessageID != want || d.Revision != g.revision {
			s.faultf("delivery %d: message id %s, want %s", d.ID, d.MessageID, want)
		}
		ids["<"+d.MessageID+">"] = true
		if n := newest[wish{d.Contract, d.Period, d.Recipient, 0}]; d.Resend < n.Resend && d.State.Pending() {
			s.faultf("delivery %d waits although %d was made later", d.ID, n.ID)
		}
		copies := s.relay.copies["<"+d.MessageID+">"]
		if now := (seen{d.State, d.Attempts, d.Ambiguous, len(copies), g.releases, g.bounced}); s.model.checked[d.ID] != now {
			s.model.checked[d.ID] = now
			s.checkState(d, g, copies)
			s.checkAttempts(l, d)
			s.checkCopies(d, g, copies)
		}
		duplicates += max(len(copies)-1, 0)
	}
	for w := range s.model.wanted { // 1: nothing lost
		if !known[w] {
			s.faultf("%v was lost", w)
		}
	}
	if most := s.kills*s.policy.Connections + s.relay.lost; duplicates > most { // 2: bounded
		s.faultf("%d duplicates after %d kills and %d lost replies", duplicates, s.kills, s.relay.lost)
	}
	for id := range s.relay.copies {
		if !ids[id] {
			s.faultf("mail %s is in no ledger", id)
		}
	}
}

// newestResends are the last deliveries of each contract, period and address.
func newestResends(deliveries []store.Delivery) map[wish]store.Delivery {
	newest := map[wish]store.Delivery{}
	for _, d := range deliveries {
		key := wish{d.Contract, d.Period, d.Recipient, 0}
		if n, known := newest[key]; !known || n.Resend < d.Resend {
			newest[key] = d
		}
	}
	return newest
}

// checkState: 1 and 4, a state that the relay agrees with.
func (s *simulation) checkState(d store.Delivery, g *granted, copies []*copied) {
	settled := slices.IndexFunc(copies, func(c *copied) bool { return c.settled })
	switch d.State {
	case store.Sent, store.Bounced:
		i := slices.IndexFunc(copies, func(c *copied) bool { return strings.Contains(d.LastReply, c.token) })
		if i < 0 || d.LastCode != 250 || d.SentAt.IsZero() {
			s.faultf("delivery %d is %s without the relay's word: %d %q", d.ID, d.State, d.LastCode, d.LastReply)
		}
		if (d.State == store.Bounced) != g.bounced {
			s.faultf("delivery %d is %s, bounced %v", d.ID, d.State, g.bounced)
		}
		return
	case store.Sending, store.HandingOver:
		s.faultf("delivery %d is %s while nobody sends", d.ID, d.State)
	case store.Cancelled:
		if !g.cancellable {
			s.faultf("delivery %d was cancelled by nobody: %s", d.ID, d.Reason)
		}
		if g.bounced {
			return
		}
	case store.Failed:
		if d.LastCode < 500 && d.Waited < s.policy.Backoff.GiveUp {
			s.faultf("delivery %d was given up after %s: %d %s", d.ID, d.Waited, d.LastCode, d.Reason)
		}
	}
	if settled >= 0 {
		s.faultf("delivery %d is %s, but its process had recorded the reply %s", d.ID, d.State, copies[settled].token)
	}
}

// checkAttempts: every try is a row, and all have ended.
func (s *simulation) checkAttempts(l *life, d store.Delivery) {
	attempts, err := l.ledger.Attempts(s.t.Context(), d.ID)
	if err != nil || len(attempts) != d.Attempts {
		s.faultf("delivery %d: %d attempts, %d rows, %v", d.ID, d.Attempts, len(attempts), err)
	}
	ambiguous := 0
	for i, a := range attempts {
		if a.Number != i+1 || a.Outcome == store.OutcomeRunning || a.EndedAt.Before(a.StartedAt) {
			s.faultf("delivery %d: attempt %+v", d.ID, a)
		}
		if a.Outcome == store.OutcomeAmbiguous {
			ambiguous++
		}
		if a.Stage == "compose" && (a.Outcome == store.OutcomeTemporary || a.Outcome == store.OutcomePermanent) || strings.Contains(a.Reply, "archive:") && a.Outcome != store.OutcomeSetup {
			s.faultf("delivery %d: our own fault burnt attempt %+v", d.ID, a)
		}
	}
	if n := len(attempts); d.State == store.Failed && n > 0 && attempts[n-1].Stage == "connect" {
		s.faultf("delivery %d was given up because the relay could not be reached: %s", d.ID, d.Reason)
	}
	if ambiguous != d.Ambiguous {
		s.faultf("delivery %d: %d ambiguous attempts, counted %d", d.ID, ambiguous, d.Ambiguous)
	}
}

// checkCopies: 2, 3 and 5 for one message.
func (s *simulation) checkCopies(d store.Delivery, g *granted, copies []*copied) {
	for i, c := range copies {
		if i < len(copies)-1 && !c.lost {
			s.faultf("delivery %d was sent again although nothing was lost", d.ID)
		}
		if !bytes.Equal(c.data, copies[0].data) {
			s.faultf("delivery %d: copy %d has other bytes", d.ID, i)
		}
		if c.recipient != d.Recipient {
			s.faultf("delivery %d to %s arrived at %s", d.ID, d.Recipient, c.recipient)
		}
		s.checkBelongs(d, c)
	}
	repeats := max(len(copies)-1, 0)
	if repeats > d.Ambiguous {
		s.faultf("delivery %d: %d repeats, %d marked ambiguous", d.ID, repeats, d.Ambiguous)
	}
	if most := s.policy.AmbiguousMax + g.releases; d.Ambiguous > most || repeats > most-1 {
		s.faultf("delivery %d: %d repeats and %d ambiguous attempts, at most %d", d.ID, repeats, d.Ambiguous, most)
	}
}

// checkBelongs looks into a message: whose figures does it show?
func (s *simulation) checkBelongs(d store.Delivery, c *copied) {
	to, text, err := readMail(c.data)
	key := fmt.Sprintf("%s %s %d", d.Contract, d.Period, d.Revision)
	first, rest, _ := strings.Cut(text, "\n")
	if err != nil || to != d.Recipient || first != key {
		s.faultf("delivery %d of %s to %s holds %q for %s (%v)", d.ID, key, d.Recipient, first, to, err)
		return
	}
	figures, _, _ := strings.Cut(rest, "\n")
	if known, ok := s.model.figures[key]; ok && known != figures {
		s.faultf("report %s showed %s, and now %s", key, known, figures)
	}
	s.model.figures[key] = figures
}

// readMail gives the recipient and the text of a composed message.
func readMail(data []byte) (to, text string, err error) {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return "", "", err
	}
	list, err := message.Header.AddressList("To")
	if err != nil || len(list) != 1 {
		return "", "", fmt.Errorf("To %q: %w", message.Header.Get("To"), err)
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	part, err := multipart.NewReader(message.Body, params["boundary"]).NextPart()
	if err != nil {
		return "", "", err
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
	return list[0].Address, strings.ReplaceAll(string(body), "\r\n", "\n"), err
}
