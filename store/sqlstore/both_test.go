package sqlstore_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return ledger
}
