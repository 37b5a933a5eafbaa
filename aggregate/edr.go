package aggregate

import (
	"cmp"
	"slices"
	"time"

	"geppo/store"
)

// edrTop is the length of the EDR report's rankings.
const edrTop = 5

// events is what one pass over the EDR events gathers, the newest first: where there are too many
// objects to hold, those that are left out are the oldest.
type events struct {
	machines  *machines
	total     int64
	days      []int64
	objects   map[string]int64
	endpoints map[int32]int64
	statuses  map[string]int64
	sightings map[object]sighting

	openCases, closedCases []store.EDREvent // the newest of each, at most mostCases

	objectsLeft, sightingsLeft, statusesLeft budget

	open   int64
	newest *store.EDREvent // of the open ones
	noted  int32           // its endpoint
}

// object is what makes a line of 1-5 its own.
type object struct {
	name, kind string
	endpoint   int32
	result     string
}

type sighting struct {
	events int64
	last   time.Time
}

func newEvents(ms *machines, days int) *events {
	return &events{
		machines: ms, days: make([]int64, days),
		objects: map[string]int64{}, endpoints: map[int32]int64{}, statuses: map[string]int64{}, sightings: map[object]sighting{},
		objectsLeft: objectsBudget, sightingsLeft: objectsBudget, statusesLeft: 1 << 20,
	}
}

// add counts an event: once for each of its endpoints, and once for an object however often it lists it.
func (v *events) add(e *store.EDREvent, cal *calendar) {
	day := cal.index(e.Time)
	if day < 0 {
		return
	}
	v.total++
	v.days[day]++
	if _, met := v.statuses[e.Status]; met || v.statusesLeft.take(60, e.Status) {
		v.statuses[e.Status]++
	}
	endpoints := v.endpointsOf(e)
	for _, n := range endpoints {
		v.endpoints[n]++
	}
	names, seen := map[string]bool{}, map[object]bool{}
	for _, o := range e.Objects {
		names[o.Name] = true
		for _, n := range endpoints {
			seen[object{o.Name, o.Type, n, o.Result}] = true
		}
	}
	for name := range names {
		if _, met := v.objects[name]; met || v.objectsLeft.take(60, name) {
			v.objects[name]++
		}
	}
	for key := range seen {
		v.sight(key, e.Time)
	}
	if e.Status == closed {
		v.closedCases = keepNewest(v.closedCases, e)
		return
	}
	v.openCases = keepNewest(v.openCases, e)
	v.note(e, append(endpoints, noMachine)[0])
}

// How many events are told one by one, and how much of each.
const (
	mostCases  = 20
	mostOfCase = 5
)

// keepNewest puts an event where its time wants it, equals by id, and drops the oldest beyond mostCases.
func keepNewest(list []store.EDREvent, e *store.EDREvent) []store.EDREvent {
	at, _ := slices.BinarySearchFunc(list, e, func(have store.EDREvent, e *store.EDREvent) int {
		return cmp.Or(e.Time.Compare(have.Time), cmp.Compare(have.ID, e.ID))
	})
	if at == mostCases {
		return list
	}
	list = slices.Insert(list, at, *e)
	return list[:min(len(list), mostCases)]
}

// cases are the open events, then the closed ones.
func (v *events) cases(loc *time.Location) []Case {
	list := []Case{}
	for _, e := range append(slices.Clone(v.openCases), v.closedCases...) {
		if len(list) == mostCases {
			break
		}
		c := Case{At: e.Time.In(loc).Format(time.RFC3339Nano), Status: e.Status, Endpoints: []string{}, Objects: []CaseObject{}}
		for _, n := range v.endpointsOf(&e) {
			c.Endpoints = append(c.Endpoints, v.machines.nameOf(n))
		}
		for _, o := range e.Objects {
			c.Objects = append(c.Objects, CaseObject(o))
		}
		// The sources list them in any order.
		slices.Sort(c.Endpoints)
		slices.SortFunc(c.Objects, func(a, b CaseObject) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Result, b.Result))
		})
		c.Endpoints, c.Objects = slices.Compact(c.Endpoints), slices.Compact(c.Objects)
		c.Endpoints, c.Objects = c.Endpoints[:min(len(c.Endpoints), mostOfCase)], c.Objects[:min(len(c.Objects), mostOfCase)]
		list = append(list, c)
	}
	return list
}

