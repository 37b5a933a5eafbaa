package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What customers and relays write into names and replies breaks no line and moves no cursor.
func TestHostileNamesStayWithinTheirLine(t *testing.T) {
	hostile := "a\nlevel=ERROR msg=\"paid\"\r\x1b[2J\x00\u202eexe\u2028\u0085\"=="
	for _, format := range []string{"text", "json"} {
		for _, journal := range []bool{false, true} {
			var out bytes.Buffer
			log := slog.New(logHandler(&out, format, slog.LevelInfo, journal))
			log.Info("attempt", "recipient", hostile, "reply", hostile)
			log.Debug("not asked for")
			line := out.String()
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: not one line: %q", format, line)
			}
			if i := strings.IndexAny(strings.TrimSuffix(line, "\n"), "\n\r\x1b\x00\u2028"); i >= 0 {
				t.Errorf("%s: a control character at %d: %q", format, i, line)
			}
			if format == "text" && strings.ContainsAny(line, "\u202e\u0085") {
				t.Errorf("the terminal is told to: %q", line)
			}
			if strings.HasPrefix(line, "<6>") != journal || strings.Contains(line, "time") == (journal && format == "text") {
				t.Errorf("%s, journal %v: %q", format, journal, line)
			}
			if format == "json" {
				var record map[string]any
				if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "<6>")), &record); err != nil || record["recipient"] != hostile {
					t.Errorf("%v: %q", err, line)
				}
			}
		}
	}
}

func TestTheJournalIsToldThePriority(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(logHandler(&out, "text", slog.LevelDebug, true)).With("run", 1).WithGroup("g")
	log.Error("e")
	log.Warn("w")
	log.Info("i", "a", 1)
	log.Debug("d")
	want := "<3>level=ERROR msg=e run=1\n<4>level=WARN msg=w run=1\n<6>level=INFO msg=i run=1 g.a=1\n<7>level=DEBUG msg=d run=1\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// JOURNAL_STREAM is inherited: only the very stream that it names is the journal.
func TestTheJournalIsKnownByItsStream(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	named := []string{journalStream(stat)}
	if !toJournal(file, named) || toJournal(file, nil) || toJournal(os.Stderr, named) || toJournal(&bytes.Buffer{}, named) {
		t.Errorf("with %v: %v %v %v", named, toJournal(file, named), toJournal(file, nil), toJournal(os.Stderr, named))
	}
}
