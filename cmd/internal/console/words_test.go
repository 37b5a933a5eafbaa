package console

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// byData are the sections whose words are named by data: a state, a cause. They are not looked for in the source.
var byData = "role hit state cause fire weekday product outcome stage source action act-help todo feature result fault"

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
		inCSV := section == "followups" && strings.Contains(named, `"`+word+`"`)
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
