package daemon_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/templates"
)

func (h *house) scheduler(line string) *daemon.Scheduler {
	h.t.Helper()
	tokyo := zone(h.t, "Asia/Tokyo")
	schedule, err := daemon.NewSchedule(line, tokyo)
	if err != nil {
		h.t.Fatal(err)
	}
	planner := h.planner
	planner.RequireData = true
	quiet := slog.New(slog.DiscardHandler)
	return &daemon.Scheduler{
		Schedule: schedule, Zone: tokyo, Planner: planner, CatchUp: 7 * 24 * time.Hour, Log: quiet,
		Clock: daemon.Clock{Ledger: h.ledger, Detections: h.detections, Now: h.clock, Log: quiet}, // believes everything
	}
}

func (h *house) reconcile(s *daemon.Scheduler, at time.Time) []store.Run {
	h.t.Helper()
	h.now = at
	if err := s.Reconcile(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	runs, err := h.ledger.Runs(h.t.Context(), store.Period{})
	if err != nil {
		h.t.Fatal(err)
	}
	return runs
}

func (h *house) lastFire() store.Fire {
	h.t.Helper()
	fire, err := h.ledger.LastFire(h.t.Context(), h.now.AddDate(100, 0, 0))
	if err != nil {
		h.t.Fatal(err)
	}
	return fire
}

func TestAFirePlansThePreviousMonthOnce(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // 09:00 in Tokyo
	h.contract("C1", "a@example.jp")
	if runs := h.reconcile(s, due.Add(-time.Hour)); len(runs) != 0 || h.lastFire().State != store.FireBaseline {
		t.Fatalf("the first start planned %v", runs)
	}
	h.now = due.Add(-time.Minute)
	h.covered("C1", "2026-10-31")
	if runs := h.reconcile(s, due.Add(-time.Second)); len(runs) != 0 {
		t.Fatalf("planned before it was due: %v", runs)
	}
	for _, at := range []time.Time{due, due.Add(time.Minute), due.Add(time.Hour)} {
		runs := h.reconcile(s, at)
		if len(runs) != 1 || runs[0].Kind != "schedule" || runs[0].Period != october || runs[0].Planned != 1 {
			t.Fatalf("at %s: runs %+v", at, runs)
		}
	}
	if fire := h.lastFire(); fire.State != store.FirePlanned || !fire.DueAt.Equal(due) || fire.Run != 1 {
		t.Errorf("fire %+v", fire)
	}
}

// The contracts that are ready go out at the fire, the others as soon as the hourly look finds them ready.
func TestAFirePlansWhoIsReady(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h.now = due.Add(-240 * time.Hour)
	for _, id := range []string{"C1", "C2", "C3"} {
		h.contract(id, id+"@example.jp")
	}
	h.reconcile(s, due.Add(-time.Hour))
	h.covered("C1", "2026-10-31")
	for _, step := range []struct {
		at      int // minutes after the fire
		feeds   string
		planned []int // by each run
		state   store.FireState
	}{
		{0, "", []int{1}, store.FireWaiting},
		{30, "C2", []int{1}, store.FireWaiting}, // not looked at
		{61, "", []int{1, 1}, store.FireWaiting},
		{122, "", []int{1, 1}, store.FireWaiting}, // nothing new: no run
		{183, "C3", []int{1, 1, 1}, store.FirePlanned},
		{244, "", []int{1, 1, 1}, store.FirePlanned},
	} {
		if step.feeds != "" {
			h.covered(step.feeds, "2026-11-01")
		}
		var planned []int
		for _, run := range h.reconcile(s, due.Add(time.Duration(step.at)*time.Minute)) {
			planned = append(planned, run.Planned)
		}
		if diff := cmp.Diff(step.planned, planned); diff != "" || h.lastFire().State != step.state {
			t.Errorf("after %d minutes: the fire is %s; planned (-want +got):\n%s", step.at, h.lastFire().State, diff)
		}
	}
}

func TestMissedFiresAreCaughtUpWithinTheBound(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	h.contract("C1", "a@example.jp")
	h.reconcile(s, time.Date(2026, 8, 15, 0, 0, 0, 0, time.UTC))
	// Down from August to the 5th of November: September's and October's fires are too long ago.
	h.now = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	h.covered("C1", "2026-10-31")
	runs := h.reconcile(s, h.now)
	if len(runs) != 1 || runs[0].Period != october {
		t.Errorf("runs %+v, want October's alone", runs)
	}
	open, err := h.ledger.OpenFires(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var missed []string
	for _, fire := range open {
		missed = append(missed, fire.Period.String()+" "+string(fire.State))
	}
	if diff := cmp.Diff([]string{"2026-08 missed", "2026-09 missed"}, missed); diff != "" {
		t.Error(diff)
	}
}

func TestAClockThatJumpsBackFiresNothingTwice(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h.reconcile(s, due.Add(-time.Hour))
	h.now = due
	h.contract("C1", "a@example.jp")
	h.covered("C1", "2026-10-31")
	if runs := h.reconcile(s, due); len(runs) != 1 {
		t.Fatalf("runs %v", runs)
	}
	for _, at := range []time.Time{due.Add(-48 * time.Hour), due.Add(-time.Second), due, due.Add(time.Second)} {
		if runs := h.reconcile(s, at); len(runs) != 1 {
			t.Errorf("at %s: %d runs", at, len(runs))
		}
	}
}

func TestSpreadKeepsEachContractsPlaceInTheWindow(t *testing.T) {
	h := newHouse(t)
	for _, id := range []string{"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"} {
		h.contract(id, id+"@example.jp")
	}
	const window = 2 * time.Hour
	starts := map[string]time.Duration{}
	for _, p := range []store.Period{october, october.Next()} {
		if _, err := h.planner.Plan(t.Context(), daemon.Request{Kind: "schedule", Period: p, By: "schedule", Spread: window, Force: true}); err != nil {
			t.Fatal(err)
		}
		list, err := h.ledger.Deliveries(t.Context(), store.Filter{Period: p})
		if err != nil {
			t.Fatal(err)
		}
		distinct := map[time.Duration]bool{}
		for _, d := range list {
			start := d.NextAttemptAt.Sub(h.now)
			if before, ok := starts[d.Contract]; ok && before != start || start < 0 || start >= window {
				t.Errorf("%s starts after %s, last month after %s", d.Contract, start, before)
			}
			starts[d.Contract], distinct[start] = start, true
		}
		if len(distinct) < 4 {
			t.Errorf("%d start times for 8 contracts", len(distinct))
		}
	}
}

func TestARunByHandSettlesAMissedFire(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	h.contract("C1", "a@example.jp")
	h.reconcile(s, time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC))
	h.reconcile(s, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) // September and October are missed
	open := func() (periods []string) {
		t.Helper()
		fires, err := h.ledger.OpenFires(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, fire := range fires {
			periods = append(periods, fire.Period.String()+" "+string(fire.State))
		}
		return periods
	}
	request := daemon.Request{Kind: "run", Period: october, By: "root", Contracts: []string{"C1"}}
	for _, step := range []struct {
		what      string
		contracts []string
		want      []string
	}{
		{"one contract is not the month", []string{"C1"}, []string{"2026-09 missed", "2026-10 missed"}},
		{"the whole month", nil, []string{"2026-09 missed"}},
	} {
		request.Contracts = step.contracts
		run, err := h.planner.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, open()); diff != "" {
			t.Errorf("%s: %s", step.what, diff)
		}
		if last := h.lastFire(); step.contracts == nil && (last.State != store.FirePlanned || last.Run != run.ID) {
			t.Errorf("fire %+v, want planned by run %d", last, run.ID)
		}
	}
	if runs := h.reconcile(s, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)); len(runs) != 2 {
		t.Errorf("runs %+v, want the two by hand", runs)
	}
}

