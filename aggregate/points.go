package aggregate

import (
	"cmp"
	"slices"
	"time"

	"geppo/store"
)

// The conditions of the points. A few detections show no pattern, and a mail that finds one in them
// is not believed when it matters.
const (
	changeFrom      = 10 // detections in both months, for a rate to say something
	changePercent   = 20
	changeBy        = 20 // or this many more or fewer
	concentrated    = 30 // detections
	concentratedOn  = 3  // endpoints named at the most
	rhythmFrom      = 20 // detections
	rhythmDays      = 5  // with detections
	workingWeek     = 3  // working days, for a week to be the busiest
	usageLow        = 50 // percent
	usageHigh       = 90
	namesInSentence = 3
)

// allPoints are the points whose conditions hold, in the order of their importance, within a kind in
// that of the parts. gapBefore tells of a gap in the month before.
func (r *Report) allPoints(cal *calendar, c *counts, v *events, rows []row, gapBefore bool) []Point {
	var list []Point
	for i, p := range parts {
		if p.feature == store.URLFiltering && !r.Overview.URLFiltering {
			continue // its part says 設定されていません
		}
		t, gap := &c.tallies[i], len(r.Gaps) > 0
		list = append(list, c.actionPoints(i, rows, cal)...)
		if point, ok := c.concentration(p.feature, t); ok {
			list = append(list, point)
		}
		if point, ok := change(r.Overview.Summary[i]); ok && !gap && !gapBefore {
			list = append(list, point)
		}
		if point, ok := rhythm(p.feature, t, cal); ok && !gap {
			list = append(list, point)
		}
	}
	list = append(list, r.agentPoints()...)
	if c.ransom.found.count > 0 {
		list = append(list, c.ransomware(cal))
	}
	if r.EDR != nil && v.open > 0 {
		list = append(list, v.openPoint(cal.loc))
	}
	if p := r.Overview.UsagePercent; p != nil && usageTells(&r.Overview) {
		list = append(list, Point{Kind: PointUsage, Percent: p})
	}
	slices.SortStableFunc(list, func(a, b Point) int {
		return cmp.Compare(slices.Index(pointOrder, a.Kind), slices.Index(pointOrder, b.Kind))
	})
	return list
}

// printed are the points that there is room for, by section and then by importance.
func printed(all []Point) []Point {
	list, full := []Point{}, map[int]int{}
	for _, p := range all {
		if at := p.section(); full[at] < pointsOfSection && len(list) < pointsOfReport {
			full[at]++
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b Point) int { return cmp.Compare(a.section(), b.section()) })
	return list
}

// isThreat tells the features that find threats from the URL filter, which keeps a company's rules.
func isThreat(f store.Feature) bool { return f != store.URLFiltering }

func usageTells(o *Overview) bool {
	installed, licences := o.Installed.Total()*100, o.Licences
	return installed < usageLow*licences || installed > usageHigh*licences
}

// change compares a feature with the month before.
func change(line SummaryLine) (Point, bool) {
	if line.Previous == nil {
		return Point{}, false
	}
	by := max(line.Current-*line.Previous, *line.Previous-line.Current)
	rate := min(line.Current, *line.Previous) >= changeFrom && 100*by >= changePercent**line.Previous
	if !rate && by < changeBy {
		return Point{}, false
	}
	return Point{
		Kind: PointChange, Feature: line.Feature, Percent: line.ChangePercent, Current: new(line.Current), Previous: new(*line.Previous),
	}, true
}

// concentration names the fewest machines, three at most, that hold half of a feature's detections or
// more, and three times what they would if all machines that had any had the same. Of machines with
// equal counts it names all or none: to name one would be a guess.
func (c *counts) concentration(f store.Feature, t *tally) (Point, bool) {
	if t.total < concentrated {
		return Point{}, false
	}
	first, with := newLeaders(concentratedOn+1), int64(0)
	for n := range t.reach() {
		if count := t.of(n); count > 0 {
			with++
			first.add(c.machines.list[n].name, count)
		}
	}
	var held int64
	var names []string
	for i, line := range first.lines[:min(len(first.lines), concentratedOn)] {
		held += line.Count
		names = append(names, line.Name)
		if i+1 < len(first.lines) && first.lines[i+1].Count == line.Count {
			continue
		}
		if 2*held >= t.total && held*with >= 3*int64(len(names))*t.total {
			c.crowd(f, t, line.Count)
			return Point{Kind: PointConcentration, Feature: f, Endpoints: names, Percent: new(percent(held, t.total))}, true
		}
	}
	return Point{}, false
}

// crowd marks the machines that have at least so many of a threat feature's detections.
func (c *counts) crowd(f store.Feature, t *tally, least int64) {
	for n := range t.reach() {
		if isThreat(f) && t.of(n) >= least {
			c.crowded[int32(n)] = append(c.crowded[int32(n)], f)
		}
	}
}

