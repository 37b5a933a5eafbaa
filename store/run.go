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
	Errors      []RunError // contracts that nobody can be written to at
	Waiting     []RunError // contracts that wait for data of the period
}

// RunError is a contract that a run could not plan.
type RunError struct {
	Contract string
	Reason   string
}

// Cause is what a pause is for. There is one open pause for each cause at the most, and each is ended by its own
// cause: a relay that answers again does not undo what an operator said.
type Cause string

// The causes.
const (
	CauseOperator Cause = "operator" // somebody said so
	CauseSetup    Cause = "setup"    // the relay cannot be reached, or refuses us
	CauseSweep    Cause = "sweep"    // the relay tells of one what it means for all: a quota, a sender it does not allow
	CauseStorage  Cause = "storage"  // our archive, detections, templates or ledger cannot be read or written
	CauseClock    Cause = "clock"    // the clock cannot be trusted: stops planning, pruning and giving up, not the queue
)

// StopsQueue tells whether a pause of this cause keeps mail back.
func (c Cause) StopsQueue() bool { return c != CauseClock }

// Pause stops the queue while it is open.
type Pause struct {
	Cause     Cause
	Reason    string
	By        string // who paused; geppo for its own faults
	StartedAt time.Time
}

// Order is who asks for an action, and why.
type Order struct {
	By     string
	What   string // the selection, as it was asked for
	Reason string
}

// Action is what an operator did.
type Action struct {
	ID         int64
	At         time.Time
	By         string
	Action     string // cancel, release, pause …
	What       string // the selection, contract or address that it was about
	Reason     string
	Deliveries int // how many it changed or made
}

// StopKind is what asked not to get reports.
type StopKind string

// The kinds.
const (
	StopContract StopKind = "contract"
	StopAddress  StopKind = "address"
)

// Stop keeps a contract, or an address of all contracts, out of planning: it asked not to get reports.
type Stop struct {
	Kind   StopKind
	Name   string // the contract's id, or the address
	By     string
	Reason string
	At     time.Time
}

// Bar is what keeps mail from one address of one contract.
type Bar struct {
	Kind   string // marked, or a StopKind
	Reason string
	At     time.Time
}

// Resend is what an administrator asks to be sent again.
type Resend struct {
	Period      Period
	RequestedBy string
	What        string // the selection, as it was asked for
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
	Replaces int64 // a delivery that went wrong, which it takes the place of and which is cancelled; 0: none
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
	Address   string
	Name      string
	MessageID string
	NotBefore time.Time // zero: at once
}

// Chosen is one contract of a plan.
type Chosen struct {
	Contract string
	Targets  []Target // one for each mailbox
	Error    string   // why nobody, or not everybody, can be written to; "": none
	Waits    string   // why it is not planned yet; "": it is
}

// Approval is whether mail waits for an operator's word once it is planned.
type Approval string

// The approvals. A canary's first deliveries go at once, and the others follow, if nobody objects.
const (
	ApprovalNone   Approval = "none"
	ApprovalCanary Approval = "canary"
	ApprovalFull   Approval = "full"
)

// Ask is what awaits an approval of a period, of which nobody was told.
type Ask struct {
	Period   Period
	Approval Approval // ApprovalCanary if a part of it waits for canaries
	Awaiting int      // deliveries
	Runs     []int64  // that planned them
}

// Plan is what a run wants of the ledger.
type Plan struct {
	Kind        string // schedule or run
	Period      Period
	RequestedBy string
	Approval    Approval // "": none
	Canary      int      // with ApprovalCanary, how many contracts' first deliveries go at once
	// Contracts names those planned, all of them if nil: mail that waits for one of their
	// addresses that is not among the targets any more is cancelled.
	Contracts []string
	// Each gives the contracts one after the other, each once, and all of them by their ids: a million with their
	// addresses would be a gigabyte at once.
	Each func(take func(Chosen) error) error
}

// Undone is what a person must still do for a period.
type Undone struct {
	Period      Period
	Failed      int // deliveries that failed, are held, bounced or were cancelled, and are not acknowledged
	Awaiting    int // deliveries that nothing lets go but an approval
	Unreachable int // contracts of which not everybody can be written to
	Waiting     int // contracts that wait for data
}

// Total is their sum.
func (u Undone) Total() int { return u.Failed + u.Awaiting + u.Unreachable + u.Waiting }
