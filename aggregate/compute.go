package aggregate

import (
	"fmt"
	"slices"

	"geppo/store"
)

// Options are what a report depends on beyond its month's rows.
type Options struct {
	Revision int // 0 counts as 1
	// FrozenPrevious is the report of the month before as it was sent, nil if there is none. It
	// tells which of that month's detections came in later.
	FrozenPrevious *Report
}

// part is one of the parts 2 to 7 of the antivirus report: what it lists, and how many of each.
type part struct {
	feature   store.Feature
	endpoints int      // length of the ranking of endpoints
	servers   bool     // servers have a ranking of their own, of the same length
	names     int      // length of the ranking of names, 0: the part has none
	results   []string // the vendor's results in the order of the table, "unknown" last
}

var parts = [...]part{
	{store.Virus, 5, true, 5, []string{"cleaned", "deleted", "quarantined", "renamed", "passed", "uncleanable", "unknown"}},
	{store.Spyware, 5, true, 5, []string{"cleaned", "noncleaned", "reboot", "unsafe", "unknown"}},
	{store.WebReputation, 10, false, 0, nil},
	{store.BehaviorMonitoring, 5, false, 10, nil},
	{store.URLFiltering, 10, false, 10, nil},
	{store.NetworkVirus, 10, false, 10, nil},
}

// Compute makes the report of one month. It is a pure function of its arguments, whatever order
// the rows come in. Rows outside the period are not counted, nor are features without a part.
// It fails if the month lacks its zone, or if FrozenPrevious is not of this contract's month before.
func Compute(m store.Month, opts Options) (Report, error) {
	if err := check(m, opts.FrozenPrevious); err != nil {
		return Report{}, fmt.Errorf("compute report of contract %s for %s: %w", m.Contract.ID, m.Period, err)
	}
	cal := newCalendar(m.Period, m.Location)
	c := count(m, cal)
	r := Report{
		Contract: Contract{ID: m.Contract.ID, Name: m.Contract.Name},
		Period:   m.Period,
		Revision: max(1, opts.Revision),
		Timezone: m.Contract.Timezone,
		Holidays: cal.holidays,
		Gaps:     gaps(m, cal),
		Late:     late(m, opts.FrozenPrevious),
	}
	r.Overview = overview(m, cal, c)
	for i, p := range parts {
		r.Antivirus = append(r.Antivirus, c.feature(i, p, cal))
	}
	r.ToConfirm, r.Restart = c.followups()
	offline, outdated := r.watchAgents(m, cal)
	if m.Contract.EDR {
		r.EDR = edr(m, cal, r.Agents, offline, outdated)
	}
	r.Points = points(&r, cal, c)
	r.Judgement = judge(&r)
	return r, nil
}

func check(m store.Month, frozen *Report) error {
	switch {
	case m.Location == nil:
		return fmt.Errorf("the zone %q was not loaded", m.Contract.Timezone)
	case m.Period.Month < 1 || m.Period.Month > 12:
		return fmt.Errorf("there is no such month")
	case frozen != nil && (frozen.Contract.ID != m.Contract.ID || frozen.Period != m.Period.Previous()):
		return fmt.Errorf("the frozen report given for comparison is of contract %s for %s", frozen.Contract.ID, frozen.Period)
	}
	return nil
}

// counts is what one pass over the detections gathers. Endpoints have numbers, those of the
// inventory first, so that a row looks its endpoint up once for all figures.
type counts struct {
	numbers   map[string]int
	endpoints []string      // name by number
	classes   []store.Class // class by number, of the inventory
	tallies   [len(parts)]tally
	followUps map[followUp]int64
}

// tally counts the detections of one part.
type tally struct {
	total   int64
	days    []int64 // by index of the calendar
	places  []place // by number of the endpoint, as far as the part's detections reach
	names   map[string]int64
	results []int64 // by index of the part's results
}

// place splits an endpoint's detections by the class that each of them has: one name may stand
// among the servers with one part and among the others with the rest.
type place struct{ servers, others int64 }

// followUp is a detection that somebody has to act on. part and result are indexes.
type followUp struct {
	part, result   int
	endpoint, name string
}

func newCounts(inventory []store.Endpoint, days int) *counts {
	c := &counts{
		numbers: make(map[string]int, len(inventory)), endpoints: make([]string, 0, len(inventory)),
		classes: make([]store.Class, 0, len(inventory)), followUps: map[followUp]int64{},
	}
	for i := range inventory {
		c.classes[c.number(inventory[i].Name)] = knownClass(inventory[i].Class)
	}
	for i, p := range parts {
		c.tallies[i] = tally{days: make([]int64, days), names: map[string]int64{}, results: make([]int64, len(p.results))}
	}
	return c
}

