package sqlstore_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"geppo/store/sqlstore"
	"geppo/store/sqlstore/pgtest"
)

const onPostgres = "postgres"

// onBoth runs a test of the ledger on both engines: what the ledger promises it promises on each.
func onBoth(t *testing.T, test func(*testing.T)) {
	for _, engine := range []string{"sqlite", onPostgres} {
		t.Run(engine, test)
	}
}

// newDSN is the place of a ledger that is not there yet, on the engine of the test.
func newDSN(t testing.TB) string {
	t.Helper()
	if slices.Contains(strings.Split(t.Name(), "/"), onPostgres) {
		return pgtest.Database(t)
	}
	return filepath.Join(t.TempDir(), "geppo.db")
}

func openLedger(t testing.TB) *sqlstore.Ledger {
	t.Helper()
	return openedLedger(t, newDSN(t))
}

func openedLedger(t testing.TB, dsn string) *sqlstore.Ledger {
	t.Helper()
	ledger, err := sqlstore.OpenLedger(t.Context(), dsn, sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s, ok := seats.LoadAndDelete(ledger); ok {
			_ = s.(*sqlstore.Seat).Leave(context.Background()) // with whatever its test has left under way
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return ledger
}

var (
	seats   sync.Map
	sitting sync.Mutex
)

// seat is a test's one seat at a ledger.
func seat(ledger *sqlstore.Ledger) *sqlstore.Seat {
	sitting.Lock()
	defer sitting.Unlock()
	if s, ok := seats.Load(ledger); ok {
		return s.(*sqlstore.Seat)
	}
	s, err := ledger.Join(context.Background(), sqlstore.Worker{Name: "test", Grace: time.Minute})
	if err != nil {
		panic(err)
	}
	seats.Store(ledger, s)
	return s
}
