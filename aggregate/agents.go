package aggregate

import (
	"cmp"
	"slices"

	"geppo/store"
)

// unknownOS stands for an operating system that neither snapshot nor inventory names.
const unknownOS = "不明"

// watchAgents fills in the agents' state at the period's end, and returns how many were offline
// and outdated on each day. The snapshot of a day is the newest one up to it, carried forward.
func (r *Report) watchAgents(m store.Month, cal *calendar) (offline, outdated []int64) {
	offline, outdated = make([]int64, len(cal.days)), make([]int64, len(cal.days))
	a := Agents{Offline: []string{}, Outdated: []string{}, Off: OffLists{[]string{}, []string{}, []string{}, []string{}, []string{}}}
	bySystem := map[string]int64{}
	snapshots := byEndpointAndDay(m.Statuses)
	installed, working := 0, 0
	for i := range m.Endpoints {
		e := &m.Endpoints[i]
		s := follow(e, of(e.Name, snapshots), cal, offline, outdated)
		last := len(cal.days) - 1
		if !cal.installed(e, last) {
			continue
		}
		installed++
		if s == nil {
			continue
		}
		a.add(e.Name, s, isOffline(s, cal, last), m.Contract.EDR)
		if isFalse(s.OSSupported) {
			bySystem[cmp.Or(s.OS, e.OS, unknownOS)]++
		}
		if s.Day >= cal.days[len(cal.days)-offlineDays] && s.Protections.RealtimeScan == store.On {
			working++
		}
	}
	a.sort()
	a.UnsupportedOS = []OSCount{}
	for _, system := range ranking(bySystem) {
		a.UnsupportedOS = append(a.UnsupportedOS, OSCount{system.Name, system.Count})
	}
	a.Working = installed > 0 && working == installed
	r.Agents = a
	return offline, outdated
}

// follow carries an endpoint's snapshots from day to day, counts the days on which it was offline
// or outdated, and returns the last snapshot, nil if there was none.
func follow(e *store.Endpoint, known []*store.AgentStatus, cal *calendar, offline, outdated []int64) (s *store.AgentStatus) {
	for day := range cal.days {
		for len(known) > 0 && known[0].Day <= cal.days[day] {
			s, known = known[0], known[1:]
		}
		if s == nil {
			continue
		}
		silent, old := isOffline(s, cal, day), isFalse(s.PatternCurrent)
		if !silent && !old || !cal.installed(e, day) {
			continue
		}
		if silent {
			offline[day]++
		}
		if old {
			outdated[day]++
		}
	}
	return s
}

// byEndpointAndDay sorts snapshots; the store gives them in that order already.
func byEndpointAndDay(statuses []store.AgentStatus) []*store.AgentStatus {
	sorted := make([]*store.AgentStatus, len(statuses))
	for i := range statuses {
		sorted[i] = &statuses[i]
	}
	slices.SortFunc(sorted, func(a, b *store.AgentStatus) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Day, b.Day))
	})
	return sorted
}

// of are the snapshots of one endpoint, by day.
func of(endpoint string, sorted []*store.AgentStatus) []*store.AgentStatus {
	from, _ := slices.BinarySearchFunc(sorted, endpoint, func(s *store.AgentStatus, name string) int {
		return cmp.Compare(s.Endpoint, name)
	})
	to := from
	for to < len(sorted) && sorted[to].Endpoint == endpoint {
		to++
	}
	return sorted[from:to]
}

func isOffline(s *store.AgentStatus, cal *calendar, day int) bool {
	return !s.LastSeen.After(cal.cutoffs[day])
}

// isFalse tells a reported no from a yes and from silence.
func isFalse(b *bool) bool { return b != nil && !*b }

// add lists an installed endpoint where its last snapshot puts it. Only a contract with the EDR
// option can have it off.
func (a *Agents) add(name string, s *store.AgentStatus, offline, withEDR bool) {
	for _, list := range []struct {
		met   bool
		names *[]string
	}{
		{offline, &a.Offline},
		{isFalse(s.PatternCurrent), &a.Outdated},
		{s.Protections.RealtimeScan == store.Off, &a.Off.RealtimeScan},
		{s.Protections.BehaviorMonitoring == store.Off, &a.Off.BehaviorMonitoring},
		{s.Protections.MachineLearning == store.Off, &a.Off.MachineLearning},
		{s.Protections.WebReputation == store.Off, &a.Off.WebReputation},
		{withEDR && s.Protections.EDR == store.Off, &a.Off.EDR},
	} {
		if list.met {
			*list.names = append(*list.names, name)
		}
	}
}

// sort puts all lists of names in code-point order.
func (a *Agents) sort() {
	slices.Sort(a.Offline)
	slices.Sort(a.Outdated)
	for _, names := range a.Off.lists() {
		slices.Sort(names)
	}
}

// lists are the five lists in the order of the report, realtime_scan first.
func (o *OffLists) lists() [5][]string {
	return [...][]string{o.RealtimeScan, o.BehaviorMonitoring, o.MachineLearning, o.WebReputation, o.EDR}
}
