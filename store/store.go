// Package store has the words of geppo's two databases: what came in (contracts, inventory, snapshots,
// detections, events) and what we did about it (runs, deliveries, attempts, marks on addresses), with
// the rules on them that need no database. They are plain types: what reads and writes them is
// store/sqlstore, and whoever computes or draws links no database.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound says that no row has the key that was asked for.
var ErrNotFound = errors.New("not found")

// ErrLocked says that another process is the sender.
var ErrLocked = errors.New("another geppo is sending")

// ErrMisplaced says that an open database is not, or not only, the file of its name. What is written
// there others do not see, and a second sender may have begun on the other file.
var ErrMisplaced = errors.New("the open database is not in its place")

// ErrNotOnPostgres says that a database is kept by PostgreSQL's own tools.
var ErrNotOnPostgres = errors.New("not on PostgreSQL")

// Product is the service a contract has bought; it decides the names printed in its reports.
type Product string

// The products of the service.
const (
	ProductAntivirus       Product = "antivirus"
	ProductSecurityPackage Product = "security_package"
)

// Feature is the protection that made a detection.
type Feature string

// The six features of the antivirus report, in its order, and the four that are accepted and
// stored without being reported.
const (
	Virus              Feature = "virus"
	Spyware            Feature = "spyware"
	WebReputation      Feature = "web_reputation"
	BehaviorMonitoring Feature = "behavior_monitoring"
	URLFiltering       Feature = "url_filtering"
	NetworkVirus       Feature = "network_virus"

	MachineLearning    Feature = "machine_learning"
	DeviceControl      Feature = "device_control"
	ApplicationControl Feature = "application_control"
	DLP                Feature = "dlp"
)

// Class is the kind of an endpoint.
type Class string

// The classes; ClassUnknown is ranked with desktops and never dropped.
const (
	ClassDesktop Class = "desktop"
	ClassServer  Class = "server"
	ClassMobile  Class = "mobile"
	ClassUnknown Class = "unknown"
)

// Protection is the state of one protection on an endpoint; "unknown" is not "off".
type Protection string

// The states of a protection.
const (
	On      Protection = "on"
	Off     Protection = "off"
	Unknown Protection = "unknown"
)

// Protections are the states of an agent's protections on the day of a snapshot.
type Protections struct {
	RealtimeScan       Protection
	BehaviorMonitoring Protection
	MachineLearning    Protection
	WebReputation      Protection
	EDR                Protection
}

// Contract is one customer's contract.
type Contract struct {
	ID           string // [A-Za-z0-9._-]{1,64}, no dot first
	Name         string // the company, as received; escape it wherever it is shown
	Product      Product
	EDR          bool
	URLFiltering bool
	Licences     int
	Timezone     string // IANA name
	Brand        string // "" for the default
	Since        Day    // first day of the contract
	Ends         Day    // "" while it is open; otherwise its last day
	Recipients   []Recipient
}

// Recipient is one registered address of a contract.
type Recipient struct {
	Address string // addr-spec of RFC 5322, checked at import
	Name    string // display name, may be empty
}

// Endpoint is one machine of a contract's inventory.
type Endpoint struct {
	Name        string // as the newest row of the inventory spells it
	ID          string // the agent's own (a GUID), "" where the source gives none
	Class       Class
	OS          string // may be empty
	InstalledAt time.Time
	RemovedAt   time.Time // zero while it is installed
}

// AgentStatus is the snapshot of one endpoint's agent on one day.
type AgentStatus struct {
	Endpoint       string // its name as received
	EndpointID     string // as Endpoint.ID
	Day            Day
	LastSeen       time.Time
	PatternCurrent *bool // nil: not reported
	OS             string
	OSSupported    *bool // nil: not reported
	Protections    Protections
}

// Detection is what the report reads of one detection. Its other columns (id, receive time, path)
// stay in the database.
type Detection struct {
	Feature    Feature
	Time       time.Time // when it happened on the endpoint (生成); when it was received, if Misdated
	Misdated   bool      // the endpoint's clock was wrong, see ClockWrong
	Endpoint   string    // its name as received
	EndpointID string    // as Endpoint.ID
	Class      Class     // ClassUnknown where the row has none
	Name       string    // threat, program, category or URL, by feature
	Result     string    // as received; "" where the feature has no results
	Count      int64     // ≥ 1
}

// FeatureCount is a detection reduced to what the comparison with the month before needs.
type FeatureCount struct {
	Feature Feature
	Count   int64
}

// MonthSums are a month's detections by feature, and its EDR events.
type MonthSums struct {
	Period   Period
	Features []FeatureCount
	Events   int64
}

// EDREvent is one noteworthy event (注意が必要なイベント).
type EDREvent struct {
	ID        string
	Time      time.Time
	Updated   time.Time // when its status was set; zero if not reported
	Endpoints []Machine // at least one
	Status    string    // new, in_progress, closed, or as received
	Objects   []EDRObject
}

