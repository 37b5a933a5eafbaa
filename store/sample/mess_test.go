package sample

import (
	"bytes"
	"encoding/json"
	"testing"

	"geppo/store"
)

type messLine struct {
	Type, Contract, Name, Endpoint, ID, Feature, Time, Received, Result, Day string
	EndpointID                                                               string `json:"endpoint_id"`
}

func messLines(t testing.TB, b []byte) (lines []messLine) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var l messLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestMessIsDeterministicAndByContract(t *testing.T) {
	opts := Options{Contracts: 40, Seed: 3, Period: october, Mess: MessAll}
	one := write(t, opts)
	if !bytes.Equal(one, write(t, opts)) {
		t.Error("two runs differ")
	}
	opts.Contracts = 11
	if !bytes.HasPrefix(one, write(t, opts)) {
		t.Error("fewer contracts are others")
	}
}

// messCounts are what tells a mess.
type messCounts struct{ contracts, endpoints, statuses, coverage, ids, twice, wrong, disorder int }

func countMess(t testing.TB, mess Mess) (c messCounts) {
	t.Helper()
	seen, last := map[string]bool{}, ""
	for _, l := range messLines(t, write(t, Options{Contracts: 100, Seed: 3, Period: october, Mix: Mix{None: 5, Few: 4, Many: 1}, Mess: mess})) {
		switch l.Type {
		case "contract":
			last = ""
		case "endpoint":
			c.endpoints++
			if !seen[l.Contract] {
				c.contracts++
			}
			seen[l.Contract] = true
		case "agent_status":
			c.statuses++
		case "coverage":
			c.coverage++
		case "detection":
			key := l.Contract + l.Feature + l.ID
			if seen[key] {
				c.twice++
			}
			seen[key] = true
			if l.Time[:4] != "2026" {
				c.wrong++
			} else if l.Time < last {
				c.disorder++
			} else {
				last = l.Time
			}
		}
		if l.EndpointID != "" {
			c.ids++
		}
	}
	return c
}

// Each kind of mess is there, and each alone leaves the others out.
func TestMessHasEveryKind(t *testing.T) {
	clean := countMess(t, 0)
	if clean.ids+clean.twice+clean.wrong+clean.disorder > 0 || clean.contracts != 100 {
		t.Fatalf("the clean sample is a mess: %+v", clean)
	}
	for name, c := range map[string]struct {
		mess Mess
		// own takes from what was counted what this mess alone may change, if it has.
		own func(got *messCounts) bool
	}{
		"inventory": {MessInventory, func(got *messCounts) bool {
			has := got.contracts < 100 && got.ids > 0
			got.contracts, got.endpoints, got.ids = clean.contracts, clean.endpoints, 0
			return has
		}},
		"twice": {MessTwice, func(got *messCounts) bool {
			has := got.twice > 0
			got.twice = 0
			return has
		}},
		"clocks": {MessClocks, func(got *messCounts) bool {
			has := got.wrong > 0
			got.wrong = 0
			return has
		}},
		"late": {MessLate, func(got *messCounts) bool {
			has := got.disorder > 0
			got.disorder = 0
			return has
		}},
		"gaps": {MessGaps, func(got *messCounts) bool {
			has := got.statuses < clean.statuses && got.coverage < clean.coverage
			got.statuses, got.coverage = clean.statuses, clean.coverage
			return has
		}},
		"names":   {MessNames, func(*messCounts) bool { return true }},
		"domains": {MessDomains, func(*messCounts) bool { return true }},
	} {
		got := countMess(t, c.mess)
		if before := got; !c.own(&got) || got != clean {
			t.Errorf("%s: %+v, of the clean %+v", name, before, clean)
		}
	}
}

func TestSpellingsFoldToTheName(t *testing.T) {
	lines := messLines(t, write(t, Options{Contracts: 100, Seed: 3, Period: october, Mix: Mix{None: 5, Few: 4, Many: 1}, Mess: MessNames}))
	known, others := map[string]bool{}, 0
	for _, l := range lines {
		if l.Type == "endpoint" {
			known[l.Contract+" "+store.Fold(l.Name)] = true
		}
	}
	for _, l := range lines {
		if l.Endpoint == "" {
			continue
		}
		if !known[l.Contract+" "+store.Fold(l.Endpoint)] {
			t.Fatalf("%s: %q is of no machine", l.Contract, l.Endpoint)
		}
		if l.Endpoint != store.Fold(l.Endpoint) {
			others++
		}
	}
	if others == 0 {
		t.Error("all names are as they were")
	}
}
