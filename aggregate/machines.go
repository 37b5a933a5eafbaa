package aggregate

import (
	"cmp"
	"slices"

	"geppo/store"
)

// The memory that names of one kind may take while a month is computed, in bytes, and the lines that
// a list of a report may have. No real contract comes near them; a broken feed that invents names by
// the million does, and must not take down the daemon that all others need. Sums, rates and the
// judgement are exact whatever a month holds.
const (
	strangersBudget = 16 << 20 // machines outside the inventory that are told apart
	spellingsBudget = 6 << 20  // spellings that are remembered with their machine
	namesBudget     = 12 << 20 // names that are counted in memory
	followUpsBudget = 4 << 20  // machine, result and name of what somebody has to act on
	systemsBudget   = 1 << 20  // operating systems
	objectsBudget   = 6 << 20  // objects of events
	maxListed       = 5_000
)

// budget is the memory that is left.
type budget int

// take tells whether there is room for one more entry of a map with the given strings.
func (b *budget) take(entry int, names ...string) bool {
	for _, name := range names {
		entry += len(name)
	}
	if entry > int(*b) {
		*b = 0 // what was refused once stays refused, however short it is
		return false
	}
	*b -= budget(entry)
	return true
}

// machines are the endpoints of a month, each once however its rows spell it, numbered in the order
// in which they were met. An id (an agent's GUID) comes first, so that a machine that was renamed
// stays one and two of one name stay two; without ids, names are compared as store.Fold folds them.
//
// Joining rows by the names themselves was the tempting way. Then an agent that reports in small
// letters what the inventory has in capitals belongs to nobody, and its report says that all is well.
type machines struct {
	list   []machine
	agents []agent // by number, see agents.go
	byID   map[string]int32
	byName map[string]int32 // folded name → the machine that a row without id means
	shared map[string]bool  // folded names of several machines of the inventory; nil until all have entered
	// spelt and speltID spare most rows the folding, of rows without and with an id.
	spelt   map[string]int32
	speltID map[spelling]int32

	systems       []string // operating systems; the first is that of who names none
	systemNumbers map[string]uint32

	firstDay                                  int32 // of the period
	strangersLeft, spellingsLeft, systemsLeft budget
}

type spelling struct{ id, name string }

// machine is what the report knows of an endpoint but for its detections.
type machine struct {
	name  string // as the inventory spells it, the newest of its entries; of a stranger the first in order
	since int64  // when its leading entry was installed, in milliseconds
	// entered and left are the days of installation and removal, as numbers of dayNumber; 0 if not known.
	entered, left int32
	installed     uint32 // bit d is set if it is installed at the end of day d of the period
	os            uint32 // of machines.systems
	class         uint8  // of classesByNumber
	known         bool   // the inventory has it
	hasID         bool
	later         bool // its leading entry was installed after the period
}

// classesByNumber are the classes that an endpoint can have; the first is that of who tells none.
var classesByNumber = [...]store.Class{store.ClassUnknown, store.ClassDesktop, store.ClassServer, store.ClassMobile}

func classNumber(c store.Class) uint8 {
	return uint8(max(0, slices.Index(classesByNumber[:], c)))
}

// system is the number of an operating system, of which a fleet has few; beyond what they may take,
// one that is not named.
func (ms *machines) system(name string) uint32 {
	n, met := ms.systemNumbers[name]
	if !met && ms.systemsLeft.take(60, name) {
		n = uint32(len(ms.systems))
		ms.systems = append(ms.systems, name)
		ms.systemNumbers[name] = n
	}
	return n
}

// noMachine stands for machines beyond what strangersBudget tells apart.
const noMachine int32 = -1

func newMachines(cal *calendar) *machines {
	return &machines{
		firstDay: numberOfDay(cal.days[0]),
		byID:     map[string]int32{}, byName: map[string]int32{}, spelt: map[string]int32{}, speltID: map[spelling]int32{},
		systems: []string{""}, systemNumbers: map[string]uint32{"": 0},
		strangersLeft: strangersBudget, spellingsLeft: spellingsBudget, systemsLeft: systemsBudget,
	}
}

// enter adds an entry of the inventory. Two entries of one machine (its name in two spellings) are
// one: it is installed when either is, and the newer entry of those that had begun by the period's
// end says the rest.
func (ms *machines) enter(e *store.Endpoint, cal *calendar) {
	n := ms.find(e.ID, e.Name)
	if n == noMachine {
		n = ms.add(e.ID, e.Name)
	} else {
		ms.know(n, e.ID, e.Name)
	}
	m, entry := &ms.list[n], ms.entryOf(e, cal)
	entry.installed |= m.installed
	entry.hasID = entry.hasID || m.hasID
	if m.known && !leads(&entry, m) {
		m.installed, m.hasID = entry.installed, entry.hasID
		return
	}
	*m = entry
}

