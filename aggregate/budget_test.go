package aggregate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"geppo/store"
)

// TestAFeedThatInventsNames holds that figures and judgement are exact where names are too many to be
// told apart, that the names' ranking comes from the store then, and that no list grows without end.
func TestAFeedThatInventsNames(t *testing.T) {
	m := emptyMonth(t)
	const rows = 16_000
	for i := range rows {
		name := strings.Repeat("x", 1000) + fmt.Sprintf("%07d", i)
		result := "cleaned"
		if i >= rows-7 {
			result = "uncleanable" // none of them on a machine that is still told apart
		}
		m.Detections = append(m.Detections, resulted("virus", 1+i%31, name, name, result, 1))
	}
	m.Detections = append(m.Detections, resulted("virus", 2, "PC-1", "often", "passed", 5))
	asked := 0
	lent := m.Rows()
	names := lent.Names
	lent.Names = func(f store.Feature, limit int) ([]store.NameCount, error) {
		asked++
		return names(f, limit)
	}
	r, err := Compute(lent, Options{})
	if err != nil {
		t.Fatal(err)
	}
	virus := r.Antivirus[0]
	if virus.Total != rows+5 || r.Funnel.Desk != 7 || r.Judgement != ActionRequired {
		t.Errorf("%d detections, %d for the desk, judged %s", virus.Total, r.Funnel.Desk, r.Judgement)
	}
	if asked != 1 || virus.Names[0] != (Ranked{"often", 5}) || !strings.HasSuffix(virus.Names[1].Name, "0000000") || len(virus.Names) != 5 {
		t.Errorf("the store ranked %d times, first %+v", asked, virus.Names[0])
	}
	if virus.Endpoints[0] != (Ranked{"PC-1", 5}) {
		t.Errorf("the inventory's endpoint is not first: %+v", virus.Endpoints[0])
	}
	for name, n := range map[string]int{"outside": len(r.Outside), "to confirm": len(r.ToConfirm), "asks": len(r.Asks)} {
		if n > maxListed {
			t.Errorf("%s lists %d", name, n)
		}
	}
}

// TestListsAreCutAndFiguresAreNot looks at more endpoints than a list of a report has.
func TestListsAreCutAndFiguresAreNot(t *testing.T) {
	m := emptyMonth(t)
	m.Endpoints, m.Statuses = nil, nil
	off := on
	off.RealtimeScan = store.Off
	const endpoints = maxListed + 100
	for i := range endpoints {
		e := store.Endpoint{Name: fmt.Sprintf("PC-%06d", i), Class: "desktop", InstalledAt: october.Previous().Days()[0].Start(m.Location)}
		m.Endpoints, m.Statuses = append(m.Endpoints, e), append(m.Statuses, snapshot(e.Name, "2026-10-31", off))
	}
	slices.Reverse(m.Endpoints)
	r := computed(t, m, Options{})
	if r.Agents.Counts.RealtimeScan != endpoints || r.Protection.Installed != endpoints || r.Funnel.Asks != endpoints+1 {
		t.Errorf("%+v, %+v, %d asks", r.Agents.Counts, r.Protection, r.Funnel.Asks)
	}
	if names := r.Agents.Off.RealtimeScan; len(names) != maxListed || names[0] != "PC-000000" || !slices.IsSorted(names) {
		t.Errorf("%d names from %s on", len(names), names[0])
	}
	if p := pointsOf(r, PointUnprotected); len(p) != 1 || p[0].Count != endpoints {
		t.Errorf("points %+v", p)
	}
}
