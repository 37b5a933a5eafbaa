package sqlite

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"geppo/store"
)

// Every statement of the ledger is prepared when it is opened: one that does not fit the schema stops the
// program at its start. The constants are those that the source holds, so that a new one is not forgotten.
func TestEveryStatementOfTheLedgerIsPrepared(t *testing.T) {
	prepared := strings.Join(ledgerStatements, "\n;\n")
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
	ours := []string{"actions", "addresses", "bounces", "fires", "ledger", "operate", "pauses", "plan", "queue", "runs", "status"}
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
				if _, err := tx.exec(context.Background(), insertPause, now.UnixMilli(), "setup", "x", "geppo"); err != nil {
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
