package aggregate

import (
	"cmp"
	"slices"
)

// MarkKind is something that a reader is asked about.
type MarkKind string

// markSet is what one machine has of the marks, a bit for each.
type markSet uint32

const (
	markUncleanable markSet = 1 << iota
	markNoncleaned
	markUnsafe
	markReboot
	markRealtimeScan
	markOffline
	markUnseen
	markOutdated
	markBehaviorMonitoring
	markMachineLearning
	markWebReputation
	markEDR
	markUnsupportedOS
	markConcentration

	offMarks   = markRealtimeScan | markBehaviorMonitoring | markMachineLearning | markWebReputation | markEDR
	graveMarks = markUncleanable | markNoncleaned | markUnsafe | markReboot | markRealtimeScan
)

// Marks names the marks in the order in which an ask lists them: those of the bits of markSet, then
// those of a contract as a whole.
var Marks = []MarkKind{
	"uncleanable", "noncleaned", "unsafe", "reboot", "realtime_scan", "offline", "unseen", "outdated",
	"behavior_monitoring", "machine_learning", "web_reputation", "edr", "unsupported_os", MarkConcentration,
	MarkOver, MarkNoEndpoints,
}

// Marks that follow from more than one figure: the last two are of an ask that names no endpoint.
const (
	MarkConcentration MarkKind = "concentration" // detections crowd on few endpoints
	MarkOver          MarkKind = "over"          // more endpoints installed than licences bought
	MarkNoEndpoints   MarkKind = "no_endpoints"  // licences and no endpoint installed
)

// Ask is what the reader is asked of one machine, all of it together, or of the contract.
type Ask struct {
	Endpoint string `json:"endpoint,omitempty"` // "" for the contract as a whole
	Grave    bool   `json:"grave"`              // one of its marks makes the judgement 要対応
	Marks    []Mark `json:"marks"`
}

// markOf is the mark of a result that somebody has to act on, 0 of any other. A detection that was left
// alone (passed) asks nothing of the reader; it is told as a point, and keeps the month from being good.
func markOf(result string) markSet {
	switch result {
	case "uncleanable":
		return markUncleanable
	case "noncleaned":
		return markNoncleaned
	case "unsafe":
		return markUnsafe
	case "reboot":
		return markReboot
	}
	return 0
}

// asks are the machines with marks, the gravest first, then by name; what is asked of the contract as a
// whole leads those that are not grave. total counts those that the list is too short for as well.
func (r *Report) asks(ms *machines, marks []markSet, order []int32, found map[int32][]Mark) (list []Ask, total int) {
	list = []Ask{}
	var asked []int32
	for _, n := range order {
		if marks[n] != 0 {
			asked = append(asked, n)
		}
	}
	contract := r.contractMarks()
	total = len(contract) + len(asked)
	slices.SortStableFunc(asked, func(a, b int32) int {
		return compareBool(marks[b]&graveMarks != 0, marks[a]&graveMarks != 0)
	})
	for _, n := range asked[:min(len(asked), maxListed)] {
		ask := Ask{Endpoint: ms.list[n].name, Grave: marks[n]&graveMarks != 0, Marks: found[n]}
		for i, kind := range Marks {
			if set := marks[n] & (1 << i); set != 0 && !slices.ContainsFunc(ask.Marks, func(m Mark) bool { return m.Kind == kind }) {
				mark := Mark{Kind: kind}
				if set == markUnsupportedOS {
					mark.OS = ms.systemOf(n)
				}
				ask.Marks = append(ask.Marks, mark)
			}
		}
		slices.SortStableFunc(ask.Marks, func(a, b Mark) int {
			return cmp.Compare(slices.Index(Marks, a.Kind), slices.Index(Marks, b.Kind))
		})
		list = append(list, ask)
	}
	grave := slices.IndexFunc(append(list, Ask{}), func(a Ask) bool { return !a.Grave })
	for _, kind := range contract {
		list = slices.Insert(list, grave, Ask{Marks: []Mark{{Kind: kind}}})
	}
	return list, total
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// contractMarks are what the reader is asked of the contract as a whole.
func (r *Report) contractMarks() (kinds []MarkKind) {
	installed := r.Overview.Installed.Total()
	switch {
	case r.Overview.Licences > 0 && installed > r.Overview.Licences:
		kinds = append(kinds, MarkOver)
	case r.Overview.Licences > 0 && installed == 0 && r.Overview.Inventory:
		kinds = append(kinds, MarkNoEndpoints)
	}
	return kinds
}
