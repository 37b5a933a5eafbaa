package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// This file keeps the map of the house true: rows become a Report, a Report becomes Parts, Parts
// become a Message, and imports run the same way, left to right, never back. Whoever has a reason
// to change the map changes the tables below, in the open.

// root is the repository as seen from this directory.
const root = "../.."

// house says which of our packages each may import besides its own tree. A line also stands for
// the packages below it, until one of those has a line of its own.
var house = map[string][]string{
	"store":                {},
	"aggregate":            {"store"},
	"templates":            {},
	"render":               {"store", "aggregate", "templates"},
	"mailer":               {"render"},
	"cmd":                  {"store", "aggregate", "templates", "render", "mailer"},
	"cmd/internal/config":  {"store", "aggregate", "templates", "render", "mailer", "cmd/internal/files"}, // secrets are read as files are
	"cmd/internal/console": {"store", "aggregate", "templates", "render", "cmd/internal/letter", "cmd/internal/desk", "cmd/internal/harmless"},
	"cmd/internal/desk":    {"store", "aggregate", "templates", "render", "mailer", "cmd/internal/daemon"}, // what an operator may do, without flags and pages
}

// order is the direction of the data. A test may import more than its package may, but it too
// imports nothing to its right.
var order = []string{"store", "aggregate", "templates", "render", "mailer", "cmd"}

// owners says whose a library is; "x/..." is x and all below it. A library without a line is free.
var owners = map[string][]string{
	"geppo/store/sqlstore":             {"store/sqlstore", "store/ingest", "cmd"}, // who computes or draws links no database
	"database/sql/...":                 {"store/sqlstore"},
	"github.com/mattn/go-sqlite3":      {"store/sqlstore"},
	"github.com/jackc/pgx/...":         {"store/sqlstore"},
	"github.com/pressly/goose/...":     {"store/sqlstore"},
	"net/smtp":                         {"mailer"},
	"github.com/wneessen/go-mail/...":  {"mailer"},
	"github.com/emersion/go-smtp":      {"mailer", "cmd"}, // cmd has the demo's sink
	"github.com/robfig/cron/...":       {"cmd"},
	"github.com/spf13/cobra/...":       {"cmd"},
	"github.com/pelletier/go-toml/...": {"render", "cmd"},
	"net/http/...":                     {"cmd"},
	"github.com/coreos/go-oidc/...":    {"cmd"},
	"log/...":                          {"mailer", "cmd"}, // pure packages never log
	"os/...":                           {"store", "mailer", "cmd"},
	"net":                              {"mailer", "cmd", "store/sqlstore"}, // PostgreSQL is beyond it
	"math/rand/...":                    {"store", "mailer", "cmd"},          // equal reports give equal bytes
	"crypto/rand":                      {"store", "mailer", "cmd"},
}

// clock names what reads the clock or makes timers in package time; it is for cmd alone.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// bounded are the files that bound what they wait for by a timer, and read no clock.
var bounded = []string{"store/sqlstore/pgconn.go"}

// pkg is what the map must know of one directory.
type pkg struct {
	path        string   // relative to the repository
	hasCode     bool     // any file that is no test
	imports     []string // of the code
	testImports []string // of the tests
	comments    []string // files with a package comment
	clock       []string // "FILE:LINE: time.Now", in the code
}

