package daemon

// Crash is told of each point where a crash could do harm if this package were wrong. Tests kill the
// process there; the nil Crash of every real start does nothing.
type Crash func(Point)

// Point names a moment of a delivery's way.
type Point string

// The points, in the order of the way. Those between them, while a command or the body is on the
// wire, are the relay's to see, and a test's relay kills its client there.
const (
	BeforePlan     Point = "before_plan"
	AfterPlan      Point = "after_plan"
	BeforeClaim    Point = "before_claim"
	AfterClaim     Point = "after_claim"
	BeforeFreeze   Point = "before_freeze"
	AfterFreeze    Point = "after_freeze"
	Composed       Point = "composed"
	Connected      Point = "connected"
	BeforeHandOver Point = "before_hand_over" // everything but the dot is written
	AfterHandOver  Point = "after_hand_over"  // the ledger knows, the dot is not written
	Replied        Point = "replied"          // the ledger does not know the reply yet
	Settled        Point = "settled"
)

// Points lists them all.
var Points = []Point{
	BeforePlan, AfterPlan, BeforeClaim, AfterClaim, BeforeFreeze, AfterFreeze, Composed, Connected,
	BeforeHandOver, AfterHandOver, Replied, Settled,
}

func (c Crash) at(p Point) {
	if c != nil {
		c(p)
	}
}

// The points of a file's way through the inbox, see Inbox.
const (
	BeforeImport Point = "before_import"
	AfterImport  Point = "after_import" // its rows and its record are committed
	BeforeMove   Point = "before_move"  // and its reasons, if it failed, are written
	AfterMove    Point = "after_move"
)

// InboxPoints lists them all.
var InboxPoints = []Point{BeforeImport, AfterImport, BeforeMove, AfterMove}
