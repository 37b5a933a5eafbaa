package desk

import (
	"bytes"
	"encoding/json"

	"geppo/aggregate"
)

// parts are what a reader is told beyond the figures of changes.
var parts = []struct {
	name string
	of   func(aggregate.Report) any
}{
	{"overview", func(r aggregate.Report) any { return r.Overview }},
	{"detections", func(r aggregate.Report) any { return r.Antivirus }},
	{"edr lists", func(r aggregate.Report) any { return r.EDR }},
	{"agents", func(r aggregate.Report) any { return []any{r.Agents, r.Protection} }},
	{"earlier months", func(r aggregate.Report) any { return monthsOf(r) }},
	{"gaps in the feed", func(r aggregate.Report) any { return r.Gaps }},
	{"inventory", func(r aggregate.Report) any { return r.Outside }},
	{"support desk's list", func(r aggregate.Report) any { return []any{r.ToConfirm, r.Restart, r.Missing} }},
}

// monthsOf are the totals without the revision that they were read from, which nobody is shown.
func monthsOf(r aggregate.Report) []aggregate.MonthTotals {
	months := append([]aggregate.MonthTotals{}, r.History...)
	for i := range months {
		months[i].Revision = 0
	}
	return months
}

// same compares what is told and not how it is held: an absent list is an empty one that was read back.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