// closed is the status of an event about which nothing is left to do.
const closed = "closed"

// endpointsOf are an event's machines, each once, in the order in which it names them.
func (v *events) endpointsOf(e *store.EDREvent) (numbers []int32) {
	for _, m := range e.Endpoints {
		if n := v.machines.number(m.ID, m.Name); !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func (v *events) sight(key object, at time.Time) {
	s, met := v.sightings[key]
	if !met && !v.sightingsLeft.take(110, key.name, key.kind, key.result) {
		return
	}
	s.events++
	if s.events == 1 || at.After(s.last) {
		s.last = at
	}
	v.sightings[key] = s
}

// note remembers the newest open event, of equals the first in order.
func (v *events) note(e *store.EDREvent, endpoint int32) {
	v.open++
	if v.newest == nil || cmp.Or(e.Time.Compare(v.newest.Time), cmp.Compare(v.newest.ID, e.ID)) > 0 {
		kept := *e
		v.newest, v.noted = &kept, endpoint
	}
}

// report is the EDR report. Its agents' figures come from what was seen of them for all contracts.
func (v *events) report(cal *calendar, a Agents, offline, outdated []int64) *EDR {
	r := &EDR{
		Total:         v.total,
		Trend:         cal.trend(v.days),
		ObjectsTop:    leading(v.objects, edrTop),
		Status:        statusCounts(v.statuses),
		Cases:         v.cases(cal.loc),
		CasesTotal:    int(v.total),
		Objects:       v.objectLines(cal.loc),
		Offline:       AgentTrend{cal.trend(offline), a.Offline},
		Outdated:      AgentTrend{cal.trend(outdated), a.Outdated},
		UnsupportedOS: a.UnsupportedOS,
		Off:           a.Off,
	}
	top := newLeaders(edrTop)
	for n, count := range v.endpoints {
		if n != noMachine {
			top.add(v.machines.list[n].name, count)
		}
	}
	r.EndpointsTop = top.lines
	return r
}

// openPoint tells of the events that are not closed.
func (v *events) openPoint(loc *time.Location) Point {
	p := Point{Kind: PointOpenEvents, Count: v.open, Newest: &Newest{
		At: v.newest.Time.In(loc).Format(time.RFC3339Nano), Endpoint: v.machines.nameOf(v.noted),
	}}
	for _, o := range v.newest.Objects {
		if p.Newest.Object == "" || o.Name != "" && o.Name < p.Newest.Object {
			p.Newest.Object = o.Name
		}
	}
	return p
}

// statusCounts lists the statuses that occur: the three known ones in the order of an event's
// life, then others as received.
func statusCounts(statuses map[string]int64) []StatusCount {
	lines := make([]StatusCount, 0, len(statuses))
	for status, n := range statuses {
		lines = append(lines, StatusCount{status, n})
	}
	life := []string{"new", "in_progress", closed}
	slices.SortFunc(lines, func(a, b StatusCount) int {
		at, bt := slices.Index(life, a.Status), slices.Index(life, b.Status)
		switch {
		case at >= 0 && bt >= 0:
			return cmp.Compare(at, bt)
		case at >= 0:
			return -1
		case bt >= 0:
			return 1
		}
		return cmp.Compare(a.Status, b.Status)
	})
	return lines[:min(len(lines), maxListed)]
}

// objectLines sorts the sightings newest first, ties by what tells them apart.
func (v *events) objectLines(loc *time.Location) []Object {
	type line struct {
		object
		sighting
	}
	sorted := make([]line, 0, len(v.sightings))
	for o, s := range v.sightings {
		sorted = append(sorted, line{o, s})
	}
	slices.SortFunc(sorted, func(a, b line) int {
		return cmp.Or(
			b.last.Compare(a.last),
			cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind),
			cmp.Compare(v.machines.nameOf(a.endpoint), v.machines.nameOf(b.endpoint)), cmp.Compare(a.result, b.result))
	})
	lines := make([]Object, min(len(sorted), maxListed))
	for i, s := range sorted[:len(lines)] {
		lines[i] = Object{
			Name: s.name, Type: s.kind, Endpoint: v.machines.nameOf(s.endpoint), Result: s.result, Count: s.events,
			// With the fraction of a second where there is one: what is printed shows the order.
			LastSeen: s.last.In(loc).Format(time.RFC3339Nano),
		}
	}
	return lines
}
