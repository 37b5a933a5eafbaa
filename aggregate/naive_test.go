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
	days []string
}

func naiveReport(m store.Month, opts Options) Report {
	n := naive{m: m}
	for d := time.Date(m.Period.Year, m.Period.Month, 1, 0, 0, 0, 0, time.UTC); d.Month() == m.Period.Month; d = d.AddDate(0, 0, 1) {
		n.days = append(n.days, d.Format("2006-01-02"))
	}
	r := Report{
		Contract: Contract{m.Contract.ID, m.Contract.Name}, Period: m.Period, Revision: opts.Revision,
		Timezone: m.Contract.Timezone, Holidays: []store.Day{}, Gaps: []store.Day{}, ToConfirm: []ToConfirm{},
	}
	for _, d := range n.days {
		if strings.Contains(officialHolidays, d) {
			r.Holidays = append(r.Holidays, store.Day(d))
		}
		fed := slices.Contains(m.Coverage, store.Day(d))
		if m.CoverageFed && !fed && store.Day(d) >= m.Contract.Since && (m.Contract.Ends == "" || store.Day(d) <= m.Contract.Ends) {
			r.Gaps = append(r.Gaps, store.Day(d))
		}
	}
	r.Overview = n.overview()
	n.features(&r)
	r.Agents = n.agents()
	if m.Contract.EDR {
		r.EDR = n.edr(r.Agents)
	}
	if opts.FrozenPrevious != nil && r.Overview.Summary[0].Previous != nil {
		for i, line := range r.Overview.Summary {
			r.Late += *line.Previous - opts.FrozenPrevious.Antivirus[i].Total
		}
		r.Late = max(r.Late, 0)
	}
	r.Points = n.points(r)
	r.Judgement = n.judgement(r)
	return r
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

func (n naive) installedOn(e store.Endpoint, i int) bool {
	return e.InstalledAt.Before(n.dayEnd(i)) && (e.RemovedAt.IsZero() || !e.RemovedAt.Before(n.dayEnd(i)))
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
	for _, e := range n.m.Endpoints {
		if e.Name == d.Endpoint && e.Class != "" {
			return e.Class
		}
	}
	return "unknown"
}

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

func (n naive) overview() Overview {
	c := n.m.Contract
	o := Overview{Product: "おまかせアンチウイルス", EDRProduct: "おまかせアンチウイルスEDRプラス", Licences: c.Licences, URLFiltering: c.URLFiltering}
	if c.Product == "security_package" {
		o.Product, o.EDRProduct = "端末セキュリティ", "端末セキュリティ"
	}
	var all int64
	for _, e := range n.m.Endpoints {
		if !n.installedOn(e, len(n.days)-1) {
			continue
		}
		all++
		switch e.Class {
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
	o.UsagePercent = rate(all, int64(c.Licences))
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
				add(d.Endpoint, d.Count)
			}
		}
	})
	for _, f := range sixFeatures {
		rows := n.of(f)
		split := f == "virus" || f == "spyware"
		endpoints := func(servers bool, limit int) []Ranked {
			return rank(limit, func(add func(string, int64)) {
				for _, d := range rows {
					if !split || (n.class(d) == "server") == servers {
						add(d.Endpoint, d.Count)
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
		for _, e := range rank(-1, func(add func(string, int64)) {
			for _, d := range matching {
				add(d.Endpoint, d.Count)
			}
		}) {
			names := rank(-1, func(add func(string, int64)) {
				for _, d := range matching {
					if d.Endpoint == e.Name {
						add(d.Name, d.Count)
					}
				}
			})
			r.ToConfirm = append(r.ToConfirm, ToConfirm{part.Feature, result, e.Name, e.Count, names})
		}
	}
}

// snapshot is the newest one of an endpoint dated on day i or before.
func (n naive) snapshot(endpoint string, i int) (newest store.AgentStatus, found bool) {
	for _, s := range n.m.Statuses {
		if s.Endpoint == endpoint && string(s.Day) <= n.days[i] && (!found || s.Day > newest.Day) {
			newest, found = s, true
		}
	}
	return newest, found
}

// installedWith names the installed endpoints whose snapshot of day i is as asked, in order.
func (n naive) installedWith(i int, is func(store.AgentStatus) bool) []string {
	names := []string{}
	for _, e := range n.m.Endpoints {
		if s, found := n.snapshot(e.Name, i); found && n.installedOn(e, i) && is(s) {
			names = append(names, e.Name)
		}
	}
	sort.Strings(names)
	return names
}

func (n naive) offline(i int) []string {
	return n.installedWith(i, func(s store.AgentStatus) bool {
		limit := n.dayEnd(i).AddDate(0, 0, -14)
		return s.LastSeen.Before(limit) || s.LastSeen.Equal(limit)
	})
}

func (n naive) outdated(i int) []string {
	return n.installedWith(i, func(s store.AgentStatus) bool { return s.PatternCurrent != nil && !*s.PatternCurrent })
}

func (n naive) agents() Agents {
	last := len(n.days) - 1
	off := func(state func(store.Protections) store.Protection) []string {
		return n.installedWith(last, func(s store.AgentStatus) bool { return state(s.Protections) == "off" })
	}
	a := Agents{Offline: n.offline(last), Outdated: n.outdated(last), UnsupportedOS: []OSCount{}}
	a.Off.RealtimeScan = off(func(p store.Protections) store.Protection { return p.RealtimeScan })
	a.Off.BehaviorMonitoring = off(func(p store.Protections) store.Protection { return p.BehaviorMonitoring })
	a.Off.MachineLearning = off(func(p store.Protections) store.Protection { return p.MachineLearning })
	a.Off.WebReputation = off(func(p store.Protections) store.Protection { return p.WebReputation })
	a.Off.EDR = []string{}
	if n.m.Contract.EDR {
		a.Off.EDR = off(func(p store.Protections) store.Protection { return p.EDR })
	}
	for _, system := range rank(-1, func(add func(string, int64)) {
		for _, e := range n.m.Endpoints {
			s, found := n.snapshot(e.Name, last)
			if !found || !n.installedOn(e, last) || s.OSSupported == nil || *s.OSSupported {
				continue
			}
			system := s.OS
			if system == "" {
				system = e.OS
			}
			if system == "" {
				system = "不明"
			}
			add(system, 1)
		}
	}) {
		a.UnsupportedOS = append(a.UnsupportedOS, OSCount{system.Name, system.Count})
	}
	installed, working := 0, 0
	for _, e := range n.m.Endpoints {
		if n.installedOn(e, last) {
			installed++
			s, found := n.snapshot(e.Name, last)
			if found && slices.Contains(n.days[len(n.days)-14:], string(s.Day)) && s.Protections.RealtimeScan == "on" {
				working++
			}
		}
	}
	a.Working = installed > 0 && installed == working
	return a
}

func (n naive) edr(a Agents) *EDR {
	r := &EDR{Objects: []Object{}, Status: []StatusCount{}, UnsupportedOS: a.UnsupportedOS, Off: a.Off}
	r.Offline.Endpoints, r.Outdated.Endpoints = a.Offline, a.Outdated
	var events []store.EDREvent
	for i, day := range n.days {
		trend := DayCount{Day: store.Day(day)}
		for _, e := range n.m.Events {
			if n.day(e.Time) == day {
				events = append(events, e)
				trend.Count++
			}
		}
		r.Trend = append(r.Trend, trend)
		r.Offline.Trend = append(r.Offline.Trend, DayCount{store.Day(day), int64(len(n.offline(i)))})
		r.Outdated.Trend = append(r.Outdated.Trend, DayCount{store.Day(day), int64(len(n.outdated(i)))})
	}
	r.Total = int64(len(events))
	r.EndpointsTop = rank(5, func(add func(string, int64)) {
		for _, e := range events {
			for _, machine := range e.Endpoints {
				add(machine.Name, 1)
			}
		}
	})
	r.ObjectsTop = rank(5, func(add func(string, int64)) {
		for _, e := range events {
			for i, o := range e.Objects {
				repeated := slices.ContainsFunc(e.Objects[:i], func(x store.EDRObject) bool { return x.Name == o.Name })
				if !repeated {
					add(o.Name, 1)
				}
			}
		}
	})
	r.Status, r.Objects = naiveStatus(events), n.objects(events)
	return r
}

func naiveStatus(events []store.EDREvent) []StatusCount {
	order := []string{"new", "in_progress", "closed"}
	var others []string
	for _, e := range events {
		if !slices.Contains(order, e.Status) && !slices.Contains(others, e.Status) {
			others = append(others, e.Status)
		}
	}
	sort.Strings(others)
	list := []StatusCount{}
	for _, status := range append(order, others...) {
		line := StatusCount{Status: status}
		for _, e := range events {
			if e.Status == status {
				line.Count++
			}
		}
		if line.Count > 0 {
			list = append(list, line)
		}
	}
	return list
}

func (n naive) objects(events []store.EDREvent) []Object {
	list, seen := []Object{}, []time.Time{}
	sight := func(o store.EDRObject, endpoint string, when time.Time) {
		at := slices.IndexFunc(list, func(x Object) bool {
			return x.Name == o.Name && x.Type == o.Type && x.Endpoint == endpoint && x.Result == o.Result
		})
		if at < 0 {
			list, seen, at = append(list, Object{Name: o.Name, Type: o.Type, Endpoint: endpoint, Result: o.Result}), append(seen, when), len(list)
		}
		list[at].Count++
		if when.After(seen[at]) {
			seen[at] = when
		}
	}
	for _, e := range events {
		for i, o := range e.Objects {
			for _, machine := range e.Endpoints {
				if !slices.Contains(e.Objects[:i], o) {
					sight(o, machine.Name, e.Time)
				}
			}
		}
	}
	for i := range list {
		list[i].LastSeen = seen[i].In(n.m.Location).Format(time.RFC3339Nano)
	}
	// An insertion of each line before the first that is older or, of the same age, greater.
	for i := range list {
		for j := i; j > 0; j-- {
			a, b := list[j-1], list[j]
			less := strings.Compare(b.Name+"\x00"+b.Type+"\x00"+b.Endpoint+"\x00"+b.Result, a.Name+"\x00"+a.Type+"\x00"+a.Endpoint+"\x00"+a.Result) < 0
			if seen[j].After(seen[j-1]) || seen[j].Equal(seen[j-1]) && less {
				list[j-1], list[j] = b, a
				seen[j-1], seen[j] = seen[j], seen[j-1]
			}
		}
	}
	return list
}

func (n naive) points(r Report) []Point {
	list := []Point{}
	for _, line := range r.Overview.Summary {
		if line.ChangePercent != nil {
			list = append(list, Point{Kind: "change", Feature: line.Feature, Percent: line.ChangePercent})
		}
	}
	if r.Overview.Licences > 0 {
		list = append(list, Point{Kind: "usage", Percent: r.Overview.UsagePercent})
	}
	var weekday, holiday []Point
	for i, f := range sixFeatures {
		if r.Antivirus[i].Total < 10 {
			continue
		}
		if p := n.concentration(f, r.Antivirus[i].Total); p != nil {
			list = append(list, *p)
		}
		working, resting := n.means(r.Antivirus[i].Trend)
		half := big.NewRat(3, 2)
		if working.Cmp(new(big.Rat).Mul(resting, half)) >= 0 {
			weekday = append(weekday, n.busiest(r.Antivirus[i]))
		}
		if resting.Cmp(new(big.Rat).Mul(working, half)) >= 0 {
			holiday = append(holiday, Point{Kind: "holiday", Feature: f})
		}
	}
	list = append(append(list, weekday...), holiday...)
	confirm, restart := Point{Kind: "to_confirm"}, Point{Kind: "restart"}
	for _, row := range r.ToConfirm {
		confirm.Count += row.Count
		confirm.Endpoints = append(confirm.Endpoints, row.Endpoint)
	}
	for _, row := range r.Restart {
		restart.Count += row.Count
		restart.Endpoints = append(restart.Endpoints, row.Name)
	}
	candidates := []Point{confirm, restart}
	if r.EDR != nil {
		o := r.EDR.Off
		off := slices.Concat(o.RealtimeScan, o.BehaviorMonitoring, o.MachineLearning, o.WebReputation, o.EDR)
		candidates = append(candidates, Point{Kind: "offline", Endpoints: r.EDR.Offline.Endpoints},
			Point{Kind: "outdated", Endpoints: r.EDR.Outdated.Endpoints}, Point{Kind: "unprotected", Endpoints: off})
	}
	for _, p := range candidates {
		var names []string
		for _, name := range p.Endpoints {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		if p.Endpoints = names; p.Count == 0 {
			p.Count = int64(len(names))
		}
		if len(names) > 0 {
			list = append(list, p)
		}
	}
	return list
}

func (n naive) concentration(f store.Feature, total int64) *Point {
	all := rank(-1, func(add func(string, int64)) {
		for _, d := range n.of(f) {
			add(d.Endpoint, d.Count)
		}
	})
	for named := 1; named <= 3 && named <= len(all); named++ {
		p := Point{Kind: "concentration", Feature: f}
		var held int64
		for _, e := range all[:named] {
			held += e.Count
			p.Endpoints = append(p.Endpoints, e.Name)
		}
		if p.Percent = rate(held, total); big.NewRat(held, total).Cmp(big.NewRat(1, 2)) >= 0 && len(all) >= 2*named {
			return &p
		}
	}
	return nil
}

func (n naive) means(trend []DayCount) (working, resting *big.Rat) {
	var days, counts [2]int64
	for _, d := range trend {
		kind := 0
		date, err := time.Parse("2006-01-02", string(d.Day))
		if err != nil {
			panic(err)
		}
		if date.Weekday() == 0 || date.Weekday() == 6 || strings.Contains(officialHolidays, string(d.Day)) {
			kind = 1
		}
		days[kind]++
		counts[kind] += d.Count
	}
	return big.NewRat(counts[0], days[0]), big.NewRat(counts[1], days[1])
}

// busiest tries every Monday around the month.
func (n naive) busiest(f Feature) Point {
	p := Point{Kind: "weekday", Feature: f.Feature}
	most := int64(-1)
	first := time.Date(n.m.Period.Year, n.m.Period.Month, 1, 0, 0, 0, 0, time.UTC)
	for monday := first.AddDate(0, 0, -7); monday.Before(first.AddDate(0, 1, 0)); monday = monday.AddDate(0, 0, 1) {
		if monday.Weekday() != time.Monday {
			continue
		}
		var week []DayCount
		var count int64
		for i := range 5 {
			for _, d := range f.Trend {
				if string(d.Day) == monday.AddDate(0, 0, i).Format("2006-01-02") {
					week = append(week, d)
					count += d.Count
				}
			}
		}
		if len(week) > 0 && count > most {
			most, p.From, p.To = count, week[0].Day, week[len(week)-1].Day
		}
	}
	return p
}

func (n naive) judgement(r Report) Judgement {
	if len(r.ToConfirm)+len(r.Restart)+len(r.Agents.Off.RealtimeScan) > 0 {
		return "要対応"
	}
	off := r.Agents.Off
	worry := len(r.Agents.Offline) + len(r.Agents.Outdated) + len(r.Agents.UnsupportedOS) + len(r.Gaps) +
		len(off.BehaviorMonitoring) + len(off.MachineLearning) + len(off.WebReputation) + len(off.EDR)
	for _, p := range r.Points {
		if p.Kind == "concentration" {
			worry++
		}
	}
	i := r.Overview.Installed
	if worry > 0 || r.Overview.Licences > 0 && i.Desktop+i.Server+i.Mobile+i.Unknown > r.Overview.Licences {
		return "要注意"
	}
	return "良好"
}
