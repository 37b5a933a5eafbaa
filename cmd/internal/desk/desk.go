// Package desk is what an operator may do. Every action is a selection, a plan that says in numbers and names what
// it would do and changes nothing, and the act. Commands and pages ask here and only show what it answers: it
// knows no flags, no HTML and no mail server.
package desk

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Desk is the place from which an operator works.
type Desk struct {
	Ledger     *sqlstore.Ledger
	Detections *sqlstore.Detections
	Composer   *daemon.Composer // computes and reads reports; sends nothing
	Planner    daemon.Planner
	Sender     *daemon.Dispatcher // for test mails; nil where none can be sent
	Inbox      *daemon.Inbox      // nil: files are imported by hand
	Schedule   daemon.Schedule
	Now        func() time.Time
}

// Operator names who gives a command: the OS user, or who became it by sudo.
func Operator() string {
	if sudoer := os.Getenv("SUDO_USER"); sudoer != "" {
		return sudoer
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// Refusal says why nothing, or not everything, is done.
type Refusal = daemon.Refusal

// Registered is an address of a contract, and what keeps mail from it.
type Registered = daemon.Registered

// Extent is how much a plan is about.
type Extent struct {
	Deliveries int
	Contracts  int
	Names      []string // of the first contracts
}

// mostNames is how many contracts are named: who reads them looks whether they are those that were meant.
const mostNames = 5

func extentOf(contracts []string) (e Extent) {
	e.Deliveries = len(contracts)
	contracts = slices.Compact(slices.Sorted(slices.Values(contracts)))
	e.Contracts = len(contracts)
	e.Names = contracts[:min(len(contracts), mostNames)]
	return e
}

// String is for people: 40 deliveries of 38 contracts (C000001, C000002 …).
func (e Extent) String() string {
	text := Count(e.Deliveries, "delivery", "deliveries") + " of " + Count(e.Contracts, "contract", "contracts")
	for i, name := range e.Names {
		if i == 0 {
			text += " ("
		} else {
			text += ", "
		}
		text += name
	}
	switch {
	case e.Contracts > len(e.Names):
		text += " …)"
	case e.Contracts > 0:
		text += ")"
	}
	return text
}

// Count is a number with its noun.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// badAddress refuses what is no address.
func badAddress(address string, err error) *Refusal {
	return daemon.Misuse("bad-address", "%[2]v", address, err)
}

func contractsOf(picks []store.Pick) []string {
	list := make([]string, len(picks))
	for i, p := range picks {
		list[i] = p.Contract
	}
	return list
}
