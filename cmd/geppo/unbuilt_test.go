package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"geppo/cmd/internal/config"
)

// fieldOf is how the code reads a key: "schedule.approval" is .Schedule.Approval.
func fieldOf(t *testing.T, key string) string {
	t.Helper()
	expression, section := "", reflect.TypeFor[config.Config]()
	for name := range strings.SplitSeq(key, ".") {
		for field := range section.Fields() {
			if field.Tag.Get("toml") == name {
				expression, section = expression+"."+field.Name, field.Type
				break
			}
		}
	}
	if strings.Count(expression, ".") != strings.Count(key, ".")+1 {
		t.Fatalf("%s is no key", key)
	}
	return expression
}

// A key that a part reads is no longer unbuilt.
func TestUnbuiltKeysAreReadByNoPart(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range unbuilt {
		read := regexp.MustCompile(regexp.QuoteMeta(fieldOf(t, check.Key)) + `\b`)
		for _, source := range sources {
			if source == "unbuilt.go" || strings.HasSuffix(source, "_test.go") {
				continue
			}
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if read.Match(text) {
				t.Errorf("%s reads %s: take it out of unbuilt", source, check.Key)
			}
		}
		if check.Check(config.Default()) != nil {
			t.Errorf("the default of %s is refused", check.Key)
		}
	}
}
