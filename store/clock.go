package store

import "time"

// ClockMarks are what was written down of the time, each zero where nothing was.
type ClockMarks struct {
	Seen      time.Time // the clock was last believed
	Behind    time.Time // the newest fire, run or import up to now
	Ahead     time.Time // the newest of all
	Excused   time.Time // up to here Ahead is no evidence: an operator has vouched for the clock against it
	Vouched   time.Time // the operator's word that Excused follows from
	LastVouch time.Time // the newest resume of a pause that the clock had caused
}