// rhythm is PointWeekday if a working day's mean is at least 1.5 times that of a free day,
// PointHoliday for the reverse. A mean of 0 on the other side counts as met; both sides cannot be 0
// since there are enough detections.
func rhythm(f store.Feature, t *tally, cal *calendar) (Point, bool) {
	var worked, free struct{ days, count int64 }
	with := 0
	for day, n := range t.days {
		side := &worked
		if cal.free[day] {
			side = &free
		}
		side.days++
		side.count += n
		if n > 0 {
			with++
		}
	}
	// worked.count/worked.days ≥ 1.5 × free.count/free.days, without dividing.
	working, resting := worked.count*free.days, free.count*worked.days
	switch {
	case t.total < rhythmFrom || with < rhythmDays:
		return Point{}, false
	case 2*working >= 3*resting:
		from, to := busiestWeek(t, cal)
		return Point{Kind: PointWeekday, Feature: f, From: from, To: to}, true
	case 2*resting >= 3*working:
		return Point{Kind: PointHoliday, Feature: f}, true
	}
	return Point{}, false
}

// busiestWeek is the Monday to Friday with the most detections, public holidays included, as far
// as it lies in the period and has at least three working days there; the earliest of equals.
func busiestWeek(t *tally, cal *calendar) (from, to store.Day) {
	best := int64(-1)
	for day := 0; day < len(cal.days); day++ {
		if weekend(cal.weekdays[day]) {
			continue
		}
		first, count, working := day, int64(0), 0
		for ; day < len(cal.days) && !weekend(cal.weekdays[day]); day++ {
			count += t.days[day]
			if !cal.free[day] {
				working++
			}
		}
		if count > best && working >= workingWeek {
			best, from, to = count, cal.days[first], cal.days[day-1]
		}
	}
	return from, to
}

func weekend(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday }

// actionPoints are those of a part's results after which something is left to do.
func (c *counts) actionPoints(i int, rows []row, cal *calendar) (list []Point) {
	for _, kind := range []struct {
		point   PointKind
		results []string
	}{
		{PointToConfirm, DeskResults}, {PointRestart, []string{"reboot"}}, {PointNotHandled, []string{passed}},
	} {
		n := c.resultCount(i, kind.results...)
		if n == 0 {
			continue
		}
		p := Point{Kind: kind.point, Feature: parts[i].feature, Count: n}
		names, days := map[string]int64{}, found{}
		for _, r := range rows {
			if int(r.part) != i || !slices.Contains(kind.results, r.word()) {
				continue
			}
			if r.machine != noMachine {
				p.Endpoints = append(p.Endpoints, c.machines.nameOf(r.machine))
			}
			for _, name := range r.names {
				names[name.Name] += name.Count
			}
			days.add(1, r.first)
			days.add(1, r.last)
		}
		p.Endpoints = distinct(p.Endpoints)
		p.Names = namesOf(leading(names, namesInSentence))
		if days.count > 0 {
			p.From, p.To = cal.days[days.first], cal.days[days.last]
		}
		list = append(list, p)
	}
	return list
}

func (c *counts) ransomware(cal *calendar) Point {
	p := Point{
		Kind: PointRansomware, Count: c.ransom.found.count,
		From: cal.days[c.ransom.found.first], To: cal.days[c.ransom.found.last],
	}
	for n := range c.ransom.machines {
		p.Endpoints = append(p.Endpoints, c.machines.nameOf(n))
	}
	p.Endpoints = distinct(p.Endpoints)
	for _, r := range ranking(c.ransom.results) {
		p.Results = append(p.Results, ResultCount{r.Name, r.Count})
	}
	return p
}

// agentPoints are about the agents' state at the period's end.
func (r *Report) agentPoints() (list []Point) {
	a := &r.Agents
	off := a.Off.lists()
	for _, p := range []struct {
		kind  PointKind
		names []string
		count int
	}{
		{PointUnprotected, distinct(slices.Concat(off[:]...)), a.Counts.Unprotected},
		{PointOffline, a.Offline, a.Counts.Offline},
		{PointOutdated, a.Outdated, a.Counts.Outdated},
		{PointUnsupported, a.Unsupported, a.Counts.Unsupported},
	} {
		if p.count > 0 {
			list = append(list, Point{Kind: p.kind, Endpoints: p.names, Count: int64(p.count)})
		}
	}
	return list
}

// lists are the five lists in the order of the report, realtime_scan first.
func (o *OffLists) lists() [5][]string {
	return [...][]string{o.RealtimeScan, o.BehaviorMonitoring, o.MachineLearning, o.WebReputation, o.EDR}
}

// distinct sorts names in code-point order, drops repeats and keeps as many as a report lists.
func distinct(names []string) []string {
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxListed)]
}

func namesOf(ranked []Ranked) (names []string) {
	for _, r := range ranked {
		names = append(names, r.Name)
	}
	return names
}
