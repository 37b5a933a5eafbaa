package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

// The real binary serves beside its dispatcher, and kills itself at every point of a file's way
// through the inbox. Whoever comes next imports what is left, and nothing twice.
func TestInboxAtEveryCrashPoint(t *testing.T) {
	from := template(t, 1)
	for _, point := range daemon.InboxPoints {
		t.Run(string(point), func(t *testing.T) {
			s := newStation(t, from, "GEPPO_HTTP_LISTEN=127.0.0.1:0", "GEPPO_INBOX_DIR=inbox", "GEPPO_INBOX_SETTLE=10ms")
			inbox := filepath.Join(s.dir, "inbox")
			good := `{"type":"detection","contract":"C0","id":"n","feature":"virus","time":"2026-09-06T14:03:22+09:00","endpoint":"PC","name":"X"}` + "\n"
			for name, text := range map[string]string{"bad.jsonl": "{\n", "good.jsonl": good} {
				if err := writeFile(inbox, name, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			for visit := 1; visit <= 2; visit++ { // the bad file's, and if it is there still the good one's
				if code, output := s.geppo([]string{fmt.Sprintf("%s=%s:%d", crashVariable, point, visit)}, "serve"); code != -1 {
					t.Fatalf("exit %d, not a crash: %s", code, output)
				}
				if entries, err := os.ReadDir(inbox); err != nil || len(entries) < 3 {
					break
				}
			}
			detections, err := sqlstore.OpenDetections(t.Context(), filepath.Join(s.dir, "geppo-detections.db"), sqlstore.Existing)
			if err != nil {
				t.Fatal(err)
			}
			defer detections.Close()
			now := time.Now()
			in := daemon.Inbox{Dir: inbox, Detections: detections, Zone: time.UTC, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
			if _, err := in.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]int{
				"failed/bad.jsonl": 1, "failed/bad.jsonl.reasons.txt": 1, "done/*/good.jsonl": 1, "*.jsonl": 0, "done/*/*": 1, "failed/*": 2,
			} {
				if found, err := filepath.Glob(filepath.Join(inbox, name)); err != nil || len(found) != want {
					t.Errorf("%s: %q, %v, want %d", name, found, err, want)
				}
			}
			m, err := detections.Month(t.Context(), "C0", store.Period{Year: 2026, Month: 9})
			if err != nil || len(m.Detections) != 2 {
				t.Errorf("%d detections, %v, want 2", len(m.Detections), err)
			}
			if arrivals, err := detections.Arrivals(t.Context(), "inbox/good.jsonl", 9); err != nil || len(arrivals) != 1 {
				t.Errorf("imported %d times, %v", len(arrivals), err)
			}
		})
	}
}
