package render_test

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"geppo/render"
	"geppo/templates"
)

// edited is an operator's directory over the embedded one: files by name.
type edited struct {
	fs.FS
	files fstest.MapFS
}

func (e edited) Open(name string) (fs.File, error) {
	if _, ok := e.files[name]; ok {
		return e.files.Open(name)
	}
	return e.FS.Open(name)
}

func over(files map[string]string) fs.FS {
	e := edited{templates.FS, fstest.MapFS{}}
	for name, text := range files {
		e.files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return e
}

func embedded(t *testing.T, name string) string {
	t.Helper()
	b, err := templates.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOurOwnTemplatesPass(t *testing.T) {
	for _, o := range []render.Options{{}, options} {
		if err := render.Check(templates.FS, o); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"wording": {
			map[string]string{
				"words.ja.toml": strings.NewReplacer("no_asks = ", "no_asks_x = ", `zero = "{month}の検出は0件でした"`, "").Replace(embedded(t, "words.ja.toml")),
			},
			[]string{"words.ja.toml: line", "unknown key state.no_asks_x"},
		},
		"several keys": {
			map[string]string{"words.ja.toml": strings.NewReplacer(`zero = "{month}の検出は0件でした"`, "", `no_name = "(名称なし)"`, "").Replace(embedded(t, "words.ja.toml"))},
			[]string{"words.ja.toml: state.zero is missing", "words.ja.toml: format.no_name is missing"},
		},
		"syntax":        {map[string]string{"mail.html": "{{if}}"}, []string{"mail.html:1"}},
		"unknown field": {map[string]string{"mail.html": "a\n{{.Nothing}}"}, []string{"mail.html:2", "Nothing"}},
		"too long":      {map[string]string{"mail.html": strings.Repeat("x", 81_000)}, []string{"mail.html", "81001 bytes", "80000"}},
		"no alert":      {map[string]string{"alert.txt": "{{if .Missed}}{{.Nothing}}{{end}}"}, []string{"alert.txt:1", "Nothing"}},
		"no notice":     {map[string]string{"notice.txt": "{{if .Pauses}}{{.Nothing}}{{end}}"}, []string{"notice.txt:1", "Nothing"}},
		"no silence":    {map[string]string{"silence.txt": "{{.Nothing}}"}, []string{"silence.txt:1", "Nothing"}},
		"no summary":    {map[string]string{"summary.txt": "{{.Nothing}}"}, []string{"summary.txt:1", "Nothing"}},
		"no font":       {map[string]string{"fonts/BIZUDPGothic-Bold.ttf": "font"}, []string{"parse font BIZUDPGothic-Bold"}},
	} {
		err := render.Check(over(c.files), options)
		if err == nil {
			t.Errorf("%s: no fault is found", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, err)
			}
		}
	}
}

// TestCheckReachesEveryBranch puts an unknown field behind each action that opens a branch, and takes away
// those that Check finds until it finds no more.
func TestCheckReachesEveryBranch(t *testing.T) {
	branch := regexp.MustCompile(`\{\{-? ?(if|else|range|with|define)\b[^}]*\}\}`)
	field := regexp.MustCompile(`NoSuchField(\d+)`)
	for _, file := range []string{"mail.html", "summary.txt", "alert.txt"} {
		text := embedded(t, file)
		ends := map[int]bool{}
		for _, at := range branch.FindAllStringIndex(text, -1) {
			if !strings.Contains(text[at[0]:at[1]], `define "s-`) { // a style
				ends[at[1]] = true
			}
		}
		if len(ends) < 4 {
			t.Fatalf("%s has %d branches: the pattern is wrong", file, len(ends))
		}
		for len(ends) > 0 {
			var bad strings.Builder
			from := 0
			for _, end := range slices.Sorted(maps.Keys(ends)) {
				fmt.Fprintf(&bad, "%s{{$.NoSuchField%d}}", text[from:end], end)
				from = end
			}
			err := render.Check(over(map[string]string{file: bad.String() + text[from:]}), options)
			found := field.FindAllStringSubmatch(fmt.Sprint(err), -1)
			for _, f := range found {
				end, _ := strconv.Atoi(f[1])
				delete(ends, end)
			}
			if len(found) > 0 {
				continue
			}
			for end := range ends {
				t.Errorf("%s: an unknown field behind %q is not found", file, text[max(0, end-60):end])
			}
			break
		}
	}
}
