package aggregate

import (
	"slices"
	"sort"
	"strings"
	"time"

	"geppo/store"
)

// snapshot is the newest one of a machine dated on day i or before, not older than its installation;
// of several of one day it is the worst that any says, seen at the latest time of any.
func (n naive) snapshot(k string, i int) (worst store.AgentStatus, found bool) {
	entries := n.entries(k)
	for _, s := range n.m.Statuses {
		if key(s.EndpointID, s.Endpoint) != k || string(s.Day) > n.days[i] {
			continue
		}
		if len(entries) > 0 && string(s.Day) < n.day(entries[0].InstalledAt) {
			continue
		}
		if len(entries) == 0 && string(s.Day) < n.days[0] {
			continue // not seen in the month
		}
		switch {
		case !found || s.Day > worst.Day:
			worst, found = s, true
		case s.Day == worst.Day:
			worst = worseOf(worst, s)
		}
	}
	return worst, found
}

func worseOf(a, b store.AgentStatus) store.AgentStatus {
	no := func(s store.AgentStatus) bool { return s.OSSupported != nil && !*s.OSSupported }
	flag := func(a, b *bool) *bool {
		switch {
		case a != nil && !*a, b != nil && !*b:
			return new(false)
		case a == nil || b == nil:
			return nil
		}
		return new(true)
	}
	state := func(a, b store.Protection) store.Protection {
		for _, p := range []store.Protection{"off", "unknown"} {
			if a == p || b == p {
				return p
			}
		}
		return "on"
	}
	// The system is that of the snapshot that says the worse of it, of equals the first in order.
	rank := func(s store.AgentStatus) int {
		switch {
		case no(s):
			return 2
		case s.OSSupported == nil:
			return 1
		}
		return 0
	}
	os := min(a.OS, b.OS)
	if os == "" {
		os = max(a.OS, b.OS)
	}
	if rank(a) > rank(b) {
		os = a.OS
	} else if rank(b) > rank(a) {
		os = b.OS
	}
	a.OS, a.OSSupported, a.PatternCurrent = os, flag(a.OSSupported, b.OSSupported), flag(a.PatternCurrent, b.PatternCurrent)
	if b.LastSeen.After(a.LastSeen) {
		a.LastSeen = b.LastSeen
	}
	p, q := &a.Protections, b.Protections
	p.RealtimeScan, p.BehaviorMonitoring = state(p.RealtimeScan, q.RealtimeScan), state(p.BehaviorMonitoring, q.BehaviorMonitoring)
	p.MachineLearning, p.WebReputation, p.EDR = state(p.MachineLearning, q.MachineLearning), state(p.WebReputation, q.WebReputation), state(p.EDR, q.EDR)
	return a
}

// there tells whether a machine counts on day i: it is installed, or it reports though the inventory
// does not have it, or has it no more.
func (n naive) there(k string, i int) bool {
	if n.installedOn(k, i) {
		return true
	}
	s, found := n.snapshot(k, i)
	if !found || string(s.Day) < n.days[0] {
		return false
	}
	entries := n.entries(k)
	if len(entries) == 0 {
		return true
	}
	left := entries[0].RemovedAt
	return entries[0].InstalledAt.Before(n.dayEnd(len(n.days)-1)) && !left.IsZero() && string(s.Day) > n.day(left)
}

