package aggregate

import (
	"cmp"
	"math/bits"

	"geppo/store"
)

// unknownOS stands for an operating system that neither snapshot nor inventory names.
const unknownOS = "不明"

// agent gathers the snapshots of one machine, in whatever order and spelling they come. Of a day it
// keeps the worst that any of them says, and that it was seen at the latest of their times: two
// agents that report under one name must not vouch for each other.
type agent struct {
	// quiet says for slot s from which day of the period on the machine is offline if it is not heard
	// of again; slot 0 is the newest snapshot before the period, slot d+1 that of day d.
	quiet  [32]uint8
	has    uint32 // slots that have a snapshot
	old    uint32 // slots whose pattern is not current
	before int32  // the day of slot 0
	day    int32  // of the newest snapshot; 0 if there is none
	state  state  // as the newest snapshot tells it
	os     uint32 // of machines.systems
}

// state is what a snapshot says, each figure the worse the higher.
type state struct {
	realtimeScan, behaviorMonitoring, machineLearning, webReputation, edr, pattern, system level
}

type level uint8

const (
	good level = iota
	notKnown
	bad
)

func protectionLevel(p store.Protection) level {
	switch p {
	case store.On:
		return good
	case store.Off:
		return bad
	}
	return notKnown
}

// reported tells a reported no from a yes and from silence.
func reported(b *bool) level {
	switch {
	case b == nil:
		return notKnown
	case *b:
		return good
	}
	return bad
}

func stateOf(s *store.AgentStatus) state {
	p := &s.Protections
	return state{
		realtimeScan: protectionLevel(p.RealtimeScan), behaviorMonitoring: protectionLevel(p.BehaviorMonitoring),
		machineLearning: protectionLevel(p.MachineLearning), webReputation: protectionLevel(p.WebReputation),
		edr: protectionLevel(p.EDR), pattern: reported(s.PatternCurrent), system: reported(s.OSSupported),
	}
}

func (s state) worse(t state) state {
	return state{
		max(s.realtimeScan, t.realtimeScan), max(s.behaviorMonitoring, t.behaviorMonitoring), max(s.machineLearning, t.machineLearning),
		max(s.webReputation, t.webReputation), max(s.edr, t.edr), max(s.pattern, t.pattern), max(s.system, t.system),
	}
}

// snapshot adds one snapshot. One that is older than the agent's installation tells of the agent that
// was there before and does not count; nor does one after the period.
func (ms *machines) snapshot(s *store.AgentStatus, cal *calendar) {
	day := numberOfDay(s.Day)
	slot := max(0, int(day-ms.firstDay)+1) // the days of one month follow each other in numbers
	if day == 0 || slot > len(cal.days) {
		return
	}
	var n int32
	if slot > 0 {
		n = ms.number(s.EndpointID, s.Endpoint)
	} else {
		n = ms.find(s.EndpointID, s.Endpoint) // a stranger of months ago is none of this month
	}
	if n == noMachine || day < ms.list[n].entered {
		return
	}
	a := &ms.agents[n]
	a.put(slot, day, cal.quietFrom(s.LastSeen), reported(s.PatternCurrent) == bad)
	told := stateOf(s)
	switch {
	case day > a.day:
		a.day, a.state, a.os = day, told, ms.system(s.OS)
	case day == a.day:
		a.os = ms.system(worseOS(ms.systems[a.os], a.state.system, s.OS, told.system))
		a.state = a.state.worse(told)
	}
}

// put notes what the trends need.
func (a *agent) put(slot int, day int32, quiet uint8, old bool) {
	bit := uint32(1) << slot
	if slot == 0 {
		if day < a.before {
			return
		}
		if day > a.before {
			a.before, a.has, a.old = day, a.has&^bit, a.old&^bit
		}
	}
	if a.has&bit == 0 || quiet > a.quiet[slot] {
		a.quiet[slot] = quiet
	}
	a.has |= bit
	if old {
		a.old |= bit
	}
}

// worseOS names, of two systems that one day's snapshots tell, the less supported; of equals the
// first in order that has a name.
func worseOS(a string, aLevel level, b string, bLevel level) string {
	switch {
	case aLevel > bLevel, aLevel == bLevel && (b == "" || a != "" && a < b):
		return a
	}
	return b
}

// there tells whether a machine counts on a day of the period, slot being that of its newest snapshot
// then, -1 if it has none: it is installed; or it is none of the inventory's, or gone from it, and has
// reported all the same, within the period.
func (ms *machines) there(n, day, slot int) bool {
	m := &ms.list[n]
	if m.installed>>day&1 == 1 {
		return true
	}
	return slot > 0 && !m.later && (!m.known || m.left != 0 && ms.firstDay+int32(slot)-1 > m.left)
}

// slotOn is the slot of the newest snapshot on a day of the period, carried forward; -1 if there is none.
func (a *agent) slotOn(day int) int { return bits.Len32(a.has&(1<<(day+2)-1)) - 1 }

