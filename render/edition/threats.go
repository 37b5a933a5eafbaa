package edition

import (
	"cmp"
	"slices"

	"geppo/aggregate"
	"geppo/render/words"
)

// mostThreats is how many threats are explained: the most frequent of each family.
const mostThreats = 4

// threats explains what the month's most frequent threats are, as far as their names tell.
func (u *build) threats() Section {
	var found []aggregate.Ranked
	for _, f := range u.r.Antivirus {
		if isThreat(f.Feature) {
			found = append(found, f.Names...)
		}
	}
	slices.SortStableFunc(found, func(a, b aggregate.Ranked) int { return cmp.Compare(b.Count, a.Count) })
	t := Table{Columns: []Column{{Part: 0.27}, {}}}
	told := map[words.Kind]bool{}
	for _, threat := range found {
		kind, ok := u.w.Kind(threat.Name)
		if !ok || told[kind] || len(t.Rows) == mostThreats {
			continue
		}
		told[kind] = true
		said := u.w.Edition.Threat.Say(words.Values{Count: u.w.Detections(threat.Count), Names: kind.Name, Results: kind.Means})
		t.Rows = append(t.Rows, []Cell{{Name: u.name(threat.Name), Strong: true}, {Name: Name{Text: said}, Whole: true}})
	}
	if len(t.Rows) == 0 {
		return Section{}
	}
	return Section{Heading: u.w.Edition.Threats, Blocks: []Block{t}}
}
