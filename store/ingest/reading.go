package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"geppo/store"
)

// Reading is what a vendor's file does not say of itself. The zero value reads files that say all.
type Reading struct {
	Contract string            // of every row; if it is empty, the customer tells it by Aliases
	Aliases  map[string]string // a customer's name or id → contract
	Endpoint string            // the machine of a log that names none
	Class    store.Class       // of rows whose format tells none
	Zone     *time.Location    // of times without one; nil: the contract's
	Time     string            // "generated" or "received": what the only time of a table is; "": generated
	Date     string            // "mdy" or "dmy"; "": as the file shows
	Feature  store.Feature     // of a table whose columns do not tell
	Day      store.Day         // of a snapshot
	Complete bool              // the file holds all endpoints of its contracts: others were removed
	Results  map[string]string // text of a result → result, before the table of result.go
	Features map[string]string // class of event → feature, or "skip"
	Columns  map[string]string // heading of a table → field
	// Known, if set, tells what the store knows of a contract.
	Known func(contract string) (Known, error)
}

// Known is what the store knows of a contract.
type Known struct {
	Zone      *time.Location
	Endpoints []store.Endpoint
}

// unnamed is the endpoint of an event whose source names none: the event still counts.
const unnamed = "不明"

// vendor is what the decoders of vendors' formats share: who owns a row, and how it is put together.
type vendor struct {
	Reading
	file     string
	aliases  map[string]string // normalized
	features map[string]string // by class
	results  results
	names    names
	repeats  repeats
	known    map[string]Known
	failed   error // why the store could not be asked
	scratch  cefRecord
	hashed   []byte // scratch for ids
}

func newVendor(opts Options) *vendor {
	v := &vendor{Reading: opts.Reading, file: opts.File, aliases: map[string]string{}, features: map[string]string{}, known: map[string]Known{}}
	for name, contract := range opts.Aliases {
		v.aliases[sameText(name)] = contract
	}
	for word, to := range opts.Features {
		v.features[className(word)] = to
	}
	v.results, v.names = newResults(opts.Results), newNames(opts.Columns)
	return v
}

// sameText is the form by which texts of vendors and operators are compared.
func sameText(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(s))), " ")
}

// finding is a detection as a decoder finds it: candidates in the order in which they are asked.
type finding struct {
	class          string // of event, see classes.go
	id             string // the format's own; empty: derived from the row's content
	customers      []string
	time, received time.Time
	endpoints      []string
	machine        store.Class // if the format tells it; see classOf
	name, path     string
	count          int
	results        []string // texts of what became of it; nil for features without results
	result         string   // instead, where the format enumerates it
}

// detection makes f a row of l, or says why it is none.
func (v *vendor) detection(l *line, f finding) {
	feature, reported := v.feature(f.class)
	if !reported {
		l.class = f.class
		return
	}
	contract, err := v.contract(f.customers...)
	if err != nil {
		l.err = err
		return
	}
	row := detection{
		Type: "detection", Contract: contract, ID: f.id, Feature: string(feature),
		Time: stamp(f.time), Received: stamp(f.received), Endpoint: v.endpoint(l, f.endpoints...),
		Class: string(cmp.Or(f.machine, v.Class, store.ClassUnknown)), Name: cleanName(f.name), Path: clean(f.path),
	}
	if row.Name == "" {
		row.Name = unnamed
		l.warn("no name")
	}
	row.Result = cleanName(f.result)
	if f.results != nil {
		row.Result = cleanName(v.results.of(feature == store.Spyware, f.results...))
	}
	if row.ID == "" {
		row.ID = v.derive(contract, row.Feature, row.Time, row.Endpoint, row.Name, row.Path)
	}
	row.Count = new(max(f.count, 1))
	l.rows = append(l.rows, row)
}

// stamp is an instant as a row holds it; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}

