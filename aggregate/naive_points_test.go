package aggregate

import (
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"geppo/store"
)

// result sums a feature's detections with any of the given results.
func (n naive) result(f store.Feature, results ...string) (sum int64) {
	for _, d := range n.of(f) {
		if slices.Contains(results, d.Result) {
			sum += d.Count
		}
	}
	return sum
}

func (n naive) conclude(r *Report, life int) {
	gapsBefore, lifeBefore := n.gaps(n.m.Period.Previous(), n.m.FedBefore)
	for i, line := range r.Overview.Summary {
		if line.Previous != nil && len(gapsBefore) == 0 && lifeBefore > 0 {
			r.Overview.Summary[i].PreviousMean = mean(*line.Previous, lifeBefore)
		}
	}
	for _, m := range r.History {
		if r.EDR != nil && m.Period == r.Period.Previous() && len(gapsBefore) == 0 && lifeBefore > 0 {
			r.EDR.PreviousMean = mean(m.EDR, lifeBefore)
		}
	}
	all := n.points(*r, len(r.Gaps) > 0, len(gapsBefore) > 0)
	desk := n.result("virus", "uncleanable") + n.result("spyware", "noncleaned", "unsafe")
	r.Funnel = Funnel{
		Desk: desk, Restricted: r.Antivirus[4].Total,
		Handled: n.result("virus", "cleaned", "deleted", "quarantined", "renamed") + n.result("spyware", "cleaned"),
	}
	for i, f := range r.Antivirus {
		if i != 4 {
			r.Funnel.Detected += f.Total
		}
		if i > 1 && i != 4 {
			r.Funnel.Handled += f.Total
		}
	}
	n.asks(r, all)
	r.Points = limited(all)
	recent, ever := false, false
	for _, k := range n.keys() {
		_, found := n.snapshot(k, len(n.days)-1)
		recent, ever = recent || n.recently(k), ever || found
	}
	for _, f := range r.Antivirus {
		ever = ever || f.Total > 0
	}
	if !ever && r.Overview.Licences > 0 {
		r.Missing = append(r.Missing, "endpoints")
	} else if !recent {
		r.Missing = append(r.Missing, "snapshots")
	}
	if len(r.Gaps)*2 > life {
		r.Missing = append(r.Missing, "days")
	}
	r.Judgement = n.judgement(*r, all)
}

func (n naive) judgement(r Report, all []Point) Judgement {
	off := r.Agents.Off
	if r.Funnel.Desk+n.result("spyware", "reboot")+int64(len(off.RealtimeScan)) > 0 {
		return "action_required"
	}
	if len(r.Missing) > 0 {
		return "undetermined"
	}
	worry := len(r.Agents.Offline) + len(r.Agents.Outdated) + len(r.Agents.UnsupportedOS) + len(r.Gaps) +
		len(off.BehaviorMonitoring) + len(off.MachineLearning) + len(off.WebReputation) + len(off.EDR) + int(n.result("virus", "passed"))
	for _, p := range all {
		if p.Kind == "open_events" || p.Kind == "concentration" && p.Feature != "url_filtering" {
			worry++
		}
	}
	for _, k := range n.keys() {
		if n.installedOn(k, len(n.days)-1) && !n.recently(k) {
			worry++
		}
	}
	installed := r.Protection.Installed
	if worry > 0 || r.Overview.Licences > 0 && (installed > r.Overview.Licences || installed == 0) {
		return "attention"
	}
	return "good"
}

var importance = strings.Fields("to_confirm restart not_handled ransomware unprotected open_events offline outdated unsupported concentration change holiday weekday usage")

var sections = strings.Fields("overview virus spyware web_reputation behavior_monitoring url_filtering network_virus events agents")

func sectionOf(p Point) int {
	section := string(p.Feature)
	switch p.Kind {
	case "usage", "ransomware":
		section = "overview"
	case "open_events":
		section = "events"
	case "offline", "outdated", "unprotected", "unsupported":
		section = "agents"
	}
	return slices.Index(sections, section)
}

