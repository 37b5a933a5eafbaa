package store

import (
	"path"
	"path/filepath"
	"regexp"
	"time"
)

// ImportRecord is an import that was kept.
type ImportRecord struct {
	File, Feed, Format string
	FinishedAt         time.Time
	ImportCounts
	NotReported, Warnings map[string]int64 // rows by class, and by kind
}

// Outsider is a machine that rows name and the inventory does not.
type Outsider struct {
	Contract, Name string
	Rows           int64 // of the import that named it last
	SeenAt         time.Time
}

// Misdated is a detection that is dated by its receipt, because the endpoint's clock was wrong.
type Misdated struct {
	Contract, Endpoint, Name string
	Feature                  Feature
	Time                     time.Time // when it was received
	Clock                    time.Time // what the wrong clock said
}

// UnknownResult is a result of virus or spyware that reports count as unknown (その他).
type UnknownResult struct {
	Feature Feature
	Result  string // as received
}

// Import describes one file to be imported.
type Import struct {
	File   string // its name, for the record
	Feed   string // see the function of this name; "" for that of File
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

// The warnings of an import that the store gives, as they are recorded and printed with the number
// of rows.
const (
	WarnClock       = "wrong clock: dated by the time of receipt"
	WarnOutside     = "machine that the inventory does not name"
	WarnNoInventory = "contract without an inventory"
)

// Feed is what the names of the files of one source have in common: their folder, and their name
// with a # for each number, date or identifier in it.
func Feed(name string) string {
	dir, base := path.Split(filepath.ToSlash(name))
	return dir + feedParts.ReplaceAllString(base, "#")
}

var feedParts = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[0-9]+([-_:.T]?[0-9]+)*Z?`)

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

// LastChange is when something was told of a contract that was not known.
type LastChange struct {
	Import int64
	At     time.Time
}
