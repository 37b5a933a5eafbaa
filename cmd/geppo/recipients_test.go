package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A list as it was printed, imported, changes nothing and names nobody anew, whatever he is called.
func TestTheListOfRecipientsReadsAsItWasPrinted(t *testing.T) {
	s := newStation(t, template(t, 1))
	hostile := []string{"exe\u202Efdp.txt", `a\u202eb`, `\\u005c`, "'=1+1", "=1+1", "''-x", "\u200b田中\U000e0041", `"a", 'b'`, "a\ufffdb", "<b>&amp;"}
	var people []map[string]string
	for i, name := range hostile {
		people = append(people, map[string]string{"address": fmt.Sprintf("p%d@example.jp", i), "name": name})
	}
	people = append(people, map[string]string{"address": `"a\u0041=b"@example.jp`, "name": ""}, map[string]string{"address": "'=x@example.jp", "name": "x"})
	line, err := json.Marshal(map[string]any{
		"type": "contract", "id": "H1", "name": "H", "product": "antivirus", "licences": 5, "since": "2025-04-01", "recipients": people,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "h.jsonl"), append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, output := s.geppo(nil, "import", "h.jsonl"); code != exitDone {
		t.Fatal(output)
	}
	_, list := s.geppo(nil, "recipients", "--contract", "H1", "--csv")
	if strings.Contains(list, "\u202e") {
		t.Errorf("the list is %q", list)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "list.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("0 added, 0 renamed, 0 removed, %d unchanged", len(people))
	if code, output := s.geppo(nil, "recipients", "import", "list.csv", "--replace", "--yes"); code != exitDone || !strings.HasPrefix(output, want) {
		t.Errorf("exit %d, want %q: %s\n%s", code, want, output, list)
	}
}
