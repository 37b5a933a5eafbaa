package sample

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"geppo/store"
)

// The same sample in the shapes of vendors' files: each row of our own format is written as the
// vendor's program would have, as far as its format can carry it. So the decoders are checked by
// writers that know nothing of them, and a newcomer has a file of each kind to try.

// vendorFormat is one shape.
type vendorFormat struct {
	name string
	row  func(f *vendorFile, r row)
	end  func(f *vendorFile) // nil: nothing ends the file
}

var vendorFormats = []vendorFormat{
	{"cef", (*vendorFile).cef, nil},
	{"feeder", (*vendorFile).feeder, nil},
	{"csv", (*vendorFile).csv, nil},
	{"pccnt", (*vendorFile).pccnt, nil},
	{"ofcurlf", (*vendorFile).ofcurlf, nil},
	{"workbench", (*vendorFile).alert, (*vendorFile).endAlerts},
	{"smpi", (*vendorFile).computer, (*vendorFile).endCustomers},
	{"ocsf", (*vendorFile).ocsf, nil},
}

// Formats are the formats that a sample can be written in, our own first.
func Formats() []string {
	names := []string{"jsonl"}
	for _, f := range vendorFormats {
		names = append(names, f.name)
	}
	return names
}

// WriteAs writes the sample in a format. cef, feeder and ocsf hold the detections of all contracts,
// named by their ids; csv those of viruses; pccnt and ofcurlf are logs of the one machine that met
// the first virus, or the first bad site; workbench holds the EDR events, smpi the inventory.
func WriteAs(w io.Writer, opts Options, format string) error {
	if format == "jsonl" {
		return Write(w, opts)
	}
	at := slices.IndexFunc(vendorFormats, func(f vendorFormat) bool { return f.name == format })
	if at < 0 {
		return fmt.Errorf("format %q is unknown; use one of %s", format, strings.Join(Formats(), ", "))
	}
	f := &vendorFile{format: vendorFormats[at], out: output{w: w}, systems: map[string]string{}}
	if err := Write(f, opts); err != nil {
		return err
	}
	if f.format.end != nil {
		f.format.end(f)
	}
	return f.out.flush()
}

// row is a row of our own format, of any type.
type row struct {
	Type, Contract, ID, Name, Feature, Endpoint, Class, Result, Path, OS, Status string
	Time, Received                                                               time.Time
	InstalledAt                                                                  time.Time  `json:"installed_at"`
	RemovedAt                                                                    *time.Time `json:"removed_at"`
	LastSeen                                                                     time.Time  `json:"last_seen"`
	PatternCurrent                                                               bool       `json:"pattern_current"`
	Count                                                                        int
	Objects                                                                      []store.EDRObject
}

// vendorFile takes the lines of our own format, which Write hands on whole, and writes a vendor's.
type vendorFile struct {
	format    vendorFormat
	out       output
	systems   map[string]string // operating system of each endpoint of the contract
	machine   *row              // whose log this is
	any       bool              // something was written
	customer  string
	computers []*computer
}

func (f *vendorFile) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return 0, fmt.Errorf("read the sample: %w", err)
		}
		switch r.Type {
		case "contract":
			clear(f.systems)
		case "endpoint":
			f.systems[r.Name] = r.OS
		}
		f.format.row(f, r)
	}
	return len(p), f.out.err
}

// print writes a line.
func (f *vendorFile) print(format string, args ...any) {
	f.any = true
	f.out.line(fmt.Appendf(f.out.buf, format, args...))
}

// printJSON writes a value of JSON as a line.
func (f *vendorFile) printJSON(before string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		f.out.err = err
		return
	}
	f.print("%s%s", before, text)
}

// words are what consoles say of results.
var words = map[string]string{
	"cleaned": "File cleaned", "deleted": "File deleted", "quarantined": "File quarantined", "renamed": "File renamed", "passed": "File passed",
	"uncleanable": "Unable to clean or quarantine file", "noncleaned": "Unable to clean file", "unsafe": "Spyware/Grayware unsafe to clean",
	"reboot": "Action Required - Restart the endpoint to finish cleaning the security threat",
}

func said(result string) string {
	if text, ok := words[result]; ok {
		return text
	}
	return result
}

// split is a path's folder, with the separator at its end, and its file.
func split(path string) (folder, file string) {
	at := strings.LastIndexAny(path, `\/`) + 1
	return path[:at], path[at:]
}
