package aggregate

import (
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"geppo/store"
)

// naive computes a report a second time, straight from the words of the specification: slow, one
// question after the other, each by its own walk over all rows, days by formatting, rates by
// fractions, holidays from a list. It shares nothing with the code under test but the types.
type naive struct {
	m    store.Month
	opts Options
	days []string
}

func naiveReport(m store.Month, opts Options) Report {
	n := naive{m: withoutDomains(m), opts: opts, days: daysOf(m.Period)}
	r := Report{
		Contract: Contract{m.Contract.ID, m.Contract.Name, m.Contract.Brand}, Period: m.Period, Revision: opts.Revision,
		Timezone: m.Contract.Timezone, Holidays: []store.Day{}, ToConfirm: []ToConfirm{}, Missing: []Missing{},
	}
	for _, d := range n.days {
		if strings.Contains(officialHolidays, d) {
			r.Holidays = append(r.Holidays, store.Day(d))
		}
	}
	var life int
	r.Gaps, life = n.gaps(m.Period, m.CoverageFed)
	r.Overview = n.overview()
	n.features(&r)
	n.agents(&r)
	if m.Contract.EDR {
		r.EDR = n.edr(r.Agents)
	}
	n.history(&r)
	if opts.FrozenPrevious != nil && r.Overview.Summary[0].Previous != nil {
		for i, line := range r.Overview.Summary {
			r.Late += *line.Previous - opts.FrozenPrevious.Antivirus[i].Total
		}
		r.Late = max(r.Late, 0)
	}
	n.conclude(&r, life)
	return r
}

// withoutDomains gives rows that name a machine with its domain the name that the inventory has for it, if it has
// no machine of the whole name and exactly one of its first part.
func withoutDomains(m store.Month) store.Month {
	spelt := func(id, name string) (string, string) {
		first, _, dotted := strings.Cut(name, ".")
		if id != "" || !dotted {
			return id, name
		}
		var meant []store.Endpoint
		for _, e := range m.Endpoints {
			switch {
			case key("", e.Name) == key("", name):
				return id, name
			case key("", e.Name) == key("", first) && !slices.ContainsFunc(meant, func(o store.Endpoint) bool { return key(o.ID, o.Name) == key(e.ID, e.Name) }):
				meant = append(meant, e)
			}
		}
		if len(meant) != 1 {
			return id, name
		}
		return meant[0].ID, meant[0].Name
	}
	m.Detections, m.Statuses, m.Events = slices.Clone(m.Detections), slices.Clone(m.Statuses), slices.Clone(m.Events)
	for i := range m.Detections {
		d := &m.Detections[i]
		d.EndpointID, d.Endpoint = spelt(d.EndpointID, d.Endpoint)
	}
	for i := range m.Statuses {
		s := &m.Statuses[i]
		s.EndpointID, s.Endpoint = spelt(s.EndpointID, s.Endpoint)
	}
	for i := range m.Events {
		m.Events[i].Endpoints = slices.Clone(m.Events[i].Endpoints)
		for j := range m.Events[i].Endpoints {
			e := &m.Events[i].Endpoints[j]
			e.ID, e.Name = spelt(e.ID, e.Name)
		}
	}
	return m
}

func daysOf(p store.Period) (days []string) {
	for d := time.Date(p.Year, p.Month, 1, 0, 0, 0, 0, time.UTC); d.Month() == p.Month; d = d.AddDate(0, 0, 1) {
		days = append(days, d.Format("2006-01-02"))
	}
	return days
}

func (n naive) gaps(p store.Period, fed bool) (list []store.Day, life int) {
	list = []store.Day{}
	for _, d := range daysOf(p) {
		if store.Day(d) >= n.m.Contract.Since && (n.m.Contract.Ends == "" || store.Day(d) <= n.m.Contract.Ends) {
			life++
			if fed && !slices.Contains(n.m.Coverage, store.Day(d)) {
				list = append(list, store.Day(d))
			}
		}
	}
	return list, life
}

// key is what makes two rows rows of one machine.
func key(id, name string) string {
	if id != "" {
		return "id " + id
	}
	return "name " + store.Fold(name)
}

// entries are a machine's rows of the inventory, the one that counts for its name first.
func (n naive) entries(of string) (list []store.Endpoint) {
	end := n.dayEnd(len(n.days) - 1)
	for _, e := range n.m.Endpoints {
		if key(e.ID, e.Name) == of {
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch aIn, bIn := a.InstalledAt.Before(end), b.InstalledAt.Before(end); {
		case aIn != bIn:
			return aIn
		case !a.InstalledAt.Equal(b.InstalledAt):
			return a.InstalledAt.After(b.InstalledAt)
		}
		return a.Name < b.Name
	})
	return list
}

