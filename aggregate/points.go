package aggregate

import (
	"slices"
	"time"

	"geppo/store"
)

// enough is the total below which a feature's detections show no pattern.
const enough = 10

// points are the POINT sentences whose conditions hold, in the order of their kinds, within a kind
// in the order of the features.
func points(r *Report, cal *calendar, c *counts) []Point {
	list := []Point{}
	for _, line := range r.Overview.Summary {
		if line.ChangePercent != nil {
			list = append(list, Point{Kind: PointChange, Feature: line.Feature, Percent: line.ChangePercent})
		}
	}
	if r.Overview.UsagePercent != nil {
		list = append(list, Point{Kind: PointUsage, Percent: r.Overview.UsagePercent})
	}
	var weekdays, holidays []Point
	for i, p := range parts {
		t := &c.tallies[i]
		if point, ok := concentration(p.feature, c, t); ok {
			list = append(list, point)
		}
		switch rhythm(t, cal) {
		case PointWeekday:
			from, to := busiestWeek(t, cal)
			weekdays = append(weekdays, Point{Kind: PointWeekday, Feature: p.feature, From: from, To: to})
		case PointHoliday:
			holidays = append(holidays, Point{Kind: PointHoliday, Feature: p.feature})
		}
	}
	list = append(append(list, weekdays...), holidays...)
	return append(list, actionPoints(r)...)
}

// concentration names the fewest endpoints, three at most, that hold half of a feature's
// detections or more, if at least twice as many had any.
func concentration(f store.Feature, c *counts, t *tally) (Point, bool) {
	if t.total < enough {
		return Point{}, false
	}
	first, endpoints := newLeaders(3), 0
	for number, at := range t.places {
		if at.all() > 0 {
			endpoints++
			first.add(c.endpoints[number], at.all())
		}
	}
	var held int64
	var names []string
	for _, line := range first.lines {
		held += line.Count
		names = append(names, line.Name)
		if 2*len(names) <= endpoints && held >= t.total-held {
			return Point{Kind: PointConcentration, Feature: f, Endpoints: names, Percent: new(percent(held, t.total))}, true
		}
	}
	return Point{}, false
}

// rhythm is PointWeekday if a working day's mean is at least 1.5 times that of a free day,
// PointHoliday for the reverse, else "". A mean of 0 on the other side counts as met; both sides
// cannot be 0 since there are enough detections.
func rhythm(t *tally, cal *calendar) PointKind {
	if t.total < enough {
		return ""
	}
	var worked, free struct{ days, count int64 }
	for day, n := range t.days {
		side := &worked
		if cal.free[day] {
			side = &free
		}
		side.days++
		side.count += n
	}
	// worked.count/worked.days ≥ 1.5 × free.count/free.days, without dividing.
	working, resting := worked.count*free.days, free.count*worked.days
	switch {
	case 2*working >= 3*resting:
		return PointWeekday
	case 2*resting >= 3*working:
		return PointHoliday
	}
	return ""
}

// busiestWeek is the Monday to Friday with the most detections, public holidays included, as far
// as it lies in the period; the earliest of equals.
func busiestWeek(t *tally, cal *calendar) (from, to store.Day) {
	best := int64(-1)
	for day := 0; day < len(cal.days); day++ {
		if weekend(cal.weekdays[day]) {
			continue
		}
		first, count := day, t.days[day]
		for day+1 < len(cal.days) && !weekend(cal.weekdays[day+1]) {
			day++
			count += t.days[day]
		}
		if count > best {
			best, from, to = count, cal.days[first], cal.days[day]
		}
	}
	return from, to
}

func weekend(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday }

// actionPoints are those that ask the reader for something. The agents' points belong to the EDR
// report.
func actionPoints(r *Report) []Point {
	var list []Point
	var unhandled, restarts int64
	var affected, restart []string
	for _, row := range r.ToConfirm {
		unhandled += row.Count
		affected = append(affected, row.Endpoint)
	}
	for _, row := range r.Restart {
		restarts += row.Count
		restart = append(restart, row.Name)
	}
	if unhandled > 0 {
		list = append(list, Point{Kind: PointToConfirm, Endpoints: distinct(affected), Count: unhandled})
	}
	if restarts > 0 {
		list = append(list, Point{Kind: PointRestart, Endpoints: distinct(restart), Count: restarts})
	}
	if r.EDR == nil {
		return list
	}
	lists := r.Agents.Off.lists()
	for _, p := range []struct {
		kind  PointKind
		names []string
	}{
		{PointOffline, r.Agents.Offline},
		{PointOutdated, r.Agents.Outdated},
		{PointUnprotected, distinct(slices.Concat(lists[:]...))},
	} {
		if len(p.names) > 0 {
			list = append(list, Point{Kind: p.kind, Endpoints: p.names, Count: int64(len(p.names))})
		}
	}
	return list
}

// distinct sorts names in code-point order and drops repeats.
func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// judge finds the word at the top of the mail.
func judge(r *Report) Judgement {
	a := &r.Agents
	lists := a.Off.lists()
	concentrated := slices.ContainsFunc(r.Points, func(p Point) bool { return p.Kind == PointConcentration })
	overrun := r.Overview.Licences > 0 && r.Overview.Installed.Total() > r.Overview.Licences
	switch {
	case len(r.ToConfirm) > 0, len(r.Restart) > 0, len(a.Off.RealtimeScan) > 0:
		return ActionRequired
	case len(a.Offline) > 0, len(a.Outdated) > 0, len(slices.Concat(lists[:]...)) > 0,
		len(a.UnsupportedOS) > 0, overrun, len(r.Gaps) > 0, concentrated:
		return Attention
	}
	return Good
}
