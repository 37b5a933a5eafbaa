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
		r.Antivirus = append(r.Antivirus, c.tallies[i].feature(p, cal))
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

// counts is what one pass over the detections gathers.
type counts struct {
	tallies   [len(parts)]tally
	followUps map[followUp]int64
}

// tally counts the detections of one part.
type tally struct {
	total   int64
	days    []int64 // by index of the calendar
	places  map[place]int64
	names   map[string]int64
	results []int64 // by index of the part's results
}

// place is where something was detected. One endpoint may stand among the servers with one part of
// its detections and among the others with the rest.
type place struct {
	endpoint string
	server   bool
}

// followUp is a detection that somebody has to act on. part and result are indexes.
type followUp struct {
	part, result   int
	endpoint, name string
}

// count is the pass. A row costs no formatting and no allocation but for names not met before.
func count(m store.Month, cal calendar) *counts {
	c := &counts{followUps: map[followUp]int64{}}
	for i, p := range parts {
		c.tallies[i] = tally{
			days: make([]int64, len(cal.days)), places: map[place]int64{},
			names: map[string]int64{}, results: make([]int64, len(p.results)),
		}
	}
	classes := make(map[string]store.Class, len(m.Endpoints))
	for _, e := range m.Endpoints {
		classes[e.Name] = e.Class
	}
	for i := range m.Detections {
		d := &m.Detections[i]
		at, day := partOf(d.Feature), cal.index(d.Time)
		if at < 0 || day < 0 {
			continue
		}
		p, t := &parts[at], &c.tallies[at]
		t.total += d.Count
		t.days[day] += d.Count
		class := knownClass(d.Class)
		if class == store.ClassUnknown {
			class = knownClass(classes[d.Endpoint])
		}
		t.places[place{d.Endpoint, class == store.ClassServer}] += d.Count
		if p.names > 0 {
			t.names[d.Name] += d.Count
		}
		if p.results == nil {
			continue
		}
		result := p.resultOf(d.Result)
		t.results[result] += d.Count
		if asksForAction(p.results[result]) {
			c.followUps[followUp{at, result, d.Endpoint, d.Name}] += d.Count
		}
	}
	return c
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

// needsDesk tells results about which the support desk calls the customer.
func needsDesk(result string) bool {
	return result == "uncleanable" || result == "noncleaned" || result == "unsafe"
}

// asksForAction tells results that need the desk, or a restart by the customer.
func asksForAction(result string) bool { return needsDesk(result) || result == "reboot" }

// knownClass reads anything that is not a class, an absent one included, as unknown.
func knownClass(c store.Class) store.Class {
	switch c {
	case store.ClassDesktop, store.ClassServer, store.ClassMobile:
		return c
	}
	return store.ClassUnknown
}

// feature words a tally as one part of the report.
func (t *tally) feature(p part, cal calendar) Feature {
	f := Feature{Feature: p.feature, Total: t.total, Trend: cal.trend(t.days)}
	endpoints, servers := map[string]int64{}, map[string]int64{}
	for at, n := range t.places {
		if p.servers && at.server {
			servers[at.endpoint] += n
		} else {
			endpoints[at.endpoint] += n
		}
	}
	f.Endpoints = top(ranking(endpoints), p.endpoints)
	if p.servers {
		f.Servers = top(ranking(servers), p.endpoints)
	}
	if p.names > 0 {
		f.Names = top(ranking(t.names), p.names)
	}
	for i, result := range p.results {
		f.Results = append(f.Results, ResultCount{result, t.results[i]})
	}
	return f
}

// byEndpoint ranks endpoints over all classes.
func (t *tally) byEndpoint() []Ranked {
	sums := map[string]int64{}
	for at, n := range t.places {
		sums[at.endpoint] += n
	}
	return ranking(sums)
}

// followups are the desk's list and the endpoints to restart.
func (c *counts) followups() (toConfirm []ToConfirm, restart []Ranked) {
	type row struct {
		part, result int
		endpoint     string
	}
	names, restarts := map[row]map[string]int64{}, map[string]int64{}
	for key, n := range c.followUps {
		if !needsDesk(parts[key.part].results[key.result]) {
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
