package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"geppo/cmd/internal/notify"
	"geppo/cmd/internal/sink"
)

// A run tells the webhooks that it was planned and how it ended, before it ends itself. One that does not answer, and one
// whose address cannot be read, are told by the log and by check, without the address.
func TestARunTellsTheWebhooks(t *testing.T) {
	var mu sync.Mutex
	var told []string
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var notice notify.Notice
		err := json.NewDecoder(r.Body).Decode(&notice)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || r.URL.Path != "/hooks/sesame" {
			t.Errorf("%s: %v", r.URL, err)
		}
		told = append(told, notice.Event)
	}))
	defer chat.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	relay, err := sink.Start(t.Context(), func(sink.Message) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	dir := t.TempDir()
	urlFile, settings := filepath.Join(dir, "url"), filepath.Join(dir, "geppo.toml")
	for path, text := range map[string]string{
		urlFile: chat.URL + "/hooks/sesame\n",
		settings: "[smtp]\nport = " + strconv.Itoa(relay.Port()) + "\n[notify]\nwebhooks = [{kind = 'json', url_file = '" + urlFile + "'}, {kind = 'slack', url = '" +
			gone.URL + "/hunter2hunter2'}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	geppo := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := runGeppo(t, append([]string{"-c", settings, "--db", "sqlite:" + filepath.Join(dir, "geppo.db")}, args...)...)
		if code != want || strings.Contains(stdout+stderr, "sesame") || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("geppo %v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	_, sample, _ := runGeppo(t, "sample", "--contracts", "2", "--seed", "3", "--period", "2026-10")
	data := filepath.Join(dir, "sample.jsonl")
	if err := os.WriteFile(data, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	geppo(exitDone, "import", data)
	out := geppo(exitDone, "run", "--period", "2026-10")
	slices.Sort(told)
	if !slices.Equal(told, []string{"finished", "planned"}) || !strings.Contains(out, "a webhook could not be told") || !strings.Contains(out, "404") {
		t.Errorf("told %v\n%s", told, out)
	}
	if err := os.WriteFile(urlFile, []byte("hooks/sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := geppo(exitUsage, "check", "--no-smtp"); !strings.Contains(out, "notify.webhooks: "+urlFile) {
		t.Errorf("check: %s", out)
	}
	geppo(exitUsage, "run", "--period", "2026-10")
}
