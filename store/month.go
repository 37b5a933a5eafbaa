package store

import (
	"cmp"
	"slices"
)

// NameCount is how many detections had one name.
type NameCount struct {
	Name  string
	Count int64
}

// MonthRows is a month whose rows are read while it is computed, because a broken feed can give a
// contract millions of them: held in memory, one such month would take down the daemon that all
// others need. A row is lent for the call only. The functions may be called in any order, again, and
// only as long as whoever gave them out says.
type MonthRows struct {
	Month      Month // without endpoints, statuses, detections and events
	Endpoints  func(use func(*Endpoint)) error
	Statuses   func(use func(*AgentStatus)) error
	Detections func(use func(*Detection)) error
	Events     func(use func(*EDREvent)) error // the newest first
	// Names is the beginning of a feature's ranking by name, for whoever met too many names to count.
	Names func(f Feature, limit int) ([]NameCount, error)
}

// Rows gives out the rows of a month that is held.
func (m Month) Rows() MonthRows {
	head := m
	head.Endpoints, head.Statuses, head.Detections, head.Events = nil, nil, nil, nil
	return MonthRows{
		Month:      head,
		Endpoints:  lend(m.Endpoints),
		Statuses:   lend(m.Statuses),
		Detections: lend(m.Detections),
		Events: lend(slices.SortedStableFunc(slices.Values(m.Events), func(a, b EDREvent) int {
			return b.Time.Compare(a.Time)
		})),
		Names: m.names,
	}
}

func lend[T any](rows []T) func(func(*T)) error {
	return func(use func(*T)) error {
		for i := range rows {
			use(&rows[i])
		}
		return nil
	}
}

func (m Month) names(f Feature, limit int) ([]NameCount, error) {
	start, end := m.Period.Bounds(m.Location)
	sums := map[string]int64{}
	for i := range m.Detections {
		if d := &m.Detections[i]; d.Feature == f && !d.Time.Before(start) && d.Time.Before(end) {
			sums[d.Name] += d.Count
		}
	}
	list := make([]NameCount, 0, len(sums))
	for name, n := range sums {
		list = append(list, NameCount{name, n})
	}
	slices.SortFunc(list, func(a, b NameCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(limit, len(list))], nil
}

// Hold reads all rows into memory.
func (r MonthRows) Hold() (Month, error) {
	m := r.Month
	for _, read := range []func() error{
		func() error { return r.Endpoints(func(e *Endpoint) { m.Endpoints = append(m.Endpoints, *e) }) },
		func() error { return r.Statuses(func(s *AgentStatus) { m.Statuses = append(m.Statuses, *s) }) },
		func() error { return r.Detections(func(d *Detection) { m.Detections = append(m.Detections, *d) }) },
		func() error { return r.Events(func(e *EDREvent) { m.Events = append(m.Events, *e) }) },
	} {
		if err := read(); err != nil {
			return Month{}, err
		}
	}
	slices.Reverse(m.Events)
	return m, nil
}
