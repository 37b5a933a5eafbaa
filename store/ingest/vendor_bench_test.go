package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkDecode reads a vendor's file of many records on one core, from bytes to checked records.
func BenchmarkDecode(b *testing.B) {
	for _, file := range []string{
		"cef/apexcentral.log", "feeder/worryfree.log", "csv/virus-ja-cp932.csv", "pccnt/KEIRI-PC02.pccnt35.log", "ofcurlf/EIGYO-PC01.OfcUrlf.log", "ocsf/findings.ndjson", "workbench/updates.ndjson",
	} {
		format, _, _ := strings.Cut(file, "/")
		text, err := os.ReadFile("testdata/vendor/" + file)
		if err != nil {
			b.Fatal(err)
		}
		many := repeatedText(text, format == "csv")
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(many)))
			records, before := 0, processorTime(b)
			for b.Loop() {
				records += decodeAll(b, format, bytes.NewReader(many))
			}
			b.ReportMetric(float64(records)/(processorTime(b)-before).Seconds(), "records/cpu-s")
		})
	}
}

// processorTime is what the process has used; a busy machine does not change it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// repeatedText is some megabytes of the same records, each of another machine.
func repeatedText(text []byte, heading bool) []byte {
	var many bytes.Buffer
	many.Write(text)
	if !bytes.HasSuffix(text, []byte("\n")) {
		many.WriteByte('\n')
	}
	if heading {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	for i := 0; many.Len() < 8<<20; i++ {
		many.Write(bytes.ReplaceAll(text, []byte("PC"), fmt.Appendf(nil, "P%d", i)))
		if !bytes.HasSuffix(text, []byte("\n")) {
			many.WriteByte('\n')
		}
	}
	return many.Bytes()
}

func decodeAll(tb testing.TB, format string, r io.Reader) (records int) {
	opts := Options{File: "in", Format: format}
	opts.Contract, opts.Endpoint, opts.Day = "C1", "PC", "2026-10-31"
	from, _, err := open(r, opts)
	if err != nil {
		tb.Fatal(err)
	}
	for {
		c := readChunk(from)
		for i := range c.lines {
			if l := &c.lines[i]; l.counted() > 0 || len(l.warnings) > 0 {
				records++
			}
		}
		if errors.Is(c.err, io.EOF) {
			return records
		}
		if c.err != nil {
			tb.Fatal(c.err)
		}
	}
}
