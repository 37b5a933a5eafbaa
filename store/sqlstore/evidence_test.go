package sqlstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

// Only a contract's own rows, dated at the period's end or later and not in the future, say that its feed
// has lived until then.
func TestOnlyAContractsOwnRowsAreEvidence(t *testing.T) { onBoth(t, onlyAContractsOwnRowsAreEvidence) }

func onlyAContractsOwnRowsAreEvidence(t *testing.T) {
	end := time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC) // of October in Tokyo
	now := end.Add(9 * time.Hour)
	seen := func(at, received time.Time) func(context.Context, *sqlstore.ImportTx) error {
		return func(ctx context.Context, tx *sqlstore.ImportTx) error {
			return tx.PutDetection(ctx, store.DetectionRow{
				Contract: "C1", ID: "d", Received: received,
				Detection: store.Detection{Feature: store.Virus, Time: at, Endpoint: "PC-1", Class: store.ClassDesktop, Name: "x", Count: 1},
			})
		}
	}
	covered := func(day store.Day) func(context.Context, *sqlstore.ImportTx) error {
		return func(ctx context.Context, tx *sqlstore.ImportTx) error { return tx.PutCoverage(ctx, "C1", day) }
	}
	for name, test := range map[string]struct {
		rows func(context.Context, *sqlstore.ImportTx) error
		want store.Evidence
	}{
		"nothing":                             {nil, store.Evidence{}},
		"the day before the last":             {covered("2026-10-30"), store.Evidence{Begun: true}},
		"the last day":                        {covered("2026-10-31"), store.Evidence{Begun: true, Complete: true}},
		"a later day":                         {covered("2026-11-01"), store.Evidence{Complete: true}},
		"a day of the future":                 {covered("2036-11-01"), store.Evidence{}},
		"a moment before the end":             {seen(end.Add(-time.Millisecond), time.Time{}), store.Evidence{Begun: true}},
		"at the end":                          {seen(end, time.Time{}), store.Evidence{Complete: true}},
		"of the month, received after it":     {seen(end.Add(-time.Hour), end.Add(time.Hour)), store.Evidence{Begun: true, Complete: true}},
		"of the month, received in the month": {seen(end.Add(-time.Hour), end.Add(-time.Minute)), store.Evidence{Begun: true}},
	} {
		t.Run(name, func(t *testing.T) {
			db := openDetections(t)
			put(t, db, func(ctx context.Context, tx *sqlstore.ImportTx) error {
				err := errors.Join(tx.PutContract(ctx, contractOf("C1"), false), tx.PutContract(ctx, contractOf("C2"), false), tx.PutCoverage(ctx, "C2", "2026-11-01"))
				if err == nil && test.rows != nil {
					err = test.rows(ctx, tx)
				}
				return err
			})
			october := store.Period{Year: 2026, Month: time.October}
			got, err := db.Evidence(t.Context(), "C1", october, now)
			if err != nil || got != test.want {
				t.Errorf("%+v, %v, want %+v", got, err, test.want)
			}
			each := map[string]store.Evidence{}
			err = db.EachEvidence(t.Context(), october, now, func(store.Contract) bool { return true }, func(c store.Contract, e store.Evidence) error {
				each[c.ID] = e
				return nil
			})
			if err != nil || each["C1"] != test.want || !each["C2"].Complete {
				t.Errorf("of all: %+v, %v", each, err)
			}
		})
	}
}
