package store

import (
	"errors"
	"time"
)

// State is the durable state of a delivery. It is planned (awaiting, where somebody must approve it
// first, or queued), claimed (sending), announced right before the final dot (handing_over) and ends by
// the relay's reply: sent, deferred to a later try, or failed. What a person must look at is held. What
// nobody wants any more, or nobody may be written to about, is cancelled. A mail that was sent may bounce.
type State string

// The states. A delivery is always in exactly one.
const (
	Awaiting    State = "awaiting"     // waits for an operator's approval
	Queued      State = "queued"       // waits for NextAttemptAt
	Sending     State = "sending"      // claimed; nothing the relay could have accepted yet
	HandingOver State = "handing_over" // committed just before the final dot
	Sent        State = "sent"         // the reply to the dot was 2xx
	Deferred    State = "deferred"     // a temporary failure; waits for NextAttemptAt
	Failed      State = "failed"
	Held        State = "held" // waits for an operator
	Cancelled   State = "cancelled"
	Bounced     State = "bounced"
)

// States lists every State in the order of a delivery's life.
var States = []State{Awaiting, Queued, Sending, HandingOver, Sent, Deferred, Failed, Held, Cancelled, Bounced}

// Pending tells states of mail that is still on its way.
func (s State) Pending() bool {
	return s == Awaiting || s == Queued || s == Sending || s == HandingOver || s == Deferred
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes; Running is an attempt under way, Interrupted one that a crash cut off, Cancelled one
// that was broken off before the final dot because nobody may be written to there any more.
const (
	OutcomeRunning     Outcome = "running"
	OutcomeSent        Outcome = "sent"
	OutcomeTemporary   Outcome = "temporary"
	OutcomePermanent   Outcome = "permanent"
	OutcomeSetup       Outcome = "setup"
	OutcomeAmbiguous   Outcome = "ambiguous"
	OutcomeHeld        Outcome = "held"
	OutcomeCancelled   Outcome = "cancelled"
	OutcomeInterrupted Outcome = "interrupted"
)

// Delivery is one message to one address.
type Delivery struct {
	ID            int64
	Run           int64
	Contract      string
	Period        Period
	Revision      int
	Recipient     string
	RecipientName string
	Resend        int // 0 for the planned mail, counting up with each resend
	MessageID     string
	State         State
	NextAttemptAt time.Time // zero unless awaiting, queued or deferred
	Attempts      int
	Ambiguous     int // attempts that ended between the final dot and its reply
	// Waited sums the waits planned after temporary failures of its own. Unlike the delivery's age it
	// does not grow while the queue is paused, the relay cannot be reached or geppo is down.
	Waited    time.Duration
	Forced    bool      // to an address that is not registered
	DatedAt   time.Time // the message's Date; zero before the first claim
	SHA256    []byte    // of the message's bytes; nil before the first handing over
	LastCode  int
	LastReply string
	Reason    string
	// Lapsed tells a cancelled one that lost its right to be sent: its address was removed, marked or
	// stopped, or its contract ended. Planning takes it up again once the address is back.
	Lapsed         bool
	ReplacedBy     int64     // the resend that took its place; 0: none
	AcknowledgedAt time.Time // when an operator said that it was dealt with; zero: not
	SentAt         time.Time // zero unless sent or bounced
	CreatedAt      time.Time
}

// Attempt is one try of a delivery.
type Attempt struct {
	Delivery  int64
	Number    int
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs
	Stage     string    // compose, connect, tls, auth, mail, rcpt, data or dot
	Code      int
	Enhanced  string
	Reply     string
	TLS       string
	Outcome   Outcome
}

// Filter chooses deliveries; a zero field chooses all. Contracts and Mailboxes choose together: what is of one
// of the contracts, or goes to one of the mailboxes.
type Filter struct {
	Period    Period
	Contracts []string
	Mailboxes []string // see Mailbox
	States    []State
	IDs       []int64
	Run       int64
	// Unacknowledged leaves out what an operator has said to be dealt with.
	Unacknowledged bool
	// Standing leaves out what a later delivery of the same contract, period and mailbox has come after.
	Standing bool
	// Unreplaced leaves out what a resend took the place of.
	Unreplaced bool
}

// Pick is what an action must know of a delivery: a month of 140,000 whole ones is 100 MB.
type Pick struct {
	ID        int64
	Contract  string
	Period    Period
	Recipient string
	Forced    bool
	Lapsed    bool
}

var (
	// ErrBytesDiffer says that a message is not the one that was handed over before.
	ErrBytesDiffer = errors.New("the message's bytes differ from those handed over before")
	// ErrStale says that an attempt is not its delivery's any more: it was settled, or another was begun.
	ErrStale = errors.New("the attempt is over")
)

// ErrUnderWay says that a delivery is being sent right now: what becomes of it is known in a moment.
var ErrUnderWay = errors.New("it is being sent right now")

// FrozenReport is the newest revision of a contract's report of a period.
type FrozenReport struct {
	Contract   string
	Revision   int
	ComputedAt time.Time
	Import     int64 // the newest import that it was computed with
}

// Freezing is a report that is about to be frozen.
type Freezing struct {
	Contract  string
	Period    Period
	Revision  int
	JSON      []byte
	Import    int64 // the newest import before it was computed
	FollowUps []FollowUp
}

// FollowUp is a line of the support desk's list: detections of one thing on one machine that the product could not
// handle.
type FollowUp struct {
	Contract string
	Feature  Feature
	Result   string
	Endpoint string
	Name     string // what was detected
	Count    int64
	From, To Day // the first and the last day
}

// Settlement is the end of an attempt and the state that follows from it.
type Settlement struct {
	Attempt       Attempt // Delivery, Number and all that is known at its end
	State         State
	NextAttemptAt time.Time     // for queued and deferred
	Waited        time.Duration // until then, as far as it counts to giving up; not negative
	Reason        string        // for failed, held and cancelled
	Mark          bool          // the refusal says that there is no such mailbox
}
