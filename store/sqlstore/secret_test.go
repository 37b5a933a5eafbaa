package sqlstore_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"geppo/store/sqlstore"
)

// A ledger and its copies share a secret, so that a restored one names its messages as before; no two others do.
func TestASecretIsMadeWithTheLedgerAndCopiedWithIt(t *testing.T) {
	dir := t.TempDir()
	secret := func(name string, mode sqlstore.Mode, then func(*sqlstore.Ledger)) []byte {
		l, err := sqlstore.OpenLedger(t.Context(), filepath.Join(dir, name), mode)
		if err != nil {
			t.Fatal(err)
		}
		then(l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return l.Secret()
	}
	nothing := func(*sqlstore.Ledger) {}
	ours := secret("geppo.db", sqlstore.Migrate, func(l *sqlstore.Ledger) {
		if err := l.Backup(t.Context(), filepath.Join(dir, "copy.db"), nil, func(int, int) {}); err != nil {
			t.Fatal(err)
		}
	})
	if len(ours) != 32 || bytes.Equal(ours, make([]byte, 32)) {
		t.Errorf("%x", ours)
	}
	if again, copied := secret("geppo.db", sqlstore.Existing, nothing), secret("copy.db", sqlstore.Existing, nothing); !bytes.Equal(ours, again) || !bytes.Equal(ours, copied) {
		t.Errorf("%x, then %x, copied %x", ours, again, copied)
	}
	if other := secret("other.db", sqlstore.Migrate, nothing); bytes.Equal(ours, other) {
		t.Error("two ledgers share a secret")
	}
}