// The operators hear of a month that waits or was missed, once, and not at every try.
func TestOperatorsAreToldWhatTheScheduleCouldNotPlan(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	var log bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	s.Operators = &daemon.Operators{
		Addresses: []string{"op1@example.jp", "Op Two <op2@example.jp>"}, Dispatcher: h.dispatcher,
		IDs: messageIDs(h.ledger), Templates: templates.FS,
	}
	told := func() (counts [2]int, last string) {
		h.server.mu.Lock()
		defer h.server.mu.Unlock()
		one, two := h.server.accepted["op1@example.jp"], h.server.accepted["op2@example.jp"]
		if len(one) > 0 {
			var err error
			if _, last, err = readMail(one[len(one)-1]); err != nil {
				t.Fatal(err)
			}
		}
		return [2]int{len(one), len(two)}, last
	}
	h.now = time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)
	h.contract("C1", "a@example.jp")
	h.contract("C2", "b@example.jp")
	h.reconcile(s, h.now)
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // 09:00 in Tokyo
	h.covered("C1", "2026-10-31")
	for hours := range 4 { // two contracts, of which one waits
		h.reconcile(s, due.Add(time.Duration(hours)*time.Hour))
	}
	if counts, last := told(); counts != [2]int{1, 1} || !strings.Contains(last, "C2: no data") || strings.Contains(last, "C1") || !strings.Contains(last, "2026-11-01 09:00") {
		t.Errorf("a month that waits: %v mails, the last\n%s", counts, last)
	}
	h.reconcile(s, time.Date(2027, 3, 20, 0, 0, 0, 0, time.UTC)) // four fires are missed, the newest by 19 days
	if counts, last := told(); counts != [2]int{2, 2} || !strings.Contains(last, "geppo run --period 2026-11") || !strings.Contains(last, "geppo run --period 2027-02") {
		t.Errorf("months that were missed: %v mails, the last\n%s", counts, last)
	}
	if strings.Contains(log.String(), "could not be sent") {
		t.Error(log.String())
	}
	s.Operators.Dispatcher.Client.Port = 1 // nobody answers: the schedule goes on
	h.reconcile(s, time.Date(2027, 5, 20, 0, 0, 0, 0, time.UTC))
	open, err := h.ledger.OpenFires(t.Context())
	if err != nil || len(open) != 7 || !strings.Contains(log.String(), "the alert could not be sent") {
		t.Errorf("open fires %+v, %v; log\n%s", open, err, log.String())
	}
}
