package aggregate

import (
	"cmp"
	"slices"
	"time"

	"geppo/store"
)

// edrTop is the length of the EDR report's rankings.
const edrTop = 5

// object is what makes a line of 1-5 its own.
type object struct {
	name, kind, endpoint, result string
}

type sighting struct {
	events int64
	last   time.Time
}

// edr is the EDR report. Its agents' figures come from what was seen of them for all contracts.
func edr(m store.Month, cal *calendar, a Agents, offline, outdated []int64) *EDR {
	perDay := make([]int64, len(cal.days))
	objects, endpoints, statuses := map[string]int64{}, map[string]int64{}, map[string]int64{}
	sightings := map[object]sighting{}
	r := &EDR{
		Offline:       AgentTrend{cal.trend(offline), a.Offline},
		Outdated:      AgentTrend{cal.trend(outdated), a.Outdated},
		UnsupportedOS: a.UnsupportedOS,
		Off:           a.Off,
	}
	for i := range m.Events {
		e := &m.Events[i]
		day := cal.index(e.Time)
		if day < 0 {
			continue
		}
		r.Total++
		perDay[day]++
		statuses[e.Status]++
		// An event counts once for an object, however often it lists it.
		names, seen := map[string]bool{}, map[object]bool{}
		for _, o := range e.Objects {
			names[o.Name] = true
		}
		for _, machine := range e.Endpoints {
			endpoints[machine.Name]++
			for _, o := range e.Objects {
				seen[object{o.Name, o.Type, machine.Name, o.Result}] = true
			}
		}
		for name := range names {
			objects[name]++
		}
		for key := range seen {
			s := sightings[key]
			s.events++
			if s.events == 1 || e.Time.After(s.last) {
				s.last = e.Time
			}
			sightings[key] = s
		}
	}
	r.Trend = cal.trend(perDay)
	r.ObjectsTop, r.EndpointsTop = leading(objects, edrTop), leading(endpoints, edrTop)
	r.Status = statusCounts(statuses)
	r.Objects = objectLines(sightings, m.Location)
	return r
}

// statusCounts lists the statuses that occur: the three known ones in the order of an event's
// life, then others as received.
func statusCounts(statuses map[string]int64) []StatusCount {
	lines := make([]StatusCount, 0, len(statuses))
	for status, n := range statuses {
		lines = append(lines, StatusCount{status, n})
	}
	life := []string{"new", "in_progress", "closed"}
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
	return lines
}

// objectLines sorts the sightings newest first, ties by what tells them apart.
func objectLines(sightings map[object]sighting, loc *time.Location) []Object {
	type line struct {
		object
		sighting
	}
	sorted := make([]line, 0, len(sightings))
	for o, s := range sightings {
		sorted = append(sorted, line{o, s})
	}
	slices.SortFunc(sorted, func(a, b line) int {
		return cmp.Or(
			b.last.Compare(a.last),
			cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.result, b.result))
	})
	lines := make([]Object, len(sorted))
	for i, s := range sorted {
		lines[i] = Object{
			Name: s.name, Type: s.kind, Endpoint: s.endpoint, Result: s.result, Count: s.events,
			// With the fraction of a second where there is one: what is printed shows the order.
			LastSeen: s.last.In(loc).Format(time.RFC3339Nano),
		}
	}
	return lines
}
