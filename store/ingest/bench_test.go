package ingest_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"geppo/store/ingest"
)

// benchRows is how many detections are imported: GEPPO_BENCH_ROWS, or few.
func benchRows(b *testing.B) int {
	b.Helper()
	s := os.Getenv("GEPPO_BENCH_ROWS")
	if s == "" {
		return 100_000
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1000 {
		b.Fatalf("GEPPO_BENCH_ROWS is %q, not a number from 1000", s)
	}
	return n
}

// benchFeed writes detections as they would arrive, in the order of time and contracts mixed, as
// our JSON Lines and as CSV with the columns of the table. Both hold the same rows.
func benchFeed(b *testing.B, rows int) (jsonl, table []byte) {
	b.Helper()
	contracts := max(rows/500, 10)
	var lines, cells bytes.Buffer
	for k := range contracts {
		fmt.Fprintf(&lines, `{"type":"contract","id":"C%d","name":"A","product":"antivirus","licences":1,"since":"2026-01-01"}`+"\n", k)
	}
	out, toCSV := json.NewEncoder(&lines), csv.NewWriter(&cells)
	start, end := october.Bounds(time.UTC)
	step := end.Sub(start) / time.Duration(rows)
	for i := range rows {
		k, at := i*7919%contracts, start.Add(time.Duration(i)*step).Truncate(time.Second)
		endpoint, name, path := fmt.Sprintf("営業部-PC%03d", i%20), fmt.Sprintf("Trojan.Win32.FRS.VSNW%02dG24", i%50), `C:\Users\yamada\請求書.exe`
		row := map[string]any{
			"type": "detection", "contract": fmt.Sprint("C", k), "id": fmt.Sprint("d-", i), "feature": "virus", "time": at,
			"received": at, "endpoint": endpoint, "class": "desktop", "name": name, "result": "cleaned", "count": 1, "path": path,
		}
		ms := strconv.FormatInt(at.UnixMilli(), 10)
		record := []string{strconv.Itoa(k), ms, fmt.Sprint("d-", i), "virus", "desktop", "1", endpoint, name, "cleaned", ms, path}
		if out.Encode(row) != nil || toCSV.Write(record) != nil {
			b.Fatal("cannot write the feed")
		}
	}
	toCSV.Flush()
	return lines.Bytes(), cells.Bytes()
}

// BenchmarkImport compares with sqlite3's .import of the same rows into a table with the same key:
//
//	GEPPO_BENCH_ROWS=1000000 go test -run '^$' -bench Import -benchtime 1x -count 3 ./store/ingest
func BenchmarkImport(b *testing.B) {
	rows := benchRows(b)
	jsonl, table := benchFeed(b, rows)
	perSecond := func(b *testing.B) {
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("geppo", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			db := open(b)
			b.StartTimer()
			if _, err := ingest.JSONLines(context.Background(), db, bytes.NewReader(jsonl), options()); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
	b.Run("sqlite3", func(b *testing.B) {
		shell, err := exec.LookPath("sqlite3")
		if err != nil {
			b.Skip("the sqlite3 shell, which this compares with, is not installed")
		}
		file := filepath.Join(b.TempDir(), "rows.csv")
		if err := os.WriteFile(file, table, 0o600); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			importByShell(b, shell, file)
		}
		perSecond(b)
	})
}

func importByShell(b *testing.B, shell, file string) {
	b.Helper()
	cmd := exec.Command(shell, filepath.Join(b.TempDir(), "shell.db"))
	cmd.Stdin = strings.NewReader(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE detections (contract INTEGER NOT NULL, time INTEGER NOT NULL, id TEXT NOT NULL, feature TEXT NOT NULL,
  class TEXT NOT NULL, count INTEGER NOT NULL, endpoint TEXT NOT NULL, name TEXT NOT NULL, result TEXT NOT NULL,
  received INTEGER, path TEXT NOT NULL, PRIMARY KEY (contract, time, id)) STRICT, WITHOUT ROWID;
.mode csv
.import ` + file + ` detections
`)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "rror") {
		b.Fatalf("sqlite3: %v\n%s", err, out)
	}
}
