package aggregate

import (
	"errors"
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
	History        []MonthTotals // of months before the period, as far as they are known
	Families       []string      // prefixes of names that say ransomware, whatever their capitals
}

// ErrRefused says that a month cannot be computed, however often it is tried.
var ErrRefused = errors.New("this month has no report")

// Compute makes the report of one month, whatever order its rows come in. It reads each kind of row
// once, and holds of them what the report needs: the memory it takes grows with the endpoints, and
// with neither detections nor snapshots. Rows outside the period are not counted, nor are features
// without a part. ErrRefused if the month lacks its zone or FrozenPrevious is not of this contract's month
// before; else it fails if reading fails.
func Compute(m store.MonthRows, opts Options) (Report, error) {
	r, err := compute(m, opts)
	if err != nil {
		return Report{}, fmt.Errorf("compute report of contract %s for %s: %w", m.Month.Contract.ID, m.Month.Period, err)
	}
	return r, nil
}

func compute(rows store.MonthRows, opts Options) (Report, error) {
	m := rows.Month
	if err := check(m, opts.FrozenPrevious); err != nil {
		return Report{}, err
	}
	cal := newCalendar(m.Period, m.Location)
	ms := newMachines(cal)
	c, v := newCounts(ms, len(cal.days), opts.Families), newEvents(ms, len(cal.days))
	if err := rows.Endpoints(func(e *store.Endpoint) { ms.enter(e, cal) }); err != nil {
		return Report{}, err
	}
	ms.settleNames()
	for _, read := range []func() error{
		func() error { return rows.Statuses(func(s *store.AgentStatus) { ms.snapshot(s, cal) }) },
		func() error { return rows.Detections(func(d *store.Detection) { c.add(d, cal) }) },
		func() error { return rows.Events(func(e *store.EDREvent) { v.add(e, cal) }) },
	} {
		if err := read(); err != nil {
			return Report{}, err
		}
	}
	r := Report{
		Contract: Contract{ID: m.Contract.ID, Name: m.Contract.Name, Brand: m.Contract.Brand},
		Period:   m.Period,
		Revision: max(1, opts.Revision),
		Timezone: m.Contract.Timezone,
		Holidays: cal.holidays,
		Late:     late(m, opts.FrozenPrevious),
	}
	r.Overview = overview(m, cal, c)
	for i := range parts {
		f, err := c.feature(i, cal, rows.Names)
		if err != nil {
			return Report{}, err
		}
		r.Antivirus = append(r.Antivirus, f)
	}
	r.History = historyBefore(m.Period, opts.History)
	r.conclude(m, cal, c, v)
	r.History = append(r.History, r.totals(m.Coverage))
	return r, nil
}

func check(m store.Month, frozen *Report) error {
	switch {
	case m.Location == nil:
		return fmt.Errorf("%w: the zone %q was not loaded", ErrRefused, m.Contract.Timezone)
	case m.Period.Month < 1 || m.Period.Month > 12:
		return fmt.Errorf("%w: there is no such month", ErrRefused)
	case frozen != nil && (frozen.Contract.ID != m.Contract.ID || frozen.Period != m.Period.Previous()):
		return fmt.Errorf("%w: the frozen report given for comparison is of contract %s for %s", ErrRefused, frozen.Contract.ID, frozen.Period)
	}
	return nil
}

// conclude adds what follows from the figures: the agents' lists, the asks, the points, the judgement.
func (r *Report) conclude(m store.Month, cal *calendar, c *counts, v *events) {
	ms, rows := c.machines, c.rows()
	marks := make([]markSet, len(ms.list))
	for n := range marks {
		marks[n] = ms.standing(n, cal, m.Contract.EDR)
	}
	order := ms.byNameOrder()
	r.Agents, r.Outside = ms.agentsOf(marks, order), ms.strangerNames(order)
	if m.Contract.EDR {
		offline, outdated := ms.trends(cal)
		r.EDR = v.report(cal, r.Agents, offline, outdated)
	}
	ms.forget()
	var life int
	r.Gaps, life = gaps(m, m.Period, m.CoverageFed)
	gapsBefore, lifeBefore := gaps(m, m.Period.Previous(), m.FedBefore)
	if len(gapsBefore) == 0 && lifeBefore > 0 {
		r.previousMeans(lifeBefore)
	}
	all := r.allPoints(cal, c, v, rows, len(gapsBefore) > 0)
	r.Points = printed(all)
	r.ToConfirm, r.Restart = c.toConfirm(rows, cal), c.restart(rows)
	found := c.marks(rows, marks, cal)
	r.Asks, r.Funnel.Asks = r.asks(ms, marks, order, found)
	r.funnel(c)
	var seen int
	r.Protection, seen = ms.protection(cal)
	r.Missing = r.missing(ms, cal, life)
	r.Judgement = r.judge(c, all, seen)
}

// funnel sums up what became of the detections.
func (r *Report) funnel(c *counts) {
	f := &r.Funnel
	for i, p := range parts {
		total := c.tallies[i].total
		switch {
		case !isThreat(p.feature):
			f.Restricted += total
			continue
		case p.results == nil:
			f.Handled += total // what these features find, they have blocked
		default:
			f.Handled += c.resultCount(i, handledResults...)
			f.Desk += c.resultCount(i, DeskResults...)
		}
		f.Detected += total
	}
}

// toConfirm is the desk's list.
func (c *counts) toConfirm(rows []row, cal *calendar) []ToConfirm {
	list := []ToConfirm{}
	for _, r := range rows {
		if slices.Contains(DeskResults, r.word()) && len(list) < maxListed {
			list = append(list, ToConfirm{
				Feature: parts[r.part].feature, Result: r.word(), Endpoint: c.machines.nameOf(r.machine), Count: r.count, Names: r.names,
				From: cal.days[r.first], To: cal.days[r.last],
			})
		}
	}
	return list
}

// restart are the endpoints to restart.
func (c *counts) restart(rows []row) []Ranked {
	sums := map[string]int64{}
	for _, r := range rows {
		if r.word() == "reboot" {
			sums[c.machines.nameOf(r.machine)] += r.count
		}
	}
	list := ranking(sums)
	return list[:min(len(list), maxListed)]
}

// marks adds the marks of the detections to those of the agents.
func (c *counts) marks(rows []row, marks []markSet, cal *calendar) map[int32][]Mark {
	found := map[int32][]Mark{}
	for _, r := range rows {
		if r.machine == noMachine || markOf(r.word()) == 0 {
			continue
		}
		marks[r.machine] |= markOf(r.word())
		found[r.machine] = append(found[r.machine], Mark{
			Kind: MarkKind(r.word()), Feature: parts[r.part].feature, Count: r.count,
			Names: namesOf(r.names[:min(len(r.names), namesInSentence)]), From: cal.days[r.first], To: cal.days[r.last],
		})
	}
	for n, features := range c.crowded {
		marks[n] |= markConcentration
		found[n] = append(found[n], Mark{Kind: MarkConcentration, Features: features})
	}
	return found
}
