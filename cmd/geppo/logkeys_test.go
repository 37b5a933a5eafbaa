package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged lists the messages of a file's log lines, and the keys that stand in them.
func logged(file *ast.File) (messages []string, keys map[string]bool) {
	firstArg := map[string]int{"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "Log": 2}
	keys = map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		first, ok := firstArg[method.Sel.Name]
		if !ok || len(call.Args) <= first {
			return true
		}
		message, ok := literal(call.Args[first])
		if !ok {
			return true // not slog's
		}
		messages = append(messages, message)
		for i := first + 1; i < len(call.Args); i += 2 {
			if key, ok := literal(call.Args[i]); ok {
				keys[key] = true
			} else {
				keys["a key that is no constant, in "+message] = true
			}
		}
		return true
	})
	return messages, keys
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// TestTheLogsKeysAreDocumented holds geppo help operating against the source.
func TestTheLogsKeysAreDocumented(t *testing.T) {
	used, lines := map[string]bool{}, 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		messages, keys := logged(file)
		lines += len(messages)
		maps.Copy(used, keys)
		for _, m := range messages {
			if first, _, _ := strings.Cut(m, " "); strings.ToLower(first) != first || strings.ContainsAny(m, "%\n") {
				t.Errorf("%s: %q is no constant message in lower case", path, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines < 20 || !used["next_fire"] {
		t.Fatalf("only %d log lines found, with the keys %v", lines, slices.Sorted(maps.Keys(used)))
	}
	for _, slogs := range []string{"level", "msg", "time"} {
		used[slogs] = true
	}
	_, section, found := strings.Cut(readFile(t, "help/operating.txt"), "\nTHE LOG\n")
	section, _, _ = strings.Cut(section, "\n\nEXIT CODES\n")
	documented := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^  ([a-z_]+(?:, [a-z_]+)*) {2,}\S`).FindAllStringSubmatch(section, -1) {
		for key := range strings.SplitSeq(match[1], ", ") {
			documented[key] = true
		}
	}
	if diff := cmp.Diff(strings.Join(slices.Sorted(maps.Keys(used)), "\n"), strings.Join(slices.Sorted(maps.Keys(documented)), "\n")); !found || diff != "" {
		t.Errorf("geppo help operating, THE LOG (-in the code +documented):\n%s", diff)
	}
}