// contract is the contract of a customer who is called by any of the names; if the file names none,
// of the one that its folder is named after.
func (v *vendor) contract(customers ...string) (string, error) {
	if v.Contract != "" {
		return v.Contract, nil
	}
	name := present(customers...)
	if name == "" {
		customers = []string{v.folder()}
	}
	if contract, ok := v.alias(customers...); ok {
		return contract, nil
	}
	if name == "" {
		return "", errors.New("the row names no customer; say --contract")
	}
	return "", unknownCustomer(name)
}

func unknownCustomer(name string) error {
	return fmt.Errorf("unknown customer %.80q; add it to [contracts.alias], or say --contract", name)
}

func (v *vendor) alias(customers ...string) (string, bool) {
	for _, name := range customers {
		if name == "" {
			continue
		}
		if contract, ok := v.Aliases[name]; ok {
			return contract, true
		}
		if contract, ok := v.aliases[sameText(name)]; ok {
			return contract, true
		}
	}
	return "", false
}

// folder is the name of the folder that the file lies in.
func (v *vendor) folder() string {
	name := filepath.Base(filepath.Dir(v.file))
	if name == "." || name == string(filepath.Separator) {
		return ""
	}
	return name
}

// about asks the store about a contract, once. What it cannot answer ends the reading.
func (v *vendor) about(contract string) Known {
	if known, ok := v.known[contract]; ok || v.Known == nil {
		return known
	}
	known, err := v.Known(contract)
	if err != nil && v.failed == nil {
		v.failed = fmt.Errorf("look contract %s up: %w", contract, err)
	}
	v.known[contract] = known
	return known
}

// zone is the zone of times that have none.
func (v *vendor) zone(customers ...string) *time.Location {
	if v.Zone != nil {
		return v.Zone
	}
	if contract, err := v.contract(customers...); err == nil {
		if zone := v.about(contract).Zone; zone != nil {
			return zone
		}
	}
	return tokyo
}

// tokyo needs no database of zones: Japan has had no summer time since 1951.
var tokyo = time.FixedZone(defaultZone, 9*60*60)

// endpoint is the first of the names that names a machine.
func (v *vendor) endpoint(l *line, names ...string) string {
	for _, name := range names {
		if name = cleanName(name); !absentEndpoint(name) {
			return name
		}
	}
	if v.Endpoint != "" {
		return cleanName(v.Endpoint)
	}
	l.warn("no endpoint name")
	return unnamed
}

func absentEndpoint(name string) bool {
	switch name {
	case "", "-", "0.0.0.0", "127.0.0.1", "::1":
		return true
	}
	return strings.EqualFold(name, "n/a") || strings.EqualFold(name, "localhost")
}

// present is the first of the values that says something.
func present(values ...string) string {
	for _, s := range values {
		if !absent(s) {
			return s
		}
	}
	return ""
}

func absent(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || s == "-" || strings.EqualFold(s, "n/a")
}

// classOf is the class of a machine by its operating system; empty if it does not tell.
func classOf(os string) store.Class {
	if os == "" {
		return ""
	}
	os = strings.ToLower(norm.NFKC.String(os))
	holds := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(os, w) {
				return true
			}
		}
		return false
	}
	switch {
	case holds("android", "iphone", "ipad", "chrome os", "chromeos"), strings.HasPrefix(os, "ios"), holds(" ios"):
		return store.ClassMobile
	case holds("server", "サーバ"):
		return store.ClassServer
	case holds("windows", "mac"):
		return store.ClassDesktop
	}
	return ""
}

// clean makes each run of control characters one space: a name may hold a line break in a table.
func clean(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Join(strings.FieldsFunc(s, unicode.IsControl), " "))
}

// cleanName cuts what is longer than a name may be: no row is refused for its vendor's long words.
func cleanName(s string) string {
	s = clean(s)
	if len(s) <= maxName || utf8.RuneCountInString(s) <= maxName {
		return s
	}
	return string([]rune(s)[:maxName])
}

func sortedKeys[K ~string, V any](m map[K]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, string(k))
	}
	slices.Sort(keys)
	return keys
}
