package aggregate

import (
	"cmp"
	"slices"

	"geppo/store"
)

// overview is part 1 of the antivirus report.
func overview(m store.Month, cal *calendar, c *counts) Overview {
	o := Overview{Kind: m.Contract.Product, Licences: m.Contract.Licences, URLFiltering: m.Contract.URLFiltering}
	for i := range c.machines.list {
		e := &c.machines.list[i]
		o.Inventory = o.Inventory || e.known
		if e.installed>>(len(cal.days)-1)&1 == 0 {
			continue
		}
		switch classesByNumber[e.class] {
		case store.ClassDesktop:
			o.Installed.Desktop++
		case store.ClassServer:
			o.Installed.Server++
		case store.ClassMobile:
			o.Installed.Mobile++
		default:
			o.Installed.Unknown++
		}
	}
	if o.Licences > 0 && o.Inventory {
		o.UsagePercent = new(percent(int64(o.Installed.Total()), int64(o.Licences)))
	}
	before, compared := previous(m), hasPrevious(m)
	for i, p := range parts {
		line := SummaryLine{Feature: p.feature, Current: c.tallies[i].total}
		if compared {
			line.Previous = &before[i]
			if before[i] > 0 {
				line.ChangePercent = new(percent(line.Current-before[i], before[i]))
			}
		}
		o.Summary = append(o.Summary, line)
	}
	return o
}

// hasPrevious tells whether the contract had begun before the period.
func hasPrevious(m store.Month) bool { return m.Contract.Since < store.Day(m.Period.String()+"-01") }

// previous sums the month before for each part.
func previous(m store.Month) *[len(parts)]int64 {
	var sums [len(parts)]int64
	for _, row := range m.Previous {
		if at := partOf(row.Feature); at >= 0 {
			sums[at] += row.Count
		}
	}
	return &sums
}

// late counts the detections of the month before that its frozen report did not know.
func late(m store.Month, frozen *Report) int64 {
	if frozen == nil || !hasPrevious(m) {
		return 0
	}
	var n int64
	for _, before := range previous(m) {
		n += before
	}
	for _, f := range frozen.Antivirus {
		n -= f.Total
	}
	return max(0, n)
}

// gaps are the days of a period, within the contract's life, that an existing feed left out; life is
// how many days of the period that is.
func gaps(m store.Month, p store.Period, fed bool) (missing []store.Day, life int) {
	missing = []store.Day{}
	covered := make(map[store.Day]bool, len(m.Coverage))
	for _, day := range m.Coverage {
		covered[day] = true
	}
	for _, day := range p.Days() {
		if day < m.Contract.Since || m.Contract.Ends != "" && day > m.Contract.Ends {
			continue
		}
		life++
		if fed && !covered[day] {
			missing = append(missing, day)
		}
	}
	return missing, life
}

// HistoryMonths is how many months a history has at the most, the period included.
const HistoryMonths = 12

// historyBefore are those months before the period that count, the oldest first.
func historyBefore(p store.Period, known []MonthTotals) []MonthTotals {
	list := []MonthTotals{}
	for _, m := range known {
		if back := monthsBetween(m.Period, p); back > 0 && back < HistoryMonths && !m.Unfed {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b MonthTotals) int {
		return -cmp.Compare(monthsBetween(a.Period, p), monthsBetween(b.Period, p))
	})
	return list
}

// previousMeans spreads the month before over the days that the contract had in it. Of its events only the history tells.
func (r *Report) previousMeans(days int) {
	mean := func(n int64) *float64 { return new(percent(n, 100*int64(days))) }
	for i, line := range r.Overview.Summary {
		if line.Previous != nil {
			r.Overview.Summary[i].PreviousMean = mean(*line.Previous)
		}
	}
	if last := len(r.History) - 1; r.EDR != nil && last >= 0 && r.History[last].Period == r.Period.Previous() {
		r.EDR.PreviousMean = mean(r.History[last].EDR)
	}
}

func monthsBetween(from, to store.Period) int {
	return (to.Year-from.Year)*12 + int(to.Month) - int(from.Month)
}

// Totals are the report's own line of a history.
func (r *Report) Totals() MonthTotals { return r.History[len(r.History)-1] }

// totals make that line. A month without a detection is one of zeros if a feed came for a day of it, as Sum's is.
func (r *Report) totals(coverage []store.Day) MonthTotals {
	t := MonthTotals{Period: r.Period, Revision: r.Revision}
	for _, f := range r.Antivirus {
		t.add(f.Feature, f.Total)
	}
	if r.EDR != nil {
		t.EDR = r.EDR.Total
	}
	days := r.Period.Days()
	fed := func(day store.Day) bool { return day >= days[0] && day <= days[len(days)-1] }
	empty := MonthTotals{Period: r.Period, Revision: r.Revision}
	t.Unfed = t == empty && !slices.ContainsFunc(coverage, fed)
	return t
}

// Sum makes a line of a history of a month that has no frozen report, and that was fed.
func Sum(m store.MonthSums) MonthTotals {
	t := MonthTotals{Period: m.Period, EDR: m.Events}
	for _, s := range m.Features {
		t.add(s.Feature, s.Count)
	}
	return t
}

// Of is a feature's total.
func (t *MonthTotals) Of(f store.Feature) int64 {
	if total := t.of(f); total != nil {
		return *total
	}
	return 0
}

func (t *MonthTotals) add(f store.Feature, n int64) {
	if total := t.of(f); total != nil {
		*total += n
	}
}

// of is where a feature's total stands, nil for one that the report has not.
func (t *MonthTotals) of(f store.Feature) *int64 {
	switch f {
	case store.Virus:
		return &t.Virus
	case store.Spyware:
		return &t.Spyware
	case store.WebReputation:
		return &t.WebReputation
	case store.BehaviorMonitoring:
		return &t.BehaviorMonitoring
	case store.URLFiltering:
		return &t.URLFiltering
	case store.NetworkVirus:
		return &t.NetworkVirus
	}
	return nil
}
