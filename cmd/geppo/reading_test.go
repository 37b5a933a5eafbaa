package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Whichever command is given a file that is not there, it is the command line that is wrong.
func TestAMissingFileIsWrongUsage(t *testing.T) {
	s := newStation(t, template(t, 1))
	missing := filepath.Join(s.dir, "missing")
	for _, args := range [][]string{
		{"import", missing}, {"convert", missing}, {"recipients", "import", missing}, {"approve", "--from-file", missing},
	} {
		code, output := s.geppo(nil, args...)
		if code != exitUsage || !strings.Contains(output, missing) || !strings.Contains(output, "name a file") || strings.Count(output, "\n") != 1 {
			t.Errorf("%q: exit %d, want %d: %s", args, code, exitUsage, output)
		}
	}
}