// trends are how many machines were offline and outdated on each day.
func (ms *machines) trends(cal *calendar) (offline, outdated []int64) {
	offline, outdated = make([]int64, len(cal.days)), make([]int64, len(cal.days))
	for n := range ms.agents {
		a := &ms.agents[n]
		if a.has == 0 {
			continue
		}
		for day := range cal.days {
			slot := a.slotOn(day)
			if slot < 0 || !ms.there(n, day, slot) {
				continue
			}
			if int(a.quiet[slot]) <= day {
				offline[day]++
			}
			if a.old>>slot&1 == 1 {
				outdated[day]++
			}
		}
	}
	return offline, outdated
}

// recent tells whether a snapshot is dated within the period's last days, and vouches for its agent.
func (a *agent) recent(cal *calendar) bool { return a.has>>(len(cal.days)-offlineDays+1) != 0 }

// standing are the marks that a machine's agent gives it at the period's end. Only a contract with
// the EDR option can have EDR off.
func (ms *machines) standing(n int, cal *calendar, withEDR bool) (set markSet) {
	a, last := &ms.agents[n], len(cal.days)-1
	slot := a.slotOn(last)
	if !ms.there(n, last, slot) {
		return 0
	}
	if slot < 0 {
		return markUnseen
	}
	for _, m := range [...]struct {
		mark markSet
		met  bool
	}{
		{markRealtimeScan, a.state.realtimeScan == bad},
		{markOffline, int(a.quiet[slot]) <= last},
		{markUnseen, !a.recent(cal) && int(a.quiet[slot]) > last},
		{markOutdated, a.state.pattern == bad},
		{markBehaviorMonitoring, a.state.behaviorMonitoring == bad},
		{markMachineLearning, a.state.machineLearning == bad},
		{markWebReputation, a.state.webReputation == bad},
		{markEDR, withEDR && a.state.edr == bad},
		{markUnsupportedOS, a.state.system == bad},
	} {
		if m.met {
			set |= m.mark
		}
	}
	return set
}

// systemOf names a machine's operating system.
func (ms *machines) systemOf(n int32) string {
	return cmp.Or(ms.systems[ms.agents[n].os], ms.systems[ms.list[n].os], unknownOS)
}

// agentsOf lists the machines by their marks.
func (ms *machines) agentsOf(marks []markSet, order []int32) Agents {
	a := Agents{}
	systems := map[string]int64{}
	for n, set := range marks {
		if set&markUnsupportedOS != 0 {
			systems[ms.systemOf(int32(n))]++
		}
		if set&offMarks != 0 {
			a.Counts.Unprotected++
		}
	}
	for _, list := range a.lists() {
		*list.names = []string{}
		for _, n := range order {
			if marks[n]&list.mark == 0 {
				continue
			}
			if *list.count++; *list.count <= maxListed {
				*list.names = append(*list.names, ms.list[n].name)
			}
		}
	}
	a.UnsupportedOS = []OSCount{}
	for _, system := range ranking(systems) {
		a.UnsupportedOS = append(a.UnsupportedOS, OSCount{system.Name, system.Count})
	}
	a.UnsupportedOS = a.UnsupportedOS[:min(len(a.UnsupportedOS), maxListed)]
	return a
}

// lists are the lists of names with the mark that puts a machine there.
func (a *Agents) lists() []agentList {
	return []agentList{
		{markOffline, &a.Offline, &a.Counts.Offline},
		{markUnseen, &a.Unseen, &a.Counts.Unseen},
		{markOutdated, &a.Outdated, &a.Counts.Outdated},
		{markUnsupportedOS, &a.Unsupported, &a.Counts.Unsupported},
		{markRealtimeScan, &a.Off.RealtimeScan, &a.Counts.RealtimeScan},
		{markBehaviorMonitoring, &a.Off.BehaviorMonitoring, &a.Counts.BehaviorMonitoring},
		{markMachineLearning, &a.Off.MachineLearning, &a.Counts.MachineLearning},
		{markWebReputation, &a.Off.WebReputation, &a.Counts.WebReputation},
		{markEDR, &a.Off.EDR, &a.Counts.EDR},
	}
}

type agentList struct {
	mark  markSet
	names *[]string
	count *int
}

// protection tells of how many installed machines a recent snapshot has confirmed that they are protected,
// and how many installed machines were seen at all.
func (ms *machines) protection(cal *calendar) (p Protection, seen int) {
	last := len(cal.days) - 1
	for n := range ms.list {
		m, a := &ms.list[n], &ms.agents[n]
		if m.installed>>last&1 == 0 {
			continue
		}
		p.Installed++
		if a.recent(cal) {
			seen++
			if a.state.realtimeScan == good {
				p.Confirmed++
			}
		}
	}
	return p, seen
}