func TestHouse(t *testing.T) {
	pkgs, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < len(order) {
		t.Fatalf("found only %d packages below %s: the walk is wrong", len(pkgs), root)
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

func TestRootHoldsOnlyTheHouse(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignore, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, v := range rootViolations(names, strings.Fields(string(ignore))) {
		t.Error(v)
	}
}

// TestMapCanFail shows every rule a fault it must find, so that the tests above mean something.
func TestMapCanFail(t *testing.T) {
	good := pkg{path: "render/chart", hasCode: true, comments: []string{"doc.go"}}
	bad := func(change func(*pkg)) pkg { p := good; change(&p); return p }
	for _, tt := range []struct {
		name string
		pkg  pkg
		want string // "" is no fault
	}{
		{"good", good, ""},
		{"own tree", bad(func(p *pkg) { p.imports = []string{"geppo/render/text"} }), ""},
		{"a database", bad(func(p *pkg) { p.imports = []string{"geppo/store/sqlstore"} }), "only for"},
		{"left", bad(func(p *pkg) { p.imports = []string{"geppo/aggregate"} }), ""},
		{"back", bad(func(p *pkg) { p.imports = []string{"geppo/mailer"} }), "imports mailer"},
		{"only a prefix", bad(func(p *pkg) { p.imports = []string{"geppo/storefront"} }), "imports storefront"},
		{"skips a room", bad(func(p *pkg) { p.path, p.imports = "mailer", []string{"geppo/store"} }), "imports store"},
		{"config is cmd's", bad(func(p *pkg) { p.imports = []string{"geppo/cmd/internal/config"} }), "imports cmd/internal/config"},
		{"own line", bad(func(p *pkg) { p.path, p.imports = "cmd/internal/console", []string{"geppo/mailer"} }), "imports mailer"},
		{"test imports more", bad(func(p *pkg) { p.path, p.testImports = "mailer", []string{"geppo/store"} }), ""},
		{"test imports back", bad(func(p *pkg) { p.testImports = []string{"geppo/mailer"} }), "test imports mailer"},
		{"library of another", bad(func(p *pkg) { p.imports = []string{"database/sql"} }), "database/sql"},
		{"library below", bad(func(p *pkg) { p.imports = []string{"os/exec"} }), "os/exec"},
		{"library of its own", bad(func(p *pkg) { p.path, p.imports = "mailer", []string{"net/smtp"} }), ""},
		{"free library", bad(func(p *pkg) { p.imports = []string{"net/url", "strings"} }), ""},
		{"tests use any library", bad(func(p *pkg) { p.testImports = []string{"os"} }), ""},
		{"clock", bad(func(p *pkg) { p.clock = []string{"x.go:1: time.Now"} }), "x.go:1: time.Now"},
		{"clock in cmd", bad(func(p *pkg) { p.path, p.clock = "cmd/geppo", []string{"x.go:1: time.Now"} }), ""},
		{"no comment", bad(func(p *pkg) { p.comments = nil }), "no package comment"},
		{"two comments", bad(func(p *pkg) { p.comments = []string{"a.go", "b.go"} }), "a.go, b.go"},
		{"unknown package", bad(func(p *pkg) { p.path = "util" }), "not on the map"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(violations([]pkg{tt.pkg}), "\n")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want a fault with %q", got, tt.want)
			}
		})
	}
}

// TestReadFileSees shows that the reader finds renamed clocks, comments and imports in a file.
func TestReadFileSees(t *testing.T) {
	const src = "// Package a is one.\npackage a\n\nimport (\n\t\"geppo/store\"\n\tt \"time\"\n)\n\nvar now = t.Now\n"
	p := pkg{path: "aggregate"}
	if err := p.read(token.NewFileSet(), "aggregate/a.go", src); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.imports, []string{"geppo/store", "time"}) || !slices.Equal(p.comments, []string{"aggregate/a.go"}) ||
		!slices.Equal(p.clock, []string{"aggregate/a.go:9: time.Now"}) || !p.hasCode {
		t.Errorf("read %+v", p)
	}
}

