package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"geppo/store"
)

// Mess is what a sample is spoilt with, to be as bad as real data is.
type Mess uint

// What real data has. MessNames and MessDomains change no figure of any report: each spelling folds to
// the machine's name, and the inventory has one machine of each name.
const (
	MessNames     Mess = 1 << iota // machines in capitals, small and full-width letters, decomposed, with blanks
	MessDomains                    // machines with their domain
	MessInventory                  // contracts without inventory, machines that it leaves out, reinstalled, or renamed with an id
	MessTwice                      // detections told first without their outcome, and again with it, or once more as they were
	MessClocks                     // clocks that are years wrong
	MessLate                       // rows behind their contract's others, out of order
	MessGaps                       // days without snapshots, or without coverage
)

// MessAll is all of it.
const MessAll = MessNames | MessDomains | MessInventory | MessTwice | MessClocks | MessLate | MessGaps

// messy spoils the rows that are written through it, each contract by its own chance.
type messy struct {
	w    io.Writer
	opts Options
	rng  *rand.Rand
	out  bytes.Buffer
	late []messyRow // of the contract whose rows come now

	contract    string
	noInventory bool
	renamed     map[string]string // machine → its id, under two names
	gap         [2]string         // days, [from, to)
}

type messyRow map[string]any

// Write takes whole lines.
func (m *messy) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var r messyRow
		if err := d.Decode(&r); err != nil {
			return 0, fmt.Errorf("spoil the sample: %w", err)
		}
		if err := m.row(r); err != nil {
			return 0, err
		}
	}
	return len(lines), m.flush()
}

func (m *messy) flush() error {
	_, err := m.out.WriteTo(m.w)
	return err
}

// end writes what is held back.
func (m *messy) end() error {
	if err := m.putLate(); err != nil {
		return err
	}
	return m.flush()
}

func (m *messy) has(what Mess) bool       { return m.opts.Mess&what != 0 }
func (m *messy) chance(p float64) bool    { return m.rng.Float64() < p }
func (m *messy) put(r messyRow) error     { return m.encode(r) }
func (r messyRow) text(key string) string { s, _ := r[key].(string); return s }

func (m *messy) encode(r messyRow) error {
	e := json.NewEncoder(&m.out)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func (m *messy) putLate() error {
	for _, r := range m.late {
		if err := m.put(r); err != nil {
			return err
		}
	}
	m.late = m.late[:0]
	return nil
}

func (m *messy) row(r messyRow) error {
	switch r.text("type") {
	case "contract":
		return m.begin(r)
	case "endpoint":
		return m.endpoint(r)
	case "agent_status":
		return m.status(r)
	case "detection":
		return m.detection(r)
	case "coverage":
		if m.has(MessGaps) && m.inGap(r.text("day")) {
			return nil
		}
	default:
		m.spell(r, "endpoint")
	}
	return m.put(r)
}

// begin draws what is wrong with a contract.
func (m *messy) begin(r messyRow) error {
	if err := m.putLate(); err != nil {
		return err
	}
	m.contract = r.text("id")
	salt := uint64(0)
	for _, c := range []byte(m.contract) {
		salt = salt*31 + uint64(c)
	}
	m.rng = rand.New(rand.NewPCG(m.opts.Seed^1<<61, salt))
	m.noInventory = m.chance(0.1)
	m.renamed = map[string]string{}
	first := time.Date(m.opts.Period.Year, m.opts.Period.Month, 1+m.rng.IntN(20), 0, 0, 0, 0, time.UTC)
	m.gap = [2]string{}
	if m.chance(0.3) {
		m.gap = [2]string{first.Format(time.DateOnly), first.AddDate(0, 0, 1+m.rng.IntN(6)).Format(time.DateOnly)}
	}
	return m.put(r)
}

func (m *messy) inGap(day string) bool { return m.gap[0] <= day && day < m.gap[1] }

func (m *messy) endpoint(r messyRow) error {
	if !m.has(MessInventory) {
		return m.put(r)
	}
	if m.noInventory {
		return nil
	}
	name := r.text("name")
	switch roll := m.rng.IntN(100); {
	case roll < 3: // it was taken away, and came back
		day := m.midMonth()
		gone := messyRow{}
		for k, v := range r {
			gone[k] = v
		}
		gone["removed_at"] = day + "T10:00:00+09:00"
		if err := m.put(gone); err != nil {
			return err
		}
		r["installed_at"] = day + "T11:00:00+09:00"
	case roll < 8:
		m.renamed[name] = fmt.Sprintf("%08x-0000-4000-8000-%012x", m.rng.Uint32(), m.rng.Uint32())
		r["endpoint_id"] = m.renamed[name]
	case roll < 10:
		return nil // the inventory leaves it out
	}
	return m.put(r)
}

func (m *messy) midMonth() string {
	return fmt.Sprintf("%s-%02d", m.opts.Period, 5+m.rng.IntN(15))
}

func (m *messy) status(r messyRow) error {
	if m.has(MessGaps) && m.inGap(r.text("day")) {
		return nil
	}
	m.spell(r, "endpoint")
	return m.put(r)
}

func (m *messy) detection(r messyRow) error {
	m.spell(r, "endpoint")
	if m.has(MessClocks) && m.chance(0.01) {
		r["time"] = []string{"2009-01-01", "2036-02-07", "1970-01-02"}[m.rng.IntN(3)] + r.text("time")[len(time.DateOnly):]
	}
	if m.has(MessTwice) && m.chance(0.05) {
		if err := m.twice(r); err != nil {
			return err
		}
	}
	if m.has(MessLate) && m.chance(0.05) {
		m.late = append(m.late, r)
		return nil
	}
	return m.put(r)
}

// twice puts a detection once before: as a console tells it before it knows the outcome, or as it is.
func (m *messy) twice(r messyRow) error {
	before := messyRow{}
	for k, v := range r {
		before[k] = v
	}
	switch {
	case store.Finality[r.text("result")] > 1 && m.chance(0.5):
		before["result"] = "passed"
	case store.Finality[r.text("result")] > 0 && m.chance(0.5):
		before["result"] = "unknown"
	}
	return m.put(before)
}

// spell names a machine as another program would.
func (m *messy) spell(r messyRow, key string) {
	name := r.text(key)
	if id := m.renamed[name]; id != "" {
		r["endpoint_id"] = id
		if m.chance(0.5) {
			r[key] = name + "-new"
			return
		}
	}
	if m.has(MessNames) && m.chance(0.3) {
		name = spellings[m.rng.IntN(len(spellings))](name)
	}
	if m.has(MessDomains) && m.chance(0.02) && !strings.ContainsAny(name, " 　") {
		name += ".corp.example.jp"
	}
	r[key] = name
}

// spellings fold to what they are given.
var spellings = []func(string) string{
	strings.ToUpper, strings.ToLower, norm.NFD.String, fullWidth,
	func(s string) string { return " " + s + "  " },
	func(s string) string { return s + "\u200b" },
}

// fullWidth is what a Japanese keyboard makes of letters and digits in its other mode.
func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, s)
}