func (ms *machines) entryOf(e *store.Endpoint, cal *calendar) machine {
	m := machine{
		name: e.Name, os: ms.system(e.OS), class: classNumber(e.Class), known: true, hasID: e.ID != "", since: e.InstalledAt.UnixMilli(),
	}
	m.later = !e.InstalledAt.Before(cal.end())
	m.entered = cal.numberOf(e.InstalledAt)
	if !e.RemovedAt.IsZero() {
		m.left = cal.numberOf(e.RemovedAt)
	}
	for day := range cal.days {
		if cal.installed(e, day) {
			m.installed |= 1 << day
		}
	}
	return m
}

// leads tells which of two entries of one machine, or of two machines of one name, is the one meant.
func leads(a, b *machine) bool {
	if a.later != b.later {
		return b.later
	}
	return cmp.Or(cmp.Compare(b.since, a.since), cmp.Compare(a.name, b.name)) < 0
}

// add gives a machine the next number.
func (ms *machines) add(id, name string) int32 {
	n := int32(len(ms.list))
	ms.list = append(ms.list, machine{name: name, hasID: id != ""})
	ms.agents = append(ms.agents, agent{})
	ms.know(n, id, name)
	return n
}

// know makes an id and a name mean a machine, the name if it means none yet. Names that it had before a renaming stay its own,
// whichever entry came first.
func (ms *machines) know(n int32, id, name string) {
	if id != "" {
		ms.byID[id] = n
	}
	folded := store.Fold(name)
	if _, taken := ms.byName[folded]; !taken {
		ms.byName[folded] = n
	}
}

// find looks a machine up; noMachine if there is none yet. A row with an id means the machine of that
// id, and one that is known by name alone only where no id says otherwise.
func (ms *machines) find(id, name string) int32 {
	if id != "" {
		if n, found := ms.byID[id]; found {
			return n
		}
	}
	folded := store.Fold(name)
	n, found := ms.byName[folded]
	if !found && id == "" {
		n, found = ms.ofDomain(folded)
	}
	if !found || id != "" && ms.list[n].hasID {
		return noMachine
	}
	return n
}

// ofDomain is the machine of a name with its domain, if the inventory has one machine without it.
func (ms *machines) ofDomain(folded string) (int32, bool) {
	bare := store.Bare(folded)
	if bare == "" || ms.shared == nil {
		return noMachine, false
	}
	n, found := ms.byName[bare]
	return n, found && ms.list[n].known && !ms.shared[bare]
}

// settleNames makes the names that several machines of the inventory have mean the one that leads.
func (ms *machines) settleNames() {
	ms.shared = map[string]bool{}
	for i := range ms.list {
		folded := store.Fold(ms.list[i].name)
		if n, found := ms.byName[folded]; found && n != int32(i) && store.Fold(ms.list[n].name) == folded {
			ms.shared[folded] = true
		}
		if n, found := ms.byName[folded]; !found || n != int32(i) && leads(&ms.list[i], &ms.list[n]) {
			ms.byName[folded] = int32(i)
		}
	}
}

// number is the machine that a row means. One that the inventory does not have is a stranger: it is
// no part of the installed figures, and counts for everything else.
func (ms *machines) number(id, name string) int32 {
	if id == "" {
		if n, met := ms.spelt[name]; met {
			return n
		}
	} else if n, met := ms.speltID[spelling{id, name}]; met {
		return n
	}
	n := ms.find(id, name)
	if n == noMachine {
		if !ms.strangersLeft.take(300, id, name, name, name) { // the name as it is, folded and spelt
			return noMachine
		}
		n = ms.add(id, name)
	}
	if m := &ms.list[n]; !m.known {
		m.name = min(m.name, name)
	}
	switch {
	case !ms.spellingsLeft.take(60, id, name):
	case id == "":
		ms.spelt[name] = n
	default:
		ms.speltID[spelling{id, name}] = n
	}
	return n
}

// forget lets go of what only reading needs, before the lists of the report are made.
func (ms *machines) forget() { ms.byID, ms.byName, ms.spelt, ms.speltID = nil, nil, nil, nil }

// byNameOrder numbers the machines in the order of their names, by which all lists of them go.
func (ms *machines) byNameOrder() []int32 {
	order := make([]int32, len(ms.list))
	for n := range order {
		order[n] = int32(n)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(ms.list[a].name, ms.list[b].name), cmp.Compare(a, b))
	})
	return order
}

// strangerNames are the machines that the inventory does not have, in code-point order.
func (ms *machines) strangerNames(order []int32) []string {
	names := []string{}
	for _, n := range order {
		if !ms.list[n].known && len(names) < maxListed {
			names = append(names, ms.list[n].name)
		}
	}
	return names
}