// keys are all machines of the month: those of the inventory and those that its rows name.
func (n naive) keys() []string {
	set := map[string]bool{}
	for _, e := range n.m.Endpoints {
		set[key(e.ID, e.Name)] = true
	}
	for k := range n.spellings() {
		set[k] = true
	}
	var list []string
	for k := range set {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

// spellings are the names by which the month's rows name each machine.
func (n naive) spellings() map[string][]string {
	set := map[string][]string{}
	for _, f := range sixFeatures {
		for _, d := range n.of(f) {
			set[key(d.EndpointID, d.Endpoint)] = append(set[key(d.EndpointID, d.Endpoint)], d.Endpoint)
		}
	}
	for _, s := range n.m.Statuses {
		if slices.Contains(n.days, string(s.Day)) {
			set[key(s.EndpointID, s.Endpoint)] = append(set[key(s.EndpointID, s.Endpoint)], s.Endpoint)
		}
	}
	for _, e := range n.m.Events {
		if slices.Contains(n.days, n.day(e.Time)) {
			for _, m := range e.Endpoints {
				set[key(m.ID, m.Name)] = append(set[key(m.ID, m.Name)], m.Name)
			}
		}
	}
	return set
}

func (n naive) shown(key string) string {
	if entries := n.entries(key); len(entries) > 0 {
		return entries[0].Name
	}
	return slices.Min(n.spellings()[key])
}

var sixFeatures = []store.Feature{"virus", "spyware", "web_reputation", "behavior_monitoring", "url_filtering", "network_virus"}

var (
	virusTable   = "cleaned deleted quarantined renamed passed uncleanable unknown"
	spywareTable = "cleaned noncleaned reboot unsafe unknown"
)

func (n naive) day(t time.Time) string { return t.In(n.m.Location).Format("2006-01-02") }

// dayEnd is the first midnight after day i.
func (n naive) dayEnd(i int) time.Time {
	return time.Date(n.m.Period.Year, n.m.Period.Month, i+2, 0, 0, 0, 0, n.m.Location)
}

// installedOn tells whether any of a machine's entries is installed at the end of day i.
func (n naive) installedOn(key string, i int) bool {
	for _, e := range n.entries(key) {
		if e.InstalledAt.Before(n.dayEnd(i)) && (e.RemovedAt.IsZero() || !e.RemovedAt.Before(n.dayEnd(i))) {
			return true
		}
	}
	return false
}

// of are the feature's detections of the period.
func (n naive) of(f store.Feature) (rows []store.Detection) {
	for _, d := range n.m.Detections {
		if d.Feature == f && slices.Contains(n.days, n.day(d.Time)) {
			rows = append(rows, d)
		}
	}
	return rows
}

func (n naive) class(d store.Detection) store.Class {
	if d.Class == "desktop" || d.Class == "server" || d.Class == "mobile" {
		return d.Class
	}
	if entries := n.entries(key(d.EndpointID, d.Endpoint)); len(entries) > 0 && entries[0].Class != "" {
		return entries[0].Class
	}
	return "unknown"
}

func (n naive) host(d store.Detection) string { return n.shown(key(d.EndpointID, d.Endpoint)) }

// rate is part ÷ whole × 100, half away from zero to one decimal, or nil.
func rate(part, whole int64) *float64 {
	if whole <= 0 {
		return nil
	}
	tenths := new(big.Rat).SetFrac(big.NewInt(1000*max(part, -part)), big.NewInt(whole))
	tenths.Add(tenths, big.NewRat(1, 2))
	rounded := new(big.Int).Quo(tenths.Num(), tenths.Denom())
	f, err := strconv.ParseFloat(rounded.String(), 64)
	if err != nil {
		panic(err)
	}
	f /= 10
	if part < 0 && f != 0 {
		f = -f
	}
	return &f
}

// mean is how many a day so many in so many days are, to one decimal.
func mean(n int64, days int) *float64 { return rate(n, 100*int64(days)) }

// rank counts words with their weights and lists the first limit of them, -1 for all.
func rank(limit int, each func(add func(word string, weight int64))) []Ranked {
	list := []Ranked{}
	each(func(word string, weight int64) {
		for i := range list {
			if list[i].Name == word {
				list[i].Count += weight
				return
			}
		}
		list = append(list, Ranked{word, weight})
	})
	sort.Slice(list, func(i, j int) bool {
		return list[i].Count > list[j].Count || list[i].Count == list[j].Count && list[i].Name < list[j].Name
	})
	if limit >= 0 && len(list) > limit {
		list = list[:limit]
	}
	return list
}

// rankMachines ranks machines: two of one name are two lines.
func (n naive) rankMachines(limit int, each func(add func(key string, weight int64))) []Ranked {
	list := rank(-1, each)
	for i := range list {
		list[i].Name = n.shown(list[i].Name)
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Count > list[j].Count || list[i].Count == list[j].Count && list[i].Name < list[j].Name
	})
	if limit >= 0 && len(list) > limit {
		list = list[:limit]
	}
	return list
}

func (n naive) overview() Overview {
	c := n.m.Contract
	o := Overview{
		Kind: c.Product, Licences: c.Licences, URLFiltering: c.URLFiltering,
		Inventory: len(n.m.Endpoints) > 0,
	}
	var all int64
	for _, k := range n.keys() {
		if !n.installedOn(k, len(n.days)-1) {
			continue
		}
		all++
		switch n.entries(k)[0].Class {
		case "desktop":
			o.Installed.Desktop++
		case "server":
			o.Installed.Server++
		case "mobile":
			o.Installed.Mobile++
		default:
			o.Installed.Unknown++
		}
	}
	if o.Inventory {
		o.UsagePercent = rate(all, int64(c.Licences))
	}
	for _, f := range sixFeatures {
		line := SummaryLine{Feature: f}
		for _, d := range n.of(f) {
			line.Current += d.Count
		}
		if string(c.Since) < n.days[0] {
			var before int64
			for _, p := range n.m.Previous {
				if p.Feature == f {
					before += p.Count
				}
			}
			line.Previous, line.ChangePercent = &before, rate(line.Current-before, before)
		}
		o.Summary = append(o.Summary, line)
	}
	return o
}

func (n naive) features(r *Report) {
	r.Restart = rank(-1, func(add func(string, int64)) {
		for _, d := range n.of("spyware") {
			if d.Result == "reboot" {
				add(n.host(d), d.Count)
			}
		}
	})
	for _, f := range sixFeatures {
		rows := n.of(f)
		split := f == "virus" || f == "spyware"
		endpoints := func(servers bool, limit int) []Ranked {
			return n.rankMachines(limit, func(add func(string, int64)) {
				for _, d := range rows {
					if !split || (n.class(d) == "server") == servers {
						add(key(d.EndpointID, d.Endpoint), d.Count)
					}
				}
			})
		}
		limit := 10
		if split || f == "behavior_monitoring" {
			limit = 5
		}
		part := Feature{Feature: f, Endpoints: endpoints(false, limit)}
		for _, day := range n.days {
			count := DayCount{Day: store.Day(day)}
			for _, d := range rows {
				if n.day(d.Time) == day {
					count.Count += d.Count
				}
			}
			part.Total += count.Count
			part.Trend = append(part.Trend, count)
		}
		if f != "web_reputation" {
			limit := 10
			if split {
				limit = 5
			}
			part.Names = rank(limit, func(add func(string, int64)) {
				for _, d := range rows {
					add(d.Name, d.Count)
				}
			})
		}
		if split {
			part.Servers = endpoints(true, limit)
			n.results(r, &part, rows)
		}
		r.Antivirus = append(r.Antivirus, part)
	}
}

func (n naive) results(r *Report, part *Feature, rows []store.Detection) {
	table := strings.Fields(virusTable)
	if part.Feature == "spyware" {
		table = strings.Fields(spywareTable)
	}
	for _, result := range table {
		line := ResultCount{Result: result}
		var matching []store.Detection
		for _, d := range rows {
			if d.Result == result || result == "unknown" && !slices.Contains(table, d.Result) {
				line.Count += d.Count
				matching = append(matching, d)
			}
		}
		part.Results = append(part.Results, line)
		if result != "uncleanable" && result != "noncleaned" && result != "unsafe" {
			continue
		}
		for _, k := range n.keys() {
			if row, found := n.toConfirm(part.Feature, result, k, matching); found {
				r.ToConfirm = append(r.ToConfirm, row)
			}
		}
	}
	sort.SliceStable(r.ToConfirm, func(i, j int) bool {
		a, b := r.ToConfirm[i], r.ToConfirm[j]
		if a.Feature != b.Feature || a.Result != b.Result {
			return false
		}
		return a.Count > b.Count || a.Count == b.Count && a.Endpoint < b.Endpoint
	})
}

func (n naive) toConfirm(f store.Feature, result, k string, rows []store.Detection) (ToConfirm, bool) {
	row := ToConfirm{Feature: f, Result: result}
	row.Names = rank(-1, func(add func(string, int64)) {
		for _, d := range rows {
			if key(d.EndpointID, d.Endpoint) == k {
				add(d.Name, d.Count)
				row.Count += d.Count
				row.From, row.To = n.span(row.From, row.To, d)
			}
		}
	})
	if row.Count > 0 {
		row.Endpoint = n.shown(k)
	}
	return row, row.Count > 0
}

// span widens the days from … to by that of a detection.
func (n naive) span(from, to store.Day, d store.Detection) (store.Day, store.Day) {
	day := store.Day(n.day(d.Time))
	if from == "" || day < from {
		from = day
	}
	return from, max(to, day)
}
