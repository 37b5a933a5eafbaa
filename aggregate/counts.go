package aggregate

import (
	"cmp"
	"slices"
	"strings"

	"geppo/store"
)

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

// counts is what one pass over the detections gathers. Machines have numbers, so that a row looks its
// endpoint up once for all figures.
type counts struct {
	machines  *machines
	tallies   [len(parts)]tally
	followUps map[followUp]found
	ransom    ransom
	crowded   map[int32][]store.Feature // the machines that a point of concentration names

	namesLeft, followUpsLeft budget
}

// tally counts the detections of one part.
type tally struct {
	total   int64
	days    []int64          // by index of the calendar
	others  []int64          // by number of the machine, as far as the part's detections reach
	servers []int64          // the same of detections on servers, of a part that ranks them apart
	names   map[string]int32 // name → its place in perName
	perName []int64
	tooMany bool    // names were refused: the ranking is the store's to make
	results []int64 // by index of the part's results
}

// followUp is a detection that somebody has to act on. part and result are indexes.
type followUp struct {
	machine      int32
	part, result uint8
	name         string
}

// found is how many times and between which days of the period.
type found struct {
	count       int64
	first, last int16
}

func (f *found) add(n int64, day int16) {
	if f.count == 0 {
		f.first, f.last = day, day
	}
	f.count += n
	f.first, f.last = min(f.first, day), max(f.last, day)
}

// ransom counts what names itself ransomware.
type ransom struct {
	prefixes []string
	found    found
	machines map[int32]bool
	results  map[string]int64
}

func newCounts(ms *machines, days int, families []string) *counts {
	c := &counts{
		machines: ms, followUps: map[followUp]found{}, crowded: map[int32][]store.Feature{},
		ransom:    ransom{prefixes: families, machines: map[int32]bool{}, results: map[string]int64{}},
		namesLeft: namesBudget, followUpsLeft: followUpsBudget,
	}
	for i, p := range parts {
		c.tallies[i] = tally{days: make([]int64, days), names: map[string]int32{}, results: make([]int64, len(p.results))}
	}
	return c
}

// add counts one row. It costs no formatting and no allocation but for names not met before.
func (c *counts) add(d *store.Detection, cal *calendar) {
	at, day := partOf(d.Feature), cal.index(d.Time)
	if at < 0 || day < 0 {
		return
	}
	p, t := &parts[at], &c.tallies[at]
	t.total += d.Count
	t.days[day] += d.Count
	n := c.machines.number(d.EndpointID, d.Endpoint)
	t.place(n, p.servers && c.machines.classOf(n, d.Class) == store.ClassServer, d.Count)
	if p.names > 0 {
		c.name(t, d)
	}
	result := ""
	if p.results != nil {
		index := p.resultOf(d.Result)
		t.results[index] += d.Count
		result = p.results[index]
		if markOf(result) != 0 || result == passed {
			c.followUp(followUp{n, uint8(at), uint8(index), d.Name}, d.Count, int16(day))
		}
	}
	if c.ransom.is(d.Name) {
		c.ransom.add(n, result, d.Count, int16(day))
	}
}

// classOf is the class of a detection: its own, else the inventory's.
func (ms *machines) classOf(n int32, own store.Class) store.Class {
	if own = knownClass(own); own == store.ClassUnknown && n != noMachine {
		return classesByNumber[ms.list[n].class]
	}
	return own
}

// place counts for a machine. One machine may stand among the servers with a part of its detections and
// among the others with the rest, by the class that each of them has. Those of machines beyond what is
// told apart are in the totals alone.
func (t *tally) place(n int32, server bool, count int64) {
	switch {
	case n == noMachine:
	case server:
		addAt(&t.servers, n, count)
	default:
		addAt(&t.others, n, count)
	}
}

func addAt(sums *[]int64, n int32, count int64) {
	if missing := int(n) + 1 - len(*sums); missing > 0 {
		*sums = append(*sums, make([]int64, missing)...)
	}
	(*sums)[n] += count
}

// of is all that a machine has.
func (t *tally) of(n int) (count int64) {
	if n < len(t.others) {
		count = t.others[n]
	}
	if n < len(t.servers) {
		count += t.servers[n]
	}
	return count
}

// reach is above the highest number of a machine that has any.
func (t *tally) reach() int { return max(len(t.others), len(t.servers)) }

