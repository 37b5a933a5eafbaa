package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"geppo/cmd/internal/desk"
)

// byData are the sections whose words are named by data: a state, a cause. They are not looked for in the source.
var byData = "role hit state cause fire weekday product outcome stage source action act-help todo feature result fault refusal figure"

// Every sentence that a page or the code names is there, and none is there that nothing names.
func TestEveryWordIsSaidAndEverySaidWordIsThere(t *testing.T) {
	w, err := readWords()
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := files.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	code, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range code {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			source.Write(text)
		}
	}
	named := source.String()
	for _, found := range regexp.MustCompile(`\bW\(?\s?"([a-z]+\.[a-z0-9-]+)"`).FindAllStringSubmatch(named, -1) {
		if _, ok := w["ja"].text[found[1]]; !ok {
			t.Errorf("%s has no words", found[1])
		}
	}
	for name := range w["ja"].text {
		section, word, _ := strings.Cut(name, ".")
		inCSV := section == "followups" && (slices.Contains(desk.FollowUpColumns, word) || strings.Contains(named, `"`+word+`"`))
		if !strings.Contains(" "+byData+" ", " "+section+" ") && !strings.Contains(named, `"`+name+`"`) && !inCSV {
			t.Errorf("%s is said nowhere", name)
		}
	}
	for action := range actionForms {
		for _, section := range []string{"action.", "act-help."} {
			if _, ok := w["ja"].text[section+action]; !ok {
				t.Errorf("%s%s has no words", section, action)
			}
		}
	}
}

// Every refusal is worded in every language, with the arguments that it has, and no wording is left over.
func TestEveryRefusalIsWorded(t *testing.T) {
	w, err := readWords()
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{} // with the number of arguments; -1: told by a variable
	for _, dir := range []string{"../desk", "../daemon"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				refusalsOf(t, file, codes)
			}
		}
	}
	if len(codes) < 30 {
		t.Errorf("only %d refusals were found", len(codes))
	}
	for lang := range w {
		for code, n := range codes {
			text, ok := w[lang].text["refusal."+code]
			if !ok {
				t.Errorf("%s has no words for %s", lang, code)
			}
			for _, arg := range regexp.MustCompile(`%\[(\d)\]`).FindAllStringSubmatch(text, -1) {
				if n >= 0 && arg[1] > strconv.Itoa(n) {
					t.Errorf("%s: %s names argument %s of %d", lang, code, arg[1], n)
				}
			}
			if strings.Count(text, "%") != strings.Count(text, "%[") {
				t.Errorf("%s: %s has an argument without a number", lang, code)
			}
		}
	}
	for name := range w["ja"].text {
		if code, ours := strings.CutPrefix(name, "refusal."); ours {
			if _, used := codes[code]; !used {
				t.Errorf("nothing is refused as %s", code)
			}
		}
	}
}

// refusalsOf finds the codes that a file refuses by, and how many arguments the fewest have.
func refusalsOf(t *testing.T, path string, codes map[string]int) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := func(code string, args int) {
		if known, ok := codes[code]; !ok || args < known {
			codes[code] = args
		}
	}
	literal := func(e ast.Expr) string {
		if text, ok := e.(*ast.BasicLit); ok && text.Kind == token.STRING {
			return strings.Trim(text.Value, "`\"")
		}
		return ""
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if (name == "Refuse" || name == "Misuse" || name == "unreachable") && len(n.Args) > 1 {
				if code := literal(n.Args[0]); code != "" {
					found(code, len(n.Args)-2)
				}
				if prefix, ok := n.Args[0].(*ast.BinaryExpr); ok && literal(prefix.X) == "not-" {
					for _, action := range []string{"cancel", "release", "approve", "retry", "ack"} {
						found("not-"+action, len(n.Args)-2)
					}
				}
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if field, ok := to.(*ast.SelectorExpr); ok && field.Sel.Name == "code" && len(n.Rhs) == len(n.Lhs) && literal(n.Rhs[i]) != "" {
					found(literal(n.Rhs[i]), 2) // the contract, and why it waits
				}
			}
		}
		return true
	})
}
