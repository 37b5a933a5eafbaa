package main

import (
	"os"
	"strings"
	"testing"

	"geppo/cmd/internal/config"
)

// A reload never falls back to what would be read without the file of the start: neither to the defaults nor to another file.
func TestReloadNeedsTheFileOfTheStart(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("geppo.toml", []byte("[smtp]\nhost = \"relay.example.jp\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{}
	started, err := a.config()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{app: a, started: started}
	if err := os.Rename("geppo.toml", "geppo.toml.new"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.reloaded(); err == nil || !strings.Contains(err.Error(), "geppo.toml") {
		t.Errorf("without its file: %v", err)
	}
	if err := sameFile(started, started); err != nil {
		t.Error(err)
	}
	if err := sameFile(started, func() config.Config { c := started; c.File = "/etc/geppo/geppo.toml"; return c }()); err == nil {
		t.Error("another file was taken")
	}
}
