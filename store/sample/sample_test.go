package sample

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/store"
)

var october = store.Period{Year: 2026, Month: time.October}

func write(t testing.TB, opts Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, opts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameOptionsSameBytes(t *testing.T) {
	opts := Options{Contracts: 60, Seed: 7, Period: october}
	one, two := write(t, opts), write(t, opts)
	if !bytes.Equal(one, two) {
		t.Error("two runs differ")
	}
	last := opts
	last.From = 55
	if tail := write(t, last); len(tail) == 0 || !bytes.HasSuffix(one, tail) || bytes.Count(tail, []byte(`"type":"contract"`)) != 5 {
		t.Error("the last five contracts are others when they are written alone")
	}
	opts.Contracts = 23
	if short := write(t, opts); !bytes.HasPrefix(one, short) {
		t.Error("the first contracts of a longer sample differ from a shorter sample")
	}
	opts.Seed = 8
	if bytes.HasPrefix(one, write(t, opts)) {
		t.Error("another seed gives the same bytes")
	}
}

// line has every field of every type; decoding refuses others.
type line struct {
	Type, ID, Contract, Name, Product, Timezone, Since, Endpoint, Class, OS, Day, Feature, Result, Path, Status string

	EDR           bool
	URLFiltering  *bool     `json:"url_filtering"`
	Licences      int       `json:"licences"`
	InstalledAt   time.Time `json:"installed_at"`
	RemovedAt     time.Time `json:"removed_at"`
	LastSeen      time.Time `json:"last_seen"`
	Time          time.Time
	Received      time.Time
	Count         int
	PatternCur    *bool             `json:"pattern_current"`
	OSSupported   *bool             `json:"os_supported"`
	Protections   map[string]string `json:"protections"`
	Recipients    []struct{ Address, Name string }
	Objects       []struct{ Name, Type, Result string }
	fieldsPresent []string
}

var fields = map[string]string{
	"contract":     "edr id licences name product recipients since timezone type",
	"endpoint":     "class contract installed_at name os removed_at type",
	"agent_status": "contract day endpoint last_seen os os_supported pattern_current protections type",
	"detection":    "contract count endpoint feature id name received time type",
	"edr_event":    "contract endpoint id objects status time type",
	"coverage":     "contract day type",
}

var optionalFields = []string{"class", "path", "result", "url_filtering"}

func parse(t *testing.T, data []byte) []line {
	t.Helper()
	var lines []line
	for text := range bytes.Lines(data) {
		var l line
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var present map[string]json.RawMessage
		if err := json.Unmarshal(text, &present); err != nil {
			t.Fatal(err)
		}
		for name := range present {
			if l.Type == "endpoint" || !slices.Contains(optionalFields, name) {
				l.fieldsPresent = append(l.fieldsPresent, name)
			}
		}
		slices.Sort(l.fieldsPresent)
		lines = append(lines, l)
	}
	return lines
}

func TestEveryLineIsOfTheImportFormat(t *testing.T) {
	lines := parse(t, write(t, Options{Contracts: 100, Seed: 3, Period: october}))
	start, _ := october.Previous().Bounds(jst)
	_, end := october.Bounds(jst)
	within := func(at time.Time) bool { return !at.Before(start) && at.Before(end) }
	endpoints := map[string]line{}
	ids := map[string]bool{}
	var id string
	seen := map[string]int{}
	for _, l := range lines {
		seen[l.Type]++
		if got := strings.Join(l.fieldsPresent, " "); got != fields[l.Type] {
			t.Fatalf("%s has fields %q, want %q", l.Type, got, fields[l.Type])
		}
		if l.Type == "contract" {
			id = l.ID
			checkContract(t, l)
			continue
		}
		if l.Contract != id {
			t.Fatalf("a line of %s stands after contract %s", l.Contract, id)
		}
		key := id + "/" + l.Endpoint
		if l.Type == "detection" || l.Type == "edr_event" {
			if e := endpoints[key]; l.Time.Before(e.InstalledAt) || !e.RemovedAt.IsZero() && !l.Time.Before(e.RemovedAt) {
				t.Errorf("%s at %s: %s was not installed then", l.ID, l.Time, key)
			}
			if ids[id+l.ID] || !within(l.Time) {
				t.Errorf("%s %s: repeated, or its time %s is outside the two months", id, l.ID, l.Time)
			}
			ids[id+l.ID] = true
		}
		switch l.Type {
		case "endpoint":
			if _, twice := endpoints[id+"/"+l.Name]; twice {
				t.Errorf("%s has %s twice", id, l.Name)
			}
			endpoints[id+"/"+l.Name] = l
		case "agent_status":
			if l.LastSeen.Before(start) || !l.LastSeen.Before(end) || l.LastSeen.In(jst).Format(time.DateOnly) > l.Day {
				t.Errorf("%s on %s: last seen %s", key, l.Day, l.LastSeen)
			}
		case "detection":
			if l.Count < 1 || l.Received.Before(l.Time) || (l.Result != "") != (l.Feature == "virus" || l.Feature == "spyware") {
				t.Errorf("bad detection %+v", l)
			}
		case "edr_event":
			if len(l.Objects) < 1 || len(l.Objects) > 4 {
				t.Errorf("%s has %d objects", l.ID, len(l.Objects))
			}
		}
	}
	for kind := range fields {
		if seen[kind] == 0 {
			t.Errorf("no line of type %s in 100 contracts", kind)
		}
	}
}

func checkContract(t *testing.T, l line) {
	t.Helper()
	if len(l.Recipients) < 1 || len(l.Recipients) > 3 || l.Licences < 1 || l.Name == "" {
		t.Errorf("bad contract %+v", l)
	}
	for _, r := range l.Recipients {
		if _, err := mail.ParseAddress(r.Address); err != nil {
			t.Errorf("%s: %v", r.Address, err)
		}
		if !strings.HasSuffix(r.Address, "@example.jp") && !strings.HasSuffix(r.Address, "@example.co.jp") {
			t.Errorf("%s is not under a domain reserved for examples", r.Address)
		}
	}
}

// shares counts contracts by kind, from the rows of the period; the sum of their counts must fall
// in the same kind. It cuts the lines by hand: a thousand contracts are half a million of them.
func shares(t *testing.T, opts Options) (m Mix) {
	t.Helper()
	var ids []string
	rows, sums := map[string]int{}, map[string]int{}
	for text := range bytes.Lines(write(t, opts)) {
		if bytes.HasPrefix(text, []byte(`{"type":"contract"`)) {
			ids = append(ids, value(text, `"id":"`))
		}
		if bytes.HasPrefix(text, []byte(`{"type":"detection"`)) && strings.HasPrefix(value(text, `"time":"`), opts.Period.String()) {
			count, err := strconv.Atoi(value(text, `"count":`))
			if err != nil {
				t.Fatal(err)
			}
			id := value(text, `"contract":"`)
			rows[id]++
			sums[id] += count
		}
	}
	if len(ids) != opts.Contracts {
		t.Fatalf("%d contracts, want %d", len(ids), opts.Contracts)
	}
	for _, id := range ids {
		r, s := rows[id], sums[id]
		switch {
		case r == 0:
			m.None++
		case s <= 50:
			m.Few++
		case r >= 51 && s <= 1000:
			m.Many++
		case r >= 5000 && s <= 20000:
			m.Heavy++
		default:
			t.Errorf("%s has %d rows with %d detections: between the kinds", id, r, s)
		}
	}
	return m
}

// value is what stands after name, up to the next quote, comma or brace.
func value(text []byte, name string) string {
	_, after, _ := bytes.Cut(text, []byte(name))
	return string(after[:bytes.IndexAny(after, `",}`)])
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want Mix
	}{
		{Options{Contracts: 100, Seed: 1}, Mix{60, 30, 9, 1}},
		{Options{Contracts: 100, Seed: 2}, Mix{60, 30, 9, 1}},
		{Options{Contracts: 10, Seed: 1}, Mix{6, 3, 1, 0}},
		{Options{Contracts: 14, Seed: 1, Mix: Mix{4, 5, 4, 1}}, Mix{4, 5, 4, 1}},
		{Options{Contracts: 4, Seed: 1, Mix: Mix{Few: 1}}, Mix{Few: 4}},
	} {
		t.Run(fmt.Sprint(c.opts.Contracts, c.opts.Mix), func(t *testing.T) {
			c.opts.Period = october
			if diff := cmp.Diff(c.want, shares(t, c.opts)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSharesOfAThousand(t *testing.T) {
	want := Mix{600, 300, 90, 10}
	if diff := cmp.Diff(want, shares(t, Options{Contracts: 1000, Seed: 1, Period: october})); diff != "" {
		t.Error(diff)
	}
}

func TestTraitsOfTheDemo(t *testing.T) {
	var edr, pack, noFilter, fresh int
	for _, l := range parse(t, write(t, Options{Contracts: 14, Seed: 1, Period: october, Mix: Mix{4, 5, 4, 1}})) {
		if l.Type != "contract" {
			continue
		}
		if l.EDR {
			edr++
		}
		if l.Product == "security_package" {
			pack++
		}
		if l.URLFiltering != nil && !*l.URLFiltering {
			noFilter++
		}
		if l.Since >= "2026-10-01" {
			fresh++
		}
	}
	if edr < 4 || edr > 5 || pack < 1 || noFilter < 1 || fresh != 1 {
		t.Errorf("%d with EDR, %d security packages, %d without URL filter, %d new; want a third, some, some, one", edr, pack, noFilter, fresh)
	}
}

func TestRefusesUnusableOptions(t *testing.T) {
	for _, opts := range []Options{
		{Contracts: -1, Period: october},
		{Contracts: 1},
		{Contracts: 1, Period: october, Mix: Mix{None: -1, Few: 3}},
		{Contracts: 1, Period: october, Mix: Mix{None: 2_000_000}},
	} {
		if err := Write(io.Discard, opts); err == nil {
			t.Errorf("%+v: no error", opts)
		}
	}
}

type fullDisk struct{ writes int }

var errFull = errors.New("no space left")

func (f *fullDisk) Write([]byte) (int, error) { f.writes++; return 0, errFull }

func TestStopsWhenTheWriterFails(t *testing.T) {
	var disk fullDisk
	err := Write(&disk, Options{Contracts: 100_000, Seed: 1, Period: october})
	if !errors.Is(err, errFull) || disk.writes != 1 {
		t.Errorf("error %v after %d writes, want the writer's after 1", err, disk.writes)
	}
}

func TestCalendarWritesTimesAsTheStandardLibraryDoes(t *testing.T) {
	c := newCalendar(store.Period{Year: 2024, Month: time.March})
	for _, s := range []int{-86400 * 400, -1, 0, 59, 3600, 86399, 86400, 60*daySeconds - 1, 60 * daySeconds, 90 * daySeconds} {
		want := c.base.Add(time.Duration(s) * time.Second).Format(time.RFC3339)
		if got := string(c.appendTime(nil, s)); got != want {
			t.Errorf("second %d: %s, want %s", s, got, want)
		}
	}
	if c.dayText(c.first) != "2024-03-01" || c.dayText(c.end-1) != "2024-03-31" || !c.days[c.first+19].rest {
		t.Errorf("March 2024 runs from %s to %s; the 20th is a holiday", c.dayText(c.first), c.dayText(c.end-1))
	}
}

// lineCounter counts lines without keeping them.
type lineCounter struct{ lines, bytes int }

func (l *lineCounter) Write(p []byte) (int, error) {
	l.lines += bytes.Count(p, []byte{'\n'})
	l.bytes += len(p)
	return len(p), nil
}

func BenchmarkWrite(b *testing.B) {
	var total lineCounter
	w := bufio.NewWriter(&total)
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(w, Options{Contracts: 200, Seed: 1, Period: october}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(total.bytes / b.N))
	b.ReportMetric(float64(total.lines)/b.Elapsed().Seconds(), "lines/s")
}