// limited keeps the most important points: three of a section, twelve in all, and orders them as printed.
func limited(all []Point) []Point {
	var kept [9][]Point
	left := 12
	for _, kind := range importance {
		for _, p := range all {
			if at := sectionOf(p); string(p.Kind) == kind && len(kept[at]) < 3 && left > 0 {
				kept[at] = append(kept[at], p)
				left--
			}
		}
	}
	list := []Point{}
	return append(list, slices.Concat(kept[0], kept[1], kept[2], kept[3], kept[4], kept[5], kept[6], kept[7], kept[8])...)
}

func (n naive) points(r Report, gap, gapBefore bool) []Point {
	list := []Point{}
	for i, f := range sixFeatures {
		if f == "url_filtering" && !r.Overview.URLFiltering {
			continue
		}
		line, total := r.Overview.Summary[i], r.Antivirus[i].Total
		list = append(list, n.actionPoints(f)...)
		if p := n.concentration(f, total); p != nil {
			list = append(list, *p)
		}
		if line.Previous != nil && !gap && !gapBefore {
			diff := max(line.Current-*line.Previous, *line.Previous-line.Current)
			both := line.Current >= 10 && *line.Previous >= 10
			if diff >= 20 || both && big.NewRat(diff, *line.Previous).Cmp(big.NewRat(1, 5)) >= 0 {
				list = append(list, Point{Kind: "change", Feature: f, Percent: line.ChangePercent, Current: &line.Current, Previous: line.Previous})
			}
		}
		if !gap {
			list = append(list, n.rhythm(r.Antivirus[i])...)
		}
	}
	list = append(list, n.ransomware()...)
	a := r.Agents
	off := slices.Concat(a.Off.RealtimeScan, a.Off.BehaviorMonitoring, a.Off.MachineLearning, a.Off.WebReputation, a.Off.EDR)
	for _, p := range []Point{
		{Kind: "unprotected", Endpoints: off, Count: int64(a.Counts.Unprotected)},
		{Kind: "offline", Endpoints: a.Offline, Count: int64(len(a.Offline))},
		{Kind: "outdated", Endpoints: a.Outdated, Count: int64(len(a.Outdated))},
		{Kind: "unsupported", Endpoints: a.Unsupported, Count: int64(len(a.Unsupported))},
	} {
		if len(p.Endpoints) > 0 {
			if p.Kind == "unprotected" {
				p.Endpoints = unique(p.Endpoints)
			}
			list = append(list, p)
		}
	}
	if r.EDR != nil {
		list = append(list, n.openEvents()...)
	}
	if u := r.Overview.UsagePercent; u != nil {
		used := big.NewRat(int64(r.Protection.Installed), int64(r.Overview.Licences))
		if used.Cmp(big.NewRat(1, 2)) < 0 || used.Cmp(big.NewRat(9, 10)) > 0 {
			list = append(list, Point{Kind: "usage", Percent: u})
		}
	}
	return list
}

func unique(names []string) (list []string) {
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return list
}

func (n naive) actionPoints(f store.Feature) (list []Point) {
	table := map[store.Feature]string{"virus": virusTable, "spyware": spywareTable}[f]
	for _, kind := range [][2]string{{"to_confirm", "uncleanable noncleaned unsafe"}, {"restart", "reboot"}, {"not_handled", "passed"}} {
		p := Point{Kind: PointKind(kind[0]), Feature: f}
		names := rank(3, func(add func(string, int64)) {
			for _, d := range n.of(f) {
				if slices.Contains(strings.Fields(kind[1]), d.Result) && slices.Contains(strings.Fields(table), d.Result) {
					add(d.Name, d.Count)
					p.Count += d.Count
					p.Endpoints = append(p.Endpoints, n.host(d))
					p.From, p.To = n.span(p.From, p.To, d)
				}
			}
		})
		for _, name := range names {
			p.Names = append(p.Names, name.Name)
		}
		if p.Endpoints = unique(p.Endpoints); p.Count > 0 {
			list = append(list, p)
		}
	}
	return list
}

