package aggregate

import "geppo/store"

// ProductName is a product as its reports print it: the name of the antivirus report and that of
// the EDR report (the reader's guide has the security package read 端末セキュリティ for both).
func ProductName(p store.Product) (antivirus, edr string) {
	if p == store.ProductSecurityPackage {
		return "端末セキュリティ", "端末セキュリティ"
	}
	return "おまかせアンチウイルス", "おまかせアンチウイルスEDRプラス"
}

// overview is part 1 of the antivirus report.
func overview(m store.Month, cal *calendar, c *counts) Overview {
	o := Overview{Licences: m.Contract.Licences, URLFiltering: m.Contract.URLFiltering}
	o.Product, o.EDRProduct = ProductName(m.Contract.Product)
	for i := range m.Endpoints {
		e := &m.Endpoints[i]
		if !cal.installed(e, len(cal.days)-1) {
			continue
		}
		switch knownClass(e.Class) {
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
	if o.Licences > 0 {
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

// gaps are the days of the period, within the contract's life, that an existing feed left out.
func gaps(m store.Month, cal *calendar) []store.Day {
	missing := []store.Day{}
	if !m.CoverageFed {
		return missing
	}
	fed := make(map[store.Day]bool, len(m.Coverage))
	for _, day := range m.Coverage {
		fed[day] = true
	}
	for _, day := range cal.days {
		ended := m.Contract.Ends != "" && day > m.Contract.Ends
		if !fed[day] && day >= m.Contract.Since && !ended {
			missing = append(missing, day)
		}
	}
	return missing
}