// Machine is how a row names an endpoint.
type Machine struct {
	ID   string `json:"id,omitzero"` // as Endpoint.ID
	Name string `json:"name"`        // as received
}

// Key is the same for all rows that name one machine in one way: its ID where a source gives one,
// so that a machine that was renamed stays one and two of one name stay two, else its name folded.
// The two cannot be confused, because no name folds to capitals of ASCII.
func (m Machine) Key() string {
	if m.ID != "" {
		return "ID:" + m.ID
	}
	return Fold(m.Name)
}

// EDRObject is one object that took part in an event.
type EDRObject struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Result string `json:"result"`
}

// Month is everything that one contract's reports of one period are computed from. It holds rows
// of that contract only.
type Month struct {
	Contract   Contract
	Period     Period
	Location   *time.Location // the contract's zone
	Endpoints  []Endpoint     // the inventory, removed endpoints included
	Detections []Detection    // of the period
	Previous   []FeatureCount // of the month before; a feature may stand in several rows
	// Statuses holds the period's snapshots and, for each endpoint, the newest one before it.
	Statuses []AgentStatus
	Events   []EDREvent // of the period
	// Coverage lists the days of the period and of the month before for which the operator's feed is
	// known to be complete. CoverageFed tells a contract whose feed has reported any day up to the
	// period's end, so that absent days are a gap, from one without such a feed; FedBefore tells it
	// of the end of the month before.
	Coverage    []Day
	CoverageFed bool
	FedBefore   bool
}

// Day is a calendar day "YYYY-MM-DD"; days compare as strings.
type Day string

// ParseDay reads "YYYY-MM-DD".
func ParseDay(s string) (Day, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fmt.Errorf("day %q is not YYYY-MM-DD", s)
	}
	return Day(s), nil
}

// DayOf is the calendar day of t in loc.
func DayOf(t time.Time, loc *time.Location) Day { return Day(t.In(loc).Format(time.DateOnly)) }

// Start is the first instant of the day in loc.
func (d Day) Start(loc *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Period is a calendar month.
type Period struct {
	Year  int
	Month time.Month
}

// ParsePeriod reads "YYYY-MM".
func ParsePeriod(s string) (Period, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return Period{}, fmt.Errorf("period %q is not YYYY-MM", s)
	}
	return Period{t.Year(), t.Month()}, nil
}

// PeriodOf is the calendar month of t in loc.
func PeriodOf(t time.Time, loc *time.Location) Period {
	t = t.In(loc)
	return Period{t.Year(), t.Month()}
}

// String is "YYYY-MM".
func (p Period) String() string { return fmt.Sprintf("%04d-%02d", p.Year, p.Month) }

// Begun tells whether the month has begun anywhere on earth.
func (p Period) Begun(now time.Time) bool {
	const first = 14 * 60 * 60 // seconds that the easternmost zone is ahead of UTC
	begin, _ := p.Bounds(time.FixedZone("", first))
	return !now.Before(begin)
}

// Previous is the month before.
func (p Period) Previous() Period { return p.add(-1) }

// Next is the month after.
func (p Period) Next() Period { return p.add(1) }

// Before are the n months before, the oldest first.
func (p Period) Before(n int) (months []Period) {
	for i := n; i > 0; i-- {
		months = append(months, p.add(-i))
	}
	return months
}

func (p Period) add(months int) Period {
	t := time.Date(p.Year, p.Month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return Period{t.Year(), t.Month()}
}

// Compare orders periods by time, as cmp.Compare does.
func (p Period) Compare(q Period) int {
	return cmp.Or(cmp.Compare(p.Year, q.Year), cmp.Compare(p.Month, q.Month))
}

// Bounds are the period's first instant and the next period's, in loc: [start, end).
func (p Period) Bounds(loc *time.Location) (start, end time.Time) {
	return time.Date(p.Year, p.Month, 1, 0, 0, 0, 0, loc), time.Date(p.Year, p.Month+1, 1, 0, 0, 0, 0, loc)
}

// Days are the period's calendar days in order.
func (p Period) Days() []Day {
	if p.Month < time.January || p.Month > time.December {
		return nil
	}
	days := make([]Day, time.Date(p.Year, p.Month+1, 0, 0, 0, 0, 0, time.UTC).Day())
	month := p.String()
	var all []byte // of which each is a part: they are asked for again and again
	for i := range days {
		all = append(append(all, month...), '-', byte('0'+(i+1)/10), byte('0'+(i+1)%10))
	}
	text, size := string(all), len(all)/len(days)
	for i := range days {
		days[i] = Day(text[i*size:][:size])
	}
	return days
}

// LastDay is the last of them.
func (p Period) LastDay() Day {
	return Day(time.Date(p.Year, p.Month+1, 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

// MarshalText and UnmarshalText let a Period stand in JSON and SQL parameters as "YYYY-MM".
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads "YYYY-MM".
func (p *Period) UnmarshalText(b []byte) error {
	parsed, err := ParsePeriod(string(b))
	if err == nil {
		*p = parsed
	}
	return err
}