func (n naive) ransomware() []Point {
	p := Point{Kind: "ransomware"}
	results := rank(-1, func(add func(string, int64)) {
		for _, f := range sixFeatures {
			table := strings.Fields(map[store.Feature]string{"virus": virusTable, "spyware": spywareTable}[f])
			for _, d := range n.of(f) {
				says := false
				for _, prefix := range n.opts.Families {
					says = says || strings.HasPrefix(strings.ToLower(d.Name), strings.ToLower(prefix))
				}
				if !says {
					continue
				}
				p.Count += d.Count
				p.Endpoints = append(p.Endpoints, n.host(d))
				p.From, p.To = n.span(p.From, p.To, d)
				if slices.Contains(table, d.Result) {
					add(d.Result, d.Count)
				} else if len(table) > 0 {
					add("unknown", d.Count)
				}
			}
		}
	})
	for _, result := range results {
		p.Results = append(p.Results, ResultCount{result.Name, result.Count})
	}
	if p.Endpoints = unique(p.Endpoints); p.Count == 0 {
		return nil
	}
	return []Point{p}
}

func (n naive) openEvents() []Point {
	p := Point{Kind: "open_events"}
	var newest *store.EDREvent
	for _, e := range n.events() {
		if e.Status == "closed" {
			continue
		}
		p.Count++
		if newest == nil || e.Time.After(newest.Time) || e.Time.Equal(newest.Time) && e.ID < newest.ID {
			newest = &e
		}
	}
	if newest == nil {
		return nil
	}
	p.Newest = &Newest{At: newest.Time.In(n.m.Location).Format(time.RFC3339Nano), Endpoint: n.shown(keysOf(*newest)[0])}
	var objects []string
	for _, o := range newest.Objects {
		if o.Name != "" {
			objects = append(objects, o.Name)
		}
	}
	if len(objects) > 0 {
		p.Newest.Object = slices.Min(objects)
	}
	return []Point{p}
}

// concentration tries one, two and three machines.
func (n naive) concentration(f store.Feature, total int64) *Point {
	all := n.rankMachines(-1, func(add func(string, int64)) {
		for _, d := range n.of(f) {
			add(key(d.EndpointID, d.Endpoint), d.Count)
		}
	})
	for named := 1; named <= 3 && named <= len(all) && total >= 30; named++ {
		p := Point{Kind: "concentration", Feature: f}
		var held int64
		for _, e := range all[:named] {
			held += e.Count
			p.Endpoints = append(p.Endpoints, e.Name)
		}
		cut := named < len(all) && all[named].Count == all[named-1].Count // an equal would be left out
		share, even := big.NewRat(held, total), big.NewRat(int64(named), int64(len(all)))
		if !cut && share.Cmp(big.NewRat(1, 2)) >= 0 && share.Cmp(even.Mul(even, big.NewRat(3, 1))) >= 0 {
			p.Percent = rate(held, total)
			return &p
		}
	}
	return nil
}

func (n naive) rhythm(f Feature) (list []Point) {
	with := 0
	for _, d := range f.Trend {
		if d.Count > 0 {
			with++
		}
	}
	if f.Total < 20 || with < 5 {
		return nil
	}
	half := big.NewRat(3, 2)
	working, resting := n.means(f.Trend)
	if working.Cmp(new(big.Rat).Mul(resting, half)) >= 0 {
		list = append(list, n.busiest(f))
	}
	if resting.Cmp(new(big.Rat).Mul(working, half)) >= 0 {
		list = append(list, Point{Kind: "holiday", Feature: f.Feature})
	}
	return list
}

func isFree(day string) bool {
	date, err := time.Parse("2006-01-02", day)
	if err != nil {
		panic(err)
	}
	return date.Weekday() == 0 || date.Weekday() == 6 || strings.Contains(officialHolidays, day)
}

