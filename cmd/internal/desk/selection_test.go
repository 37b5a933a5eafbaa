package desk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

var october = store.Period{Year: 2026, Month: time.October}

// What cannot be meant is refused as wrong usage, the same for every action.
func TestSelectionsThatCannotBeMeantAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		s  Selection
		ok bool
	}{
		"nothing":                  {Selection{}, false},
		"deliveries":               {Selection{IDs: []int64{1}}, true},
		"deliveries and a month":   {Selection{IDs: []int64{1}, Period: october}, false},
		"deliveries and all":       {Selection{IDs: []int64{1}, All: true}, false},
		"a month":                  {Selection{Period: october}, true},
		"all of a month":           {Selection{Period: october, All: true}, true},
		"all, narrowed":            {Selection{Period: october, All: true, Failed: true}, false},
		"every month":              {Selection{All: true}, true},
		"failed of every month":    {Selection{All: true, Failed: true}, true},
		"failed without a month":   {Selection{Failed: true}, false},
		"a contract, no month":     {Selection{Contracts: []string{"C1"}}, false},
		"stale of every month":     {Selection{All: true, Stale: true}, false},
		"a state that is none":     {Selection{Period: october, States: []store.State{"gone"}}, false},
		"a month, narrowed thrice": {Selection{Period: october, Contracts: []string{"C1"}, States: []store.State{store.Held}, Failed: true}, true},
	} {
		err := tt.s.check()
		var usage *daemon.Refusal
		if tt.ok != (err == nil) || !tt.ok && !errors.As(err, &usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAListNamesContractsAndAddresses(t *testing.T) {
	var s Selection
	if err := s.ReadList(strings.NewReader("\ufeffC000001\r\n# who called\n\n  kanri@example.jp \nC000002")); err != nil {
		t.Fatal(err)
	}
	want := Selection{Contracts: []string{"C000001", "C000002"}, Addresses: []string{"kanri@example.jp"}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	for _, list := range []string{"", "# nobody\n", "C 1\n", "a@b@c\n", "C1\n../etc\n"} {
		if err := new(Selection).ReadList(strings.NewReader(list)); err == nil {
			t.Errorf("%q was read", list)
		}
	}
}

func TestAnExtentNamesTheFirstContracts(t *testing.T) {
	for want, contracts := range map[string][]string{
		"0 deliveries of 0 contracts":                        nil,
		"1 delivery of 1 contract (C1)":                      {"C1"},
		"3 deliveries of 2 contracts (C1, C2)":               {"C2", "C1", "C2"},
		"6 deliveries of 6 contracts (C1, C2, C3, C4, C5 …)": {"C6", "C1", "C2", "C3", "C4", "C5"},
		"7 deliveries of 6 contracts (C1, C2, C3, C4, C5 …)": {"C6", "C1", "C2", "C3", "C4", "C5", "C5"},
		"5 deliveries of 5 contracts (C1, C2, C3, C4, C5)":   {"C5", "C1", "C2", "C3", "C4"},
	} {
		if got := extentOf(contracts).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