// name counts a name. When the names of a month take too much memory, the ranking of this part is
// left to the store, which can sort on disk; it takes longer, for that one contract.
func (c *counts) name(t *tally, d *store.Detection) {
	if t.tooMany {
		return
	}
	n, met := t.names[d.Name]
	switch {
	case met:
		t.perName[n] += d.Count
	case c.namesLeft.take(60, d.Name):
		t.names[d.Name] = int32(len(t.perName))
		t.perName = append(t.perName, d.Count)
	default:
		t.tooMany, t.names, t.perName = true, nil, nil
	}
}

// followUp notes a detection that somebody has to act on; beyond the budget without its name, and
// beyond that in the results' figures alone.
func (c *counts) followUp(key followUp, n int64, day int16) {
	f, met := c.followUps[key]
	if !met && !c.followUpsLeft.take(60, key.name) {
		key.name = ""
		if f, met = c.followUps[key]; !met && len(c.followUps) > followUpsBudget/50 {
			return
		}
	}
	f.add(n, day)
	c.followUps[key] = f
}

func (r *ransom) is(name string) bool {
	for _, prefix := range r.prefixes {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

func (r *ransom) add(n int32, result string, count int64, day int16) {
	r.found.add(count, day)
	if n != noMachine {
		r.machines[n] = true
	}
	if result != "" {
		r.results[result] += count
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

// passed (放置) is the result of a detection that was recorded and left alone.
const passed = "passed"

// handledResults are those after which nothing is left to do. passed is none of them; nor is "unknown", of which nothing can be promised.
var handledResults = []string{"cleaned", "deleted", "quarantined", "renamed"}

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

// feature makes a part of the report out of its tally; byName is the store's ranking of its names,
// asked for only if they were too many to count.
func (c *counts) feature(i int, cal *calendar, byName func(store.Feature, int) ([]store.NameCount, error)) (Feature, error) {
	p, t := &parts[i], &c.tallies[i]
	f := Feature{Feature: p.feature, Total: t.total, Trend: cal.trend(t.days)}
	endpoints, servers := newLeaders(p.endpoints), newLeaders(p.endpoints)
	for n, count := range t.others {
		endpoints.add(c.machines.list[n].name, count)
	}
	for n, count := range t.servers {
		servers.add(c.machines.list[n].name, count)
	}
	f.Endpoints = endpoints.lines
	if p.servers {
		f.Servers = servers.lines
	}
	for i, result := range p.results {
		f.Results = append(f.Results, ResultCount{result, t.results[i]})
	}
	switch {
	case p.names > 0 && t.tooMany:
		ranked, err := byName(p.feature, p.names)
		if err != nil {
			return f, err
		}
		f.Names = []Ranked{}
		for _, n := range ranked {
			f.Names = append(f.Names, Ranked(n))
		}
	case p.names > 0:
		names := newLeaders(p.names)
		for name, n := range t.names {
			names.add(name, t.perName[n])
		}
		f.Names = names.lines
	}
	return f, nil
}

// resultCount is how many detections of a part had a result.
func (c *counts) resultCount(i int, results ...string) (n int64) {
	for at, result := range parts[i].results {
		if slices.Contains(results, result) {
			n += c.tallies[i].results[at]
		}
	}
	return n
}

// row is all of one machine, part and result that somebody has to act on.
type row struct {
	part, result uint8
	machine      int32
	found
	names []Ranked
}

func (r *row) word() string { return parts[r.part].results[r.result] }

// rows are the follow-ups in the order of the parts, of their results, of the counts and of the names.
func (c *counts) rows() []row {
	keys := make([]followUp, 0, len(c.followUps))
	for key := range c.followUps {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b followUp) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.result, b.result), cmp.Compare(a.machine, b.machine))
	})
	var rows []row
	for _, key := range keys {
		f := c.followUps[key]
		last := len(rows) - 1
		if last < 0 || rows[last].part != key.part || rows[last].result != key.result || rows[last].machine != key.machine {
			rows = append(rows, row{part: key.part, result: key.result, machine: key.machine, found: found{first: f.first, last: f.last}})
			last++
		}
		r := &rows[last]
		r.count += f.count
		r.first, r.last = min(r.first, f.first), max(r.last, f.last)
		r.names = append(r.names, Ranked{key.name, f.count})
	}
	for i := range rows {
		slices.SortFunc(rows[i].names, byCount)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.result, b.result),
			byCount(Ranked{c.machines.nameOf(a.machine), a.count}, Ranked{c.machines.nameOf(b.machine), b.count}))
	})
	return rows
}

// nameOf is a machine's name as it is shown.
func (ms *machines) nameOf(n int32) string {
	if n == noMachine {
		return ""
	}
	return ms.list[n].name
}
