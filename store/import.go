package store

import "time"

// UnknownResult is a result of virus or spyware that reports count as unknown (その他).
type UnknownResult struct {
	Feature Feature
	Result  string // as received
}

// Import describes one file to be imported.
type Import struct {
	File   string // its name, for the record
	Feed   string // what the files of one source have in common; "" for File
	Format string
	Size   int64  // in bytes; 0 if not known
	SHA256 []byte // of the file; nil if not known
	// Now tells the time for the record: when the import started, and when it finished.
	Now func() time.Time
}

// ImportCounts says what became of a file's rows: each row that was read is new, has changed a row
// that was there, is a duplicate of one or older than it, or was rejected.
type ImportCounts struct {
	Read, New, Changed, Duplicate, Rejected int64
}

// The kinds of warnings of an import, as they are recorded and printed.
const (
	WarnClock = "clock_wrong" // detections that are dated by their receipt, see ClockWrong
)

// DetectionRow is a detection with the columns that reports do not read.
type DetectionRow struct {
	Contract string
	ID       string // unique within contract and feature
	Detection
	Received time.Time // zero if not reported
	Path     string    // may be empty
}

// ClockWrong tells that a detection's time cannot be right: it is more than an hour after the time
// of receipt, or more than 45 days before it. Such a row is dated by its receipt, so that it stands
// in a report at all. Without a time of receipt nothing can be told.
func ClockWrong(at, received time.Time) bool {
	return !received.IsZero() && (at.Sub(received) > time.Hour || received.Sub(at) > 45*24*time.Hour)
}

// Finality ranks what became of a detection, by its result: of two rows that tell of one detection
// the one that ranks higher holds, in whatever order they come. Handled is above what waits for somebody, and
// that above "no action yet".
var Finality = map[string]int{
	"cleaned": 3, "deleted": 3, "quarantined": 3, "renamed": 3,
	"uncleanable": 2, "noncleaned": 2, "reboot": 2, "unsafe": 2,
	"passed": 1,
	"":       -1, "unknown": -1, // below words that no table knows
}
