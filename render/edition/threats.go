package edition

import (
	"cmp"
	"slices"

	"geppo/aggregate"
	"geppo/render/words"
)

// mostThreats is how many threats are explained: the most frequent of each family.
const mostThreats = 4

// threats explains what the month's most frequent threats are, as far as their names tell; nil if none does.
func (u *build) threats() []Block {
	var found []aggregate.Ranked
	for _, f := range u.r.Antivirus {
		if isThreat(f.Feature) {
			found = append(found, f.Names...)
		}
	}
	slices.SortStableFunc(found, func(a, b aggregate.Ranked) int { return cmp.Compare(b.Count, a.Count) })
	var blocks []Block
	told := map[words.Kind]bool{}
	for _, threat := range found {
		kind, ok := u.w.Kind(threat.Name)
		if !ok || told[kind] || len(blocks) == mostThreats {
			continue
		}
		told[kind] = true
		blocks = append(blocks, Text{Text: u.w.Edition.Threat.Say(words.Values{
			Threats: u.w.Threats([]string{threat.Name}), Count: u.w.Detections(threat.Count), Names: kind.Name, Results: kind.Means,
		})})
	}
	return blocks
}