// with are the machines that count on day i and whose snapshot is as asked.
func (n naive) with(i int, is func(store.AgentStatus) bool) (keys []string) {
	for _, k := range n.keys() {
		if s, found := n.snapshot(k, i); found && n.there(k, i) && is(s) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (n naive) names(keys []string) []string {
	names := []string{}
	for _, k := range keys {
		names = append(names, n.shown(k))
	}
	sort.Strings(names)
	return names
}

func (n naive) offline(i int) []string {
	return n.with(i, func(s store.AgentStatus) bool {
		limit := n.dayEnd(i).AddDate(0, 0, -14)
		return s.LastSeen.Before(limit) || s.LastSeen.Equal(limit)
	})
}

func isNo(b *bool) bool { return b != nil && !*b }

// recently tells whether a snapshot of the machine is dated within the period's last 14 days.
func (n naive) recently(k string) bool {
	s, found := n.snapshot(k, len(n.days)-1)
	return found && slices.Contains(n.days[len(n.days)-14:], string(s.Day))
}

// marked are the machines with each mark of the agents.
func (n naive) marked() map[MarkKind][]string {
	last := len(n.days) - 1
	off := func(state func(store.Protections) store.Protection) []string {
		return n.with(last, func(s store.AgentStatus) bool { return state(s.Protections) == "off" })
	}
	marked := map[MarkKind][]string{
		"offline":             n.offline(last),
		"outdated":            n.with(last, func(s store.AgentStatus) bool { return isNo(s.PatternCurrent) }),
		"unsupported_os":      n.with(last, func(s store.AgentStatus) bool { return isNo(s.OSSupported) }),
		"realtime_scan":       off(func(p store.Protections) store.Protection { return p.RealtimeScan }),
		"behavior_monitoring": off(func(p store.Protections) store.Protection { return p.BehaviorMonitoring }),
		"machine_learning":    off(func(p store.Protections) store.Protection { return p.MachineLearning }),
		"web_reputation":      off(func(p store.Protections) store.Protection { return p.WebReputation }),
	}
	if n.m.Contract.EDR {
		marked["edr"] = off(func(p store.Protections) store.Protection { return p.EDR })
	}
	for _, k := range n.keys() {
		if n.there(k, last) && !n.recently(k) && !slices.Contains(marked["offline"], k) {
			marked["unseen"] = append(marked["unseen"], k)
		}
	}
	return marked
}

func (n naive) agents(r *Report) {
	marked, a := n.marked(), &r.Agents
	list := func(kind MarkKind) ([]string, int) { return n.names(marked[kind]), len(marked[kind]) }
	a.Offline, a.Counts.Offline = list("offline")
	a.Unseen, a.Counts.Unseen = list("unseen")
	a.Outdated, a.Counts.Outdated = list("outdated")
	a.Unsupported, a.Counts.Unsupported = list("unsupported_os")
	a.Off.RealtimeScan, a.Counts.RealtimeScan = list("realtime_scan")
	a.Off.BehaviorMonitoring, a.Counts.BehaviorMonitoring = list("behavior_monitoring")
	a.Off.MachineLearning, a.Counts.MachineLearning = list("machine_learning")
	a.Off.WebReputation, a.Counts.WebReputation = list("web_reputation")
	a.Off.EDR, a.Counts.EDR = list("edr")
	a.UnsupportedOS = []OSCount{}
	for _, system := range rank(-1, func(add func(string, int64)) {
		for _, k := range marked["unsupported_os"] {
			add(n.system(k), 1)
		}
	}) {
		a.UnsupportedOS = append(a.UnsupportedOS, OSCount{system.Name, system.Count})
	}
	r.Outside = []string{}
	last := len(n.days) - 1
	for _, k := range n.keys() {
		off := false
		for _, kind := range []MarkKind{"realtime_scan", "behavior_monitoring", "machine_learning", "web_reputation", "edr"} {
			off = off || slices.Contains(marked[kind], k)
		}
		if off {
			a.Counts.Unprotected++
		}
		if len(n.entries(k)) == 0 {
			r.Outside = append(r.Outside, n.shown(k))
		}
		if n.installedOn(k, last) {
			r.Protection.Installed++
			if s, _ := n.snapshot(k, last); n.recently(k) && s.Protections.RealtimeScan == "on" {
				r.Protection.Confirmed++
			}
		}
	}
	sort.Strings(r.Outside)
}

func (n naive) system(k string) string {
	s, _ := n.snapshot(k, len(n.days)-1)
	os := s.OS
	if entries := n.entries(k); os == "" && len(entries) > 0 {
		os = entries[0].OS
	}
	if os == "" {
		os = "不明"
	}
	return os
}

func (n naive) events() (events []store.EDREvent) {
	for _, e := range n.m.Events {
		if slices.Contains(n.days, n.day(e.Time)) {
			events = append(events, e)
		}
	}
	return events
}

func (n naive) edr(a Agents) *EDR {
	r := &EDR{Objects: []Object{}, Status: []StatusCount{}, UnsupportedOS: a.UnsupportedOS, Off: a.Off}
	r.Offline.Endpoints, r.Outdated.Endpoints = a.Offline, a.Outdated
	events := n.events()
	for i, day := range n.days {
		trend := DayCount{Day: store.Day(day)}
		for _, e := range events {
			if n.day(e.Time) == day {
				trend.Count++
			}
		}
		outdated := n.with(i, func(s store.AgentStatus) bool { return isNo(s.PatternCurrent) })
		r.Trend = append(r.Trend, trend)
		r.Offline.Trend = append(r.Offline.Trend, DayCount{store.Day(day), int64(len(n.offline(i)))})
		r.Outdated.Trend = append(r.Outdated.Trend, DayCount{store.Day(day), int64(len(outdated))})
	}
	r.Total = int64(len(events))
	r.EndpointsTop = n.rankMachines(5, func(add func(string, int64)) {
		for _, e := range events {
			for _, k := range keysOf(e) {
				add(k, 1)
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
	r.Cases, r.CasesTotal = n.cases(events), len(events)
	return r
}

// cases are the first twenty: what is open before what is not, each the newest first, of equals by id.
func (n naive) cases(events []store.EDREvent) []Case {
	sort.SliceStable(events, func(i, j int) bool {
		a, b := events[i], events[j]
		if aClosed, bClosed := a.Status == "closed", b.Status == "closed"; aClosed != bClosed {
			return bClosed
		}
		if !a.Time.Equal(b.Time) {
			return a.Time.After(b.Time)
		}
		return a.ID < b.ID
	})
	list := []Case{}
	for i, e := range events {
		if i == 20 {
			break
		}
		c := Case{At: e.Time.In(n.m.Location).Format(time.RFC3339Nano), Status: e.Status, Endpoints: []string{}, Objects: []CaseObject{}}
		for _, key := range keysOf(e) {
			if name := n.shown(key); !slices.Contains(c.Endpoints, name) {
				c.Endpoints = append(c.Endpoints, name)
			}
		}
		sort.Strings(c.Endpoints)
		for _, o := range e.Objects {
			if !slices.Contains(c.Objects, CaseObject(o)) {
				c.Objects = append(c.Objects, CaseObject(o))
			}
		}
		sort.Slice(c.Objects, func(i, j int) bool {
			a, b := c.Objects[i], c.Objects[j]
			return a.Name+"\x00"+a.Type+"\x00"+a.Result < b.Name+"\x00"+b.Type+"\x00"+b.Result
		})
		c.Endpoints, c.Objects = c.Endpoints[:min(5, len(c.Endpoints))], c.Objects[:min(5, len(c.Objects))]
		list = append(list, c)
	}
	return list
}

// keysOf are an event's machines, each once.
func keysOf(e store.EDREvent) (keys []string) {
	for _, m := range e.Endpoints {
		if k := key(m.ID, m.Name); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
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
	machines := []string{}
	sight := func(o store.EDRObject, k string, when time.Time) {
		at := slices.IndexFunc(list, func(x Object) bool {
			return x.Name == o.Name && x.Type == o.Type && x.Endpoint == k && x.Result == o.Result
		})
		if at < 0 {
			list, seen, at = append(list, Object{Name: o.Name, Type: o.Type, Endpoint: k, Result: o.Result}), append(seen, when), len(list)
			machines = append(machines, k)
		}
		list[at].Count++
		if when.After(seen[at]) {
			seen[at] = when
		}
	}
	for _, e := range events {
		for i, o := range e.Objects {
			for _, k := range keysOf(e) {
				if !slices.Contains(e.Objects[:i], o) {
					sight(o, k, e.Time)
				}
			}
		}
	}
	for i := range list {
		list[i].Endpoint = n.shown(machines[i])
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

func (n naive) history(r *Report) {
	r.History = []MonthTotals{}
	for back := 11; back >= 1; back-- {
		want := time.Date(r.Period.Year, r.Period.Month-time.Month(back), 1, 0, 0, 0, 0, time.UTC)
		for _, m := range n.opts.History {
			if m.Period.Year == want.Year() && m.Period.Month == want.Month() && !m.Unfed {
				r.History = append(r.History, m)
			}
		}
	}
	a := r.Antivirus
	own := MonthTotals{
		Period: r.Period, Revision: r.Revision, Virus: a[0].Total, Spyware: a[1].Total, WebReputation: a[2].Total,
		BehaviorMonitoring: a[3].Total, URLFiltering: a[4].Total, NetworkVirus: a[5].Total,
	}
	if r.EDR != nil {
		own.EDR = r.EDR.Total
	}
	if own.Virus+own.Spyware+own.WebReputation+own.BehaviorMonitoring+own.URLFiltering+own.NetworkVirus+own.EDR == 0 {
		own.Unfed = true
		for _, day := range n.m.Coverage {
			own.Unfed = own.Unfed && day[:7] != store.Day(r.Period.String())
		}
	}
	r.History = append(r.History, own)
}
