package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"geppo/store/sample"
)

// benchLine is a line as benchstat reads it (https://go.dev/design/14313-benchmark-format).
var benchLine = regexp.MustCompile(`^BenchmarkGeppo/(\S+)-[0-9]+\s+([0-9]+)((?:\s+[-+.e0-9]+ \S+)+)$`)

func TestBenchPrintsWhatBenchstatReads(t *testing.T) {
	const contracts = 9
	code, stdout, stderr := runGeppo(t, "bench", "--contracts", strconv.Itoa(contracts), "--connections", "2")
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	seen := map[string]map[string]float64{}
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		match := benchLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if match == nil {
			t.Fatalf("not a benchmark's line: %q", line)
		}
		values := strings.Fields(match[3])
		seen[match[1]] = map[string]float64{"n": number(t, match[2])}
		for i := 0; i < len(values); i += 2 {
			seen[match[1]][values[i+1]] = number(t, values[i])
		}
	}
	want := []string{"import", "plan", "plan-again", "run"}
	for _, stage := range append(benchWaits[:], benchStages...) {
		want = append(want, "stage="+stage)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Fatalf("lines %q, want %q", got, want)
	}
	rows, mails := sampleCounts(t, contracts)
	run := seen["run"]
	if run["n"] != contracts || run["mails"] != mails || seen["import"]["n"] != rows {
		t.Errorf("%v reports, %v mails, %v rows; want %d, %v, %v", run["n"], run["mails"], seen["import"]["n"], contracts, mails, rows)
	}
	for name, values := range seen {
		for unit, value := range values {
			// A kernel that counts by ticks may give a stage of few reports nothing.
			if value < 0 || value == 0 && !strings.HasPrefix(name, "stage=") {
				t.Errorf("%s: %v %s", name, value, unit)
			}
		}
	}
	if connects, sends := seen["stage=connect"]["n"], seen["stage=send"]["n"]; connects > 2 || sends != mails {
		t.Errorf("%v connections, %v sendings; want at most 2, and %v", connects, sends, mails)
	}
}

func number(t *testing.T, s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sampleCounts reads from the sample itself how many rows and addresses it has.
func sampleCounts(t *testing.T, contracts int) (rows, addresses float64) {
	var text bytes.Buffer
	if err := sample.Write(&text, sample.Options{Contracts: contracts, Seed: 1, Period: benchPeriod}); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text.Bytes()) {
		var row struct{ Recipients []struct{} }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		rows++
		addresses += float64(len(row.Recipients))
	}
	return rows, addresses
}
