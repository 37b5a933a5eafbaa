package store

import "time"

// FireState says what became of a fire of the schedule.
type FireState string

// The states of a fire.
const (
	FireBaseline FireState = "baseline" // the first start of a daemon
	FireWaiting  FireState = "waiting"  // for an import after the period's end
	FirePlanned  FireState = "planned"
	FireMissed   FireState = "missed" // longer ago than is caught up; waits for an operator
)

// Fire is one due time of the schedule.
type Fire struct {
	DueAt   time.Time
	Period  Period
	State   FireState
	TriedAt time.Time // zero: not yet
	Run     int64     // 0 unless planned
}

// Run is one planning of a period.
type Run struct {
	ID          int64
	Kind        string // schedule, run or resend
	Period      Period
	StartedAt   time.Time
	FinishedAt  time.Time // zero while it goes on, or if it was cut off
	RequestedBy string
	Reason      string
	Planned     int
	Cancelled   int
	Errors      []RunError
}

// RunError is a contract that a run could not plan.
type RunError struct {
	Contract string
	Reason   string
}

// Pause stops the queue while it is open.
type Pause struct {
	Cause     string // operator or setup
	Reason    string
	StartedAt time.Time
}

// Resend is what an administrator asks to be sent again.
type Resend struct {
	Period      Period
	RequestedBy string
	Reason      string
	Targets     []ResendTarget
	Errors      []RunError // what cannot be resent
	// MessageID derives the new delivery's, once its resend number is known.
	MessageID func(t ResendTarget, resend int) string
}

// ResendTarget is one new delivery.
type ResendTarget struct {
	Contract string
	Address  string
	Name     string
	Revision int
	Forced   bool  // the address is not registered
	Replaces int64 // the delivery that it takes the place of and that is cancelled; 0: none
}

// TestSend is a test mail, which is no delivery.
type TestSend struct {
	Contract    string
	Period      Period
	Recipient   string
	MessageID   string
	RequestedBy string
	SentAt      time.Time
	Outcome     Outcome
	Code        int
	Reply       string
}

// Target is one address that shall get a contract's reports. MessageID is derived from contract,
// period, revision, address and resend number by the caller, so that every try has the same.
type Target struct {
	Contract  string
	Address   string
	Name      string
	MessageID string
	NotBefore time.Time // zero: at once
}

// Plan is what a run wants of the ledger.
type Plan struct {
	Kind        string // schedule or run
	Period      Period
	RequestedBy string
	Targets     []Target
	// Contracts names those planned, all of them if nil: mail still pending to one of their
	// addresses that is not among the targets any more is cancelled.
	Contracts []string
	Errors    []RunError
}
