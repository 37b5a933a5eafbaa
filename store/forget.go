package store

// Forgotten stands where a name or an address of a contract stood that was forgotten.
const Forgotten = "(forgotten)"

// Rows are what the detections hold of a contract, in numbers.
type Rows struct {
	Detections int64 `json:"detections"`
	Events     int64 `json:"edr_events"`
	Statuses   int64 `json:"agent_status"`
	Machines   int64 `json:"endpoints"`
	Recipients int64 `json:"recipients"`
}

// Traces are what the ledger holds of a contract.
type Traces struct {
	Deliveries int // all there are: their states and counts outlive the names
	Unfinished int // of those: on their way, or held
	Frozen     []Revision
	Addresses  []string
	Before     bool // it was forgotten before, or that was begun
}

// Revision is one report that was frozen.
type Revision struct {
	Period   Period
	Revision int
}

// Forgetting is what the ledger is to forget.
type Forgetting struct {
	Contract  string
	Companies []string // all names that it had
	Addresses []string // all that the contract has or had
	Own       []string // those of them that no other contract has: what was said of these goes too
	// Nonce makes up names of messages that nobody can guess, so that no late notification finds a delivery by its own.
	Nonce string
}
