package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store/ingest"
	"geppo/store/sample"
)

// sampleRow is what a vendor's format can carry of a detection; the time in UTC.
type sampleRow struct {
	Type, Feature, Time, Endpoint, Name, Result, Path string
	Count                                             int
}

// A sample in a vendor's shape gives the rows of the sample, read by a decoder that knows nothing of
// the writer.
func TestSampleInVendorsShapes(t *testing.T) {
	opts := sample.Options{Contracts: 30, Seed: 3, Period: october, Mix: sample.Mix{None: 5, Few: 3, Many: 2}}
	var ours bytes.Buffer
	if err := sample.Write(&ours, opts); err != nil {
		t.Fatal(err)
	}
	aliases := map[string]string{}
	for i := range opts.Contracts {
		aliases[fmt.Sprintf("C%06d", i+1)] = fmt.Sprintf("C%06d", i+1)
	}
	for _, format := range sample.Formats()[1:] {
		t.Run(format, func(t *testing.T) {
			var file, out bytes.Buffer
			if err := sample.WriteAs(&file, opts, format); err != nil {
				t.Fatal(err)
			}
			in := ingest.Options{File: "sample"}
			in.Aliases, in.Day = aliases, "2026-10-31"
			if slices.Contains([]string{"pccnt", "ofcurlf", "workbench", "ocsf"}, format) {
				in.Contract, in.Endpoint = "C000001", "PC"
			}
			done, err := ingest.Convert(t.Context(), &out, &file, in)
			if err != nil || done.Format != format || len(done.NotReported) > 0 {
				t.Fatalf("%s: %+v, %v", format, done, err)
			}
			want, got := carried(t, ours.Bytes(), format), carried(t, out.Bytes(), format)
			if format == "pccnt" || format == "ofcurlf" {
				machine := want[0].Endpoint
				want = slices.DeleteFunc(want, func(r sampleRow) bool { return r.Endpoint != machine })
				for i := range want {
					want[i].Endpoint, want[i].Count = "PC", 1
				}
			}
			if len(want) == 0 {
				t.Fatal("the sample has no such rows")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-sample +read):\n%.3000s", diff)
			}
		})
	}
}

// carried are the rows of a format's kind.
func carried(t *testing.T, lines []byte, format string) (rows []sampleRow) {
	t.Helper()
	for line := range bytes.Lines(lines) {
		var r struct {
			sampleRow
			Status      string
			LastSeen    string `json:"last_seen"`
			InstalledAt string `json:"installed_at"`
			RemovedAt   string `json:"removed_at"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if !carries(format, r.Type, r.Feature) || r.RemovedAt != "" {
			continue
		}
		switch r.Type {
		case "edr_event":
			r.Result = r.Status
		case "endpoint":
			r.Time = r.InstalledAt
		}
		if r.Feature != "virus" && r.Feature != "spyware" {
			r.Path = ""
		}
		r.Time = inUTC(t, r.Time)
		if format == "ofcurlf" || format == "pccnt" && r.Result == "アクセス拒否" {
			r.Result = map[string]string{"pccnt": "99"}[format]
		}
		rows = append(rows, r.sampleRow)
	}
	return rows
}

func carries(format, kind, feature string) bool {
	switch format {
	case "workbench":
		return kind == "edr_event"
	case "smpi":
		return kind == "endpoint"
	case "csv", "pccnt":
		return feature == "virus"
	case "ofcurlf":
		return feature == "web_reputation"
	}
	return kind == "detection"
}

func inUTC(t *testing.T, text string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("2006-01-02T15:04:05.999Z")
}