func TestRootCanFail(t *testing.T) {
	names := []string{".git", "README.md", "aggregate", "cmd", "geppo-demo", "go.mod", "go.sum", "mailer", "notes.txt", "render", "store"}
	got := rootViolations(names, []string{"/geppo-demo/", "*.db"})
	want := []string{"templates is missing from the root", "notes.txt does not belong in the root"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// rootViolations compares the root's names with the house. Hidden names and what git ignores (a
// demo's output, a built binary) are nobody's business.
func rootViolations(names, ignored []string) (faults []string) {
	want := []string{"cmd", "mailer", "aggregate", "render", "store", "templates", "go.mod", "go.sum", "README.md"}
	for _, w := range want {
		if !slices.Contains(names, w) {
			faults = append(faults, w+" is missing from the root")
		}
	}
	for _, name := range names {
		isIgnored := slices.ContainsFunc(ignored, func(pattern string) bool {
			ok, err := path.Match(strings.Trim(pattern, "/"), name)
			return ok && err == nil
		})
		if !slices.Contains(want, name) && !strings.HasPrefix(name, ".") && !isIgnored {
			faults = append(faults, name+" does not belong in the root")
		}
	}
	return faults
}

// violations tells every fault of the packages against the map, one line each.
func violations(pkgs []pkg) (faults []string) {
	for _, p := range pkgs {
		room, ok := roomOf(p.path)
		if !ok {
			faults = append(faults, p.path+": not on the map: give it a line in house or another place")
			continue
		}
		faults = append(faults, p.importFaults(room)...)
		if !under(p.path, "cmd") {
			for _, c := range p.clock {
				if file, _, _ := strings.Cut(c, ":"); slices.Contains(bounded, file) && strings.HasSuffix(c, ": time.AfterFunc") {
					continue
				}
				faults = append(faults, c+": only cmd reads the clock; take the time as an argument")
			}
		}
		switch {
		case len(p.comments) > 1:
			faults = append(faults, fmt.Sprintf("%s: package comments in %s: keep one", p.path, strings.Join(p.comments, ", ")))
		case len(p.comments) == 0 && p.hasCode:
			faults = append(faults, p.path+": no package comment: say what it owns and what it refuses to know")
		}
	}
	return faults
}

// importFaults holds the imports of p, which belongs to room, against house, owners and order.
func (p pkg) importFaults(room string) (faults []string) {
	for _, imp := range p.imports {
		if our, ok := strings.CutPrefix(imp, "geppo/"); ok {
			if !underAny(our, house[room]) && !under(our, room) {
				faults = append(faults, fmt.Sprintf("%s: imports %s, but may import only %v", p.path, our, house[room]))
			}
		}
		for pattern, who := range owners {
			lib, below := strings.CutSuffix(pattern, "/...")
			if (imp == lib || below && under(imp, lib)) && !underAny(p.path, who) {
				faults = append(faults, fmt.Sprintf("%s: imports %s, which is only for %v", p.path, imp, who))
			}
		}
	}
	for _, imp := range p.testImports {
		if our, ok := strings.CutPrefix(imp, "geppo/"); ok && rank(our) > rank(p.path) {
			faults = append(faults, fmt.Sprintf("%s: a test imports %s, against the direction of the data", p.path, our))
		}
	}
	return faults
}

// roomOf is the nearest line of house at or above dir.
func roomOf(dir string) (room string, ok bool) {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := house[dir]; ok {
			return dir, true
		}
	}
	return "", false
}

// rank is how far to the right a package stands; -1 for one that is not on the map.
func rank(dir string) int {
	top, _, _ := strings.Cut(dir, "/")
	return slices.Index(order, top)
}

// under says whether dir is tree or below it.
func under(dir, tree string) bool { return dir == tree || strings.HasPrefix(dir, tree+"/") }

func underAny(dir string, trees []string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool { return under(dir, tree) })
}

// load reads every Go file below dir, whatever its build tags, by directory.
func load(dir string) ([]pkg, error) {
	var pkgs []pkg
	fset := token.NewFileSet()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		i := slices.IndexFunc(pkgs, func(p pkg) bool { return p.path == path.Dir(name) })
		if i < 0 {
			i, pkgs = len(pkgs), append(pkgs, pkg{path: path.Dir(name)})
		}
		return pkgs[i].read(fset, name, src)
	})
	return pkgs, err
}

// read adds what the file called name, with the text src, says to p.
func (p *pkg) read(fset *token.FileSet, name string, src any) error {
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if strings.TrimSpace(f.Doc.Text()) != "" { // Text leaves out directives like //go:build
		p.comments = append(p.comments, name)
	}
	isTest := strings.HasSuffix(name, "_test.go")
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if isTest {
			p.testImports = append(p.testImports, imp)
			continue
		}
		p.imports = append(p.imports, imp)
		if imp == "time" {
			p.clock = append(p.clock, clockReads(fset, f, spec)...)
		}
	}
	p.hasCode = p.hasCode || !isTest
	return nil
}

// clockReads finds the uses of clock in f, which imports package time by spec.
func clockReads(fset *token.FileSet, f *ast.File, spec *ast.ImportSpec) (found []string) {
	timeName := "time"
	if spec.Name != nil {
		timeName = spec.Name.Name
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(clock, sel.Sel.Name) {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == timeName {
			pos := fset.Position(sel.Pos())
			found = append(found, fmt.Sprintf("%s:%d: time.%s", pos.Filename, pos.Line, sel.Sel.Name))
		}
		return true
	})
	return found
}
