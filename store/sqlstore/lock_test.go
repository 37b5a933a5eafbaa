package sqlstore_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"geppo/store"
	"geppo/store/sqlstore"
)

func TestOneSenderByWhateverName(t *testing.T) {
	path, alias := filepath.Join(t.TempDir(), "geppo.db"), filepath.Join(t.TempDir(), "alias.db")
	if err := os.Symlink(path, alias); err != nil {
		t.Fatal(err)
	}
	first := openedLedger(t, path)
	second := openedLedger(t, alias)
	lock, err := first.Join(t.Context(), sqlstore.Worker{Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // to have asked must not loosen it
		if _, err := second.Join(t.Context(), sqlstore.Worker{Name: "second"}); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("a second sender: %v", err)
		}
	}
	// Nothing that stands beside the ledger holds the right to send: tidying up frees nothing.
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "geppo.db" && name != "geppo.db-wal" && name != "geppo.db-shm" {
			t.Errorf("%s stands beside the ledger", name)
		}
	}
	if err := lock.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lock, err = second.Join(t.Context(), sqlstore.Worker{Name: "second"}); err != nil {
		t.Fatal(err)
	}
	if err := lock.Leave(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without its POSIX locks on the file SQLite would let another process, the last to close as it
// thinks, remove the -wal file under it.
func TestTheRightToSendLeavesSQLitesLocksAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geppo.db")
	ledger := openedLedger(t, path)
	before := posixLocks(t, path)
	if before == 0 {
		t.Skip("/proc/locks shows no lock of SQLite's here")
	}
	lock, err := ledger.Join(t.Context(), sqlstore.Worker{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(lock.Leave(t.Context()), ledger.InPlace()); err != nil {
		t.Fatal(err)
	}
	if after := posixLocks(t, path); after != before {
		t.Errorf("%d locks of SQLite's before, %d after", before, after)
	}
}

func posixLocks(t *testing.T, path string) (n int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Skip(err)
	}
	inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for line := range strings.Lines(string(locks)) {
		if strings.Contains(line, "POSIX") && strings.Contains(line, inode) {
			n++
		}
	}
	return n
}

// A ledger that is not in its place any more gives nothing out: no right to send, no delivery, no
// final dot. What went out before can still be recorded.
func TestAMisplacedLedgerSendsNothing(t *testing.T) {
	move := func(path string) error { return os.Rename(path, path+".old") }
	for name, displace := range map[string]func(path string) error{
		"removed":     os.Remove,
		"moved":       move,
		"hard-linked": func(path string) error { return os.Link(path, path+".link") },
		"replaced": func(path string) error {
			data, err := os.ReadFile(path)
			return errors.Join(err, move(path), os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "geppo.db")
			ledger, now := openedLedger(t, path), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			plan := planOf(october, target("C1", "a@example.jp"), target("C1", "b@example.jp"), target("C1", "c@example.jp"))
			if _, err := ledger.Plan(t.Context(), plan, now); err != nil {
				t.Fatal(err)
			}
			claimed, err := seat(ledger).Claim(t.Context(), store.Filter{}, now, 2)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(nil)
			if err := seat(ledger).HandOver(t.Context(), claimed[0].ID, claimed[0].Attempts, sum, now); err != nil {
				t.Fatal(err)
			}
			if err := displace(path); err != nil {
				t.Fatal(err)
			}
			_, lockErr := ledger.Join(t.Context(), sqlstore.Worker{})
			_, claimErr := seat(ledger).Claim(t.Context(), store.Filter{}, now, 1)
			for what, err := range map[string]error{
				"lock": lockErr, "claim": claimErr, "hand over": seat(ledger).HandOver(t.Context(), claimed[1].ID, claimed[1].Attempts, sum, now),
			} {
				if !errors.Is(err, store.ErrMisplaced) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %v", what, err)
				}
			}
			err = seat(ledger).Settle(t.Context(), store.Settlement{
				Attempt: store.Attempt{Delivery: claimed[0].ID, Number: 1, EndedAt: now, Stage: "dot", Code: 250, Outcome: store.OutcomeSent},
				State:   store.Sent,
			})
			if err != nil {
				t.Errorf("settle: %v", err)
			}
		})
	}
}

func TestFirstStartsWaitForEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geppo.db")
	var starts errgroup.Group
	for range 4 {
		starts.Go(func() error {
			ledger, err := sqlstore.OpenLedger(t.Context(), path, sqlstore.Migrate)
			if err != nil {
				return err
			}
			return ledger.Close()
		})
	}
	if err := starts.Wait(); err != nil {
		t.Error(err)
	}
}
