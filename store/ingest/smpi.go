package ingest

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"geppo/store"
)

// Saved answers of the interface for service providers: GET …/components lists customers with their
// computers, the inventory. Protections are no part of it, and are left unknown.

// inventory reads them.
type inventory struct {
	v      *vendor
	listed map[string]*listing // by contract
	total  float64
	seen   float64 // limit × page, of the last page
}

// listing is what the file lists of one contract.
type listing struct {
	ids  map[string]string // folded name → the computer's id
	keys map[string]bool   // of the machines
	zone *time.Location
}

func openSMPI(r io.Reader, v *vendor) source {
	s := &inventory{v: v, listed: map[string]*listing{}}
	return documents(r, items{lists: []string{"customers", "items"}, item: s.customer, rest: s.page, finish: s.finish})
}

// customer takes the computers of one customer.
func (s *inventory) customer(c *chunk, number int, value jsontext.Value) {
	customer, err := parse(value)
	id, name := customer.at("id").text(), customer.at("name").text()
	switch {
	case customer.at("agentGuid").value != nil:
		l := c.add(number, oneLine(value))
		s.managed(l, customer)
		c.check(l)
		return
	case err != nil:
		c.add(number, oneLine(value)).err = malformed(err)
		return
	case id == "" && name == "":
		c.add(number, oneLine(value)).err = errors.New("no customer: it has neither an id nor a name")
		return
	}
	contract, known := s.contract(id, name)
	computers := customer.at("computers")
	switch {
	case !computers.isList():
		l := c.add(number, oneLine(value))
		l.class = "customer without computers"
		if _, named := s.v.alias(id, name); !named && s.v.Contract == "" {
			l.warn(fmt.Sprintf("customer without an alias: %.80s", clean(name+" "+id)))
		}
		return
	case !known:
		c.add(number, oneLine(value)).err = unknownCustomer(present(name, id))
		return
	}
	for _, computer := range computers.list() {
		l := c.add(number, s.rejected(id, name, computer))
		s.computer(l, contract, computer)
		c.check(l)
	}
}

// contract is the customer's; an alias comes before --contract, because the file names its customers.
func (s *inventory) contract(id, name string) (string, bool) {
	if contract, ok := s.v.alias(id, name); ok {
		return contract, true
	}
	return s.v.Contract, s.v.Contract != ""
}

// rejected is a computer as it can be imported by itself.
func (s *inventory) rejected(id, name string, computer node) []byte {
	text, err := marshal(map[string]any{"customers": []any{map[string]any{"id": id, "name": name, "computers": []any{computer.value}}}})
	if err != nil {
		return nil
	}
	return text
}

// computer makes a computer an endpoint and its state.
func (s *inventory) computer(l *line, contract string, computer node) {
	name := cleanName(computer.at("name").text())
	if name == "" {
		l.err = errors.New("a computer without a name; name it in the console")
		return
	}
	if s.v.Day == "" {
		l.err = errors.New("the day of the answer is unknown; say --day")
		return
	}
	of := s.of(contract)
	id := cleanName(computer.at("id").text())
	of.note(l, name, id)
	os := cleanName(computer.at("platform").text())
	if installed, ok := s.installed(contract, name, computer); ok {
		l.rows = append(l.rows, endpoint{
			Type: "endpoint", Contract: contract, Name: name, EndpointID: id, Class: string(computerClass(computer, os)), OS: os, InstalledAt: stamp(installed),
		})
	} else {
		l.warn("no created_at: no endpoint row")
	}
	seen, ok := epoch(computer.at("last_connect_time").number())
	if !ok {
		l.warn("never connected")
		return
	}
	status := agentStatus{
		Type: "agent_status", Contract: contract, Endpoint: name, EndpointID: id, Day: string(s.v.Day), LastSeen: stamp(seen), OS: os,
	}
	if outdated := computer.at("out_of_date").truth(); outdated != nil {
		status.PatternCurrent = new(!*outdated)
	}
	l.rows = append(l.rows, status)
}

// note takes that a machine is listed.
func (of *listing) note(l *line, name, id string) {
	key := store.Fold(name)
	if before, ok := of.ids[key]; ok && before != id {
		l.warn("two computers of one name")
	}
	of.ids[key] = id
	of.keys[store.Machine{ID: id, Name: name}.Key()], of.keys[key] = true, true
}

func (s *inventory) of(contract string) *listing {
	of := s.listed[contract]
	if of == nil {
		of = &listing{ids: map[string]string{}, keys: map[string]bool{}, zone: tokyo}
		if zone := s.v.about(contract).Zone; zone != nil {
			of.zone = zone
		}
		if s.v.Zone != nil {
			of.zone = s.v.Zone
		}
		s.listed[contract] = of
	}
	return of
}

// installed is when the computer was: as the answer says, else as the store knows. Of one that
// neither knows the day is not invented: it would change how many machines past months had.
func (s *inventory) installed(contract, name string, computer node) (time.Time, bool) {
	if at, ok := epoch(computer.at("created_at").number()); ok {
		return at, true
	}
	for _, e := range s.v.about(contract).Endpoints {
		if store.Fold(e.Name) == store.Fold(name) {
			return e.InstalledAt, true
		}
	}
	return time.Time{}, false
}

// computerClass is the class by the type's code, else by the system.
func computerClass(computer node, os string) store.Class {
	switch computer.at("type").number() {
	case 1, 3:
		return store.ClassDesktop
	case 2, 4:
		return store.ClassServer
	case 5, 6:
		return store.ClassMobile
	}
	if class := classOf(os); class != "" {
		return class
	}
	return store.ClassUnknown
}

// page takes what stands beside the customers.
func (s *inventory) page(_ *chunk, _ int, answer node) error {
	if answer.at("nextLink").text() != "" {
		s.total, s.seen = 2, 1
	}
	paging := answer.at("paging")
	s.total = max(s.total, paging.at("total").number())
	s.seen = max(s.seen, paging.at("limit").number()*paging.at("page").number())
	return nil
}

// finish warns of missing pages; what is complete tells what was removed.
func (s *inventory) finish(c *chunk) error {
	if s.total > s.seen && s.seen > 0 {
		if s.v.Complete {
			return &RowError{Line: 1, Reason: fmt.Sprintf("--complete, but the file has %.0f of %.0f customers or computers; save all pages in it", s.seen, s.total)}
		}
		c.add(1, nil).warn("paging: further pages are missing")
	}
	if !s.v.Complete {
		return nil
	}
	for _, contract := range sortedKeys(s.listed) {
		s.removed(c, contract)
	}
	return nil
}

// removed ends the endpoints that the file does not list: agents that are idle for long vanish from
// answers and are never said to be removed.
func (s *inventory) removed(c *chunk, contract string) {
	of := s.listed[contract]
	for _, e := range s.v.about(contract).Endpoints {
		if of.keys[store.Machine{ID: e.ID, Name: e.Name}.Key()] || !e.RemovedAt.IsZero() {
			continue
		}
		l := c.add(1, nil)
		l.warn("no longer listed: removed")
		at := stamp(s.v.Day.Start(of.zone))
		l.rows = append(l.rows, endpoint{
			Type: "endpoint", Contract: contract, Name: e.Name, EndpointID: e.ID, Class: string(e.Class), OS: e.OS, InstalledAt: stamp(e.InstalledAt), RemovedAt: &at,
		})
		c.check(l)
	}
}
