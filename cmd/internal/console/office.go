package console

import (
	"context"
	"time"

	"geppo/store"
)

// Office does what the pages only ask for: it is the desk, with the composer behind it.
type Office interface {
	Acts
	Letters
	Lists
}

// Acts plans and does what an operator asks.
type Acts interface {
	// Plan says what a request would do, and changes nothing.
	Plan(context.Context, Request) (Plan, error)
	// Do does it. An error that is a *Refusal is for the person to read.
	Do(context.Context, Request) (Done, error)
}

// Letters gives mails as their readers get them.
type Letters interface {
	Letter(context.Context, store.Delivery) (Letter, error)
	Preview(ctx context.Context, contract string, p store.Period) (Letter, error)
}

// Lists are read from more than one place.
type Lists interface {
	Addresses(ctx context.Context, contract store.Contract) (list []Address, stopped string, err error)
	Stale(context.Context, store.Period) ([]Stale, error)
	Feeds(context.Context) ([]Feed, error)
	Fires(most int) []time.Time
}

// Request is an action as somebody asks for it. What an action has no use for is left empty.
type Request struct {
	Action   string
	Delivery int64
	Period   store.Period
	Contract string
	Address  string // of the contract, or that a test mail goes to
	Name     string // of the address
	Failed   bool   // of the period, what is failed, held or bounced
	Stale    bool   // of the period, whose report would differ today
	Canary   int    // approve the first of so many contracts only; 0: all
	By       string
	Reason   string
}

// Plan is what a request would do.
type Plan struct {
	Deliveries, Contracts int
	Names                 []string // of the first contracts
	Left                  []string // what would be left out, with the reason
}

// Done is what was done.
type Done struct {
	Deliveries int
	Reply      string // the relay's, to a test mail
}

// Refusal says why a request cannot be carried out.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Letter is a mail, and how it is known.
type Letter struct {
	Message []byte
	Source  Source
}

// Source is where a mail was taken from.
type Source string

// The sources.
const (
	Archived Source = "archived" // the copy that was kept when it was handed over
	Same     Source = "same"     // composed again, and its bytes are those that were handed over
	Differs  Source = "differs"  // composed again, with other bytes: templates or configuration have changed since
	Unsent   Source = "unsent"   // as it would be handed over now
)

// Address is one of a contract's.
type Address struct {
	Address, Name string
	Marked        string // why it is marked as refusing mail; "": it is not
	Stopped       bool   // asked to get none
}

// Stale is a frozen report that would differ today.
type Stale struct {
	Contract string
	Revision int
	Changes  []string
}

// Feed is a source of files, by its last import.
type Feed struct {
	store.ImportRecord
	Usual  time.Duration // how often it comes; 0: not known
	Silent bool          // it used to come, and does not any more
}
