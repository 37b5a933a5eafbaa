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
	Format string
	// Now tells the time for the record: when the import started, and when it finished.
	Now func() time.Time
}

// ImportCounts says what became of a file's rows: each row that was read is new (it added or
// changed something), duplicate (it was there already) or rejected.
type ImportCounts struct {
	Read, New, Duplicate, Rejected int64
}

// DetectionRow is a detection with the columns that reports do not read.
type DetectionRow struct {
	Contract string
	ID       string // unique within contract and time
	Detection
	Received time.Time // zero if not reported
	Path     string    // may be empty
}
