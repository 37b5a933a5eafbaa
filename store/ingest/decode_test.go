package ingest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"geppo/store"
)

// FuzzJSONLines reads any bytes as lines of JSON: every line gives a record or a reason, and the
// reason is one clean line.
func FuzzJSONLines(f *testing.F) {
	for _, s := range []string{
		`{"type":"contract","id":"C1","name":"株式会社","product":"antivirus","edr":true,"licences":20,"timezone":"Asia/Tokyo","since":"2025-04-01","recipients":[{"address":"a..b.@example.jp","name":""}]}`,
		`{"type":"endpoint","contract":"C1","name":"PC","class":"desktop","os":"","installed_at":"2025-04-02T10:00:00+09:00","removed_at":null}`,
		`{"type":"agent_status","contract":"C1","endpoint":"PC","day":"2026-10-31","last_seen":"2026-10-31T18:02:11Z","pattern_current":true,"protections":{"edr":"unknown"}}`,
		`{"type":"detection","contract":"C1","id":"d","feature":"virus","time":"2026-10-05T14:03:22+09:00","endpoint":"PC","name":"\ud842\udfb7","count":1,"path":"C:\\a"}`,
		`{"type":"edr_event","contract":"C1","id":"e","time":"2026-10-07T09:00:00+09:00","endpoint":"PC","status":"new","objects":[{"name":"o"}]}`,
		`{"type":"coverage","contract":"C1","day":"2026-10-05"}`,
		`{"type":"coverage","day":"2026-10-05","contract":"\u0000"}`, `{"type":"d\u0065tection"}`, `{"type":1}`, `[{"type":`, "# x\r\n\n{}\n",
		"\xef\xbb\xbf{}", "\xff\xfe{\x00}\x00\n\x00", "\xfe\xff\xd8\x00", "\x8a\x94\x8e\xae\x89\xef\x8e\xd0\n", "\xe3\x81\x82\xc3(",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, _, err := open(bytes.NewReader(data), Options{Format: "jsonl"})
		if err != nil {
			t.Fatal(err)
		}
		for {
			c := readChunk(lines)
			for _, l := range c.lines {
				checkLine(t, l)
			}
			if errors.Is(c.err, io.EOF) {
				return
			}
			if c.err != nil {
				t.Fatal(c.err)
			}
		}
	})
}

func checkLine(t *testing.T, l line) {
	t.Helper()
	switch {
	case (len(l.records) == 0) == (l.err == nil):
		t.Errorf("line %d gives records %v and error %v", l.number, l.records, l.err)
	case l.err == nil:
		if err := store.CheckContractID(l.records[0].contractID()); err != nil || !utf8.Valid(l.text) || bytes.IndexByte(l.text, 0) >= 0 {
			t.Errorf("accepted %q: %v", l.text, err)
		}
	default:
		reason := l.err.Error()
		if len(reason) > 1000 || strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' }) || !utf8.ValidString(reason) {
			t.Errorf("reason %q is not one clean line", reason)
		}
	}
}
