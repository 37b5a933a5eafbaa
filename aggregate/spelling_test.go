package aggregate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
	"pgregory.net/rapid"

	"geppo/store"
)

// spellings are ways in which consoles, agents and directories write one name.
var spellings = []func(string) string{
	func(s string) string { return s },
	strings.ToUpper,
	strings.ToLower,
	norm.NFD.String,
	width.Widen.String,
	func(s string) string { return " " + s + "\u3000" },
	func(s string) string { return "\u200b" + s + "\ufeff" },
}

// TestAMachineIsOneInAnySpelling holds that a report does not hang on how the rows of a month spell the
// machines of the inventory: its figures, lists, asks, points and judgement are the same.
func TestAMachineIsOneInAnySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMonth(t)
		entered := map[string]bool{}
		for _, e := range m.Endpoints {
			entered[key(e.ID, e.Name)] = true
		}
		spell := func(id, name string) string {
			if !entered[key(id, name)] {
				return name // a stranger is shown as it is spelled
			}
			return rapid.SampledFrom(spellings).Draw(t, "spelling")(name)
		}
		want := computed(t, m, Options{})
		for i := range m.Statuses {
			m.Statuses[i].Endpoint = spell(m.Statuses[i].EndpointID, m.Statuses[i].Endpoint)
		}
		for i := range m.Detections {
			m.Detections[i].Endpoint = spell(m.Detections[i].EndpointID, m.Detections[i].Endpoint)
		}
		for i := range m.Events {
			for j := range m.Events[i].Endpoints {
				m.Events[i].Endpoints[j].Name = spell(m.Events[i].Endpoints[j].ID, m.Events[i].Endpoints[j].Name)
			}
		}
		if diff := cmp.Diff(want, computed(t, m, Options{})); diff != "" {
			t.Error(diff)
		}
	})
}

// TestMonthsThatLookedGood are months that were called 良好 and were not.
func TestMonthsThatLookedGood(t *testing.T) {
	off := on
	off.RealtimeScan = store.Off
	for name, change := range map[string]func(*store.Month){
		"an agent that spells its name in small letters": func(m *store.Month) {
			m.Statuses = []store.AgentStatus{snapshot("pc-1", "2026-10-31", off)}
		},
		"an agent outside the inventory": func(m *store.Month) {
			m.Statuses = append(m.Statuses, snapshot("NEW", "2026-10-31", off))
		},
		"a detection outside the inventory": func(m *store.Month) {
			m.Detections = []store.Detection{resulted("virus", 5, "NEW", "x", "uncleanable", 1)}
		},
		"an agent of the inventory's id, renamed": func(m *store.Month) {
			m.Endpoints[0].ID = "guid"
			m.Statuses = []store.AgentStatus{snapshot("OTHER", "2026-10-31", off)}
			m.Statuses[0].EndpointID = "guid"
		},
		"two agents that report under one name": func(m *store.Month) {
			m.Statuses = append(m.Statuses, snapshot("pc-1", "2026-10-31", off))
		},
	} {
		m := emptyMonth(t)
		change(&m)
		if r := computed(t, m, Options{}); r.Judgement != ActionRequired || len(r.Asks) != 1 {
			t.Errorf("%s: judged %s, asked %+v", name, r.Judgement, r.Asks)
		}
	}
}

func TestASnapshotOfTheAgentBeforeDoesNotCount(t *testing.T) {
	off := on
	off.RealtimeScan = store.Off
	for _, c := range []struct {
		installed store.Day
		want      Judgement
	}{{"2026-10-12", Good}, {"2026-10-10", Good}, {"2026-10-09", ActionRequired}} {
		m := emptyMonth(t)
		m.Endpoints = append(m.Endpoints, m.Endpoints[0])
		m.Endpoints[0].InstalledAt = c.installed.Start(m.Location)
		m.Endpoints[1].Name = "PC-2"
		m.Statuses = []store.AgentStatus{snapshot("PC-1", "2026-10-09", off), snapshot("PC-2", "2026-10-31", on)}
		r := computed(t, m, Options{})
		unseen := c.want == Good && r.Judgement == Attention && r.Agents.Counts.Unseen == 1
		if r.Judgement != c.want && !unseen {
			t.Errorf("installed on %s: judged %s", c.installed, r.Judgement)
		}
	}
}