func (n naive) means(trend []DayCount) (working, resting *big.Rat) {
	var days, counts [2]int64
	for _, d := range trend {
		kind := 0
		if isFree(string(d.Day)) {
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
		working := 0
		for i := range 5 {
			for _, d := range f.Trend {
				if string(d.Day) == monday.AddDate(0, 0, i).Format("2006-01-02") {
					week = append(week, d)
					count += d.Count
					if !isFree(string(d.Day)) {
						working++
					}
				}
			}
		}
		if working >= 3 && count > most {
			most, p.From, p.To = count, week[0].Day, week[len(week)-1].Day
		}
	}
	return p
}

// asks lists the machines with marks.
func (n naive) asks(r *Report, all []Point) {
	r.Asks = []Ask{}
	if l, i := r.Overview.Licences, r.Protection.Installed; l > 0 && i > l {
		r.Asks = append(r.Asks, Ask{Marks: []Mark{{Kind: "over"}}})
	} else if l > 0 && i == 0 && r.Overview.Inventory {
		r.Asks = append(r.Asks, Ask{Marks: []Mark{{Kind: "no_endpoints"}}})
	}
	marked := n.marked()
	for _, k := range n.keys() {
		ask := Ask{Endpoint: n.shown(k)}
		for _, kind := range []MarkKind{
			"uncleanable", "noncleaned", "unsafe", "reboot", "realtime_scan", "offline", "unseen", "outdated", "behavior_monitoring",
			"machine_learning", "web_reputation", "edr", "unsupported_os", "concentration",
		} {
			mark, met := n.detectionMark(kind, k)
			if slices.Contains(marked[kind], k) {
				met = true
			}
			if kind == "unsupported_os" && met {
				mark.OS = n.system(k)
			}
			if kind == "concentration" {
				mark.Features, met = n.crowding(k, all)
			}
			if met {
				ask.Marks = append(ask.Marks, mark)
				grave := slices.Contains([]MarkKind{"uncleanable", "noncleaned", "unsafe", "reboot", "realtime_scan"}, kind)
				ask.Grave = ask.Grave || grave
			}
		}
		if len(ask.Marks) > 0 {
			r.Asks = append(r.Asks, ask)
		}
	}
	sort.SliceStable(r.Asks, func(i, j int) bool {
		a, b := r.Asks[i], r.Asks[j]
		return a.Grave && !b.Grave || a.Grave == b.Grave && a.Endpoint < b.Endpoint
	})
	r.Funnel.Asks = len(r.Asks)
}

func (n naive) detectionMark(kind MarkKind, k string) (mark Mark, met bool) {
	mark = Mark{Kind: kind}
	for _, f := range []store.Feature{"virus", "spyware"} {
		table := map[store.Feature]string{"virus": "uncleanable", "spyware": "noncleaned unsafe reboot"}[f]
		if !slices.Contains(strings.Fields(table), string(kind)) {
			continue
		}
		var rows []store.Detection
		for _, d := range n.of(f) {
			if d.Result == string(kind) {
				rows = append(rows, d)
			}
		}
		row, found := n.toConfirm(f, string(kind), k, rows)
		if !found {
			continue
		}
		mark.Feature, mark.Count, mark.From, mark.To, met = f, row.Count, row.From, row.To, true
		for _, name := range row.Names[:min(3, len(row.Names))] {
			mark.Names = append(mark.Names, name.Name)
		}
	}
	return mark, met
}

// crowding are the features whose detections concentrate on a machine: it has as many as the last
// one that the point names.
func (n naive) crowding(k string, all []Point) (features []store.Feature, met bool) {
	for _, p := range all {
		if p.Kind != "concentration" || p.Feature == "url_filtering" {
			continue
		}
		ranked := rank(-1, func(add func(string, int64)) {
			for _, d := range n.of(p.Feature) {
				add(key(d.EndpointID, d.Endpoint), d.Count)
			}
		})
		least := ranked[len(p.Endpoints)-1].Count
		if slices.ContainsFunc(ranked, func(e Ranked) bool { return e.Name == k && e.Count >= least }) {
			features, met = append(features, p.Feature), true
		}
	}
	return features, met
}
