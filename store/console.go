package store

import "time"

// SentCount is how many mails of a period were accepted in one quarter of an hour.
type SentCount struct {
	At     time.Time // when it began
	Period Period
	Mails  int
}

// ImportCount is how many rows imports of one quarter of an hour brought.
type ImportCount struct {
	At   time.Time // when it began
	Rows int64     // new and changed
}

// Quarter is a quarter of an hour: every zone's days are made of whole ones.
const Quarter = 15 * time.Minute

// Handled is what the support desk has said of a line of its list.
type Handled struct {
	Period   Period
	Contract string
	Feature  Feature
	Endpoint string
	Name     string // what was detected
	Done     bool
	Note     string
	By       string
	At       time.Time
}

// Line names the line of the list that it is about.
func (h Handled) Line() FollowUpLine {
	return FollowUpLine{h.Contract, h.Feature, Fold(h.Endpoint), h.Name}
}

// FollowUpLine is what makes a line of the support desk's list one and the same, whichever revision of the report it is
// read from.
type FollowUpLine struct {
	Contract string
	Feature  Feature
	Endpoint string // folded
	Name     string
}

// Line names it.
func (f FollowUp) Line() FollowUpLine {
	return FollowUpLine{f.Contract, f.Feature, Fold(f.Endpoint), f.Name}
}

// ContractName is how a contract is called.
type ContractName struct{ ID, Name string }

// HitBy is what of a contract a search found.
type HitBy string

// The kinds.
const (
	ByContract HitBy = "contract" // its id, or the company
	ByAddress  HitBy = "address"
	ByMachine  HitBy = "machine"
)

// Hit is a contract that a search found.
type Hit struct {
	By                HitBy
	Contract, Company string
	What              string // the address or machine
}
