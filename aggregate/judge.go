package aggregate

import "slices"

// Judgement is the one word at the top of the mail; templates have its Japanese.
type Judgement string

// The judgements, the gravest first.
const (
	ActionRequired Judgement = "action_required" // 要対応
	Undetermined   Judgement = "undetermined"    // 判定できません
	Attention      Judgement = "attention"       // 要注意
	Good           Judgement = "good"            // 良好
)

// Missing is what keeps a month from being judged.
type Missing string

// What can be missing.
const (
	MissingEndpoints Missing = "endpoints" // licences, and no endpoint has ever reported
	MissingSnapshots Missing = "snapshots" // no endpoint told of its state in the period's last 14 days
	MissingDays      Missing = "days"      // the feed left out more than half of the period
)

// judge finds the word. It looks at figures and never at lists, which may be cut.
func (r *Report) judge(c *counts, all []Point, seen int) Judgement {
	a := r.Agents.Counts
	switch {
	case r.Funnel.Desk > 0, c.resultCount(1, "reboot") > 0, a.RealtimeScan > 0:
		return ActionRequired
	case len(r.Missing) > 0:
		return Undetermined
	case r.worrying(c, all, seen):
		return Attention
	}
	return Good
}

func (r *Report) worrying(c *counts, all []Point, seen int) bool {
	a, o := r.Agents.Counts, &r.Overview
	off := a.BehaviorMonitoring + a.MachineLearning + a.WebReputation + a.EDR
	switch {
	case c.resultCount(0, passed) > 0,
		a.Offline+a.Outdated+a.Unsupported+off > 0,
		len(r.Gaps) > 0,
		seen < r.Protection.Installed,
		o.Licences > 0 && (o.Installed.Total() > o.Licences || o.Installed.Total() == 0):
		return true
	}
	return slices.ContainsFunc(all, func(p Point) bool {
		return p.Kind == PointOpenEvents || p.Kind == PointConcentration && isThreat(parts[partOf(p.Feature)].feature)
	})
}

// missing is what keeps the month from being judged; days is how many of the period the contract had.
func (r *Report) missing(ms *machines, cal *calendar, days int) []Missing {
	list := []Missing{}
	recent := slices.ContainsFunc(ms.agents, func(a agent) bool { return a.recent(cal) })
	ever := slices.ContainsFunc(ms.agents, func(a agent) bool { return a.has != 0 }) || r.Funnel.Detected+r.Funnel.Restricted > 0
	switch {
	case !ever && r.Overview.Licences > 0:
		list = append(list, MissingEndpoints)
	case !recent:
		list = append(list, MissingSnapshots)
	}
	if 2*len(r.Gaps) > days {
		list = append(list, MissingDays)
	}
	return list
}
