package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
	"geppo/store/sqlstore"
)

var (
	october = store.Period{Year: 2026, Month: time.October}
	first   = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// wanted is one address of one contract.
type wanted struct {
	contract string
	store.Target
}

func target(contract, address string) wanted {
	return wanted{contract, store.Target{Address: address, Name: "担当者", MessageID: contract + "." + address}}
}

// planOf asks for these addresses, contract by contract.
func planOf(p store.Period, targets ...wanted) store.Plan {
	return store.Plan{Kind: "run", Period: p, RequestedBy: "root", Each: func(take func(store.Chosen) error) error {
		var chosen []store.Chosen
		for _, t := range targets {
			i := slices.IndexFunc(chosen, func(c store.Chosen) bool { return c.Contract == t.contract })
			if i < 0 {
				i, chosen = len(chosen), append(chosen, store.Chosen{Contract: t.contract})
			}
			chosen[i].Targets = append(chosen[i].Targets, t.Target)
		}
		slices.SortFunc(chosen, func(a, b store.Chosen) int { return strings.Compare(a.Contract, b.Contract) }) // as a planner gives them
		for _, c := range chosen {
			if err := take(c); err != nil {
				return err
			}
		}
		return nil
	}}
}

func plan(t testing.TB, l *sqlstore.Ledger, targets ...wanted) store.Run {
	t.Helper()
	run, err := l.Plan(t.Context(), planOf(october, targets...), first)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestPlanningAgainAddsOnlyWhatIsMissing(t *testing.T) {
	onBoth(t, planningAgainAddsOnlyWhatIsMissing)
}

func planningAgainAddsOnlyWhatIsMissing(t *testing.T) {
	l := openLedger(t)
	a, b, c := target("C1", "a@example.jp"), target("C1", "b@example.jp"), target("C2", "a@example.jp")
	if run := plan(t, l, a, b); run.Planned != 2 || run.Cancelled != 0 {
		t.Fatalf("first run %+v", run)
	}
	if run := plan(t, l, a, b, c); run.Planned != 1 || run.Cancelled != 0 {
		t.Fatalf("second run %+v", run)
	}
	if run := plan(t, l, a, c); run.Planned != 0 || run.Cancelled != 1 {
		t.Fatalf("third run %+v: mail pending to a removed address must be cancelled", run)
	}
	got := map[string]store.State{}
	deliveries, err := l.Deliveries(t.Context(), store.Filter{Period: october})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deliveries {
		got[d.MessageID] = d.State
	}
	want := map[string]store.State{a.MessageID: store.Queued, b.MessageID: store.Cancelled, c.MessageID: store.Queued}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlanningOneContractLeavesTheOthersAlone(t *testing.T) {
	onBoth(t, planningOneContractLeavesTheOthersAlone)
}

func planningOneContractLeavesTheOthersAlone(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "a@example.jp"))
	one := planOf(october)
	one.Contracts = []string{"C1"}
	one.Each = func(take func(store.Chosen) error) error { return take(store.Chosen{Contract: "C1"}) }
	run, err := l.Plan(t.Context(), one, first)
	if err != nil {
		t.Fatal(err)
	}
	if run.Cancelled != 1 {
		t.Errorf("%d cancelled, want C1's delivery alone", run.Cancelled)
	}
	d, err := l.Deliveries(t.Context(), store.Filter{Contracts: []string{"C2"}})
	if err != nil || len(d) != 1 || d[0].State != store.Queued {
		t.Errorf("C2 has %+v, error %v", d, err)
	}
}

func TestADeliveryFromClaimToSent(t *testing.T) { onBoth(t, aDeliveryFromClaimToSent) }

func aDeliveryFromClaimToSent(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"))
	d, err := claimOne(t.Context(), l, store.Filter{Period: october}, first)
	if err != nil {
		t.Fatal(err)
	}
	if d.State != store.Sending || d.Attempts != 1 || !d.DatedAt.Equal(first) || d.RecipientName != "担当者" {
		t.Errorf("claimed %+v", d)
	}
	if _, err := claimOne(t.Context(), l, store.Filter{}, first); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a claimed delivery was claimed again: %v", err)
	}
	attempts, err := l.Attempts(t.Context(), d.ID)
	if err != nil || len(attempts) != 1 || attempts[0].Outcome != store.OutcomeRunning || !attempts[0].EndedAt.IsZero() {
		t.Errorf("the attempt is not registered before the work: %+v, %v", attempts, err)
	}
	if err := seat(l).HandOver(t.Context(), d.ID, d.Attempts, sha256.Sum256([]byte("m")), first); err != nil {
		t.Fatal(err)
	}
	if under, err := seat(l).Abandoned(t.Context(), true); err != nil || len(under) != 1 || under[0].State != store.HandingOver {
		t.Errorf("under way %+v, %v", under, err)
	}
	ended := first.Add(time.Second)
	err = seat(l).Settle(t.Context(), store.Settlement{State: store.Sent, Attempt: store.Attempt{
		Delivery: d.ID, Number: 1, EndedAt: ended, Stage: "dot", Code: 250, Enhanced: "2.0.0", Reply: "ok", TLS: "TLS 1.3", Outcome: store.OutcomeSent,
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Delivery(t.Context(), d.ID)
	if err != nil || got.State != store.Sent || !got.SentAt.Equal(ended) || got.LastCode != 250 || got.LastReply != "ok" {
		t.Errorf("sent %+v, %v", got, err)
	}
	attempts, err = l.Attempts(t.Context(), d.ID)
	want := []store.Attempt{{
		Delivery: d.ID, Number: 1, StartedAt: first, EndedAt: ended, Stage: "dot", Code: 250,
		Enhanced: "2.0.0", Reply: "ok", TLS: "TLS 1.3", Outcome: store.OutcomeSent,
	}}
	if diff := cmp.Diff(want, attempts); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestBytesAreBoundFromHandingOverOn(t *testing.T) { onBoth(t, bytesAreBoundFromHandingOverOn) }

func bytesAreBoundFromHandingOverOn(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"))
	for n, text := range []string{"one", "one", "two"} {
		d, err := claimOne(t.Context(), l, store.Filter{}, first)
		if err != nil {
			t.Fatal(err)
		}
		err = seat(l).HandOver(t.Context(), d.ID, d.Attempts, sha256.Sum256([]byte(text)), first)
		if differs := errors.Is(err, store.ErrBytesDiffer); differs != (text == "two") {
			t.Errorf("handing over %q: %v", text, err)
		}
		err = seat(l).Settle(t.Context(), store.Settlement{State: store.Queued, NextAttemptAt: first, Attempt: store.Attempt{
			Delivery: d.ID, Number: n + 1, EndedAt: first, Stage: "dot", Outcome: store.OutcomeAmbiguous,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := l.Deliveries(t.Context(), store.Filter{})
	if err != nil || d[0].Ambiguous != 3 || !d[0].DatedAt.Equal(first) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestClaimsFollowDueTimeAndFilter(t *testing.T) { onBoth(t, claimsFollowDueTimeAndFilter) }

func claimsFollowDueTimeAndFilter(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"), target("C2", "b@example.jp"), target("C3", "c@example.jp"))
	d, err := claimOne(t.Context(), l, store.Filter{Contracts: []string{"C2"}}, first)
	if err != nil || d.Contract != "C2" {
		t.Fatalf("claimed %+v, %v", d, err)
	}
	later := first.Add(time.Hour)
	err = seat(l).Settle(t.Context(), store.Settlement{State: store.Deferred, NextAttemptAt: later, Attempt: store.Attempt{
		Delivery: d.ID, Number: 1, EndedAt: first, Stage: "rcpt", Code: 450, Outcome: store.OutcomeTemporary,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claimOne(t.Context(), l, store.Filter{Contracts: []string{"C2"}}, later.Add(-time.Second)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("claimed before it was due: %v", err)
	}
	for _, want := range []string{"C1", "C3", "C2"} {
		if d, err = claimOne(t.Context(), l, store.Filter{Period: october}, later); err != nil || d.Contract != want {
			t.Errorf("claimed %s, %v, want %s", d.Contract, err, want)
		}
	}
	if _, err := claimOne(t.Context(), l, store.Filter{Period: october.Next()}, later); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("claimed of another period: %v", err)
	}
}

func TestTheSchemaRefusesStatesThatLie(t *testing.T) { onBoth(t, theSchemaRefusesStatesThatLie) }

func theSchemaRefusesStatesThatLie(t *testing.T) {
	l := openLedger(t)
	plan(t, l, target("C1", "a@example.jp"))
	d, err := claimOne(t.Context(), l, store.Filter{}, first)
	if err != nil {
		t.Fatal(err)
	}
	attempt := store.Attempt{Delivery: d.ID, Number: 1, EndedAt: first, Stage: "dot", Outcome: store.OutcomeSent}
	for name, s := range map[string]store.Settlement{
		"sent without a handing over": {State: store.Sent, Attempt: attempt},
		"queued without a time":       {State: store.Queued, Attempt: attempt},
		"failed with a next attempt":  {State: store.Failed, NextAttemptAt: first, Attempt: attempt},
		"a state that is none":        {State: "lost", Attempt: attempt},
		"an unknown outcome":          {State: store.Failed, Attempt: store.Attempt{Delivery: d.ID, Number: 1, EndedAt: first, Stage: "dot", Outcome: "odd"}},
		"another attempt's number":    {State: store.Failed, Attempt: store.Attempt{Delivery: d.ID, Number: 2, EndedAt: first, Stage: "dot", Outcome: store.OutcomePermanent}},
	} {
		if err := seat(l).Settle(t.Context(), s); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	// Each refusal left nothing behind.
	got, err := l.Delivery(t.Context(), d.ID)
	if err != nil || got.State != store.Sending {
		t.Errorf("%+v, %v", got, err)
	}
	attempts, err := l.Attempts(t.Context(), d.ID)
	if err != nil || len(attempts) != 1 || attempts[0].Outcome != store.OutcomeRunning {
		t.Errorf("%+v, %v", attempts, err)
	}
}

func TestAFrozenReportNeverChanges(t *testing.T) { onBoth(t, aFrozenReportNeverChanges) }

func aFrozenReportNeverChanges(t *testing.T) {
	l := openLedger(t)
	if _, err := l.Frozen(t.Context(), "C1", october, 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	for _, text := range []string{`{"n":1}`, `{"n":2}`} {
		got, err := l.Freeze(t.Context(), store.Freezing{Contract: "C1", Period: october, Revision: 1, JSON: []byte(text)}, first)
		if err != nil || string(got) != `{"n":1}` {
			t.Errorf("stored %s, %v", got, err)
		}
	}
	if _, err := l.Freeze(t.Context(), store.Freezing{Contract: "C1", Period: october, Revision: 2, JSON: []byte(`{"n":3}`)}, first); err != nil {
		t.Fatal(err)
	}
	if n, err := l.NewestRevision(t.Context(), "C1", october); n != 2 || err != nil {
		t.Errorf("newest revision %d, %v", n, err)
	}
	if got, err := l.Frozen(t.Context(), "C1", october, 1); string(got) != `{"n":1}` || err != nil {
		t.Errorf("revision 1 is %s, %v", got, err)
	}
}

func TestRecipientChangesAndMarksSurvive(t *testing.T) { onBoth(t, recipientChangesAndMarksSurvive) }

func recipientChangesAndMarksSurvive(t *testing.T) {
	l := openLedger(t)
	change := store.RecipientChange{Contract: "C1", Recipient: store.Recipient{Address: "x@example.jp", Name: "x"}, By: "root", At: first}
	if err := l.ChangeRecipient(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	change.Removed, change.Recipient.Name = true, ""
	if err := l.ChangeRecipient(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	got, err := l.RecipientChanges(t.Context(), "C1")
	if diff := cmp.Diff([]store.RecipientChange{change}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := l.Mark(t.Context(), "x@example.jp", "550 no such user", first); err != nil {
		t.Fatal(err)
	}
	if marks, err := l.Marks(t.Context()); marks["x@example.jp"] != "550 no such user" || err != nil {
		t.Errorf("marks %v, %v", marks, err)
	}
	change.Removed = false
	if err := l.ChangeRecipient(t.Context(), change); err != nil { // that it is added again clears the mark
		t.Fatal(err)
	}
	if marks, err := l.Marks(t.Context()); len(marks) != 0 || err != nil {
		t.Errorf("marks %v, %v", marks, err)
	}
}

// Writers that meet share a transaction, and one that is refused does not take the others with it.
func TestWritersInAGroupFailAlone(t *testing.T) { onBoth(t, writersInAGroupFailAlone) }

func writersInAGroupFailAlone(t *testing.T) {
	l := openLedger(t)
	const n = 200
	var targets []wanted
	for i := range n {
		targets = append(targets, target(fmt.Sprintf("C%03d", i), "a@example.jp"))
	}
	plan(t, l, targets...)
	var wait sync.WaitGroup
	errs := make([]error, 2*n)
	for i := range n {
		wait.Add(2)
		go func() {
			defer wait.Done()
			_, errs[2*i] = seat(l).Claim(context.WithoutCancel(t.Context()), store.Filter{}, first, 1)
		}()
		go func() {
			defer wait.Done()
			errs[2*i+1] = seat(l).HandOver(context.WithoutCancel(t.Context()), -1, 1, sha256.Sum256(nil), first)
		}()
	}
	wait.Wait()
	for i := range n {
		if errs[2*i] != nil {
			t.Errorf("claim: %v", errs[2*i])
		}
		if errs[2*i+1] == nil {
			t.Error("a delivery that does not exist was handed over")
		}
	}
	counts, err := l.CountStates(t.Context(), store.Filter{})
	if diff := cmp.Diff(map[store.State]int{store.Sending: n}, counts); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestOnlySomeCommandsMakeALedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	_, err := sqlstore.OpenLedger(t.Context(), path, sqlstore.Existing)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
}

// A group of eight writers is what eight connections make.
func BenchmarkSettle(b *testing.B) {
	l := openLedger(b)
	var targets []wanted
	for i := range b.N {
		targets = append(targets, target(fmt.Sprint(i), "a@example.jp"))
	}
	plan(b, l, targets...)
	b.ResetTimer()
	var wait sync.WaitGroup
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				d, err := claimOne(b.Context(), l, store.Filter{}, first)
				if errors.Is(err, store.ErrNotFound) {
					return
				}
				if err == nil {
					err = seat(l).HandOver(b.Context(), d.ID, d.Attempts, sha256.Sum256(nil), first)
				}
				if err == nil {
					err = seat(l).Settle(b.Context(), store.Settlement{State: store.Sent, Attempt: store.Attempt{
						Delivery: d.ID, Number: 1, EndedAt: first, Stage: "dot", Code: 250, Outcome: store.OutcomeSent,
					}})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// claimOne claims the one delivery that has been due longest.
func claimOne(ctx context.Context, l *sqlstore.Ledger, filter store.Filter, now time.Time) (store.Delivery, error) {
	claimed, err := seat(l).Claim(ctx, filter, now, 1)
	if err != nil {
		return store.Delivery{}, err
	}
	return claimed[0], nil
}

// Closing brings all into the one file, and lets go of it.
func TestCloseLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geppo.db")
	l, err := sqlstore.OpenLedger(t.Context(), path, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Pause(t.Context(), store.CauseOperator, "x", "root", time.Now()), l.Close()); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("geppo.db%s is left: %v", suffix, err)
		}
	}
}
