package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-sqlite3"

	"geppo/store"
)

// Every statement of the ledger is prepared when it is opened, on PostgreSQL by a test: one that does not fit the
// schema stops the program at its start. The constants are those that the source holds, so that a new one is not forgotten.
func TestEveryStatementOfTheLedgerIsPrepared(t *testing.T) {
	prepared := strings.Join(slices.Concat(ledgerStatements, postgresStatements), "\n;\n")
	count := 0
	for name, text := range ledgerConstants(t) {
		if !regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`).MatchString(text) {
			continue
		}
		count++
		if !strings.Contains(prepared, strings.TrimSpace(text)) {
			t.Errorf("%s is not prepared when the ledger is opened", name)
		}
	}
	if count < 40 {
		t.Errorf("only %d statements were found", count)
	}
}

// ledgerConstants are the string literals by which the constants of the ledger's files begin.
func ledgerConstants(t *testing.T) map[string]string {
	found := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"actions", "addresses", "asks", "bounces", "fires", "forget", "ledger", "operate", "pauses", "plan", "progress", "queue", "runs", "seat", "status"}
	for _, path := range files {
		if !slices.Contains(ours, strings.TrimSuffix(path, ".go")) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			value := spec.Values[0]
			for {
				sum, ok := value.(*ast.BinaryExpr)
				if !ok {
					break
				}
				value = sum.X
			}
			if text, ok := value.(*ast.BasicLit); ok && text.Kind == token.STRING {
				found[path+": "+spec.Names[0].Name] = strings.Trim(text.Value, "`\"")
			}
			return true
		})
	}
	return found
}

// A fault of the disk takes the group of writes that it falls into; whoever waits behind it must get an answer.
func TestNobodyWaitsForeverBehindABrokenGroup(t *testing.T) {
	l, err := OpenLedger(t.Context(), filepath.Join(t.TempDir(), "geppo.db"), Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	fault := errors.New("the disk is broken")
	for range 50 {
		entered, waits := make(chan struct{}), make(chan struct{})
		broken, waiting := make(chan error, 1), make(chan error, 1)
		go func() {
			broken <- l.writeTogether(context.Background(), func(tx ledgerTx) error {
				if _, err := tx.exec(context.Background(), insertPause, now.UnixMilli(), "setup", "x", "geppo", 0); err != nil {
					return err
				}
				close(entered)
				<-waits
				return fault // after a change: the group fails
			})
		}()
		<-entered
		go func() { waiting <- l.Pause(context.Background(), store.CauseOperator, "y", "root", now) }()
		close(waits)
		if err := <-broken; !errors.Is(err, fault) {
			t.Errorf("the broken write says %v", err)
		}
		select {
		case err := <-waiting:
			if err != nil && !errors.Is(err, fault) {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a write that waited behind a broken group never returns")
		}
	}
}

// A reply that is known is recorded as soon as another process lets go of the ledger, however long it takes within
// bounds; any other fault is told at once.
func TestPatienceIsForALockedLedgerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, busy, full := &Ledger{engine: new(fileWriter)}, sqlite3.Error{Code: sqlite3.ErrBusy}, sqlite3.Error{Code: sqlite3.ErrFull}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		forEver := int(settleWithin/tryEvery) + 10
		for name, c := range map[string]struct {
			ctx         context.Context
			fails       []error
			least, most int
			want        error
		}{
			"unlocked":        {t.Context(), nil, 1, 1, nil},
			"locked a while":  {t.Context(), []error{busy, busy, busy}, 4, 4, nil},
			"locked for ever": {t.Context(), slices.Repeat([]error{busy}, forEver), 100, forEver - 1, busy},
			"told to stop":    {ended, []error{busy, busy}, 1, 1, busy},
			"full":            {t.Context(), []error{full, full}, 1, 1, full},
		} {
			tries := 0
			err := l.patiently(c.ctx, settleWithin, func() error {
				tries++
				if tries <= len(c.fails) {
					return fmt.Errorf("begin: %w", c.fails[tries-1])
				}
				return nil
			})
			if tries < c.least || tries > c.most || !errors.Is(err, c.want) {
				t.Errorf("%s: %d tries, %v", name, tries, err)
			}
		}
	})
}