// number is an endpoint's number; one that the inventory does not know gets the next.
func (c *counts) number(endpoint string) int {
	n, known := c.numbers[endpoint]
	if !known {
		n = len(c.endpoints)
		c.numbers[endpoint] = n
		c.endpoints, c.classes = append(c.endpoints, endpoint), append(c.classes, store.ClassUnknown)
	}
	return n
}

// count is the pass. A row costs no formatting and no allocation but for names not met before.
func count(m store.Month, cal *calendar) *counts {
	c := newCounts(m.Endpoints, len(cal.days))
	for i := range m.Detections {
		d := &m.Detections[i]
		at, day := partOf(d.Feature), cal.index(d.Time)
		if at < 0 || day < 0 {
			continue
		}
		p, t := &parts[at], &c.tallies[at]
		t.total += d.Count
		t.days[day] += d.Count
		endpoint := c.number(d.Endpoint)
		class := knownClass(d.Class)
		if class == store.ClassUnknown {
			class = c.classes[endpoint]
		}
		t.add(endpoint, class, d.Count)
		if p.names > 0 {
			t.names[d.Name] += d.Count
		}
		if p.results == nil {
			continue
		}
		result := p.resultOf(d.Result)
		t.results[result] += d.Count
		if AsksForAction(p.results[result]) {
			c.followUps[followUp{at, result, d.Endpoint, d.Name}] += d.Count
		}
	}
	return c
}

func (t *tally) add(endpoint int, class store.Class, n int64) {
	if missing := endpoint + 1 - len(t.places); missing > 0 {
		t.places = append(t.places, make([]place, missing)...)
	}
	if class == store.ClassServer {
		t.places[endpoint].servers += n
	} else {
		t.places[endpoint].others += n
	}
}

// partOf is the index of a feature's part, -1 for a feature that is stored but not reported.
func partOf(f store.Feature) int {
	for i := range parts {
		if parts[i].feature == f {
			return i
		}
	}
	return -1
}

// resultOf is the index of a result in the part's table; a result of another table, or of none, is
// the last, "unknown".
func (p *part) resultOf(result string) int {
	for i, r := range p.results {
		if r == result {
			return i
		}
	}
	return len(p.results) - 1
}

// DeskResults are the results about which the support desk calls the customer.
var DeskResults = []string{"uncleanable", "noncleaned", "unsafe"}

// AsksForAction tells results that need the desk, or a restart by the customer.
func AsksForAction(result string) bool {
	return slices.Contains(DeskResults, result) || result == "reboot"
}

// knownClass reads anything that is not a class, an absent one included, as unknown.
func knownClass(c store.Class) store.Class {
	switch c {
	case store.ClassDesktop, store.ClassServer, store.ClassMobile:
		return c
	}
	return store.ClassUnknown
}

// feature makes a part of the report out of its tally.
func (c *counts) feature(i int, p part, cal *calendar) Feature {
	t := &c.tallies[i]
	f := Feature{Feature: p.feature, Total: t.total, Trend: cal.trend(t.days)}
	endpoints, servers := newLeaders(p.endpoints), newLeaders(p.endpoints)
	for number, at := range t.places {
		if name := c.endpoints[number]; p.servers {
			endpoints.add(name, at.others)
			servers.add(name, at.servers)
		} else {
			endpoints.add(name, at.all())
		}
	}
	f.Endpoints = endpoints.lines
	if p.servers {
		f.Servers = servers.lines
	}
	if p.names > 0 {
		f.Names = leading(t.names, p.names)
	}
	for i, result := range p.results {
		f.Results = append(f.Results, ResultCount{result, t.results[i]})
	}
	return f
}

func (p place) all() int64 { return p.servers + p.others }

// followups are the desk's list and the endpoints to restart.
func (c *counts) followups() (toConfirm []ToConfirm, restart []Ranked) {
	type row struct {
		part, result int
		endpoint     string
	}
	names, restarts := map[row]map[string]int64{}, map[string]int64{}
	for key, n := range c.followUps {
		if !slices.Contains(DeskResults, parts[key.part].results[key.result]) {
			restarts[key.endpoint] += n
			continue
		}
		at := row{key.part, key.result, key.endpoint}
		if names[at] == nil {
			names[at] = map[string]int64{}
		}
		names[at][key.name] += n
	}
	toConfirm = []ToConfirm{}
	for i, p := range parts {
		for j, result := range p.results {
			from := len(toConfirm)
			for at, byName := range names {
				if at.part == i && at.result == j {
					toConfirm = append(toConfirm, ToConfirm{p.feature, result, at.endpoint, sum(byName), ranking(byName)})
				}
			}
			slices.SortFunc(toConfirm[from:], func(a, b ToConfirm) int {
				return byCount(Ranked{a.Endpoint, a.Count}, Ranked{b.Endpoint, b.Count})
			})
		}
	}
	return toConfirm, ranking(restarts)
}
